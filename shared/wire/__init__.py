"""The data that travels: requests, records and results, as pydantic models."""
