"""The frame around every page: title, logo, styles, whether this is Demo or Groq, and errors as sentences."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import streamlit as st

from ketl import logs
from ketl.ui.faults import told
from ketl.ui.session import runs
from ketl.ui.texts import caption

if TYPE_CHECKING:
    from streamlit.navigation.page import StreamlitPage

_LOGO = Path(__file__).with_name("logo.svg")

# Colours lean on the text colour of the theme in force, so that light and dark need no rules of their own.
_STYLE = """<style>
.k-field + .k-field { margin-top: .7rem }
.k-label { font-size: .75rem; letter-spacing: .03em; opacity: .72; margin: 0 0 .1rem; font-weight: 600 }
.k-field p { margin: 0; line-height: 1.5; overflow-wrap: anywhere }
.k-title { font-size: 1.08rem; font-weight: 620 }
.k-field ul { margin: 0; padding: 0; list-style: none; display: flex; flex-wrap: wrap; gap: .3rem }
.k-field li { border: 1px solid color-mix(in srgb, currentColor 24%, transparent); border-radius: 1rem;
  padding: .05rem .6rem }
.k-why { font-size: .85rem; margin: .25rem 0 0; padding-inline-start: .6rem; border-inline-start: 3px solid #c2760c }
.k-field .k-why p { line-height: 1.4 }
.k-why.k-error { border-color: #c43c2f }
.k-why b { font-weight: 620 }
.k-foot { font-size: .78rem; opacity: .72; margin: .8rem 0 0 }
.k-lead { font-size: 1.2rem; line-height: 1.45; margin: 0; max-width: 62rem; text-wrap: pretty }
.k-note { margin: 0; padding: .8rem 1rem; border-radius: .5rem; border-inline-start: 4px solid #33608f;
  background: color-mix(in srgb, #33608f 12%, transparent); overflow-wrap: anywhere }
.k-note.k-error { border-color: #c43c2f; background: color-mix(in srgb, #c43c2f 12%, transparent) }
.k-note.k-warning { border-color: #c2760c; background: color-mix(in srgb, #c2760c 13%, transparent) }
.k-caption { font-size: .875rem; opacity: .72; margin: 0; line-height: 1.45; overflow-wrap: anywhere }
.k-named { margin: 0; overflow-wrap: anywhere }
.k-list { margin: 0; padding-inline-start: 1.1rem; max-width: 34rem; overflow-wrap: anywhere }
.k-list li + li { margin-top: .35rem }
[data-testid="stCaptionContainer"] code { color: inherit; font-size: .93em }
.k-own { opacity: .72; font-weight: 400 }
/* A chosen pill is written in the primary color, which is too dim on the dark theme. */
[data-testid="stButtonGroup"] [data-selected="true"] p { color: light-dark(#1f6650, #8fd9bd) }
[data-testid="stButtonGroup"] [role="toolbar"] { flex-wrap: wrap }
.st-key-find { min-width: 15rem }
[class*="st-key-rtl_"] textarea { direction: rtl }
/* The English stays in sight beside the last of many languages; on a phone it scrolls away like the rest. */
[data-testid="stColumn"]:has(> * .st-key-english) { position: sticky; top: 4.5rem; align-self: flex-start;
  max-height: calc(100vh - 6rem); overflow-y: auto }
@media (max-width: 640px) {
  [data-testid="stColumn"]:has(> * .st-key-english) { position: static; max-height: none }
  .k-lead { font-size: 1.08rem }
}
</style>"""


def show(page: StreamlitPage) -> None:
    """Draw the frame and the page in it; an error becomes a sentence, a fault of ours with its place in the log."""
    st.set_page_config(page_title=f"{page.title} · KETL Mtn.", page_icon=str(_LOGO), layout="wide")
    st.logo(str(_LOGO), size="large")
    st.html(_STYLE)
    with told(page.title):
        logs.set_up()
        _engine()
        page.run()


def _engine() -> None:
    """Say whether texts come from Groq or from the local demo server, and how to change that."""
    settings = runs().settings
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="engine"):
        if settings.engine == "demo":
            st.badge("Demo", icon=":material/landscape:", color="orange")
            st.caption(
                "Texts come from a server on this computer; nothing leaves it and nothing is billed. "
                "For real translations set `GROQ_API_KEY` and start again."
            )
        else:
            st.badge("Groq", icon=":material/cloud_done:", color="green")
            host = urlsplit(settings.base_url or "").hostname
            where = f" through {host}" if host else ""
            caption(f"Texts come from Groq's models{where} and are billed to your key.")
