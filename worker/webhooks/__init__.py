"""Webhooks: due deliveries are signed and sent."""
