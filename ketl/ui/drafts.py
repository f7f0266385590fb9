"""What a person has typed into the boxes of the review and not yet decided: kept until it is saved or given up.

A box that is not drawn is forgotten by Streamlit, and a refresh begins a new session. So a draft lies in the database,
under its run and its text, from the moment the box is left until the text is saved, approved or sent back.
"""

from __future__ import annotations

import streamlit as st

from ketl.results.rows import ResultRow
from ketl.ui.session import runs


def unit_id(run_id: str, row: ResultRow) -> str:
    """Return what tells one text of one run from all others."""
    return f"{run_id}_{row.product_id}_{row.field}_{row.item}_{row.language_tag}"


def box_key(unit: str) -> str:
    """Return the key of the box in which a text is corrected."""
    return f"text_{unit}"


def fill_box(unit: str, translation: str) -> bool:
    """Put into a box that is about to be drawn what was typed before, else the translation; tell whether it differs."""
    key = box_key(unit)
    if key not in st.session_state:
        draft = runs().store.settings.get(_name(unit))
        st.session_state[key] = translation if draft is None else str(draft)
    return bool(st.session_state[key] != translation)


def keep_draft(unit: str, translation: str) -> None:
    """Keep what stands in a box; for `on_change`. The translation itself is no draft."""
    typed = st.session_state[box_key(unit)]
    runs().store.settings.put(_name(unit), None if typed == translation else typed)


def forget_draft(unit: str) -> None:
    """Forget what was typed, since the text was decided."""
    st.session_state.pop(box_key(unit), None)
    runs().store.settings.put(_name(unit), None)


def _name(unit: str) -> str:
    return f"draft {unit}"
