"""Predicts how long requests take under the lanes' limits: the bucket arithmetic, before anything is sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ketl.provider.lane import Lane
from ketl.provider.limits import MAX_IN_FLIGHT, amount_of
from ketl.results.baseline import shortest_possible_s

# What one request costs this process, measured with the SDK's own `post` (see benchmarks/): the ceiling of
# a run without limits on one core.
CLIENT_S = 0.0006


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What one group asks for: how many requests, and the mean tokens of one.

    `lanes` are the ids of the models that may serve it, in order.
    """

    group: str
    lanes: tuple[str, ...]
    requests: float
    prompt_tokens: float
    completion_tokens: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """The predicted seconds of a set of loads, the bound, and what binds.

    `share` is how many requests go to each model; `binding` is (model, limit) of the scarcest resource, the
    limit empty when the models' own speed binds.
    """

    seconds: float
    bound_s: float
    share: Mapping[str, float]
    binding: tuple[str, str]


def forecast(loads: Sequence[Load], lanes: Mapping[str, Lane], now: float) -> Forecast:
    """Return the forecast for `loads`, each spread over its lanes as a work-conserving scheduler would.

    The time is the smallest T at which every load is admitted (bisected; a lane admits in T what is in its
    buckets plus T times their refill), plus the service time of the last request.
    """
    loads = [load for load in loads if load.requests > 0]
    if not loads:
        return Forecast(seconds=0.0, bound_s=0.0, share={}, binding=("", ""))
    service = max(_service(load, lanes) for load in loads)
    total = sum(load.requests for load in loads)
    low, high = 0.0, 1.0
    while not _fits(loads, lanes, high, service, now)[0]:
        high *= 2.0
        if high > 3e8:
            break
    for _ in range(40):
        middle = (low + high) / 2.0
        low, high = (low, middle) if _fits(loads, lanes, middle, service, now)[0] else (middle, high)
    _, share, binding = _fits(loads, lanes, high, service, now)
    admission = high if high > 1e-3 else 0.0
    shortest = min(lanes[name].times.shortest_s or 0.6 * service for load in loads for name in load.lanes)
    seconds = max(admission + service, total * CLIENT_S + service)
    bound = shortest_possible_s(admission, min(shortest, service), service)
    return Forecast(seconds=seconds, bound_s=bound, share=share, binding=binding)


def _service(load: Load, lanes: Mapping[str, Lane]) -> float:
    """Return the seconds of one request of a load in the slowest lane that serves it."""
    return max(lanes[name].times.predict(load.completion_tokens) for name in load.lanes)


def _fits(
    loads: Sequence[Load], lanes: Mapping[str, Lane], seconds: float, service: float, now: float
) -> tuple[bool, dict[str, float], tuple[str, str]]:
    """Return whether all loads are admitted within `seconds`, who serves how many, and what is scarcest.

    Loads with the fewest lanes choose first; exact when the lane sets are nested, as chains make them.
    """
    free = {name: _free(lanes[name], seconds, now) for load in loads for name in load.lanes}
    slots = MAX_IN_FLIGHT * (1.0 + seconds / max(1e-3, service))
    share: dict[str, float] = dict.fromkeys(free, 0.0)
    scarce = ("", "")
    fits = True
    for load in sorted(loads, key=lambda entry: len(entry.lanes)):
        left = load.requests
        for name in load.lanes:
            capacity, kind = _capacity(free[name], load)
            taken = min(left, capacity, slots)
            if taken < left:
                scarce = (name, kind if capacity <= slots else "")
            for limit in free[name]:
                free[name][limit] -= taken * _need(limit, load)
            share[name] += taken
            slots -= taken
            left -= taken
            if left <= 1e-9:
                break
        fits = fits and left <= 1e-6 * load.requests
    if fits and not scarce[0]:
        scarce = (loads[0].lanes[0], "")
    return fits, share, scarce


def _free(lane: Lane, seconds: float, now: float) -> dict[str, float]:
    return {
        kind: bucket.capacity - bucket.level(now) + bucket.rate * seconds for kind, bucket in lane.books.buckets.items()
    }


def _capacity(free: Mapping[str, float], load: Load) -> tuple[float, str]:
    best, kind = float("inf"), ""
    for limit, amount in free.items():
        possible = max(0.0, amount) / _need(limit, load)
        if possible < best:
            best, kind = possible, limit
    return best, kind


def _need(kind: str, load: Load) -> float:
    return max(1.0, amount_of(kind, 1.0, load.prompt_tokens, load.completion_tokens))
