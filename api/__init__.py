"""HTTP in, HTTP out; no image is decoded here."""
