"""The engine: who may send now, one attempt's life, and one run's work."""
