"""Request ids, the request log, metrics and probes."""
