"""The honest comparison: the baseline and how it was obtained, the bound, and what each idea bought. Pure."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from ketl.provider.limits import amount_of

# Two-sided 95 % points of Student's t by degrees of freedom (Fisher & Yates tables); between rows the
# smaller number of degrees, the wider interval, is taken.
_T95 = {1: 12.71, 2: 4.30, 3: 3.18, 4: 2.78, 5: 2.57, 6: 2.45, 8: 2.31, 10: 2.23, 15: 2.13, 20: 2.09, 30: 2.04, 60: 2.0}
SAMPLE_MIN = 5
SAMPLE_SHARE = 0.1
SAMPLE_MAX = 30


class BaselineKind(StrEnum):
    """How the sequential time was obtained: every request run one by one, a random sample of them run one by
    one and extrapolated, or the work in the answers of the parallel run, without their waiting, added up."""

    MEASURED = "measured"
    SAMPLED = "sampled"
    PROJECTED = "projected"


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """The time of the same requests one after another, None where nothing was sent or nothing honest can be said of it.

    `ci95_s` is (low, high) for a sampled one, else None.
    """

    kind: BaselineKind
    seconds: float | None
    ci95_s: tuple[float, float] | None = None
    sample: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneUse:
    """What a run took from one lane: requests answered, the tokens they took in all and for their answers, its
    service times' extremes in seconds, and the limits it had as (kind, available at start, refill per second).

    Behind a queue the longest is the time in which the server can work off all that was asked of it.
    """

    requests: int
    tokens: float
    completion_tokens: float
    shortest_s: float
    longest_s: float
    limits: Sequence[tuple[str, float, float]]


def sample_size(requests: int) -> int:
    """Return how many of `requests` a sampled baseline runs: a tenth, 5 at least and 30 at most."""
    return min(requests, max(SAMPLE_MIN, min(SAMPLE_MAX, math.ceil(SAMPLE_SHARE * requests))))


def extrapolate(seconds: Sequence[float], requests: int) -> Baseline:
    """Return the sampled baseline for `requests` from the seconds of a random sample of them.

    Total = requests × mean; its 95 % interval is t × s / √n × requests × √(1 - n / requests), the last
    factor because the sample is drawn without replacement (Cochran, Sampling Techniques, section 2.6).
    """
    n = len(seconds)
    mean = statistics.fmean(seconds) if n else 0.0
    total = requests * mean
    if n < 2:
        return Baseline(kind=BaselineKind.SAMPLED, seconds=total, ci95_s=None, sample=n)
    degrees = max(d for d in _T95 if d <= n - 1)
    half = _T95[degrees] * statistics.stdev(seconds) / math.sqrt(n) * requests * math.sqrt(max(0.0, 1 - n / requests))
    return Baseline(kind=BaselineKind.SAMPLED, seconds=total, ci95_s=(max(0.0, total - half), total + half), sample=n)


def shortest_possible_s(admission_s: float, shortest_s: float, longest_s: float) -> float:
    """Return the seconds below which no schedule can be: the last request is admitted after `admission_s` and
    then takes as long as the shortest at least, and the longest takes its time whenever it begins."""
    return max(max(0.0, admission_s) + shortest_s, longest_s)


def bound_s(uses: Mapping[str, LaneUse]) -> float:
    """Return the shortest time that any scheduler could need for these requests.

    Over the lanes, the longest of (a) the bucket arithmetic's admission time of the last request,
    max over the limits of (amount - available at start) / refill, plus the shortest service time seen in
    that lane, and (b) the longest single request.
    """
    longest = 0.0
    for use in uses.values():
        admission = 0.0
        for kind, available, refill in use.limits:
            amount = amount_of(kind, use.requests, use.tokens - use.completion_tokens, use.completion_tokens)
            if refill > 0.0:
                admission = max(admission, (amount - available) / refill)
        longest = max(longest, shortest_possible_s(admission, use.shortest_s, use.longest_s))
    return longest
