"""What each idea bought against the textbook loop: duplicates merged, memory, packing, parallelism. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What one idea bought: seconds saved, and the factor by which the time fell; the factors multiply."""

    seconds: float
    factor: float


def take_apart(
    textbook_s: float, distinct_s: float, sent_s: float, packed_s: float, makespan_s: float
) -> dict[str, Step]:
    """Return what duplicates merged, memory, packing and parallelism each bought against the textbook loop.

    The arguments are sequential times: one call a field for every unit, for every distinct segment, for
    the segments that were really sent, then the requests as packed; last the run itself. Each step's
    factor is its time before divided by its time after, so the four multiply to textbook / makespan.
    """
    times = [textbook_s, distinct_s, sent_s, packed_s, makespan_s]
    steps = {}
    for name, before, after in zip(("duplicates", "memory", "packing", "parallelism"), times, times[1:], strict=False):
        steps[name] = Step(seconds=before - after, factor=before / after if after > 0 else 1.0)
    return steps


def explain_gain(
    textbook_s: float,
    distinct_s: float,
    *,
    known_share: float,
    packed_s: float,
    baseline_s: float,
    makespan_s: float,
    packs_of_one: bool,
) -> dict[str, Step]:
    """Return what each idea bought, the predicted times scaled to what was observed.

    `textbook_s` and `distinct_s` are the predicted sequential times of every unit and of every distinct segment,
    `known_share` is the share of segments that came from the memory, `packed_s` the predicted time of the requests
    as packed, one after another, and `baseline_s` what that really took. `packs_of_one`: nothing was packed.
    """
    sent = distinct_s * (1.0 - known_share)
    if packs_of_one and sent > 0.0:
        # Nothing was packed, so that step must not carry the error of the estimate.
        textbook_s, distinct_s, sent = (time * packed_s / sent for time in (textbook_s, distinct_s, sent))
    scale = baseline_s / packed_s if packed_s > 0 else 1.0
    return take_apart(textbook_s * scale, distinct_s * scale, sent * scale, baseline_s, max(makespan_s, 1e-9))
