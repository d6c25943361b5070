"""The colours of the theme that the visitor sees, for figures."""

from __future__ import annotations

import streamlit as st


def ink() -> str | None:
    """The colour of the page's words; None where the browser has not told its theme."""
    theme = st.context.theme.type
    return st.get_option(f"theme.{theme}.textColor") if theme in ("light", "dark") else None
