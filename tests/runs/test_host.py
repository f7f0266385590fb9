"""The host of the pages' runs: what a page reads of a run while it works and when it ends, well or not."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from ketl.errors import SelectionError
from ketl.runs import host as module
from ketl.runs.host import RunHost, RunView
from ketl.runs.job import Job
from ketl.runs.selection import select
from ketl.settings import load_settings
from ketl.simulator import RunningSimulator
from ketl.store.records import RunStatus

JOB = Job(products=("1",), languages=("es",), glossary="none")


@pytest.fixture
def host(keyed: str) -> Iterator[RunHost]:
    running = RunHost(load_settings())
    yield running
    running.close()
    running.store.close()


def ended(host: RunHost, view: RunView) -> RunView:
    """Wait for a run's task to end."""
    over = threading.Event()

    def look() -> None:
        task = host._tasks.get(view.run_id)
        if task is None:
            over.set()
        else:
            task.add_done_callback(lambda _: over.set())

    host._loop.call_soon_threadsafe(look)
    assert over.wait(30)
    return view


def test_a_run_is_a_view_from_the_first_moment_to_its_result(host: RunHost) -> None:
    view = host.start(JOB)
    assert host.get(view.run_id) is view is host.latest() and host.recent() == [view]
    ended(host, view)
    assert view.status is RunStatus.FINISHED and not view.live and view.result is not None
    assert view.ended == view.total == len(view.recent) == view.plan.segments  # type: ignore[union-attr]
    assert view.plan is view.result.plan and view.seconds() == view.result.report["makespan_s"]
    assert view.result.run_id == view.run_id and host.store.journal.run(view.run_id).status == "finished"  # type: ignore[union-attr]


def test_the_plan_of_a_selection_knows_what_earlier_runs_left(host: RunHost) -> None:
    before = host.plan(select(JOB))
    assert before.from_memory == 0 and before.requests > 0
    ended(host, host.start(JOB))
    after = host.plan(select(JOB))
    assert after.from_memory == after.segments and after.requests == 0


def test_what_is_wrong_with_a_job_is_said_at_once(host: RunHost) -> None:
    with pytest.raises(SelectionError, match="Did you mean"):
        host.start(Job(languages=("Spansh",)))
    assert host.recent() == []


def test_a_run_cancelled_before_it_began_ends_as_cancelled(host: RunHost, simulator: RunningSimulator) -> None:
    view = host.start(JOB)
    host.cancel(view.run_id)
    ended(host, view)
    assert view.status is RunStatus.CANCELLED and view.result is not None
    assert view.result.report["cancelled"] + view.result.report["translated"] == view.result.report["units"]


def test_a_provider_that_refuses_ends_as_a_sentence(host: RunHost, simulator: RunningSimulator) -> None:
    simulator.configure({"keys": ["gsk_another"]})
    view = ended(host, host.start(JOB))
    assert view.status is RunStatus.FAILED and "key" in view.error and "Traceback" not in view.error


def test_a_fault_of_ours_ends_as_a_reference_to_the_log(
    host: RunHost, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(*args: Any, **more: Any) -> None:
        raise KeyError("a fault of ours")

    monkeypatch.setattr(module, "drive", broken)
    view = ended(host, host.start(JOB))
    assert view.status is RunStatus.FAILED and "KeyError" not in view.error
    reference = view.error.split("Reference ")[1].split(":")[0]
    assert f"Reference {reference}." in caplog.text and view.run_id in caplog.text and "Traceback" in caplog.text


def test_only_the_newest_ended_runs_are_kept_at_hand(host: RunHost, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "KEEP", 2)
    views = [ended(host, host.start(JOB)) for _ in range(4)]
    assert host.recent() == views[:1:-1]
    assert host.get(views[0].run_id) is None and host.get(views[3].run_id) is views[3]
