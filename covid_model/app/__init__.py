"""The rooms that import streamlit. Pages are plain scripts; what they share is in the modules beside them."""
