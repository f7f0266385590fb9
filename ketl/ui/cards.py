"""One product's texts as cards: the English, and one card a language with what the checks say."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from itertools import groupby

import streamlit as st

from ketl._figures import duration
from ketl.catalog.products import Product, chosen_texts, field_label
from ketl.checks import LABELS, Finding, Severity
from ketl.language.languages import Language
from ketl.memory.review import needs_a_look
from ketl.results.outcome import Status
from ketl.results.rows import ResultRow
from ketl.ui.direction import isolated


def english_card(product: Product, fields: Sequence[str]) -> None:
    """Draw the English texts of a product."""
    parts = []
    for name, value in chosen_texts(product, fields):
        texts = [value] if isinstance(value, str) else list(value)
        parts.append(_field(name, [_text(name, t, "en", "ltr") for t in texts], listed=not isinstance(value, str)))
    with st.container(horizontal=True, horizontal_alignment="distribute"):
        st.markdown("**English**")
        st.badge("Source", color="gray")
    st.html("".join(parts) or "<p>This product has none of the chosen fields.</p>")


def language_card(language: Language, rows: Sequence[ResultRow]) -> None:
    """Draw one language's texts of one product, right to left where it is read so."""
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        own = "" if language.own_name == language.name else f' <span class="k-own">{escape(language.own_name)}</span>'
        st.html(f"<strong>{escape(language.name)}</strong>{own}", width="content")
        _badge(rows)
    parts = [_one_field(name, list(group), language) for name, group in groupby(rows, key=lambda row: row.field)]
    st.html("".join(parts) + _foot(rows))


def _one_field(name: str, rows: Sequence[ResultRow], language: Language) -> str:
    texts = [_text(name, row.translation, language.tag, language.direction) for row in rows if row.translation]
    notes = [_reason(row) for row in rows if not row.translation]
    several = len(rows) > 1
    notes += [finding_html(found, row.translation if several else "") for row in rows for found in row.findings]
    listed = several or rows[0].item is not None
    return _field(name, texts, listed=listed, direction=language.direction, below="".join(notes))


def _field(name: str, texts: Sequence[str], *, listed: bool, direction: str = "ltr", below: str = "") -> str:
    body = f'<ul dir="{direction}">{"".join(texts)}</ul>' if listed and texts else "".join(texts)
    if listed:
        body = body.replace("<p ", "<li ").replace("</p>", "</li>")
    return _labelled(field_label(name), body, below)


def _labelled(label: str, body: str, below: str = "") -> str:
    return f'<div class="k-field"><div class="k-label">{escape(label)}</div>{body}{below}</div>'


def _text(name: str, text: str, tag: str, direction: str) -> str:
    # The direction is the language's, not guessed from the text: an Arabic line may well begin with “UPF 50+”.
    title = ' class="k-title"' if name == "name" else ""
    return f'<p{title} dir="{direction}" lang="{escape(tag)}">{text_html(text, direction)}</p>'


def text_html(text: str, direction: str) -> str:
    """Return a text as HTML that is read in `direction` ("ltr" or "rtl"), its numbers and Latin names in one piece."""
    if direction != "rtl":
        return _lines(text)
    return isolated(text, lambda piece: f'<bdi dir="ltr">{_lines(piece)}</bdi>', _lines)


def _lines(text: str) -> str:
    return escape(text).replace("\n", "<br>")


def _reason(row: ResultRow) -> str:
    grave = " k-error" if row.status is Status.FAILED else ""
    word = "Not translated" if row.status is not Status.FAILED else "Failed"
    return f'<div class="k-why{grave}"><p><b>{word}.</b> {_lines(row.reason)}</p></div>'


def source_html(row: ResultRow) -> str:
    """Return a row's English with what the checks say about its translation, or why there is none."""
    notes = [_reason(row)] if row.status is Status.FAILED else [finding_html(finding) for finding in row.findings]
    return _labelled("English", f'<p lang="en">{_lines(row.source)}</p>', "".join(notes))


def read_html(text: str, language: Language) -> str:
    """Return a text that is being written as a shop's page would show it."""
    shown = text_html(text, language.direction)
    return _labelled("As it will read", f'<p dir="{language.direction}" lang="{language.tag}">{shown}</p>')


def html(content: str) -> None:
    """Draw what one of this module's functions made."""
    st.html(content)


def finding_html(finding: Finding, about: str = "") -> str:
    """Return one finding as a note: its label, and the sentence that says what the check saw."""
    grave = " k-error" if finding.severity is Severity.ERROR else ""
    label = escape(LABELS.get(finding.id, finding.id))
    which = f" (<bdi>{_lines(about)}</bdi>)" if about else ""
    return f'<div class="k-why{grave}"><p><b>{label}{which}.</b> {_lines(finding.message)}</p></div>'


def _badge(rows: Iterable[ResultRow]) -> None:
    rows = list(rows)
    failed = sum(row.status is Status.FAILED for row in rows)
    doubted = sum(needs_a_look(row) for row in rows) - failed
    missing = sum(row.status is Status.CANCELLED for row in rows)
    if failed:
        st.badge(f"{failed:,} failed", icon=":material/error:", color="red")
    elif missing:
        st.badge(f"{missing:,} not translated", icon=":material/stop_circle:", color="gray")
    elif doubted:
        st.badge(f"{doubted:,} to look at", icon=":material/flag:", color="orange")
    elif any(row.status in (Status.APPROVED, Status.EDITED) for row in rows):
        st.badge("Approved", icon=":material/verified:", color="blue")
    else:
        st.badge("Checks passed", icon=":material/check:", color="green")


def _foot(rows: Sequence[ResultRow]) -> str:
    models = list(dict.fromkeys(row.model for row in rows if row.model))
    seconds = max((row.seconds for row in rows if row.seconds is not None), default=None)
    said = [*models]
    if seconds is not None:
        said.append(f"{duration(seconds)} for the slowest request")
    elif rows and all(row.from_memory for row in rows):
        said.append("from the memory")
    return f'<p class="k-foot">{escape(" · ".join(said))}</p>' if said else ""
