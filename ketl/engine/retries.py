"""Given an error and how often it was tried: go again now or later, split, change model, or give up. Pure."""

from __future__ import annotations

import random
from dataclasses import dataclass
from enum import StrEnum

from ketl.errors import (
    AuthenticationError,
    LimitReachedError,
    ModelGoneError,
    ProviderError,
    RefusedError,
    RunError,
    UnreachableError,
    UnusableReplyError,
)

MAX_TRIES = 6
SPLIT_AFTER = 2
"""A pack that failed so often is halved: one text in it may spoil the others."""
MAX_REFUSALS = 60
# Refusals that name no limit tell nothing to plan by: with their growing pauses these last some minutes.
MAX_UNNAMED_REFUSALS = 12
# Full jitter (AWS Architecture Blog, "Exponential Backoff and Jitter", 2015): uniform in 0 .. base × 2^n.
BACKOFF_BASE_S = 0.2
BACKOFF_CAP_S = 10.0
# A busy provider may ask for any wait; after a minute it is worth looking again.
MAX_WAIT_S = 60.0


class Remedy(StrEnum):
    """What to do with a request after a failed attempt."""

    AGAIN = "again"
    SPLIT = "split"
    NEXT_MODEL = "next model"
    FAIL = "fail"
    STOP = "stop the run"


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do, and after how many seconds."""

    remedy: Remedy
    wait_s: float = 0.0


def backoff_s(tries: int, rng: random.Random) -> float:
    """Return a wait of at most BACKOFF_BASE_S × 2^tries, never above BACKOFF_CAP_S, uniformly random."""
    return rng.uniform(0.0, min(BACKOFF_CAP_S, BACKOFF_BASE_S * 2.0**tries))


def decide(
    error: RunError,
    *,
    tries: int,
    refusals: int,
    segments: int,
    rng: random.Random,
    failures: int = 0,
    alone: bool = False,
) -> Decision:
    """Return what to do after `error`, given failed `tries`, limit `refusals`, and the request's size.

    `failures` counts besides the tries those that were not the request's own; `alone`: no other model may take it.

    A refusal for a limit is no failure: the request goes back to the front and the lane's books hold it
    until there is room. Everything else counts as a try.
    """
    failures = max(tries, failures)
    match error:
        case AuthenticationError():
            return Decision(Remedy.STOP)
        case ModelGoneError():
            return Decision(Remedy.NEXT_MODEL)
        case LimitReachedError(too_large=True):
            return Decision(Remedy.SPLIT if segments > 1 else Remedy.NEXT_MODEL)
        case LimitReachedError(kind="CAPACITY"):
            wait_s = min(error.wait_s, MAX_WAIT_S) if error.wait_s is not None else backoff_s(tries + 1, rng)
            return Decision(Remedy.AGAIN if tries < MAX_TRIES else Remedy.NEXT_MODEL, wait_s)
        case LimitReachedError():
            most = MAX_UNNAMED_REFUSALS if error.kind is None else MAX_REFUSALS
            return Decision(Remedy.AGAIN if refusals < most else Remedy.FAIL)
        case RefusedError(code="account" | "blocked"):
            return Decision(Remedy.STOP)
        case RefusedError():
            return Decision(Remedy.SPLIT if segments > 1 and (alone or tries >= SPLIT_AFTER) else Remedy.NEXT_MODEL)
        case UnusableReplyError() | ProviderError() | UnreachableError() if segments > 1 and tries >= SPLIT_AFTER:
            return Decision(Remedy.SPLIT)
        case UnusableReplyError():
            if tries >= MAX_TRIES:
                return Decision(Remedy.FAIL)
            wait_s = backoff_s(failures, rng) if failures > 1 else 0.0
            return Decision(Remedy.NEXT_MODEL if tries >= 3 and not alone else Remedy.AGAIN, wait_s)
        case ProviderError() | UnreachableError():
            if tries >= MAX_TRIES:
                return Decision(Remedy.NEXT_MODEL)
            said = min(error.wait_s or 0.0, MAX_WAIT_S)
            return Decision(Remedy.AGAIN, max(said, backoff_s(failures, rng)))
        case _:
            return Decision(Remedy.FAIL)
