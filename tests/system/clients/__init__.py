"""Clients of a real service: two that public generators make of /openapi.json, and ours for asyncio."""
