"""The section below a reading. One tool is open at a time, behind its tab; the network runs only where one asks."""

from __future__ import annotations

import streamlit as st

from covid_model.app import turnstile
from covid_model.app.what_if import change, compare, firm
from covid_model.app.what_if.hand import InHand

TOOL = "tool"  # in the address: the tab that is open
TOOLS = {change.TITLE: change.show, firm.TITLE: firm.show, compare.TITLE: compare.show}


@turnstile.fragment
def show(hand: InHand) -> None:
    """Draw the section. What moves in it moves alone: the reading above stays as it is."""
    st.subheader("What if …", anchor="what-if")
    tabs = st.tabs(list(TOOLS), key=TOOL, bind="query-params")
    for tab, tool in zip(tabs, TOOLS.values(), strict=True):
        if tab.open:
            with tab:
                tool(hand)
