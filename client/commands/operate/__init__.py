"""The commands by which an operator looks at the service and steers it."""
