"""Counts kept by the steps that change records: jobs by status, recent ends, usage by owner."""
