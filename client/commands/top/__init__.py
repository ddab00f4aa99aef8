"""The command `stylequeue top`."""
