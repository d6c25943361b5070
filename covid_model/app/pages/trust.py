"""Can you trust it? What the accuracy is made of, in five screens with one picture and one control each."""

from __future__ import annotations

import streamlit as st

from covid_model.app.trust import checks_screen, story

st.title("Can you trust it?")
name = story.picker()
story.SCREENS[name].show()
story.in_short()
checks_screen.show()
