"""Catalogues that a visitor gives: what is kept of them, what is refused, and what an address may name."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from streamlit.testing.v1 import AppTest

from ketl.errors import CatalogError, RunError
from ketl.runs.host import RunView
from ketl.runs.job import Job, job_to_json
from ketl.store.store import Store
from ketl.store.tables import UPLOADS
from ketl.store.uploads import KeptUploads
from ketl.ui import catalogs
from ketl.ui.catalogs import CATALOG, Given
from ketl.ui.session import RUN, runs

Shown = Callable[[AppTest], str]
ROPES = json.dumps([{"product_id": "A-1", "product_name": "Rope Bag", "available_colors": ["Red", "Blue"]}]).encode()


@pytest.fixture
def keep(app: AppTest) -> Callable[[str, bytes], Given]:
    """What the page does with a file, in the one process of the app's runs."""
    return catalogs.keep


def kept() -> list[bytes]:
    with runs().store.database.transaction() as connection:
        return [bytes(content) for content in connection.execute(select(UPLOADS.c.content)).scalars()]


Keep = Callable[[str, bytes], Given]


def test_a_catalogue_is_kept_once_and_called_as_it_was_given(keep: Keep) -> None:
    first, second = keep("ropes.json", ROPES), keep("cords.json", ROPES)
    assert (first.sha256, first.name, second.name) == (second.sha256, "ropes.json", "cords.json")
    assert kept() == [ROPES]


def test_other_content_under_the_same_name_is_another_catalogue(keep: Keep) -> None:
    assert keep("ropes.json", ROPES) != keep("ropes.json", ROPES.replace(b"Red", b"Green"))
    assert len(kept()) == 2


@pytest.mark.parametrize(
    "name",
    ["../../../etc/ropes.json", "/etc/ropes.json", "ro\x00pes\n.json", f"{'long' * 90}.json", "<b>ropes</b>.json"],
)
def test_a_name_is_a_name_and_nothing_else(keep: Keep, name: str) -> None:
    called = keep(name, ROPES).name
    assert called.endswith(".json") and len(called) <= 80 and not set(called) & set("/<>\n\x00")


def test_what_is_no_catalogue_leaves_nothing_behind(keep: Keep) -> None:
    with pytest.raises(CatalogError, match="more than once"):
        keep("twice.json", json.dumps([{"product_id": 1, "product_name": "A"}] * 2).encode())
    assert kept() == []


