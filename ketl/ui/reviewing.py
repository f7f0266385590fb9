"""The review page's parts: the queue worst first, why each text is doubted, and what a person decides."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import streamlit as st

from ketl._figures import counted
from ketl.catalog.products import field_label
from ketl.checks import LABELS
from ketl.errors import KetlError
from ketl.formats.frames import to_frame
from ketl.language.languages import BY_TAG, language_name
from ketl.memory.memory import Memory
from ketl.memory.review import approve, edit, passed, send_back, sent_back, withdraw, worst_first
from ketl.results.outcome import Status
from ketl.results.rows import ResultRow
from ketl.runs.host import RunView
from ketl.ui import words
from ketl.ui.cards import finding_html
from ketl.ui.session import PROBLEM, runs, start
from ketl.ui.tables import under_headings

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
    st.html(f'<p class="k-lead">{said}{": " + words.joined(parts) if parts else ""}.</p>')
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
    """Draw the texts that need a look, some at a time, narrowed to a language or a kind of doubt."""
    queue = _narrowed(worst_first(rows))
    if not queue:
        st.info("Nothing waits here: every text passed its checks or was decided by you.", icon=":material/check:")
        return
    pages = -(-len(queue) // _A_PAGE)
    page = min(int(st.pagination(pages, key="page")), pages) if pages > 1 else 1
    for row in queue[(page - 1) * _A_PAGE : page * _A_PAGE]:
        _item(live, row)


def _narrowed(queue: list[ResultRow]) -> list[ResultRow]:
    if len(queue) <= _A_PAGE and not st.session_state.get("doubt_language"):
        return queue
    with st.container(horizontal=True):
        tags = list(dict.fromkeys(row.language_tag for row in queue))
        tag = st.selectbox(
            "Language",
            tags,
            index=None,
            placeholder="Every language",
            key="doubt_language",
            format_func=language_name,
            width=280,
        )
        kinds = list(dict.fromkeys(finding.id for row in queue for finding in row.findings))
        kind = st.selectbox(
            "Doubt",
            kinds,
            index=None,
            placeholder="Every kind of doubt",
            key="doubt_kind",
            format_func=lambda k: LABELS.get(k, k),
            width=420,
        )
    if tag:
        queue = [row for row in queue if row.language_tag == tag]
    if kind:
        queue = [row for row in queue if any(finding.id == kind for finding in row.findings)]
    return queue


def _item(live: RunView, row: ResultRow) -> None:
    language = BY_TAG[row.language_tag]
    ident = f"{live.run_id}_{row.product_id}_{row.field}_{row.item}_{row.language_tag}"
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center"):
            which = field_label(row.field, row.item)
            st.html(f"<strong>{escape(row.product_name)}</strong>, {escape(which)}, {language.name}", width="content")
            if row.status is Status.FAILED:
                st.badge("Failed", icon=":material/error:", color="red")
            else:
                st.badge(counted(len(row.findings), "finding"), icon=":material/flag:", color="orange")
        left, right = st.columns(2, gap="medium")
        with left:
            st.html(
                f'<div class="k-field"><div class="k-label">English</div><p lang="en">{escape(row.source)}</p>'
                f"{_why(row)}</div>"
            )
        with right:
            # A text area takes its direction from a class of the box around it.
            with st.container(key=f"{language.direction}_{ident}"):
                st.text_area(
                    f"{language.name} ({language.own_name})",
                    value=row.translation,
                    key=f"text_{ident}",
                    height=120 if len(row.source) > 120 else 76,
                    placeholder="Write the translation",
                )
            _buttons(live, row, ident)


def _why(row: ResultRow) -> str:
    if row.status is Status.FAILED:
        return f'<div class="k-why k-error"><p><b>No translation.</b> {escape(row.reason)}</p></div>'
    return "".join(finding_html(finding) for finding in row.findings)


def _buttons(live: RunView, row: ResultRow, ident: str) -> None:
    with st.container(horizontal=True):
        st.button(
            "Save",
            key=f"save_{ident}",
            icon=":material/save:",
            on_click=_save,
            args=(live, row, ident),
            help="Keeps the text in the box, locked.",
        )
        if row.translation:
            st.button(
                "Approve as it is",
                key=f"approve_{ident}",
                icon=":material/check:",
                on_click=_approve,
                args=(live, [row]),
            )
            st.button(
                "Send back",
                key=f"back_{ident}",
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
            under_headings(to_frame(decided, list(_HEADINGS)), _HEADINGS),
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


def _save(live: RunView, row: ResultRow, ident: str) -> None:
    try:
        edit(runs().store, _memory(live), live.run_id, row, st.session_state[f"text_{ident}"])
    except KetlError as error:
        st.session_state[PROBLEM] = str(error)


def _send_back(live: RunView, row: ResultRow) -> None:
    send_back(runs().store, _memory(live), live.run_id, [row])


def _withdraw(live: RunView, rows: Sequence[ResultRow]) -> None:
    withdraw(runs().store, _memory(live), live.run_id, rows)
