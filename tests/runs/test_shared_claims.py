"""Runs of different processes over one database never pay for the same text, and none waits for ever."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from ketl.errors import RunError
from ketl.provider.protocol import Call
from ketl.runs.host import RunHost
from ketl.runs.job import Job
from ketl.runs.result import RunResult
from ketl.runs.run import Run
from ketl.runs.selection import Selection
from ketl.settings import load_settings
from ketl.simulator import RunningSimulator
from ketl.store.claims import LEASE_S, KeptClaims
from ketl.store.store import Store
from ketl.store.tables import CLAIMS
from tests.fakes import FakeProvider, lanes_for, open_fake, products, run_by_hand, selection, translated
from tests.runs.test_host import ended

Meddle = Callable[[list[Run]], Coroutine[Any, Any, None]]


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'ketl.sqlite3'}"


def side_by_side(
    url: str,
    provider: FakeProvider,
    *chosen: Selection,
    meddle: Meddle | None = None,
    first: Callable[[Store], None] = lambda store: None,
) -> list[RunResult]:
    """Execute runs at once, each with a connection and a store of its own, as processes have them."""

    async def go() -> list[RunResult]:
        stores = [Store(url, clock=lambda: asyncio.get_running_loop().time()) for _ in chosen]
        first(stores[0])
        runs = [
            Run(one, open_fake(provider, lanes_for(provider)), store) for one, store in zip(chosen, stores, strict=True)
        ]
        for run in runs:
            await run.prepare()
        tasks = []
        for run in runs:
            tasks.append(asyncio.ensure_future(run.execute()))
            await asyncio.sleep(0.5)
        if meddle is not None:
            await meddle(runs)
        results = await asyncio.gather(*tasks)
        with stores[0].database.transaction() as connection:
            left = connection.execute(select(func.count()).select_from(CLAIMS).where(CLAIMS.c.run_id != "gone"))
            assert left.scalar_one() == 0
        for store in stores:
            store.close()
        return results

    return run_by_hand(go())


def jackets(count: int = 2, **job: Any) -> Selection:
    return selection(products(count), "es", **{"memory": True, **job})


def slow() -> FakeProvider:
    return FakeProvider(seconds=lambda call, user, number: 2.0)


def test_the_answer_comes_through_the_memory_and_is_paid_once(url: str) -> None:
    provider = slow()
    results = side_by_side(url, provider, jackets(), jackets(), jackets())
    assert set(provider.asked.values()) == {1}
    assert [result.report["translated"] for result in results] == [6, 6, 6]
    assert [result.report["from_memory"] for result in results] == [0, 6, 6]
    assert results[1].report["cost_usd"] == 0.0
    assert len({tuple(row.translation for row in result.rows()) for result in results}) == 1


def test_two_that_share_a_part_ask_for_the_rest_themselves(url: str) -> None:
    provider = slow()
    small, large = side_by_side(url, provider, jackets(2), jackets(4))
    assert set(provider.asked.values()) == {1}
    assert (small.report["translated"], large.report["translated"], large.report["from_memory"]) == (6, 12, 6)


def test_when_the_one_that_asks_is_cancelled_exactly_one_of_those_who_wait_asks(url: str) -> None:
    provider = slow()

    async def cancel_the_first(runs: list[Run]) -> None:
        runs[0].cancel()

    first, *others = side_by_side(url, provider, jackets(), jackets(), jackets(), meddle=cancel_the_first)
    assert first.report["cancelled"] == 6
    assert [result.report["translated"] for result in others] == [6, 6]
    assert sorted(result.report["from_memory"] for result in others) == [0, 6]
    # They need not wait until its claims expire.
    assert all(result.report["makespan_s"] < LEASE_S / 2 for result in others)
    assert set(provider.asked.values()) == {2}


def test_an_answer_that_will_not_be_remembered_is_not_waited_for(url: str) -> None:
    def answer(call: Call, user: dict[str, Any], number: int) -> str:
        return translated(user, **dict.fromkeys(user["segments"], "I cannot help with that."))

    provider = slow()
    provider.answer = answer
    first, second = side_by_side(url, provider, jackets(), jackets())
    assert first.report["failed"] == second.report["failed"] == 6
    assert second.report["from_memory"] == 0


@pytest.mark.parametrize("end", ["cancel", "deadline"])
def test_waiting_ends_at_once_with_the_run(url: str, end: str) -> None:
    provider = FakeProvider(seconds=lambda call, user, number: 50.0)

    async def cancel_the_second(runs: list[Run]) -> None:
        if end == "cancel":
            runs[1].cancel()

    job = {"deadline_s": 40.0} if end == "deadline" else {}
    first, second = side_by_side(url, provider, jackets(), jackets(**job), meddle=cancel_the_second)
    assert first.report["translated"] == 6
    assert second.report["cancelled"] == 6 and second.report["requests"] == 0
    assert second.report["makespan_s"] < (1.0 if end == "cancel" else 41.0)


@pytest.mark.parametrize("owner", ["another-host|1|", "dead"])
def test_what_a_dead_process_left_is_asked_for_by_one(url: str, owner: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ketl.store.claims.is_alive", lambda mark, age: mark != "dead")
    provider = slow()

    def leave_claims(store: Store) -> None:
        left = KeptClaims(store.database, owner)
        chosen = jackets()
        keys = [segment.id for segment, _ in chosen.cuttings.segments(chosen.languages)]
        brief = chosen.brief
        prints = {
            segment.id: brief.fingerprint(brief.prepare(segment))
            for segment, _ in chosen.cuttings.segments(chosen.languages)
        }
        assert left.take("groq", "gone", [(*ident, prints[ident]) for ident in keys])

    first, second = side_by_side(url, provider, jackets(), jackets(), first=leave_claims)
    assert set(provider.asked.values()) == {1}
    assert first.report["translated"] == second.report["translated"] == 6
    # One that has ended on this host is found out at once, another when its claims run out.
    assert (first.report["makespan_s"] < 5.0) is (owner == "dead")
    assert first.report["makespan_s"] < LEASE_S + 10.0


def test_a_run_that_lasts_longer_than_a_claim_keeps_its_texts(url: str) -> None:
    provider = FakeProvider(seconds=lambda call, user, number: 4 * LEASE_S)
    first, second = side_by_side(url, provider, jackets(pack=6), jackets(pack=6))
    assert second.report["requests"] == 0
    assert first.report["translated"] == second.report["from_memory"] == 6


def test_a_database_that_refuses_costs_no_text(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*given: object) -> None:
        raise RunError("The database could not be used (locked).")

    for name in ("take", "held", "renew", "drop", "drop_all"):
        monkeypatch.setattr(KeptClaims, name, refuse)
    results = side_by_side(url, slow(), jackets(), jackets())
    assert [result.report["translated"] for result in results] == [6, 6]


def test_one_that_cannot_look_any_more_asks_itself(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*given: object) -> None:
        raise RunError("The database could not be used (gone).")

    monkeypatch.setattr(KeptClaims, "held", refuse)
    provider = FakeProvider(seconds=lambda call, user, number: 60.0)
    first, second = side_by_side(url, provider, jackets(), jackets())
    assert first.report["translated"] == second.report["translated"] == 6
    assert second.report["from_memory"] == 0 and second.report["requests"] > 0


def test_who_shares_nothing_and_who_knows_everything_claims_nothing(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    side_by_side(url, FakeProvider(), jackets())

    touched: list[str] = []
    for name in ("take", "held", "renew", "drop", "drop_all"):
        monkeypatch.setattr(KeptClaims, name, lambda *given, name=name: touched.append(name))
    known, alone = side_by_side(url, FakeProvider(), jackets(), jackets(memory=False))
    assert known.report["from_memory"] == 6 and alone.report["translated"] == 6
    assert not touched


@pytest.fixture
def hosts(keyed: str) -> Iterator[list[RunHost]]:
    """Two programs over one file, each with a thread, a store and connections of its own."""
    running = [RunHost(load_settings()) for _ in range(2)]
    yield running
    for host in running:
        host.close()
        host.store.close()


@pytest.mark.parametrize("where", ["two programs", "two plans of one program"])
def test_over_sockets_each_text_is_asked_for_once(
    hosts: list[RunHost], simulator: RunningSimulator, where: str
) -> None:
    jobs = [
        Job(products=tuple(map(str, range(1, 9))), languages=("es", "ja"), glossary="none", plan=plan)
        for plan in ("unlimited", "unlimited" if where == "two programs" else "developer")
    ]
    at_once = hosts if where == "two programs" else [hosts[0], hosts[0]]
    views = [host.start(job) for host, job in zip(at_once, jobs, strict=True)]
    for host, view in zip(at_once, views, strict=True):
        ended(host, view)
    for view in views:
        assert view.result is not None and view.result.report["failed"] == 0
        assert view.ended == view.total
    assert all(times == 1 for *_, times in simulator.stats()["seen"])


def test_an_answer_that_came_between_the_look_and_the_claim_is_not_paid_again(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The second run looks into the memory while the first still translates, and claims when it has ended.
    take = KeptClaims.take
    ours: list[str] = []

    def late(self: KeptClaims, engine: str, run_id: str, keys: Any) -> Any:
        ours.append(run_id)
        return take(self, engine, run_id, keys)

    monkeypatch.setattr(KeptClaims, "take", late)
    provider = FakeProvider(seconds=lambda call, user, number: 0.3)

    async def go() -> list[RunResult]:
        stores = [Store(url) for _ in range(2)]
        runs = [Run(jackets(), open_fake(provider, lanes_for(provider)), store) for store in stores]
        for run in runs:
            await run.prepare()
        recall = runs[1]._prepared.recall  # type: ignore[union-attr]
        looked, look = asyncio.Event(), recall.of

        def first_end(segments: Any, pinned: Any) -> Any:
            found = look(segments, pinned)
            looked.set()
            return found

        monkeypatch.setattr(recall, "of", first_end)
        # Its turn comes when the first run has ended: between its look and its claim.
        results = []
        original = runs[1]._turn.acquire

        async def wait_for_the_first() -> Any:
            if looked.is_set() and not results:
                results.append(await runs[0].execute())
            return await original()

        monkeypatch.setattr(runs[1]._turn, "acquire", wait_for_the_first)
        results.append(await runs[1].execute())
        for store in stores:
            store.close()
        return results

    first, second = run_by_hand(go())
    assert set(provider.asked.values()) == {1} and len(set(ours)) == 2
    assert (first.report["from_memory"], second.report["from_memory"]) == (0, 6)
