"""Requests to the service, their retries, and their responses."""
