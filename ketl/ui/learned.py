"""The quality page's parts: which model serves which language how well, and what the memory holds."""

from __future__ import annotations

import io
from collections.abc import Callable
from itertools import islice

import streamlit as st

from ketl.catalog.products import FIELDS, field_label
from ketl.formats.tmx_file import export_memory
from ketl.language.languages import LANGUAGES, language_name
from ketl.memory.memory import Memory
from ketl.memory.outdated import find_outdated
from ketl.memory.route_records import records, suggestions
from ketl.ui.catalogs import catalog_in_use
from ketl.ui.session import runs
from ketl.ui.tables import read_as, records_frame
from ketl.ui.texts import note

_MOST_OUTDATED = 1_000
_KINDS = {f.kind: f.label for f in FIELDS}
_ROUTES = {
    "language": "Language",
    "kind": "Field",
    "model": "Model",
    "answers": "Answers",
    "pass_rate": "Right at once",
    "repair_share": "Repaired",
    "seconds": "Seconds",
    "cost_usd": "Cost",
}
_MEMORY = {"language_tag": "Language", "translations": "Translations", "locked": "Locked"}
_OUTDATED = {
    "product_id": "Product",
    "field": "Field",
    "language": "Language",
    "old_source": "English before",
    "new_source": "English now",
    "old_translation": "Translation of before",
}


def routes_panel() -> None:
    """Draw how well each model did by language and field, over all runs of this engine, and what that suggests."""
    st.subheader("What the models have shown", anchor=False)
    stats = runs().store.route_stats.all(runs().settings.engine)
    rows = records(stats)
    if not rows:
        st.info("Nothing learned yet: every run adds to it.", icon=":material/school:")
        return
    for hint in suggestions(stats):
        note(hint)
    st.dataframe(
        records_frame(rows, _ROUTES).replace({"Field": _KINDS}),
        key="routes",
        hide_index=True,
        height=420 if len(rows) > 10 else "auto",
        column_config={
            "Answers": st.column_config.NumberColumn(help="Texts that this model answered"),
            "Right at once": st.column_config.ProgressColumn(
                format="percent", min_value=0.0, max_value=1.0, help="Share without an error at the first try"
            ),
            "Repaired": st.column_config.NumberColumn(
                format="percent", help="Share that came right when asked again or by the next model"
            ),
            "Seconds": st.column_config.NumberColumn(format="%.2f", help="Seconds a text"),
            "Cost": st.column_config.NumberColumn(format="$%.6f", help="US dollars a text"),
        },
    )
    st.caption("Suggestions never change a route by themselves.")


def memory_panel() -> None:
    """Draw what the memory holds by language, and the way to take it elsewhere."""
    st.subheader("What the memory holds", anchor=False)
    engine = runs().settings.engine
    memory = Memory(runs().store, engine)
    rows = [row for row in memory.stats() if row.engine == engine]
    if not rows:
        st.info("Empty: clean translations are remembered as runs end.", icon=":material/bookmark:")
        return
    total, locked = sum(row.translations for row in rows), sum(row.locked for row in rows)
    st.markdown(
        f"**{total:,}** {'translation' if total == 1 else 'translations'}, **{locked:,}** of them approved or edited "
        "by a person and therefore locked. "
        "The same text in the same language is never paid for again."
    )
    st.dataframe(
        records_frame(rows, _MEMORY).assign(Language=[language_name(row.language_tag) for row in rows]),
        key="memory_table",
        hide_index=True,
        width="content",
    )
    st.download_button(
        "Download the memory (TMX)",
        _tmx(memory),
        f"ketl-{'demo-' if engine == 'demo' else ''}memory.tmx",
        "application/x-tmx+xml",
        key="tmx",
        on_click="ignore",
        icon=":material/download:",
        help="The format that translation tools exchange their memories in.",
    )


def outdated_panel() -> None:
    """Draw the texts of the catalogue in use whose English changed since it was translated, old and new."""
    st.subheader("What is out of date", anchor=False)
    engine = runs().settings.engine
    memory = Memory(runs().store, engine)
    tags = {row.language_tag for row in memory.stats() if row.engine == engine}
    languages = [language for language in LANGUAGES if language.tag in tags]
    tag_of = {language.name: language.tag for language in languages}
    rows = list(islice(find_outdated(memory, catalog_in_use(), languages), _MOST_OUTDATED + 1))
    if not rows:
        st.info("Nothing: no English text has changed since it was translated.", icon=":material/history:")
        return
    shown = rows[:_MOST_OUTDATED]
    # Each look goes through the whole catalogue, so past what is shown nothing is counted.
    many = f"More than {_MOST_OUTDATED:,}" if len(rows) > len(shown) else f"{len(rows):,}"
    said = (
        "**1** translation belongs to an English text that has changed. Translate it again."
        if len(rows) == 1
        else f"**{many}** translations belong to an English text that has changed. Translate them again."
    )
    st.markdown(said)
    if len(rows) > len(shown):
        st.caption(f"The first {len(shown):,} are shown.")
    st.dataframe(
        records_frame(shown, _OUTDATED).assign(
            **{
                "Field": [field_label(row.field, row.item) for row in shown],
                "Translation of before": [read_as(row.old_translation, tag_of[row.language]) for row in shown],
            }
        ),
        key="outdated_table",
        hide_index=True,
    )


def _tmx(memory: Memory) -> Callable[[], bytes]:
    def write() -> bytes:
        handle = io.BytesIO()
        export_memory(memory, handle)
        return handle.getvalue()

    return write
