"""The bytes behind an image source."""
