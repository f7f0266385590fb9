"""Translate: choose products and languages, see what it will take, translate, read, download."""

import streamlit as st

from ketl.ui.estimate import estimate_and_start
from ketl.ui.pickers import choose, chooser
from ketl.ui.progress import run_panel
from ketl.ui.results import results_panel
from ketl.ui.session import current_run

live = current_run()
st.title("Translate the catalogue", anchor=False)

with chooser(live):
    left, right = st.columns([3, 2], gap="large")
    choice = choose(left, right)
    with right:
        estimate_and_start(choice, live)

run_panel()
if live is not None and live.result is not None:
    results_panel(live)
