"""One run from the press of the button to the report, and the host that runs live in."""
