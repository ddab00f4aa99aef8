"""Celery on Redis, and the dispatch of waiting jobs."""
