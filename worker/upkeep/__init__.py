"""Work that one worker does for all: sweeping, retention, batch results."""
