"""Show the page "Can you trust it?": what the accuracy hides, one idea, one picture and one control a screen."""

from __future__ import annotations

import streamlit as st

from covid_model.app.components import case_list
from covid_model.app.pages.trust_screens import checks, deck

case_list.follow()
with st.container(horizontal=True, vertical_alignment="bottom", horizontal_alignment="distribute"):
    st.title("Can you trust it?", width="content")
    deck.play()
name = deck.picker()
deck.show(name)
checks.show()
