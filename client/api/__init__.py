"""The service's nouns as methods of the Python client."""
