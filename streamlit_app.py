"""Run the demo: `streamlit run streamlit_app.py`. Page config, navigation and footer; the rest is in the pages."""

from __future__ import annotations

import streamlit as st

from covid_model.app import networks, session, state
from covid_model.app.components import frame
from covid_model.app.runtime import log, memory, render_slots
from covid_model.app.widgets import ICON

PAGE_WIDTH = 1280  # pixels, at most
PAGES = "covid_model/app/pages"

log.start()
memory.receive()
st.set_page_config(page_title="COVID-19 on chest X-rays", page_icon=ICON, layout="wide")
state.carry_over()
pages = [
    st.Page(
        f"{PAGES}/try_an_xray.py",
        title="Try an X-ray",
        icon=":material/radiology:",
        default=True,
        help="Upload a chest X-ray or pick a sample: see its model score and what drove it (Grad-CAM).",
    ),
    st.Page(
        f"{PAGES}/results.py",
        title="Results",
        icon=":material/scatter_plot:",
        help="Confusion matrix, score distribution and threshold: how each network does on the test set.",
    ),
    st.Page(
        f"{PAGES}/browse.py",
        title="Browse X-rays",
        icon=":material/photo_library:",
        help="Every X-ray with its score: filter by source, ground truth and verdict, see heatmaps, open one.",
    ),
    st.Page(
        f"{PAGES}/how_it_works.py",
        title="How it works",
        icon=":material/school:",
        help="Follow one X-ray through the network, step by step, with its real numbers.",
    ),
    st.Page(
        f"{PAGES}/train_it_yourself.py",
        title="Train it yourself",
        icon=":material/model_training:",
        help="Train the last layers in seconds, with the data and settings you choose, and watch every epoch.",
    ),
    st.Page(
        f"{PAGES}/can_you_trust_it.py",
        title="Can you trust it?",
        icon=":material/rule:",
        help="What the accuracy hides, one idea per screen: baselines, age, other hospitals, no lungs, more adults.",
    ),
    st.Page(
        f"{PAGES}/about.py",
        title="About",
        icon=":material/info:",
        help="What this demo is and is not, where the X-rays come from, and what the networks cannot do.",
    ),
]
page = st.navigation(pages, position="top")
state.entered()
frame.style(page)
with (
    render_slots.render_slot(),
    st.container(horizontal_alignment="center"),
    st.container(width=PAGE_WIDTH, key="page"),
):
    body = st.container()
    frame.footer(pages, page)  # before the page, which may stop
    with body:
        page.run()
networks.load_ahead(state.network_from(st.session_state.get(state.NETWORK)), session.decode_ahead)
