"""What a page says in words that are not its own: errors, notes, names. Drawn as text, whatever stands in them.

Streamlit reads the text of most of its elements as Markdown, where an id, a model's name or a provider's sentence
could become a link, a picture from outside or a formula. What comes here is escaped as HTML and nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Literal

import streamlit as st

Kind = Literal["error", "warning", "info"]
_ROLE: dict[Kind, str] = {"error": "alert", "warning": "alert", "info": "status"}


def note(text: str, kind: Kind = "info") -> None:
    """Draw a sentence in a box: what went wrong, what to mind, or what to know."""
    st.html(f'<p class="k-note k-{kind}" role="{_ROLE[kind]}">{_shown(text)}</p>')


def caption(text: str) -> None:
    """Draw a sentence small, below what it explains."""
    st.html(f'<p class="k-caption">{_shown(text)}</p>')


def lead(text: str, *, testid: str = "") -> None:
    """Draw the sentence that a page or a part of it opens with."""
    named = f' data-testid="{escape(testid)}"' if testid else ""
    st.html(f'<p class="k-lead"{named}>{_shown(text)}</p>')


def named(name: str, rest: str) -> None:
    """Draw a name that stands out, and what is said of it after a comma."""
    st.html(f'<p class="k-named"><strong><bdi>{_shown(name)}</bdi></strong>, {_shown(rest)}</p>', width="content")


def listed(texts: Sequence[str]) -> None:
    """Draw sentences as a list."""
    st.html(f'<ul class="k-list">{"".join(f"<li>{_shown(text)}</li>" for text in texts)}</ul>')


def script(code: str) -> None:
    """Run JavaScript of ours in the visitor's page; no word of anybody else's may stand in it."""
    st.html(f"<script>{code}</script>", unsafe_allow_javascript=True)


def _shown(text: str) -> str:
    return escape(text).replace("\n", "<br>")
