"""Celery on Redis, and the step that turns waiting jobs into messages."""
