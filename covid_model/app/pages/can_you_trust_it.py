"""Show the page "Can you trust it?": what the accuracy hides, in five screens with one picture and one control each."""

from __future__ import annotations

import streamlit as st

from covid_model.app.pages.trust_screens import checks, deck

st.title("Can you trust it?")
name = deck.picker()
deck.SCREENS[name].show()
deck.in_short()
checks.show()
