"""The engine: one process for each device, which owns the model. Hands call it for their pictures."""
