"""Quality: what the models have shown so far, what the memory holds, and what is out of date."""

import streamlit as st

from ketl.ui.learned import memory_panel, outdated_panel, routes_panel

st.title("What was learned so far", anchor=False)
routes_panel()
memory_panel()
outdated_panel()
