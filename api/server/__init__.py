"""The Gunicorn worker, whose threads wait for no client."""
