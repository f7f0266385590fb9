"""Which catalogue the pages work on: the shipped one, or a file that the visitor gave."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from ketl._figures import counted
from ketl.catalog.catalog import Catalog
from ketl.catalog.products import FIELD_NAMES, FIELDS
from ketl.catalog.units import cut_texts
from ketl.errors import CatalogError, KetlError
from ketl.formats.catalog_files import DEFAULT_CATALOG, open_catalog, open_upload
from ketl.ui.session import runs
from ketl.ui.texts import caption, named, note

CATALOG = "catalog"
_FILE = "file"
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


@dataclass(frozen=True, slots=True)
class Given:
    """A catalogue that was given to the page: under which SHA-256 the database keeps it, and the file's name."""

    sha256: str
    name: str


def given_catalog() -> Given | None:
    """Return the catalogue that this visitor gave, by the address or the session; None for the shipped one."""
    for place in (st.query_params, st.session_state):
        given = Given(str(place.get(CATALOG) or ""), _safe(str(place.get(_FILE) or "")))
        if re.fullmatch(r"[0-9a-f]{64}", given.sha256):
            if given.sha256 in runs().store.uploads:
                _remember(given)
                return given
            _forget()
            st.session_state[_BAD] = f"The catalogue {given.name} is no longer kept. Give it again."
            return None
    return None


def catalog_in_use() -> Catalog:
    """Return the catalogue that the pages work on."""
    return _opened(given_catalog())


def entries() -> list[Entry]:
    """Return the products of the catalogue for the table, in the order of the file."""
    return _listed(given_catalog())


@st.cache_resource(max_entries=4, show_spinner=False)
def _opened(given: Given | None) -> Catalog:
    if given is None:
        return open_catalog()
    content = runs().store.uploads.content(given.sha256)
    if content is None:
        raise CatalogError(f"The catalogue {given.name} is no longer kept. Give it again.")
    return open_upload(given.name, content)


@st.cache_resource(max_entries=4, show_spinner="Reading the products …")
def _listed(given: Given | None) -> list[Entry]:
    found: list[Entry] = []
    for product in _opened(given):
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


def keep(name: str, content: bytes) -> Given:
    """Keep an uploaded catalogue, so that a run can be resumed, and return it.

    Raises CatalogError, and keeps nothing, when it is too large or no catalogue.
    """
    name = _safe(name)
    open_upload(name, content)
    return Given(runs().store.uploads.keep(name, content), name)


def _safe(name: str) -> str:
    return re.sub(r"[^\w. -]", "_", Path(name).name)[-80:] or "catalogue.json"


def _remember(given: Given) -> None:
    st.session_state[CATALOG] = st.query_params[CATALOG] = given.sha256
    st.session_state[_FILE] = st.query_params[_FILE] = given.name


def _forget() -> None:
    for name in (CATALOG, _FILE):
        st.session_state.pop(name, None)
        st.query_params.pop(name, None)


def _take_upload() -> None:
    given = st.session_state.get("upload")
    st.session_state.pop(_BAD, None)
    if given is None:
        return
    try:
        _use(keep(given.name, given.getvalue()))
    except KetlError as error:
        st.session_state[_BAD] = str(error)


def _use(given: Given | None) -> None:
    redraw_table()
    st.session_state.pop("products", None)
    st.session_state.pop(_BAD, None)
    _forget()
    if given is not None:
        _remember(given)


def redraw_table() -> None:
    """Let the products' table begin anew: its selection is row numbers, which mean nothing among other rows."""
    st.session_state["table"] = st.session_state.get("table", 0) + 1


def choose_catalog() -> None:
    """Draw which catalogue is in use and the way to another one."""
    given = given_catalog()
    name = given.name if given else "KETL Mtn. catalogue"
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
            if given:
                st.button("Back to the KETL Mtn. catalogue", on_click=_use, args=(None,), key="shipped")
            else:
                caption(f"Now: {DEFAULT_CATALOG.name}")
    if st.session_state.get(_BAD):
        note(st.session_state[_BAD], "error")
