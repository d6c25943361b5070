"""The demo: `streamlit run streamlit_app.py`. Page config, navigation, the notice; everything else is in the pages."""

from __future__ import annotations

import streamlit as st

from covid_model import config
from covid_model.app import state
from covid_model.app.runtime import log, render_slots, sessions
from covid_model.app.theme import ICON

PAGE_WIDTH = 1280  # pixels, at most
PAGES = "covid_model/app/pages"

log.start()
sessions.receive()
st.set_page_config(page_title="Chest films", page_icon=ICON, layout="wide")
state.carry_over()
page = st.navigation(
    [
        st.Page(
            f"{PAGES}/try_an_xray.py",
            title="Read a film",
            icon=":material/radiology:",
            default=True,
            help="Upload a chest film or take one of ours: its model score, and what on the film spoke for it.",
        ),
        st.Page(
            f"{PAGES}/results.py",
            url_path="test_set",
            title="Test set",
            icon=":material/scatter_plot:",
            help="How every film of the test set scored, and how often each network was right.",
        ),
        st.Page(
            f"{PAGES}/browse.py",
            url_path="films",
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
            f"{PAGES}/train_it_yourself.py",
            url_path="train",
            title="Train a head",
            icon=":material/model_training:",
            help="Train the last layers in seconds, on films and with settings of your choice, and watch every epoch.",
        ),
        st.Page(
            f"{PAGES}/can_you_trust_it.py",
            url_path="trust",
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
    render_slots.render_slot(),
    st.container(horizontal_alignment="center"),
    st.container(width=PAGE_WIDTH, key="page"),
):
    st.markdown(f":small[:material/info: {config.NOTICE}]")
    page.run()
