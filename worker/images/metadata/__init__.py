"""Camera, date, author and other notes about a photograph: read in the decoder, written by the worker."""
