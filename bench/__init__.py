"""Benchmarks: `make bench` runs all, `python -m bench.NAME` runs one; each writes bench-out/NAME.json."""
