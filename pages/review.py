"""Review: being built."""
import streamlit as st
st.title("Review")
