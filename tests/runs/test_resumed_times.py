"""What a resumed run says of its times: of the part that it did, or nothing."""

from __future__ import annotations

from typing import Any

import pytest

from ketl.results.baseline import BaselineKind
from ketl.results.events import Ended, Event, PhaseBegan
from ketl.runs.drive import take_over
from ketl.runs.job import Job, Mode
from ketl.runs.result import RunResult
from ketl.runs.run import Run
from ketl.store.store import Store
from ketl.ui import words
from tests.fakes import FakeProvider
from tests.runs.test_drive import driven

COMPARE = Job(
    languages=("es",), glossary="none", pack=1, mode=Mode.COMPARE, baseline=BaselineKind.MEASURED, memory=False
)


def stopped(store: Store, job: Job, when: Any, after: int = 1) -> RunResult:
    """Let a run end after so many events of a kind."""
    runs: list[Run] = []
    count = 0

    def watch(event: Event) -> None:
        nonlocal count
        count += bool(when(event))
        if count == after:
            runs[0].cancel()

    provider = FakeProvider(seconds=lambda call, user, number: 0.2 + 0.1 * number)
    return driven(provider, store, job=job, watch=watch, began=runs.append)


def resumed(store: Store, run_id: str, **more: Any) -> RunResult:
    earlier = take_over(store, run_id)
    provider = FakeProvider(seconds=lambda call, user, number: 0.5)
    return driven(provider, store, job=earlier.job, earlier=earlier, **more)


@pytest.mark.parametrize("kind", BaselineKind)
def test_a_comparison_whose_translations_were_all_done_before_has_no_time_to_compare(
    store: Store, kind: BaselineKind
) -> None:
    job = Job(languages=("es",), glossary="none", pack=1, mode=Mode.COMPARE, baseline=kind, memory=False)
    begins = "parallel" if kind is BaselineKind.PROJECTED else "baseline"
    first = stopped(store, job, lambda event: isinstance(event, Ended), after=12)
    if begins == "baseline":
        first = stopped(store, job, lambda event: isinstance(event, PhaseBegan) and event.phase == "baseline")
    report = resumed(store, first.run_id).report
    assert report["translated"] == report["done_before"] == 12 and report["requests"] == 0
    assert report["baseline"] == {"kind": kind, "seconds": None, "ci95_s": None, "sample": None}
    assert (report["speedup"], report["gain"], report["bound_s"]) == (None, {}, 0.0)
    assert words.summary(report).endswith("all of it was translated before the run was resumed, so nothing was sent "
                                          "and nothing was paid.")  # fmt: skip


def test_the_rest_of_a_comparison_is_compared_with_the_same_rest(store: Store) -> None:
    first = stopped(store, COMPARE, lambda event: isinstance(event, Ended), after=5)
    report = resumed(store, first.run_id).report
    assert (report["units"], report["done_before"], report["requests"]) == (12, 5, 7)
    assert report["baseline"]["kind"] == "measured" and report["baseline"]["seconds"] == pytest.approx(7 * 0.5, abs=0.1)
    assert report["makespan_s"] == pytest.approx(0.5, abs=0.1) and report["gain"] == {}
    assert report["speedup"] == pytest.approx(report["baseline"]["seconds"] / report["makespan_s"], rel=1e-3)
    said = words.summary(report)
    assert said.startswith("12 texts into 1 language, 5 of the translations from before; the rest in 0.5 s")


def test_a_sequential_run_with_nothing_left_to_send_measured_nothing(store: Store) -> None:
    job = Job(languages=("es",), glossary="none", pack=1, mode=Mode.SEQUENTIAL, memory=False)
    first = stopped(store, job, lambda event: isinstance(event, Ended), after=12)
    assert resumed(store, first.run_id).report["baseline"]["seconds"] is None


def test_a_run_that_was_never_resumed_has_nothing_from_before(store: Store) -> None:
    report = driven(FakeProvider(), store, job=COMPARE).report
    assert report["done_before"] == 0 and report["gain"]


def test_a_run_from_the_memory_has_no_time_one_after_another(store: Store) -> None:
    driven(FakeProvider(), store)
    report = driven(FakeProvider(), store).report
    assert report["requests"] == 0 and report["baseline"]["seconds"] is None and report["gain"] == {}
