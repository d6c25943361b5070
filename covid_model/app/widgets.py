"""Draw the widgets that several pages share, in the colors of the theme, and check their values."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import plotly.graph_objects as go
import streamlit as st

from covid_model import charts
from covid_model.app import state

PRESENTED = 1.25  # how much larger text and charts are in presenter mode
Option = TypeVar("Option")


def choice(
    label: str,
    options: Iterable[Option],
    *,
    key: str,
    default: Option | None = None,
    format_func: Callable[[Option], Any] = str,
    bind: bool = True,
    **more: Any,
) -> Option | None:
    """Draw a segmented control and return the option chosen.

    Args:
        label: of the control.
        options: one or more.
        key: in the session and, with `bind`, in the URL.
        default: chosen at first, and if browser or URL send anything but one of the options. With None, there may be
            no choice.
        format_func: returns an option's label.
        bind: whether the choice is kept in the URL.
        more: further arguments of `st.segmented_control`.
    """
    options = list(options)
    if bind:
        more["bind"] = "query-params"
    chosen = st.segmented_control(
        label, options, format_func=format_func, default=default, required=default is not None, key=key, **more
    )
    return chosen if chosen in options else default


def on_phone() -> bool:
    """Return whether the browser says that it is a phone's. Streamlit's own layout goes by the same name."""
    return "Mobi" in (st.context.headers.get("User-Agent") or "")


def show_chart(figure: go.Figure, key: str, alt: str, **more: Any) -> None:
    """Draw a figure over the full width of its container, with the alternative text `alt`; larger when presenting."""
    if state.presenting():
        figure = charts.enlarged(figure, PRESENTED)
    st.plotly_chart(figure, key=key, config=charts.CONFIG, alt=alt, **more)


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
