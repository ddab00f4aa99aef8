"""Folders of pictures: submitting, resuming and saving, with a manifest beside the results."""
