"""What to translate: the products' table, the languages, the fields and the options."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from ketl.catalog.catalog import Catalog
from ketl.catalog.products import FIELD_NAMES, field_label
from ketl.formats.catalog_files import DEFAULT_CATALOG
from ketl.language.languages import BY_TAG, LANGUAGES
from ketl.runs.host import RunView
from ketl.runs.job import Job
from ketl.ui import words
from ketl.ui.catalogs import Entry, Given, catalog_in_use, choose_catalog, entries, given_catalog, redraw_table
from ketl.ui.session import runs
from ketl.ui.tables import records_frame

SHOWN_MOST = 2_000
_HEADINGS = {"name": "Product", "id": "Id", "text_count": "Texts", "about": "About"}

PRESETS: dict[str, tuple[str, ...]] = {
    "Western Europe": ("es", "fr", "de", "it", "pt-PT", "nl"),
    "Northern Europe": ("sv", "da", "nb", "fi", "is"),
    "Central and Eastern Europe": ("pl", "cs", "sk", "hu", "ro", "bg", "uk", "el"),
    "The Americas": ("es-MX", "fr-CA", "pt-BR"),
    "Asia": ("ja", "zh-Hans", "zh-Hant", "ko", "th", "vi", "id", "hi"),
    "Right to left": tuple(language.tag for language in LANGUAGES if language.direction == "rtl"),
}
_READY = "Ready in the demo"
_ALL = "All languages"
_NONE = "None"


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What is chosen so far; `products` and `languages` may still be empty."""

    given: Given | None
    catalog: Catalog
    products: tuple[str, ...]
    everything: bool
    languages: tuple[str, ...]
    fields: tuple[str, ...]
    options: dict[str, Any]

    @property
    def ready(self) -> bool:
        """Whether there is something to translate."""
        return bool(self.products and self.languages and self.fields)

    @property
    def missing(self) -> str:
        """What is still to be chosen, as a sentence."""
        names = ("product", self.products), ("language", self.languages), ("field", self.fields)
        lacking = [f"one {name}" for name, chosen in names if not chosen]
        return f"Choose at least {' and '.join(lacking)} to see what it will take."

    def job(self) -> Job:
        """Return the job that the choice stands for."""
        return Job(
            catalog=self.given.name if self.given else None,
            upload=self.given.sha256 if self.given else None,
            products=() if self.everything else self.products,
            languages=self.languages,
            fields=self.fields,
            **self.options,
        )


def chooser(live: RunView | None) -> DeltaGenerator:
    """Draw the box around the choice, which says what is chosen, and return it; open while there is no run.

    A fresh session takes over its run's choice.
    """
    _seed(live, given_catalog())
    products, languages = len(st.session_state["products"]), len(st.session_state["languages"])
    label = "What to translate" + (f": {words.selection(products, languages)}" if products and languages else "")
    # Its words and how it begins are part of what an expander is: with other words it is a new one, which must be
    # told whether its forerunner was open, and as long as the words stay, it must not be told anything else.
    kept = f"chooser_of_{live.run_id if live is not None else 'nothing'}"
    label_before, began_open, was_open = st.session_state.get(kept, ("", False, live is None))
    begins_open = began_open if label == label_before else was_open
    box = st.expander(label, expanded=begins_open, key="chooser", icon=":material/checklist:", on_change="rerun")
    st.session_state[kept] = (label, begins_open, box.open)
    return box


def choose(left: DeltaGenerator, right: DeltaGenerator) -> Choice:
    """Draw the pickers, the products at the left, and return the choice."""
    given, catalog = given_catalog(), catalog_in_use()
    with left:
        choose_catalog()
        products = _choose_products(entries())
    with right:
        languages = _choose_languages()
        presets = st.container(horizontal=True)
        _choose_preset(presets)
        fields = _choose_fields()
        options = _choose_options(presets)
    return Choice(
        given=given,
        catalog=catalog,
        products=products,
        everything=len(products) == len(entries()),
        languages=languages,
        fields=fields,
        options=options,
    )


def _seed(live: RunView | None, given: Given | None) -> None:
    state = st.session_state
    in_use = given.sha256 if given else None
    job = live.job if live is not None and live.job.upload == in_use else None
    if "products" not in state:
        state["products"] = _wanted(job.products) if job else ()
    if "languages" not in state:
        known = {language.tag for language in live.selection.languages} if live and job else set()
        state["languages"] = [language.tag for language in LANGUAGES if language.tag in known]
    if "fields" not in state:
        state["fields"] = list(live.selection.fields) if live and job else list(FIELD_NAMES)


def _wanted(products: Sequence[str]) -> tuple[str, ...]:
    return tuple(products) or tuple(entry.id for entry in entries())


