"""The demo: `streamlit run streamlit_app.py`. Page config, navigation, the notice; everything else is in the pages."""

from __future__ import annotations

import streamlit as st

from covid_model import log, settings
from covid_model.app import state, turnstile, visits
from covid_model.app.icon import ICON

PAGES = "covid_model/app/pages"

log.start()
visits.receive()
st.set_page_config(page_title="Chest films", page_icon=ICON, layout="wide")
state.carry_over()
page = st.navigation(
    [
        st.Page(
            f"{PAGES}/read.py",
            title="Read a film",
            icon=":material/radiology:",
            default=True,
            help="Upload a chest film or take one of ours: its model score, and what on the film spoke for it.",
        ),
        st.Page(
            f"{PAGES}/test_set.py",
            title="Test set",
            icon=":material/scatter_plot:",
            help="How every film of the test set scored, and how often each network was right.",
        ),
        st.Page(
            f"{PAGES}/films.py",
            title="Films",
            icon=":material/photo_library:",
            help="Every film with its score: pick by source, truth and verdict, see heatmaps, open one to read it.",
        ),
        st.Page(
            f"{PAGES}/how_it_works.py",
            title="How it works",
            icon=":material/school:",
            help="One film carried through the network, step by step, with its real numbers.",
        ),
        st.Page(
            f"{PAGES}/train.py",
            title="Train a head",
            icon=":material/model_training:",
            help="Train the last layers in seconds, on films and with settings of your choice, and watch every epoch.",
        ),
        st.Page(
            f"{PAGES}/trust.py",
            title="Can you trust it?",
            icon=":material/rule:",
            help="What the accuracy is made of, in five screens: other answers, other people, no lungs, more adults.",
        ),
        st.Page(
            f"{PAGES}/about.py",
            title="About",
            icon=":material/info:",
            help="What this is and is not, where the films come from, and what the networks cannot do.",
        ),
    ],
    position="top",
)
state.entered()
with (
    turnstile.drawing(),
    st.container(horizontal_alignment="center"),
    st.container(width=settings.PAGE_WIDTH, key="page"),
):
    st.markdown(f":small[:material/info: {settings.NOTICE}]")
    page.run()
