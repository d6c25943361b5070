"""Widgets of several pages, drawn and checked in one way."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import plotly.graph_objects as go
import streamlit as st

from covid_model import charts

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
    """Draw a choice between a few options and return the one chosen.

    Args:
        label: what is chosen.
        options: one or more.
        key: in the session and, where `bind`, in the address.
        default: chosen at first, and where browser or address send anything else than one of the options. With None
            there may be no choice.
        format_func: how an option is written.
        bind: whether the choice is kept in the address.
        more: as `st.segmented_control` takes it.
    """
    options = list(options)
    if bind:
        more["bind"] = "query-params"
    chosen = st.segmented_control(
        label, options, format_func=format_func, default=default, required=default is not None, key=key, **more
    )
    return chosen if chosen in options else default


def show_chart(figure: go.Figure, key: str, alt: str, **more: Any) -> None:
    """Draw a figure over the full width of its place, with `alt` for those who do not see it."""
    st.plotly_chart(figure, key=key, config=charts.CONFIG, alt=alt, **more)
