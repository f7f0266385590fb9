"""What outlives the process: runs and their outcomes, a person's decisions, settings, and what routes achieved."""
