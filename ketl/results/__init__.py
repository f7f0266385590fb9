"""How things end, as values: outcomes, events, rows, baseline, gain, tally, report."""
