"""Timing: what running in parallel bought, against an honest baseline and against the fastest possible."""

import streamlit as st

from ketl.ui import words
from ketl.ui.measuring import choose_run, detail_panel, measure, race_panel
from ketl.ui.progress import run_panel
from ketl.ui.texts import lead

st.title("What running in parallel bought", anchor=False)
live = choose_run()

if live is None:
    st.info("No run yet. Translate something first, or measure the example below.", icon=":material/timer:")
    st.page_link("pages/translate.py", label="Choose what to translate", icon=":material/translate:")
elif live.result is None:
    run_panel(downloads=False)
else:
    lead(words.summary(live.result.report), testid="summary")
    race_panel(live)
measure(live)
if live is not None and live.result is not None:
    detail_panel(live)
