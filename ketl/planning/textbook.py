"""What the textbook loop would take: one call a field, one after another, at the lanes' learned speed. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from ketl.planning.census import Census
from ketl.planning.plan import RunPlan
from ketl.provider.lane import Lane

# What a request's answer takes beside its text: the key of one segment and the braces, in tokens.
_FRAME_TOKENS = 11


def textbook_seconds(census: Census, plan: RunPlan, lanes: Mapping[str, Lane]) -> tuple[float, float]:
    """Return the seconds of one call after another: for every unit, and for every distinct segment."""
    every = distinct = 0.0
    for language in plan.languages:
        lane = lanes[plan.routes[language.group].chain[0]]
        rate = language.expansion / language.chars_per_token
        fixed = lane.times.predict(0.0)
        slope = lane.times.predict(1.0) - fixed
        every += census.texts * (fixed + slope * _FRAME_TOKENS) + slope * rate * census.all_characters
        distinct += census.distinct * (fixed + slope * _FRAME_TOKENS) + slope * rate * census.characters
    return every, distinct
