"""Translate: choose products and languages, see what it will take, translate, read, download."""

import streamlit as st

from ketl.ui.estimate import estimate_and_start
from ketl.ui.pickers import choose, chosen_so_far
from ketl.ui.progress import run_panel
from ketl.ui.results import results_panel
from ketl.ui.session import current_run

live = current_run()
st.title("Translate the catalogue", anchor=False)

chosen = chosen_so_far(live)
chooser = st.expander(
    f"What to translate: {chosen}" if chosen else "What to translate",
    expanded=live is None,
    key="chooser",
    icon=":material/checklist:",
    on_change="rerun",
)
with chooser:
    left, right = st.columns([3, 2], gap="large")
    choice = choose(left, right)
    with right:
        estimate_and_start(choice, live)

run_panel()
if live is not None and live.result is not None:
    results_panel(live)
