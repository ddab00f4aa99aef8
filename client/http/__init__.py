"""Requests to the service: sent, repeated, and understood."""
