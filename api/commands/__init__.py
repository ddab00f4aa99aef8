"""The commands of whoever runs the service: API keys and storage."""
