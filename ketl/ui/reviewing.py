"""The review page's parts: the queue worst first, why each text is doubted, and what a person decides."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from ketl._figures import counted
from ketl.catalog.products import field_label
from ketl.checks import LABELS
from ketl.errors import KetlError
from ketl.language.languages import BY_TAG, language_name
from ketl.memory.memory import Memory
from ketl.memory.review import approve, edit, needs_a_look, passed, send_back, sent_back, withdraw, worst_first
from ketl.results.outcome import Status
from ketl.results.rows import ResultRow
from ketl.runs.host import RunView
from ketl.ui import words
from ketl.ui.cards import html, read_html, source_html
from ketl.ui.drafts import box_key, fill_box, forget_draft, keep_draft, keep_while_typing, unit_id
from ketl.ui.session import PROBLEM, runs, start
from ketl.ui.tables import rows_frame
from ketl.ui.texts import lead, named

_A_PAGE = 5
_HEADINGS = {
    "product_name": "Product",
    "label": "Field",
    "language": "Language",
    "translation": "Translation",
    "status": "Decision",
}
_DECIDED = (Status.APPROVED, Status.EDITED)


def overview(live: RunView, rows: Sequence[ResultRow]) -> None:
    """Draw how many texts wait for a person, and the button that approves all that need none."""
    queue = worst_first(rows)
    clean = [row for row in rows if passed(row)]
    decided = sum(row.status in _DECIDED for row in rows)
    failed = sum(row.status is Status.FAILED for row in queue)
    said = f"{len(queue):,} of {counted(len(rows), 'translation')} need a look"
    parts = [f"{failed:,} failed"] if failed else []
    parts += [f"{len(queue) - failed:,} doubted by a check"] if len(queue) > failed else []
    parts += [f"{decided:,} decided by you"] if decided else []
    lead(f"{said}{': ' + words.joined(parts) if parts else ''}.")
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            f"Approve all {len(clean):,} that passed" if clean else "All that passed is approved",
            key="approve_all",
            icon=":material/done_all:",
            type="primary",
            disabled=not clean,
            on_click=_approve,
            args=(live, clean),
            help="Approved texts are locked: no later run replaces them unasked.",
        )
        sent = sent_back(runs().store, live.run_id)
        if sent:
            st.button(
                f"Translate {counted(len(sent), 'text')} again",
                key="again",
                icon=":material/redo:",
                on_click=start,
                args=(live.job,),
                help="Everything else comes from the memory and costs nothing.",
            )


def queue_panel(live: RunView, rows: Sequence[ResultRow]) -> None:
    """Draw the texts that need a look, some at a time, narrowed to a language or a kind of doubt.

    A text that was decided keeps its place until the person clears it away, so that none moves under their hands.
    """
    doubts = _doubts(live, rows)
    by_unit = {unit_id(live.run_id, row): row for row in rows}
    queue = [(by_unit[unit], kinds) for unit, kinds in doubts.items() if unit in by_unit]
    if not any(needs_a_look(row) for row, _ in queue):
        st.info("Nothing waits here: every text passed its checks or was decided by you.", icon=":material/check:")
        return
    chosen = _narrowed(queue)
    decided = sum(not needs_a_look(row) for row, _ in queue)
    if decided:
        st.button(
            f"Clear away {decided:,} decided",
            key="clear",
            icon=":material/clear_all:",
            type="tertiary",
            on_click=_clear_away,
            args=(live,),
            help="Decided texts keep their place until then, so that nothing moves while you work.",
        )
    pages = max(1, -(-len(chosen) // _A_PAGE))
    page = min(int(st.pagination(pages, key="page")), pages) if pages > 1 else 1
    keep_while_typing()
    for row in chosen[(page - 1) * _A_PAGE : page * _A_PAGE]:
        if needs_a_look(row):
            _item(live, row)
        else:
            _decided_item(live, row)


def _doubts(live: RunView, rows: Sequence[ResultRow]) -> dict[str, tuple[str, ...]]:
    """Return the texts of the queue in their order, each with the checks that doubted it when it came in."""
    held: dict[str, tuple[str, ...]] = st.session_state.setdefault(_queue_key(live), {})
    for row in worst_first(rows):
        held.setdefault(unit_id(live.run_id, row), tuple(finding.id for finding in row.findings))
    return held


def _clear_away(live: RunView) -> None:
    st.session_state.pop(_queue_key(live), None)


def _queue_key(live: RunView) -> str:
    return f"queue_{live.run_id}"


def _narrowed(queue: Sequence[tuple[ResultRow, tuple[str, ...]]]) -> list[ResultRow]:
    tag = kind = None
    if len(queue) > _A_PAGE:
        with st.container(horizontal=True):
            tag = st.selectbox(
                "Language",
                list(dict.fromkeys(row.language_tag for row, _ in queue)),
                index=None,
                placeholder="Every language",
                key="doubt_language",
                format_func=language_name,
                width=280,
            )
            kind = st.selectbox(
                "Doubt",
                list(dict.fromkeys(kind for _, kinds in queue for kind in kinds)),
                index=None,
                placeholder="Every kind of doubt",
                key="doubt_kind",
                format_func=lambda k: LABELS.get(k, k),
                width=420,
            )
    return [row for row, kinds in queue if tag in (None, row.language_tag) and (kind is None or kind in kinds)]


def _decided_item(live: RunView, row: ResultRow) -> None:
    with st.container(border=True), st.container(horizontal=True, vertical_alignment="center"):
        _which(row)
        st.badge("Saved" if row.status is Status.EDITED else "Approved", icon=":material/check:", color="blue")
        st.button(
            "Undo",
            key=f"undo_{unit_id(live.run_id, row)}",
            icon=":material/undo:",
            type="tertiary",
            on_click=_withdraw,
            args=(live, [row]),
        )


def _which(row: ResultRow) -> None:
    named(row.product_name, f"{field_label(row.field, row.item)}, {language_name(row.language_tag)}")


def _item(live: RunView, row: ResultRow) -> None:
    language = BY_TAG[row.language_tag]
    unit = unit_id(live.run_id, row)
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center"):
            _which(row)
            if row.status is Status.FAILED:
                st.badge("Failed", icon=":material/error:", color="red")
            else:
                st.badge(counted(len(row.findings), "finding"), icon=":material/flag:", color="orange")
            if fill_box(unit, row.translation):
                st.badge("Not saved yet", icon=":material/edit:", color="blue")
        left, right = st.columns(2, gap="medium")
        with left:
            html(source_html(row))
        with right:
            # A text area takes its direction from a class of the box around it.
            with st.container(key=f"{language.direction}_{unit}"):
                st.text_area(
                    f"{language.name} ({language.own_name})",
                    key=box_key(unit),
                    height=120 if len(row.source) > 120 else 76,
                    placeholder="Write the translation",
                    persist_state="session",
                    on_change=keep_draft,
                    args=(unit, row.translation),
                )
            if language.direction == "rtl" and (typed := st.session_state[box_key(unit)]).strip():
                # A box to type in can hold no marks, so what it holds is shown once more as a shop would.
                html(read_html(typed, language))
            _buttons(live, row, unit)


def _buttons(live: RunView, row: ResultRow, unit: str) -> None:
    with st.container(horizontal=True):
        st.button(
            "Save",
            key=f"save_{unit}",
            icon=":material/save:",
            on_click=_save,
            args=(live, row, unit),
            help="Keeps the text in the box, locked.",
        )
        if row.translation:
            st.button(
                "Approve as it is",
                key=f"approve_{unit}",
                icon=":material/check:",
                on_click=_approve,
                args=(live, [row]),
                help="Keeps the machine's text, locked, not what was typed into the box.",
            )
            st.button(
                "Send back",
                key=f"back_{unit}",
                icon=":material/undo:",
                type="tertiary",
                on_click=_send_back,
                args=(live, row),
                help="Forgets this text, so that it is translated anew.",
            )


def decided_panel(live: RunView, rows: Sequence[ResultRow]) -> None:
    """Draw what a person approved or edited, newest rows of the catalogue first, with a way back."""
    decided = [row for row in rows if row.status in _DECIDED]
    if not decided:
        return
    with st.expander(f"Decided: {counted(len(decided), 'translation')}", icon=":material/verified:"):
        chosen = st.dataframe(
            rows_frame(decided, _HEADINGS),
            key=f"decided_{len(decided)}",
            on_select="rerun",
            selection_mode="multi-row",
            hide_index=True,
        )
        picked = [decided[n] for n in chosen["selection"]["rows"] if n < len(decided)]
        st.button(
            f"Undo {counted(len(picked), 'decision')}" if picked else "Undo",
            key="undo",
            icon=":material/undo:",
            disabled=not picked,
            on_click=_withdraw,
            args=(live, picked),
            help="The machine's translation stands again. Choose rows first.",
        )


def _memory(live: RunView) -> Memory:
    return Memory(runs().store, live.engine)


def _approve(live: RunView, rows: Sequence[ResultRow]) -> None:
    approve(runs().store, _memory(live), live.run_id, rows)
    _forget(live, rows)


def _save(live: RunView, row: ResultRow, unit: str) -> None:
    try:
        edit(runs().store, _memory(live), live.run_id, row, st.session_state[box_key(unit)])
    except KetlError as error:
        st.session_state[PROBLEM] = str(error)
        return
    forget_draft(unit)


def _send_back(live: RunView, row: ResultRow) -> None:
    send_back(runs().store, _memory(live), live.run_id, [row])
    _forget(live, [row])


def _withdraw(live: RunView, rows: Sequence[ResultRow]) -> None:
    withdraw(runs().store, _memory(live), live.run_id, rows)
    _forget(live, rows)


def _forget(live: RunView, rows: Sequence[ResultRow]) -> None:
    queued = st.session_state.get(_queue_key(live), ())
    for unit in (unit_id(live.run_id, row) for row in rows):
        if unit in queued:
            forget_draft(unit)
