"""Declares the pages and the frame around them; nothing else."""

import streamlit as st

# Declared pages rather than discovered ones: order, titles and addresses stand here and nowhere else. First of
# all calls, because until then the browser shows what it guesses from the file names.
page = st.navigation(
    [
        st.Page("pages/translate.py", title="Translate", default=True),
        st.Page("pages/review.py", title="Review"),
        st.Page("pages/timing.py", title="Timing"),
        st.Page("pages/quality.py", title="Quality"),
    ],
    position="top",
)

from ketl.ui.frame import show  # noqa: E402  (after the navigation, see above)

show(page)
