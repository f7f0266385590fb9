"""A resumed run and its catalogue: an upload comes from the database, a change is told, what is gone is said first."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from ketl.catalog.catalog import Catalog
from ketl.catalog.units import text_key
from ketl.errors import CatalogError, SettingsError
from ketl.formats.catalog_files import open_upload
from ketl.results.catalog_change import CatalogChanged
from ketl.results.events import Ended, Event
from ketl.results.rows import ResultRow
from ketl.runs.connection import Connection
from ketl.runs.drive import EarlierPart, drive, take_over
from ketl.runs.job import Job
from ketl.runs.result import RunResult
from ketl.runs.run import Run
from ketl.runs.selection import select
from ketl.store.records import RunRecord
from ketl.store.store import Store
from tests.fakes import FakeProvider, lanes_for, open_fake, products, run_by_hand

NAMES = ["Summit Jacket", "River Vest", "Trail Sock", "Rope Bag"]


def rows(*names: str) -> bytes:
    return json.dumps([{"product_id": n, "product_name": name} for n, name in enumerate(names, 1)]).encode()


def key_of(row: ResultRow) -> bytes:
    return text_key("title", row.source)


def driven(store: Store, job: Job, **more: Any) -> RunResult:
    provider = more.pop("provider", None) or FakeProvider(seconds=lambda call, user, number: 0.2 + 0.1 * number)

    async def go() -> RunResult:
        @asynccontextmanager
        async def connect() -> AsyncIterator[Connection]:
            async with open_fake(provider, lanes_for(provider)) as connection:
                yield connection

        return await drive(job, connect, store, **more)

    return run_by_hand(go())


def cut_short(store: Store, job: Job, after: int = 2, catalog: Catalog | None = None) -> str:
    """Begin a run that ends after some texts have, and return its id."""
    runs: list[Run] = []
    ended = 0

    def watch(event: Event) -> None:
        nonlocal ended
        ended += isinstance(event, Ended)
        if ended == after:
            runs[0].cancel()

    result = driven(store, job, watch=watch, began=runs.append, catalog=catalog)
    assert result.report["translated"] == after
    return result.run_id


def seen(store: Store, run_id: str) -> RunRecord | None:
    return store.journal.run(run_id)


def job_of(path: Path | None = None, **more: Any) -> Job:
    return Job(catalog=str(path) if path else None, languages=("es",), glossary="none", pack=1, **more)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "rows.json"
    path.write_bytes(rows(*NAMES))
    return path


@pytest.fixture
def resumed(store: Store) -> Callable[[str], tuple[RunResult, list[CatalogChanged], EarlierPart]]:
    """Resume a run and return its result, what was told of its catalogue, and the part before."""

    def act(run_id: str) -> tuple[RunResult, list[CatalogChanged], EarlierPart]:
        told: list[CatalogChanged] = []
        earlier = take_over(store, run_id)

        def watch(event: Event) -> None:
            if isinstance(event, CatalogChanged):
                told.append(event)

        return driven(store, earlier.job, earlier=earlier, watch=watch), told, earlier

    return act


Resumed = Callable[[str], tuple[RunResult, list[CatalogChanged], EarlierPart]]


def test_a_run_of_an_upload_is_finished_from_the_database(store: Store, resumed: Resumed) -> None:
    content = rows(*NAMES)
    job = job_of(upload=store.uploads.keep("rows.json", content))
    run_id = cut_short(store, job, catalog=open_upload("rows.json", content))
    result, told, earlier = resumed(run_id)
    assert earlier.job == job and told == [] and result.report["catalog_changed"] is None
    assert [row.source for row in result.rows()] == NAMES and result.report["translated"] == 4


def test_an_upload_that_is_no_longer_kept_is_said_before_anything_is_sent(store: Store) -> None:
    content = rows(*NAMES)
    job = job_of(Path("rows.json"), upload="0" * 64)
    run_id = cut_short(store, job, catalog=open_upload("rows.json", content))
    before, provider = seen(store, run_id), FakeProvider()
    with pytest.raises(CatalogError, match=r"catalogue rows.json, which was given to the page, is no longer kept"):
        driven(store, job, earlier=take_over(store, run_id), provider=provider)
    assert provider.calls == [] and seen(store, run_id) == before


def test_a_catalogue_that_is_the_same_is_not_spoken_of(store: Store, file: Path, resumed: Resumed) -> None:
    run_id = cut_short(store, job_of(file))
    file.touch()
    result, told, _ = resumed(run_id)
    assert told == [] and result.report["catalog_changed"] is None and result.report["translated"] == 4


def test_a_catalogue_that_changed_is_told_with_what_becomes_of_it(store: Store, file: Path, resumed: Resumed) -> None:
    run_id = cut_short(store, job_of(file))
    file.write_bytes(rows("Summit Parka", *NAMES[1:], "Wool Cap"))
    result, told, earlier = resumed(run_id)
    assert {row.source for row in result.rows() if (key_of(row), "es") in earlier.done} == {"River Vest"}
    assert told == [CatalogChanged(name="rows.json", texts_before=4, texts=5, left_out=1)]
    assert result.report["catalog_changed"] == {"name": "rows.json", "texts_before": 4, "texts": 5, "left_out": 1}
    assert [row.source for row in result.rows()] == ["Summit Parka", *NAMES[1:], "Wool Cap"]
    assert {row.status for row in result.rows()} == {"translated"}


def test_a_second_resume_tells_it_again_for_it_is_not_what_the_run_began_with(
    store: Store, file: Path, resumed: Resumed
) -> None:
    run_id = cut_short(store, job_of(file))
    file.write_bytes(rows(*NAMES, "Wool Cap"))
    resumed(run_id)
    assert len(resumed(run_id)[1]) == 1


def test_of_a_run_of_an_older_version_nothing_is_claimed(store: Store, file: Path, resumed: Resumed) -> None:
    run_id = cut_short(store, job_of(file))
    with store.database.transaction() as connection:
        connection.exec_driver_sql("UPDATE runs SET catalog_sha256 = NULL")
    file.write_bytes(rows("Summit Parka"))
    assert resumed(run_id)[1] == []


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ((4, 4, 0), "The catalogue a.json has changed since this run began: what is new or changed in it is translated "
         "as well."),
        ((1, 1204, 1), "The catalogue a.json has changed since this run began (1 text to translate then, 1,204 now): "
         "what is new or changed in it is translated as well, and 1 translation of what is no longer in it is left "
         "out."),
        ((9, 7, 2), "The catalogue a.json has changed since this run began (9 texts to translate then, 7 now): what is "
         "new or changed in it is translated as well, and 2 translations of what is no longer in it are left out."),
    ],
)  # fmt: skip
def test_the_sentence_says_what_changed(change: tuple[int, int, int], says: str) -> None:
    before, now, gone = change
    assert CatalogChanged(name="a.json", texts_before=before, texts=now, left_out=gone).sentence == says


def test_a_catalogue_that_is_gone_is_said_before_anything_is_sent(store: Store, file: Path) -> None:
    run_id = cut_short(store, job_of(file))
    file.unlink()
    before, provider = seen(store, run_id), FakeProvider()
    with pytest.raises(CatalogError, match=r"rows.json, which this run began with, is no longer there. Nothing was se"):
        driven(store, job_of(file), earlier=take_over(store, run_id), provider=provider)
    assert provider.calls == [] and seen(store, run_id) == before


def test_products_that_a_program_gave_are_not_taken_for_the_shipped_ones(store: Store) -> None:
    run_id = cut_short(store, job_of(), catalog=products(2))
    before, provider = seen(store, run_id), FakeProvider()
    with pytest.raises(SettingsError, match="were given by a Python program"):
        driven(store, job_of(), earlier=take_over(store, run_id), provider=provider)
    assert provider.calls == [] and seen(store, run_id) == before


def test_a_part_of_a_catalogue_is_known_by_the_whole_file(file: Path) -> None:
    whole, part = (select(job_of(file, products=chosen)).catalog.sha256 for chosen in ((), ("2",)))
    assert whole == part is not None


@pytest.mark.parametrize(("engine", "says"), [("demo", "began in the demo. Leave GROQ_API_KEY"), ("groq", "")])
def test_a_demo_s_run_is_not_finished_with_real_translations(
    store: Store, file: Path, resumed: Resumed, engine: str, says: str
) -> None:
    run_id = cut_short(store, job_of(file))
    with store.database.transaction() as connection:
        connection.exec_driver_sql(f"UPDATE runs SET engine = '{engine}'")
    before = seen(store, run_id)
    if not says:
        assert resumed(run_id)[0].report["translated"] == 4
        return
    with pytest.raises(SettingsError, match=says):
        resumed(run_id)
    assert seen(store, run_id) == before


def test_what_a_catalogue_lost_is_not_counted_as_done(store: Store, file: Path, resumed: Resumed) -> None:
    run_id = cut_short(store, job_of(file))
    file.write_bytes(rows("Wool Cap"))
    report = resumed(run_id)[0].report
    assert (report["units"], report["done_before"], report["requests"]) == (1, 0, 1)
    assert report["catalog_changed"]["left_out"] == 2
