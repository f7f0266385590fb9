"""The only package that imports Streamlit: session values, pickers, cards, progress, charts and the frame."""