def _choose_products(known: list[Entry]) -> tuple[str, ...]:
    chosen: tuple[str, ...] = st.session_state["products"]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        wanted = st.text_input(
            "Find products",
            key="find",
            type="search",
            icon=":material/search:",
            placeholder="Name, id or feature",
            label_visibility="collapsed",
            persist_state="session",
            on_change=redraw_table,
        )
        hits = _matching(known, wanted or "")
        st.button(f"All {len(hits)}", key="all", on_click=_mark, args=(hits, True), icon=":material/done_all:")
        st.button("None", key="none", on_click=_mark, args=(hits, False), icon=":material/remove_done:")
    shown = hits[:SHOWN_MOST]
    held = set(chosen)
    # A selection is a set of row numbers, so every other set of rows is another table.
    grid = st.dataframe(
        records_frame(shown, _HEADINGS),
        key=f"table_{st.session_state.get('table', 0)}",
        on_select="rerun",
        selection_mode="multi-row",
        selection_default={"selection": {"rows": [n for n, entry in enumerate(shown) if entry.id in held]}},
        hide_index=True,
        height=422,
        column_config={
            "Product": st.column_config.TextColumn(width="medium"),
            "Id": st.column_config.TextColumn(width=56),
            "Texts": st.column_config.NumberColumn(width=64, help="How many texts it has, each color counted"),
            "About": st.column_config.TextColumn(width="large"),
        },
    )
    picked = {shown[row].id for row in grid["selection"]["rows"] if row < len(shown)}
    visible = {entry.id for entry in shown}
    held = (held - visible) | picked
    chosen = tuple(entry.id for entry in known if entry.id in held)
    st.session_state["products"] = chosen
    st.caption(_said(chosen, known, hits, shown))
    return chosen


def _matching(known: list[Entry], wanted: str) -> list[Entry]:
    words = wanted.casefold().split()
    return [entry for entry in known if all(word in entry.needle for word in words)] if words else known


def _said(chosen: Sequence[str], known: Sequence[Entry], hits: Sequence[Entry], shown: Sequence[Entry]) -> str:
    said = f"{len(chosen):,} of {len(known):,} products chosen"
    if not hits:
        return f"No product matches. {said}."
    if len(hits) > len(shown):
        said += f"; the first {len(shown):,} of {len(hits):,} matches are shown, “All” chooses every one"
    return f"{said}."


def _mark(hits: Iterable[Entry], wanted: bool) -> None:
    ids = {entry.id for entry in hits}
    held = set(st.session_state["products"])
    held = held | ids if wanted else held - ids
    st.session_state["products"] = tuple(entry.id for entry in entries() if entry.id in held)
    redraw_table()


def _choose_languages() -> tuple[str, ...]:
    chosen = st.multiselect(
        "Languages",
        list(BY_TAG),
        key="languages",
        format_func=_language,
        placeholder="Type a language in English or its own name",
        persist_state="session",
        wrap=True,
    )
    return tuple(chosen)


def _choose_preset(place: DeltaGenerator) -> None:
    names = [*([_READY] if runs().settings.engine == "demo" else []), *PRESETS, _ALL, _NONE]
    place.menu_button(
        "Choose a group", names, key="preset", on_click=_use_preset, icon=":material/playlist_add:", type="tertiary"
    )


def _language(tag: str) -> str:
    language = BY_TAG[tag]
    return language.name if language.name == language.own_name else f"{language.name} · {language.own_name}"


def _use_preset() -> None:
    apply_preset(str(st.session_state["preset"]))


def apply_preset(name: str) -> None:
    """Add a group's languages to those chosen; `None` clears them."""
    added = {_ALL: tuple(BY_TAG), _NONE: (), _READY: ready_in_demo()}.get(name) or PRESETS.get(name, ())
    held = set() if name == _NONE else {*st.session_state.get("languages", ()), *added}
    st.session_state["languages"] = [tag for tag in BY_TAG if tag in held]


def ready_in_demo() -> tuple[str, ...]:
    """Return the tags of the languages that the demo has real translations for."""
    shipped: Path = DEFAULT_CATALOG.parent / "translations"
    return tuple(tag for tag in BY_TAG if (shipped / f"{tag}.json").is_file())


def _choose_fields() -> tuple[str, ...]:
    chosen = st.pills(
        "Fields",
        list(FIELD_NAMES),
        selection_mode="multi",
        key="fields",
        format_func=field_label,
        persist_state="session",
    )
    return tuple(chosen or ())


def _choose_options(place: DeltaGenerator) -> dict[str, Any]:
    with place.popover("Options", icon=":material/tune:", type="tertiary"):
        memory = st.toggle(
            "Reuse earlier translations",
            value=True,
            key="memory",
            persist_state="session",
            help="The same text in the same language is never paid for twice.",
        )
        packed = st.segmented_control(
            "Texts per request",
            ["As many as pay", "One"],
            default="As many as pay",
            required=True,
            key="pack",
            persist_state="session",
            help="One text a request is the textbook way; packing is cheaper and, under limits, faster.",
        )
        limits = st.selectbox(
            "Limits",
            ["auto", "free", "developer", "unlimited"],
            key="limits",
            persist_state="session",
            format_func={
                "auto": "As the provider says",
                "free": "Groq's free plan",
                "developer": "Groq's developer plan",
                "unlimited": "None",
            }.__getitem__,
        )
        cap = st.number_input(
            "Stop before it costs more than (US dollars)",
            min_value=0.0,
            value=None,
            step=0.1,
            key="cap",
            placeholder="No cap",
            persist_state="session",
        )
    return {"memory": memory, "pack": 1 if packed == "One" else None, "plan": limits, "max_cost_usd": cap or None}
