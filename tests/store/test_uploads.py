"""What was given to the page is kept once, for as long as a run needs it, and not without bounds."""

from __future__ import annotations

import hashlib

import pytest
from sqlalchemy import func, select

from ketl.errors import CatalogError
from ketl.store.store import Store
from ketl.store.tables import UPLOADS
from ketl.store.uploads import MOST_BYTES, UNUSED_KEPT_S
from tests.store.conftest import Clock

ROPES, SOCKS = b'[{"product_id": 1}]\x00\xff', b"[]"


def many(store: Store) -> int:
    with store.database.transaction() as connection:
        return int(connection.execute(select(func.count()).select_from(UPLOADS)).scalar_one())


def begin(store: Store, sha256: str) -> None:
    store.journal.start_run("r", engine="demo", mode="parallel", spec={}, counts={}, catalog_sha256=sha256)


def test_what_is_given_comes_back_and_the_same_lies_there_once(store: Store) -> None:
    sha256 = store.uploads.keep("ropes.json", ROPES)
    assert sha256 == hashlib.sha256(ROPES).hexdigest() == store.uploads.keep("other name.jsonl", ROPES)
    assert store.uploads.content(sha256) == ROPES and sha256 in store.uploads and many(store) == 1
    assert store.uploads.keep("ropes.json", SOCKS) != sha256 and many(store) == 2


def test_what_was_never_given_is_not_there(store: Store) -> None:
    assert store.uploads.content("0" * 64) is None and "0" * 64 not in store.uploads


def test_what_no_run_needs_is_forgotten_after_a_week(store: Store, clock: Clock) -> None:
    needed, unused, again = (store.uploads.keep("a.json", content) for content in (ROPES, SOCKS, b"again"))
    begin(store, needed)
    clock.now += UNUSED_KEPT_S - 1
    store.uploads.keep("a.json", b"again")
    assert unused in store.uploads
    clock.now += 2
    store.uploads.keep("new.json", b"new")
    assert unused not in store.uploads
    assert needed in store.uploads and again in store.uploads


def test_a_run_of_any_status_keeps_its_catalogue(store: Store, clock: Clock) -> None:
    sha256 = store.uploads.keep("ropes.json", ROPES)
    begin(store, sha256)
    store.journal.finish_run("r", "finished")
    clock.now += 100 * UNUSED_KEPT_S
    store.uploads.keep("new.json", b"new")
    assert store.uploads.content(sha256) == ROPES


def test_more_than_the_page_takes_is_refused_with_what_to_do(store: Store) -> None:
    with pytest.raises(CatalogError, match=r"big.json has 20.0 MB; the page takes up to 20 MB. Give it in parts"):
        store.uploads.keep("big.json", bytes(MOST_BYTES + 1))
    assert many(store) == 0
    assert store.uploads.keep("big.json", bytes(MOST_BYTES))
