"""Quality: being built."""
import streamlit as st
st.title("Quality")
