"""Events fold into a report whose every figure can be worked out by hand."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from ketl.checks.base import Finding, Severity
from ketl.results.baseline import Baseline, BaselineKind
from ketl.results.crowd import Crowd, Shown, work_of
from ketl.results.events import (
    Admitted,
    Answered,
    Ended,
    Event,
    LimitReached,
    LimitWaited,
    PhaseBegan,
    Repaired,
    Substituted,
)
from ketl.results.gain import take_apart
from ketl.results.outcome import Outcome, Status
from ketl.results.report import Facts, build_report
from ketl.results.rows import UnitCounts
from ketl.results.tally import TIMELINE_MOST, Tally

WESTERN, ASIAN = "llama-3.3-70b-versatile", "qwen-2.5-32b"


COUNTS = UnitCounts(
    Counter({"translated": 7, "edited": 1, "approved": 1, "failed": 2, "cancelled": 1}),
    from_memory=3,
    findings=Counter({"numbers": 2, "length": 1}),
)


def answered(request: int, model: str = WESTERN, **changes) -> Answered:
    values = {
        "language_tag": "es", "start_s": 0.1, "seconds": 0.5, "status": "200", "kind": "first", "units": 2,
        "tokens": (100, 40, 0), "cost_usd": 0.001, "predicted_s": 0.4,
    }  # fmt: skip
    return Answered(request=request, model=model, **{**values, **changes})


def ended(status: Status = Status.TRANSLATED, at_s: float = 1.0, *ids: str, from_memory: bool = False) -> Ended:
    found = tuple(Finding(ident, Severity.WARNING, "") for ident in ids)
    outcome = Outcome(key=b"k", language_tag="es", status=status, findings=found, from_memory=from_memory)
    return Ended(outcome, at_s)


def fold(*events: Event) -> Tally:
    tally = Tally()
    for event in events:
        tally.add(event)
    return tally


def report(tally: Tally, **changes) -> dict:
    values = {
        "run_id": "r1", "mode": "parallel", "engine": "demo", "status": "finished", "products": 2,
        "languages": ("Spanish", "Japanese"), "units": 12, "segments": 10,
        "counts": COUNTS, "makespan_s": 2.0, "total_s": 2.7, "closing_s": 0.1, "predicted_s": 1.6, "shown": {},
        "baseline": Baseline(kind=BaselineKind.MEASURED, seconds=14.0), "gain": take_apart(16, 14, 12, 8, 2),
        "limits": {}, "routes": {"western": "because"}, "pack": {"western": 2}, "reason": "",
    }  # fmt: skip
    return build_report(tally, Facts(**{**values, **changes}))


RUN = (
    PhaseBegan("parallel", 3),
    Admitted(1, WESTERN, 0.1),
    Admitted(2, ASIAN, 0.1),
    Admitted(3, WESTERN, 0.2),
    LimitReached(WESTERN, "RPM", 0.75, True),
    LimitWaited(WESTERN, 0.75),
    answered(3, status="429", tokens=(0, 0, 0), cost_usd=0.0, seconds=0.01),
    answered(1),
    answered(2, ASIAN, seconds=0.9, tokens=(200, 80, 64), cost_usd=0.002),
    Ended(Outcome(key=b"f", language_tag="es", status=Status.FAILED), 0.55),
    ended(Status.TRANSLATED, 0.6, "numbers", "length"),
    Admitted(3, WESTERN, 1.0, False, False),
    answered(3, kind="retry", seconds=0.3),
    answered(4, kind="repair", cost_usd=0.004),
    answered(1, kind="hedge", status="superseded", tokens=(0, 0, 0), cost_usd=0.0),
    Repaired(1, True),
    Repaired(1, False),
    Repaired(2, True),
    ended(Status.TRANSLATED, 1.9, "numbers", from_memory=True),
    Substituted(ASIAN, WESTERN, "it was retired"),
)


def test_every_figure_of_a_run_is_what_its_events_add_up_to() -> None:
    made = report(fold(*RUN))
    assert made["requests"] == 3 and made["attempts"] == 6
    assert (made["translated"], made["failed"], made["cancelled"], made["from_memory"]) == (9, 2, 1, 3)
    assert made["duplicates_avoided"] == 2 and made["languages"] == 2
    assert made["first_result_s"] == 0.6
    assert made["speedup"] == 7.0 and made["baseline"]["kind"] == "measured"
    assert made["prediction_error"] == pytest.approx(0.25)
    assert made["cost_usd"] == pytest.approx(0.008) and made["repair"]["cost_usd"] == pytest.approx(0.004)
    assert made["tokens"] == {"prompt": 500, "completion": 200, "cached": 64}
    assert made["findings"] == {"numbers": 2, "length": 1}
    assert made["repair"]["1"] == {"tried": 2, "solved": 1} and made["repair"]["2"] == {"tried": 1, "solved": 1}
    assert made["refusals"] == 1 and made["hedges"] == 1
    assert made["substitutions"] == [{"from": ASIAN, "to": WESTERN, "reason": "it was retired"}]


def test_each_model_has_its_own_sums() -> None:
    models = report(fold(*RUN))["models"]
    assert models[ASIAN] == {
        "requests": 1,
        "attempts": 1,
        "status_counts": {"200": 1},
        "tokens": {"prompt": 200, "completion": 80, "cached": 64},
        "busy_s": 0.9,
        "waited_for_limits_s": 0.0,
        "served_at_once": None,
    }
    western = models[WESTERN]
    assert western["requests"] == 2 and western["attempts"] == 5
    assert western["status_counts"] == {"429": 1, "200": 3, "superseded": 1}
    assert western["busy_s"] == pytest.approx(0.01 + 0.5 + 0.3 + 0.5 + 0.5)
    assert western["waited_for_limits_s"] == 0.75


def test_bound_and_efficiency_come_from_what_was_really_used() -> None:
    tally = fold(*(e for n in range(40) for e in (Admitted(n, WESTERN, 0.0), answered(n, seconds=0.2 + n / 100))))
    made = report(tally, limits={WESTERN: [("RPM", 30.0, 0.5)]}, makespan_s=25.0)
    assert made["bound_s"] == pytest.approx((40 - 30) / 0.5 + 0.2)
    assert made["efficiency"] == pytest.approx(20.2 / 25.0)


APART = {WESTERN: Shown(apart=True), ASIAN: Shown(apart=True)}


def test_a_projected_baseline_is_the_good_answers_service_time_alone() -> None:
    tally = fold(*RUN)
    assert tally.work_s(APART) == pytest.approx(0.5 + 0.9 + 0.3 + 0.5)
    assert tally.predicted_service_s == pytest.approx(4 * 0.4)


def test_nothing_is_projected_from_answers_of_which_nobody_knows_how_long_they_waited() -> None:
    tally = fold(*RUN)
    assert tally.work_s({}) is None
    assert tally.work_s({WESTERN: Shown(apart=True)}) is None
    assert tally.work_s({**APART, ASIAN: Shown(at_once=2, sure=False)}) is None


def queue_of(answers: int, seconds: float, *, at_once: int, said_s: float | None = None) -> Tally:
    """Return the fold of requests that all went out at once to a server that works on so many at a time."""
    began = [Admitted(number, WESTERN, 0.0) for number in range(answers)]
    ends = [seconds * (1 + number // at_once) for number in range(answers)]
    came = [answered(n, start_s=0.0, seconds=end, service_s=said_s) for n, end in enumerate(ends)]
    return fold(*began, *came)


@pytest.mark.parametrize("at_once", [1, 2, 5])
@pytest.mark.parametrize("whole", [True, False])
def test_behind_a_queue_the_work_is_what_the_server_did_and_not_the_waiting(at_once: int, whole: bool) -> None:
    tally = queue_of(20, 3.0, at_once=at_once)
    shown = {WESTERN: Shown(at_once=at_once, sure=True, whole=whole)}
    assert tally.work_s(shown) == pytest.approx(20 * 3.0)
    made = report(tally, shown=shown, makespan_s=60.0 / at_once)
    assert made["bound_s"] == pytest.approx(60.0 / at_once) and made["efficiency"] == pytest.approx(1.0)
    assert made["models"][WESTERN]["served_at_once"] == at_once


def test_the_providers_own_times_come_before_all_that_is_inferred() -> None:
    tally = queue_of(20, 3.0, at_once=2, said_s=2.5)
    assert tally.work_s({}) == pytest.approx(50.0)
    assert tally.work_s({WESTERN: Shown(at_once=3, sure=False, whole=True)}) == pytest.approx(50.0)
    # One answer without its time, and they are no longer the whole.
    tally.add(answered(99))
    assert tally.work_s({}) is None


@pytest.mark.parametrize(
    ("shown", "queued_s", "work_s"),
    [
        (Shown(apart=True), 3.0, 13.0),  # what every request waits, also one alone
        (Shown(apart=True), 8.0, 10.0),  # the line of many at once
        (Shown(), 3.0, 10.0),
        (Shown(at_once=2, sure=True), 3.0, 10.0),
    ],
)
def test_what_a_request_lies_in_the_providers_line_counts_where_none_waits_for_another(
    shown: Shown, queued_s: float, work_s: float
) -> None:
    assert work_of(shown, Crowd(), said_s=10.0, queued_s=queued_s, raw_s=99.0) == work_s


def test_times_that_cannot_be_true_are_not_the_work() -> None:
    busy = Crowd()
    busy.step(0.0, 1)
    busy.step(100.0, -1)
    assert work_of(Shown(), busy, said_s=0.6, queued_s=0.0, raw_s=99.0) is None
    assert work_of(Shown(apart=True), busy, said_s=0.6, queued_s=0.0, raw_s=99.0) == 99.0
    assert work_of(Shown(), busy, said_s=60.0, queued_s=0.0, raw_s=99.0) == 60.0


def test_a_baseline_that_nobody_knows_claims_no_speed_up() -> None:
    made = report(fold(*RUN), baseline=Baseline(kind=BaselineKind.PROJECTED, seconds=None), gain={})
    assert made["speedup"] is None and made["baseline"]["seconds"] is None


def test_the_baselines_own_requests_are_not_the_runs() -> None:
    tally = fold(*RUN, PhaseBegan("baseline", 3), Admitted(9, WESTERN, 5.0), answered(9, seconds=99.0), ended())
    assert report(tally) == report(fold(*RUN)) | {"peak_rss_mb": report(tally)["peak_rss_mb"]}


def test_an_unknown_price_is_unknown_and_never_nothing() -> None:
    tally = fold(answered(1, cost_usd=0.5), answered(2, cost_usd=None), answered(3, cost_usd=0.5))
    assert report(tally)["cost_usd"] is None


def test_a_run_that_sent_nothing_claims_no_speed_up() -> None:
    made = report(fold(ended(from_memory=True)), makespan_s=0.01)
    assert made["requests"] == 0
    assert made["speedup"] is None and made["efficiency"] is None and made["prediction_error"] is None


def test_the_report_is_plain_json() -> None:
    made = report(fold(*RUN), baseline=Baseline(kind=BaselineKind.SAMPLED, seconds=9, ci95_s=(8, 10), sample=5))
    assert json.loads(json.dumps(made, allow_nan=False)) == made
    assert made["baseline"] == {"kind": "sampled", "seconds": 9, "ci95_s": [8, 10], "sample": 5}
    assert list(made["gain"]) == ["duplicates", "memory", "packing", "parallelism"]


def test_the_timeline_is_bounded() -> None:
    tally = fold(*(answered(n) for n in range(TIMELINE_MOST + 10)))
    assert len(tally.timeline) == TIMELINE_MOST and tally.attempts == TIMELINE_MOST + 10


def test_the_limit_that_holds_now_is_forgotten_when_its_lane_goes_on() -> None:
    waiting = fold(LimitReached(WESTERN, "TPM", 3.0, False))
    assert waiting.limit is not None and waiting.limit.kind == "TPM" and waiting.refusals == 0
    waiting.add(LimitWaited(WESTERN, 3.0))
    assert waiting.limit is None
