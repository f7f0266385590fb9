"""The results beside the English: one product at a time as cards, or all rows as a table."""

from __future__ import annotations

import streamlit as st

from ketl.catalog.products import Product
from ketl.memory.review import needs_a_look, with_decisions
from ketl.results.outcome import Status
from ketl.results.rows import ResultRow
from ketl.runs.host import RunView
from ketl.ui.cards import english_card, language_card
from ketl.ui.downloads import all_rows
from ketl.ui.session import runs
from ketl.ui.tables import rows_frame

# Past this many rows they are not held for a page; a product is read by itself, without filters.
HELD_MOST = 20_000
TABLE_MOST = 10_000
EVERYTHING, LOOK, FAILED = "Everything", "To look at", "Failed"
_HEADINGS = {
    "product_name": "Product",
    "label": "Field",
    "language": "Language",
    "source": "English",
    "text": "Translation",
    "status": "Status",
    "messages": "Findings",
    "model": "Model",
}


def results_panel(live: RunView) -> None:
    """Draw the results of an ended run."""
    rows = held_rows(live)
    with st.container(horizontal=True, vertical_alignment="bottom", horizontal_alignment="distribute"):
        view = st.segmented_control(
            "View", ["Cards", "Table"], default="Cards", required=True, key="view", label_visibility="collapsed"
        )
        wanted = _choose_filter(rows) if rows is not None else EVERYTHING
    if rows is None:
        st.caption("This run is large, so one product is shown at a time; the files hold all of them.")
        _reading(live, None)
        return
    kept = [row for row in rows if _passes(row, str(wanted))]
    if not kept:
        st.info("Nothing to look at here: every text was translated and passed the checks.", icon=":material/check:")
    elif view == "Table":
        _table(kept)
    else:
        _reading(live, kept)


def held_rows(live: RunView) -> list[ResultRow] | None:
    """Return all rows of an ended run with a person's decisions in them, None when they are too many to hold."""
    if live.result is None or live.result.plan.units > HELD_MOST:
        return None
    decisions = runs().store.decisions.of(live.run_id)
    stamp = (len(decisions), max((d.decided_at or 0.0 for d in decisions.values()), default=0.0))
    return _rows(live.run_id, stamp, live)


@st.cache_resource(max_entries=4, show_spinner="Gathering the results …")
def _rows(run_id: str, stamp: tuple[int, float], _live: RunView) -> list[ResultRow]:
    return list(all_rows(_live))


def _choose_filter(rows: list[ResultRow]) -> str:
    counts = {name: sum(_passes(row, name) for row in rows) for name in (EVERYTHING, LOOK, FAILED)}
    if not counts[LOOK]:
        return EVERYTHING
    return str(
        st.segmented_control(
            "Show",
            [name for name, count in counts.items() if count or name == EVERYTHING],
            default=EVERYTHING,
            required=True,
            key="filter",
            format_func=lambda name: f"{name} ({counts[name]:,})",
            label_visibility="collapsed",
        )
    )


def _passes(row: ResultRow, wanted: str) -> bool:
    if wanted == LOOK:
        return needs_a_look(row)
    return wanted == EVERYTHING or row.status is Status.FAILED


def _reading(live: RunView, kept: list[ResultRow] | None) -> None:
    products = _products(live, kept)
    if not products:
        return
    names = dict(products)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        if st.session_state.get("reading") not in names:
            st.session_state["reading"] = products[0][0]
        ident = str(
            st.selectbox(
                "Product",
                list(names),
                key="reading",
                format_func=lambda key: f"{names[key]} ({key})",
                label_visibility="collapsed",
                width=420,
            )
        )
        st.button("Previous", key="previous", icon=":material/chevron_left:", on_click=_turn, args=(list(names), -1))
        st.button("Next", key="next", icon=":material/chevron_right:", on_click=_turn, args=(list(names), 1))
    product = next(iter(live.selection.catalog.select([ident])))
    rows = [row for row in kept if row.product_id == ident] if kept is not None else _rows_of(live, product)
    _cards(live, product, rows)


def _turn(order: list[str], step: int) -> None:
    here = order.index(st.session_state["reading"]) if st.session_state["reading"] in order else 0
    st.session_state["reading"] = order[(here + step) % len(order)]


def _products(live: RunView, kept: list[ResultRow] | None) -> list[tuple[str, str]]:
    if kept is not None:
        return list(dict.fromkeys((row.product_id, row.product_name) for row in kept))
    first: list[tuple[str, str]] = []
    for product in live.selection.catalog:
        first.append((product.id, product.name))
        if len(first) >= TABLE_MOST:
            break
    return first


def _rows_of(live: RunView, product: Product) -> list[ResultRow]:
    assert live.result is not None
    return list(with_decisions(live.result.rows_of_product(product), runs().store.decisions.of(live.run_id)))


def _cards(live: RunView, product: Product, rows: list[ResultRow]) -> None:
    left, right = st.columns([1, 3], gap="medium")
    with left, st.container(border=True, key="english"):
        english_card(product, live.selection.fields)
    with right:
        grid = st.grid(min_column_width=300, border=True)
        for language in live.selection.languages:
            own = [row for row in rows if row.language_tag == language.tag]
            if own:
                with grid.cell():
                    language_card(language, own)


def _table(rows: list[ResultRow]) -> None:
    shown = rows[:TABLE_MOST]
    st.dataframe(
        rows_frame(shown, _HEADINGS),
        key="rows",
        hide_index=True,
        height=620,
        row_height=76,  # two lines and more: from 70 on the grid wraps
        column_config={
            "Product": st.column_config.TextColumn(width=130, pinned=True),
            "Field": st.column_config.TextColumn(width="small"),
            "Language": st.column_config.TextColumn(width="small"),
            "English": st.column_config.TextColumn(width=330),
            "Translation": st.column_config.TextColumn(width=330),
        },
    )
    if len(rows) > len(shown):
        st.caption(f"The first {len(shown):,} of {len(rows):,} rows; the files hold all of them.")
