"""What was accepted before, what a person decided, what is out of date, and what was learned of the models."""
