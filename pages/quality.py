"""Quality: what the models have shown so far, and what the memory holds."""

import streamlit as st

from ketl.ui.learned import memory_panel, routes_panel

st.title("What was learned so far", anchor=False)
routes_panel()
memory_panel()
