"""The command `stylequeue compare`."""
