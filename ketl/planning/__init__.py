"""Counts, packs, routes, prices and times of a run before it starts; states the bound; sends nothing. Pure."""
