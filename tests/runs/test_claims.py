"""Runs at once never pay for the same text: one asks, the others wait for its answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from ketl.language.glossary import Glossary, Term
from ketl.language.languages import find_languages
from ketl.prompts.brief import Brief
from ketl.results.events import Ended, Event
from ketl.results.outcome import Status
from ketl.runs.result import RunResult
from ketl.runs.run import Run
from ketl.runs.selection import Selection
from ketl.store.store import Store
from tests.fakes import FakeProvider, lanes_for, open_fake, products, run_by_hand, selection, translated

Meddle = Callable[[list[Run]], Coroutine[Any, Any, None]]


def at_once(
    store: Store, provider: FakeProvider, *chosen: Selection, meddle: Meddle | None = None, one_by_one: bool = False
) -> list[RunResult]:
    """Execute runs of one connection side by side, the later ones begun when the first has sent; or in turn."""

    async def go() -> list[RunResult]:
        connection = open_fake(provider, lanes_for(provider))
        runs = [Run(selection, connection, store) for selection in chosen]
        if one_by_one:
            return [await run.execute() for run in runs]
        for run in runs:
            await run.prepare()
        tasks = []
        for run in runs:
            tasks.append(asyncio.ensure_future(run.execute()))
            await asyncio.sleep(0.5)
        if meddle is not None:
            await meddle(runs)
        return await asyncio.gather(*tasks)

    return run_by_hand(go())


def jackets(**job: Any) -> Selection:
    return selection(products(2), "es", memory=True, **job)


def slow() -> FakeProvider:
    return FakeProvider(seconds=lambda call, user, number: 2.0)


def test_the_answer_is_shared_and_what_was_shared_was_not_paid_for(store: Store) -> None:
    provider = slow()
    first, second = at_once(store, provider, jackets(), jackets())
    assert set(provider.asked.values()) == {1}
    assert first.report["translated"] == second.report["translated"] == 6
    assert (first.report["from_memory"], second.report["from_memory"]) == (0, 6)
    assert second.report["requests"] == 0 and second.report["cost_usd"] == 0.0
    assert [row.translation for row in first.rows()] == [row.translation for row in second.rows()]


def test_when_the_one_that_asks_is_cancelled_exactly_one_of_those_who_wait_asks(store: Store) -> None:
    provider = slow()

    async def cancel_the_first(runs: list[Run]) -> None:
        runs[0].cancel()

    first, second, third = at_once(store, provider, jackets(), jackets(), jackets(), meddle=cancel_the_first)
    assert first.report["cancelled"] == 6
    assert second.report["translated"] == third.report["translated"] == 6
    assert set(provider.asked.values()) == {2}


def test_a_failed_answer_is_not_taken_over_the_next_one_asks_itself(store: Store) -> None:
    first_run = jackets()
    source_of = {segment.key: segment.source for segment, _ in first_run.cuttings.segments(first_run.languages)}
    given_up: set[str] = set()

    def answer(call: Any, user: dict[str, Any], number: int) -> str:
        # No translation for the first run, on any rung; a good one for whoever asks after it has given a text up.
        return translated(
            user,
            **{key: "I cannot help with that." for key, text in user["segments"].items() if text not in given_up},
        )

    def watch(event: Event) -> None:
        if isinstance(event, Ended) and event.outcome.status is Status.FAILED:
            given_up.add(source_of[event.outcome.key])

    async def watch_the_first(runs: list[Run]) -> None:
        runs[0].watch = watch

    provider = slow()
    provider.answer = answer
    first, second, third = at_once(store, provider, first_run, jackets(), jackets(), meddle=watch_the_first)
    assert first.report["failed"] == 6 and len(given_up) == 6
    assert second.report["translated"] == third.report["translated"] == 6
    # One of the two asked, the other took its answer.
    assert {second.report["from_memory"], third.report["from_memory"]} == {0, 6}


def test_another_glossary_is_another_question(store: Store) -> None:
    terms = Glossary([Term("Jacket", ("Anorak",), language_tag="es")])
    plain = jackets()
    with_terms = Selection(
        job=plain.job,
        catalog=plain.catalog,
        fields=plain.fields,
        languages=find_languages(["es"]),
        brief=Brief(terms, plain.brief.voice),
        cuttings=plain.cuttings,
        census=plain.census,
    )
    provider = slow()
    _, second = at_once(store, provider, plain, with_terms)
    asked_twice = {text for (text, _), times in provider.asked.items() if times == 2}
    # The names hold the term, and one description begins with it; the features do not.
    assert asked_twice == {text for text, _ in provider.asked if "jacket" in text.casefold()}
    assert second.report["from_memory"] == 6 - len(asked_twice) > 0


def test_a_claim_ends_with_its_text_so_that_a_later_run_asks_again(store: Store) -> None:
    provider = FakeProvider()
    results = at_once(store, provider, jackets(), selection(products(2), "es", memory=False), one_by_one=True)
    assert [result.report["translated"] for result in results] == [6, 6]
    assert set(provider.asked.values()) == {2}
    again = at_once(store, provider, jackets(), jackets(), one_by_one=True)
    assert [result.report["from_memory"] for result in again] == [6, 6]
    assert set(provider.asked.values()) == {2}


def test_an_answer_is_shared_before_the_memory_has_it(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ketl.runs.journalling.FLUSH_EVERY_S", 1000.0)
    provider = FakeProvider(seconds=lambda call, user, number: 0.1 if number < 3 else 2.0)
    # When the second run begins three texts have ended, and nothing has been written yet.
    first, second = at_once(store, provider, jackets(), jackets())
    assert set(provider.asked.values()) == {1}
    assert (first.report["from_memory"], second.report["from_memory"]) == (0, 6)
