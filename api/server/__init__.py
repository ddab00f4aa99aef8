"""A Gunicorn worker that keeps slow clients away from its threads."""
