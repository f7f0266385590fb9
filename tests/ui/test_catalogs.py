"""Catalogues that a visitor gives: what is kept of them, what is refused, and what an address may name."""

from __future__ import annotations

import errno
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from ketl.errors import CatalogError
from ketl.formats.catalog_files import open_catalog
from ketl.ui.catalogs import CATALOG, keep

Shown = Callable[[AppTest], str]
ROPES = json.dumps([{"product_id": "A-1", "product_name": "Rope Bag", "available_colors": ["Red", "Blue"]}]).encode()


def kept(home: Path) -> list[Path]:
    return sorted(path for path in (home / "uploads").rglob("*") if path.is_file())


def test_a_catalogue_is_kept_once_under_its_fingerprint(home: Path) -> None:
    mark = keep("ropes.json", ROPES)
    assert keep("ropes.json", ROPES) == mark
    assert kept(home) == [home / "uploads" / mark / "ropes.json"]
    assert next(iter(open_catalog(kept(home)[0]))).name == "Rope Bag"


def test_other_content_under_the_same_name_is_another_catalogue(home: Path) -> None:
    assert keep("ropes.json", ROPES) != keep("ropes.json", ROPES.replace(b"Red", b"Green"))
    assert len(kept(home)) == 2


@pytest.mark.parametrize(
    "name",
    ["../../../etc/ropes.json", "/etc/ropes.json", "ro\x00pes\n.json", f"{'long' * 90}.json", "<b>ropes</b>.json"],
)
def test_no_name_leads_out_of_its_folder(home: Path, name: str) -> None:
    mark = keep(name, ROPES)
    (path,) = kept(home)
    assert path.parent == home / "uploads" / mark
    assert path.suffix == ".json" and len(path.name) <= 80 and not set(path.name) & set("/<>\n\x00")


def test_what_is_no_catalogue_leaves_nothing_behind(home: Path) -> None:
    with pytest.raises(CatalogError, match="more than once"):
        keep("twice.json", json.dumps([{"product_id": 1, "product_name": "A"}] * 2).encode())
    assert list((home / "uploads").iterdir()) == []


def test_a_fault_in_the_last_row_of_a_large_file_is_found_at_once(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ketl.formats.catalog_files.STREAM_ABOVE_BYTES", 1_000)
    rows = [{"product_id": n, "product_name": f"Rope {n}"} for n in range(300)]
    with pytest.raises(CatalogError, match="Row 301"):
        keep("long.json", json.dumps([*rows, "a rope"]).encode())
    assert kept(home) == []


def test_a_full_disk_is_a_sentence(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(CatalogError, match=r"ropes.json could not be stored \(No space left on device\). Free some"):
        keep("ropes.json", ROPES)


def test_an_uploaded_catalogue_is_in_the_address_and_its_products_in_the_table(app: AppTest, shown: Shown) -> None:
    app.run()
    # The other catalogue has a product of the same id, which nobody has chosen.
    app.session_state["products"] = ("1", "2")
    app.file_uploader[0].upload("ropes.json", ROPES.replace(b'"A-1"', b'"1"')).run()
    assert app.session_state["products"] == ()
    table = app.dataframe[0].value
    assert table.to_dict("list") == {"Product": ["Rope Bag"], "Id": ["1"], "Texts": [3], "About": [""]}

    second = AppTest.from_file(app._script_path, default_timeout=60)
    second.query_params[CATALOG] = app.session_state[CATALOG]
    second.run()
    assert "<bdi>ropes.json</bdi></strong>, 1 product<" in shown(second)


@pytest.mark.parametrize("named", ["0" * 32, "../../etc", "", "A" * 32])
def test_an_address_that_names_no_catalogue_shows_the_shipped_one(app: AppTest, shown: Shown, named: str) -> None:
    app.query_params[CATALOG] = named
    app.run()
    assert not app.exception
    assert "<bdi>KETL Mtn. catalogue</bdi></strong>, 24 products" in shown(app)


def test_a_file_name_is_shown_as_it_is_and_not_as_markdown(app: AppTest, shown: Shown) -> None:
    app.run()
    app.file_uploader[0].upload("_winter_ [sale].json", ROPES).run()
    assert "<bdi>_winter_ _sale_.json</bdi></strong>, 1 product" in shown(app)
