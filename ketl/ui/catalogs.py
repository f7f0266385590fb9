"""Which catalogue the pages work on: the shipped one, or a file that the visitor gave."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

import streamlit as st

from ketl._figures import counted
from ketl.catalog.catalog import Catalog
from ketl.catalog.products import FIELD_NAMES, FIELDS
from ketl.catalog.units import cut_texts
from ketl.errors import CatalogError, KetlError
from ketl.formats.catalog_files import DEFAULT_CATALOG, open_catalog
from ketl.store.database import data_folder
from ketl.ui.texts import caption, named, note

CATALOG = "catalog"
_BAD = "catalog_problem"
# The table offers this many products at once; the rest is found by the filter.
LISTED_MOST = 200_000
# More of a text than this nobody reads in a cell, and the browser is sent every cell of the table.
_ABOUT_MOST = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One product as the table shows it: `texts` by field, how many, `letters` the characters of all."""

    id: str
    name: str
    about: str
    texts: Mapping[str, int]
    letters: int
    needle: str

    @property
    def text_count(self) -> int:
        """How many texts it has, over all fields."""
        return sum(self.texts.values())


def catalog_in_use() -> tuple[str | None, Catalog]:
    """Return the catalogue's path, None for the shipped one, and the catalogue."""
    path = _given_path()
    return (str(path), _opened(str(path), path.stat().st_mtime)) if path else (None, _opened(None, 0.0))


def entries() -> list[Entry]:
    """Return the products of the catalogue for the table, in the order of the file."""
    path = _given_path()
    return _listed(str(path) if path else None, path.stat().st_mtime if path else 0.0)


@st.cache_resource(max_entries=4, show_spinner=False)
def _opened(path: str | None, _stamp: float) -> Catalog:
    return open_catalog(path)


@st.cache_resource(max_entries=4, show_spinner="Reading the products …")
def _listed(path: str | None, stamp: float) -> list[Entry]:
    found: list[Entry] = []
    for product in _opened(path, stamp):
        counts: Counter[str] = Counter()
        letters = 0
        for text in cut_texts(product, FIELD_NAMES):
            counts[text.field] += 1
            letters += len(text.source)
        about = next((str(t)[:_ABOUT_MOST] for f in ("features", "details") if (t := product.texts.get(f))), "")
        needle = f"{product.id} {product.name} {about}".casefold()
        found.append(Entry(id=product.id, name=product.name, about=about, texts=counts, letters=letters, needle=needle))
        if len(found) >= LISTED_MOST:
            break
    return found


def _folder() -> Path:
    return data_folder() / "uploads"


def _given_path() -> Path | None:
    """Return the file that this visitor gave, by the fingerprint in the address or the session."""
    mark = str(st.query_params.get(CATALOG) or st.session_state.get(CATALOG) or "")
    if not re.fullmatch(r"[0-9a-f]{32}", mark):
        return None
    path = next((p for p in sorted((_folder() / mark).glob("*")) if p.is_file()), None)
    if path is not None:
        st.session_state[CATALOG] = st.query_params[CATALOG] = mark
    return path


def keep(name: str, content: bytes) -> str:
    """Keep an uploaded catalogue under its fingerprint, so that a run can be resumed, and return that.

    Raises CatalogError, and keeps nothing, when it is no catalogue.
    """
    mark = blake2b(name.encode("utf-8", "replace") + b"\0" + content, digest_size=16).hexdigest()
    safe = re.sub(r"[^\w. -]", "_", Path(name).name)[-80:] or "catalogue.json"
    path = _folder() / mark / safe
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    except OSError as error:
        raise CatalogError(f"{safe} could not be stored ({error.strerror}). Free some space and try again.") from error
    try:
        # A large file is read row by row; a fault in its last row must be found now, not in the run.
        for _ in open_catalog(path):
            pass
    except KetlError:
        path.unlink()
        path.parent.rmdir()
        raise
    return mark


def _take_upload() -> None:
    given = st.session_state.get("upload")
    st.session_state.pop(_BAD, None)
    if given is None:
        return
    try:
        mark = keep(given.name, given.getvalue())
    except CatalogError as error:
        st.session_state[_BAD] = str(error)
        return
    _use(mark)


def _use(mark: str | None) -> None:
    redraw_table()
    for name in ("products", CATALOG):
        st.session_state.pop(name, None)
    st.query_params.pop(CATALOG, None)
    if mark is not None:
        st.session_state[CATALOG] = st.query_params[CATALOG] = mark


def redraw_table() -> None:
    """Let the products' table begin anew: its selection is row numbers, which mean nothing among other rows."""
    st.session_state["table"] = st.session_state.get("table", 0) + 1


def choose_catalog() -> None:
    """Draw which catalogue is in use and the way to another one."""
    path = _given_path()
    name = path.name if path else "KETL Mtn. catalogue"
    with st.container(horizontal=True, vertical_alignment="center"):
        named(name, counted(len(entries()), "product"))
        with st.popover("Another catalogue", icon=":material/upload_file:", type="tertiary"):
            st.file_uploader(
                "Catalogue file (.json or .jsonl)",
                type=["json", "jsonl"],
                key="upload",
                on_change=_take_upload,
                help="A list of products, each with a product_id and texts such as "
                + ", ".join(f.keys[0] for f in FIELDS)
                + ".",
            )
            if path:
                st.button("Back to the KETL Mtn. catalogue", on_click=_use, args=(None,), key="shipped")
            else:
                caption(f"Now: {DEFAULT_CATALOG.name}")
    if st.session_state.get(_BAD):
        note(st.session_state[_BAD], "error")
