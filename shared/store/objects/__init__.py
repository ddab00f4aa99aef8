"""Objects in the bucket as the records know them: uploads, orphans, and records whose time is over."""
