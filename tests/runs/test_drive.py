"""The one path of all doors: its order, what it closes, and how a run that ended early is finished."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from ketl.errors import SelectionError, SettingsError
from ketl.results.events import Ended, Event, PhaseBegan, Planned
from ketl.results.rows import ResultRow
from ketl.runs.connection import Connection
from ketl.runs.drive import drive, take_over
from ketl.runs.job import Job
from ketl.runs.result import RunResult
from ketl.runs.run import Run
from ketl.store.records import RunStatus
from ketl.store.store import Store
from tests.fakes import FakeProvider, lanes_for, open_fake, products, run_by_hand, translated

JOB = Job(languages=("es",), glossary="none", pack=1)


def driven(provider: FakeProvider, store: Store | None, **more: Any) -> RunResult:
    async def go() -> RunResult:
        @asynccontextmanager
        async def connect() -> AsyncIterator[Connection]:
            async with open_fake(provider, lanes_for(provider)) as connection:
                yield connection

        job = more.pop("job", JOB)
        return await drive(job, connect, store, catalog=products(4), **more)

    return run_by_hand(go())


class Closing(FakeProvider):
    """A provider that knows whether its connections were closed."""

    closed = False

    async def close(self) -> None:
        self.closed = True


def test_a_job_goes_from_its_words_to_its_rows_in_one_order(store: Store) -> None:
    provider, seen, rows = Closing(), list[str](), list[ResultRow]()

    def watch(event: Event) -> None:
        if isinstance(event, Planned | PhaseBegan | Ended) and type(event).__name__ not in seen:
            seen.append(type(event).__name__)

    result = driven(provider, store, watch=watch, write=rows.extend, began=lambda run: seen.append("began"))
    assert seen == ["began", "Planned", "PhaseBegan", "Ended"]
    assert provider.closed and rows == list(result.rows()) and len(rows) == 12
    record = store.journal.run(result.run_id)
    assert record is not None and record.status is RunStatus.FINISHED and record.report == result.report


def test_what_was_opened_is_closed_when_the_job_is_wrong(store: Store) -> None:
    provider = Closing()
    with pytest.raises(SettingsError, match="route|offered"):
        driven(provider, store, job=Job(languages=("es",), routes={"western": "no/model"}))
    assert provider.closed and store.journal.runs() == []


def test_a_run_that_is_cancelled_before_it_is_prepared_sends_nothing(store: Store) -> None:
    provider = FakeProvider()
    result = driven(provider, store, began=lambda run: run.cancel())
    assert provider.calls == [] and result.report["cancelled"] == 12 and result.status == "cancelled"
    assert {row.reason for row in result.rows()} == {"You cancelled the run; what was done is kept."}


def cut_short(store: Store, after: int) -> RunResult:
    """Let a run end after some texts have."""

    def cancel_after(runs: list[Run]) -> Callable[[Event], None]:
        ended = 0

        def watch(event: Event) -> None:
            nonlocal ended
            ended += isinstance(event, Ended)
            if ended == after:
                runs[0].cancel()

        return watch

    runs: list[Run] = []
    provider = FakeProvider(seconds=lambda call, user, number: 0.2 + 0.1 * number)
    return driven(provider, store, watch=cancel_after(runs), began=runs.append)


def test_a_run_that_ended_early_is_finished_and_nothing_that_ended_is_sent_again(store: Store) -> None:
    first = cut_short(store, after=5)
    begun = store.journal.run(first.run_id)
    assert begun is not None and first.report["translated"] == 5
    earlier = take_over(store, first.run_id)
    assert earlier.job == JOB and len(earlier.done) == 5
    provider = FakeProvider()
    second = driven(provider, store, earlier=earlier)
    assert second.run_id == first.run_id and second.report["translated"] == 12
    assert len(provider.calls) == 7 and set(provider.asked.values()) == {1}
    sent = {text for text, _ in provider.asked}
    assert sent.isdisjoint({row.source for row in first.rows() if row.translation})
    ended = store.journal.run(first.run_id)
    assert ended is not None and ended.status is RunStatus.FINISHED and ended.started_at == begun.started_at


def test_what_an_earlier_part_wrote_is_not_written_into_the_journal_again(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = cut_short(store, after=5)
    earlier = take_over(store, first.run_id)
    written: list[Any] = []
    save = store.journal.save_outcomes

    def counting(run_id: str, outcomes: Any, lease: str | None) -> int:
        written.extend(outcomes)
        return save(run_id, written[-len(outcomes) :], lease)

    monkeypatch.setattr(store.journal, "save_outcomes", counting)
    driven(FakeProvider(), store, earlier=earlier)
    assert len(written) == 7 and {(o.key, o.language_tag) for o in written}.isdisjoint(earlier.done)


def test_a_run_that_is_not_there_or_still_going_is_not_taken_over(store: Store) -> None:
    with pytest.raises(SelectionError, match="There is no run “nowhere”"):
        take_over(store, "nowhere")
    store.journal.start_run("going", engine="groq", mode="parallel", spec={}, counts={})
    with pytest.raises(SettingsError, match="still going"):
        take_over(store, "going")


def test_a_run_works_without_any_database() -> None:
    result = driven(FakeProvider(), None)
    assert result.report["translated"] == 12 and len(list(result.rows())) == 12


def test_a_resumed_run_is_planned_for_what_is_left(store: Store) -> None:
    first = cut_short(store, after=5)
    planned: list[Planned] = []

    def watch(event: Event) -> None:
        if isinstance(event, Planned):
            planned.append(event)

    driven(FakeProvider(), store, earlier=take_over(store, first.run_id), watch=watch)
    assert [(event.requests, event.from_memory) for event in planned] == [(7, 5)]


def test_a_text_that_failed_before_is_not_taken_for_failed_while_it_is_sent_again(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    # So few at hand that the log asks the journal, which still knows how the earlier part ended.
    monkeypatch.setattr("ketl.runs.outcome_log.MOST_AT_HAND", 4)

    def refuses(call: Any, user: dict[str, Any], number: int) -> str:
        return translated(user, **dict.fromkeys(user["segments"], "I cannot help with that."))

    first = driven(FakeProvider(refuses), store)
    assert first.report["failed"] == 12
    provider, rows = FakeProvider(seconds=lambda call, user, number: 0.3 + 0.1 * number), list[ResultRow]()
    second = driven(provider, store, earlier=take_over(store, first.run_id), write=rows.extend)
    assert second.report["translated"] == 12 and {row.status for row in rows} == {"translated"}
