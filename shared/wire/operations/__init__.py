"""The records that operators read: queue, statistics, usage, keys, sessions."""
