"""The order to a model, and how its answer is read and judged."""
