"""One account at a model provider: its models, its limits and their books, lanes, and the client."""
