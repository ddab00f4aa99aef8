"""The web page: its templates, styles and scripts, which use the same endpoints as everybody's programs."""
