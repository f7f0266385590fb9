"""The engine: lanes, the dispatcher that admits into them, and one run's work."""
