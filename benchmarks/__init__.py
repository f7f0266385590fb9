"""Measurements of the product, each run with `python -m benchmarks.<name>`."""
