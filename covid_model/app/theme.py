"""Define the text color for charts, and the icon of the browser tab."""

from __future__ import annotations

import streamlit as st


def ink() -> str | None:
    """Return the text color of the current theme; None if the browser has not reported its theme."""
    theme = st.context.theme.type
    return st.get_option(f"theme.{theme}.textColor") if theme in ("light", "dark") else None


# --- The icon of the browser tab: two lungs on a dark film. Inline, as a named icon would be downloaded

ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64" viewBox="0 0 64 64">'
    '<rect width="64" height="64" rx="12" fill="#0E1215"/>'
    '<path d="M32 10v22M32 24l-7 8M32 24l7 8" stroke="#E9E6DF" stroke-width="4" stroke-linecap="round" fill="none"/>'
    '<path d="M25 20c-9 2-15 16-14 30 6 3 15 1 16-5 1-7 1-18-2-25z" fill="#E9E6DF"/>'
    '<path d="M39 20c9 2 15 16 14 30-6 3-15 1-16-5-1-7-1-18 2-25z" fill="#D55E00"/>'
    "</svg>"
)
