"""What the models achieved by language and field kind, as sums that runs add up."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteStats:
    """What one model achieved for one language and field kind, summed over all runs of one engine.

    `answers` are the segments answered; of these `passed` had no error at the first try, `repaired` came
    right later and `failed` never did. `seconds_sum` is in seconds over all requests.
    """

    engine: str
    language_tag: str
    kind: str
    model: str
    answers: int = 0
    passed: int = 0
    repaired: int = 0
    failed: int = 0
    seconds_sum: float = 0.0
    tokens: int = 0
    cost_usd: float = 0.0