def test_a_fault_in_the_last_row_of_a_large_file_is_found_at_once(keep: Keep, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ketl.formats.catalog_files.STREAM_ABOVE_BYTES", 1_000)
    rows = [{"product_id": n, "product_name": f"Rope {n}"} for n in range(300)]
    with pytest.raises(CatalogError, match="Row 301"):
        keep("long.json", json.dumps([*rows, "a rope"]).encode())
    assert kept() == []


def test_a_database_that_takes_no_more_is_a_sentence(
    app: AppTest, problems: Callable[[AppTest], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    app.run()
    monkeypatch.setattr(KeptUploads, "keep", full)
    app.file_uploader[0].upload("ropes.json", ROPES).run()
    assert problems(app) == ["The database could not be used (disk is full)."] and CATALOG not in app.session_state


def full(*_: Any) -> str:
    raise RunError("The database could not be used (disk is full).")


def test_an_uploaded_catalogue_is_in_the_address_and_its_products_in_the_table(app: AppTest, shown: Shown) -> None:
    app.run()
    # The other catalogue has a product of the same id, which nobody has chosen.
    app.session_state["products"] = ("1", "2")
    app.file_uploader[0].upload("ropes.json", ROPES.replace(b'"A-1"', b'"1"')).run()
    assert app.session_state["products"] == ()
    table = app.dataframe[0].value
    assert table.to_dict("list") == {"Product": ["Rope Bag"], "Id": ["1"], "Texts": [3], "About": [""]}

    second = AppTest.from_file(app._script_path, default_timeout=60)
    for name in (CATALOG, "file"):
        second.query_params[name] = app.session_state[name]
    second.run()
    assert "<bdi>ropes.json</bdi></strong>, 1 product<" in shown(second)


@pytest.mark.parametrize("named", ["0" * 32, "../../etc", "", "A" * 64])
def test_an_address_that_names_no_catalogue_shows_the_shipped_one(app: AppTest, shown: Shown, named: str) -> None:
    app.query_params[CATALOG] = named
    app.run()
    assert not app.exception
    assert "<bdi>KETL Mtn. catalogue</bdi></strong>, 24 products" in shown(app)


def test_an_address_of_a_catalogue_that_is_forgotten_says_so(
    app: AppTest, shown: Shown, problems: Callable[[AppTest], list[str]]
) -> None:
    app.query_params[CATALOG], app.query_params["file"] = "0" * 64, "ropes.json"
    app.run()
    assert problems(app) == ["The catalogue ropes.json is no longer kept. Give it again."]
    assert "<bdi>KETL Mtn. catalogue</bdi></strong>, 24 products" in shown(app) and CATALOG not in app.query_params


def interrupted(job: Job, sha256: str | None, engine: str = "groq") -> None:
    """Write down a run of another process that has died."""
    with Store(clock=lambda: time.time() - 100) as another:
        counts, spec = {"units": 3, "languages": 1}, job_to_json(job)
        another.journal.start_run("r1", engine=engine, mode="parallel", spec=spec, counts=counts, catalog_sha256=sha256)


def test_a_restarted_app_finishes_a_run_of_an_uploaded_catalogue(
    keyed_app: AppTest, finish: Callable[..., RunView]
) -> None:
    given = catalogs.keep("ropes.json", ROPES)
    interrupted(Job(catalog=given.name, upload=given.sha256, languages=("es",)), given.sha256)
    keyed_app.query_params[RUN] = "r1"
    keyed_app.run()
    keyed_app.button("resume").click().run()
    live = finish(keyed_app)
    assert live.result is not None and [row.source for row in live.result.rows()] == ["Rope Bag", "Red", "Blue"]
    assert live.run_id == "r1" and live.result.report["translated"] == 3


def test_a_file_that_changed_since_is_told_on_the_page(
    keyed_app: AppTest, finish: Callable[..., RunView], shown: Shown, tmp_path: Path
) -> None:
    path = tmp_path / "ropes.json"
    path.write_bytes(ROPES)
    interrupted(Job(catalog=str(path), languages=("es",)), "another file's")
    keyed_app.query_params[RUN] = "r1"
    keyed_app.run()
    keyed_app.button("resume").click().run()
    finish(keyed_app)
    assert "The catalogue ropes.json has changed since this run began: what is new" in shown(keyed_app)


def test_a_file_that_is_gone_is_told_on_the_page_and_the_run_can_still_be_resumed(
    keyed_app: AppTest, problems: Callable[[AppTest], list[str]], tmp_path: Path
) -> None:
    interrupted(Job(catalog=str(tmp_path / "ropes.json"), languages=("es",)), "its file's")
    keyed_app.query_params[RUN] = "r1"
    keyed_app.run()
    keyed_app.button("resume").click().run()
    (said,) = problems(keyed_app)
    assert "ropes.json, which this run began with, is no longer there" in said
    assert "resume" in [button.key for button in keyed_app.button]


def test_a_run_that_could_not_be_resumed_is_offered_again(
    keyed_app: AppTest, finish: Callable[..., RunView], problems: Callable[[AppTest], list[str]]
) -> None:
    interrupted(Job(products=("1",), languages=("es",)), None, engine="demo")
    keyed_app.query_params[RUN] = "r1"
    keyed_app.run()
    keyed_app.button("resume").click().run()
    assert finish(keyed_app).status == "failed"
    (said,) = problems(keyed_app)
    assert "began in the demo" in said and "resume" in [button.key for button in keyed_app.button]


def test_a_file_name_is_shown_as_it_is_and_not_as_markdown(app: AppTest, shown: Shown) -> None:
    app.run()
    app.file_uploader[0].upload("_winter_ [sale].json", ROPES).run()
    assert "<bdi>_winter_ _sale_.json</bdi></strong>, 1 product" in shown(app)
