"""The types of the settings: URLs and lists."""
