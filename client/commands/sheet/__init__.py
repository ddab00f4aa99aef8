"""The command `stylequeue sheet`, and the contact sheet of a folder of results."""
