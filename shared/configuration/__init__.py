"""Types of settings: URLs and lists."""
