"""Runs a frozen network layer by layer over bands of rows, so that memory does not grow with the picture."""
