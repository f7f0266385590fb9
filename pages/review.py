"""Review: read what the checks doubt, worst first; correct, approve, send back."""

import streamlit as st

from ketl.ui.downloads import offer_downloads
from ketl.ui.progress import run_panel
from ketl.ui.results import HELD_MOST, held_rows
from ketl.ui.reviewing import decided_panel, overview, queue_panel
from ketl.ui.session import current_run, show_problem

st.title("Review what the checks doubt", anchor=False)
live = current_run()

if live is None:
    st.info("No run yet. Translate something first; what needs a person's eye then stands here.")
    st.page_link("pages/translate.py", label="Choose what to translate", icon=":material/translate:")
elif live.result is None:
    run_panel(downloads=False)
else:
    rows = held_rows(live)
    if rows is None:
        st.info(f"This run has more than {HELD_MOST:,} translations: review it in smaller runs, or in its files.")
    else:
        show_problem()
        overview(live, rows)
        queue_panel(live, rows)
        decided_panel(live, rows)
    with st.container(horizontal=True):
        offer_downloads(live, primary=False)
