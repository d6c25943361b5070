"""About: what this is and is not, the data and their licences, the networks, the limits. Rendered from data."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from covid_model import config
from covid_model.app import cache, state
from covid_model.app.components import benchmarks
from covid_model.app.text import about as about_text
from covid_model.app.text import prediction as prediction_text
from covid_model.config import SPLIT_LABELS
from covid_model.data.dataset import DataError
from covid_model.model.network_spec import NetworkError
from covid_model.reports import model_card

OPEN = ("Intended use", "Caveats and recommendations")  # sections of the card that nobody should have to open

st.title("About")

is_column, is_not_column = st.columns(2, gap="large")
with is_column:
    st.subheader("What it is")
    st.markdown(
        "A demo for a class on transfer learning: the convolutional layers of VGG-19, trained on photographs, and two "
        "dense layers on top learn to tell the chest films of people with COVID-19 from others. It shows what comes "
        "out, how such a result is read, and how a good-looking figure can mislead."
    )
with is_not_column, st.container(key="about_is_not"):
    st.subheader("What it is not")
    st.markdown(
        "Not a medical device, and not a step towards one. A score says how much a film looks like the COVID-19 films "
        "that the network was trained on; it is not the chance that anyone has the disease. Nothing here was tested on "
        "people who came to a clinic, and it must not be used to decide about anyone's health."
    )

st.subheader("The paper")
st.markdown(
    f"M. H. Amini, M. B. Menhaj, H. A. Talebi: *{config.PAPER_TITLE}*, 2021, "
    f"[doi {config.PAPER_DOI}](https://doi.org/{config.PAPER_DOI}). It reports an accuracy of "
    f"{config.PAPER_ACCURACY:.0%} on {config.PAPER_TEST[0]:,} test films, {config.PAPER_TEST[1]} of them "
    f"COVID-19, after training on {config.PAPER_TRAIN[0]:,} films, {config.PAPER_TRAIN[1]} of them COVID-19."
)

scores = cache.scores()

st.subheader("Limits, and traps to know")
limits = st.container(key="about_limits")
if scores is None:
    limits.caption("This copy has no scores of the test films, so the figures that belong here are missing.")
else:
    for sentence in about_text.pitfalls(scores, config.THRESHOLD):
        limits.markdown(f"- {sentence}")
    limits.markdown(
        f"**Called positive at the threshold of {config.THRESHOLD}**, of films that no network was trained on"
    )
    limits.table(
        about_text.positives_by_group(scores, config.THRESHOLD),
        border="horizontal",
        hide_index=True,
        alt="How many films of each source and truth each network calls positive",
    )

st.subheader("Model card", help="After Mitchell et al. 2019, with the items of CLAIM (Mongan et al. 2020) that apply.")
network_name = state.network_picker()
try:
    with st.spinner("Counting, once."):
        card = cache.model_card(network_name)
except (NetworkError, model_card.CardError) as error:
    st.caption(prediction_text.plain(error))
except ValueError as error:
    st.error(f"The scores cannot be used. {prediction_text.plain(error)}", title="Damaged scores")
else:
    st.markdown(f"**{card.title}** · {card.head}")
    for section in card.sections:
        with st.expander(section.title, expanded=section.title in OPEN):
            for part in section.parts:
                if isinstance(part, str):
                    st.markdown(part)
                else:
                    st.markdown(f"**{part.title}**")
                    table = pd.DataFrame(part.rows, columns=part.columns)
                    st.table(table, border="horizontal", hide_index=True, alt=part.title)
    st.download_button(
        "This card as Markdown",
        model_card.markdown(card),
        f"model-card-{card.name}.md",
        "text/markdown",
        key="card",
        icon=":material/download:",
        on_click="ignore",
    )

runs = cache.seed_runs()
if runs:
    st.subheader("The paper's recipe, run again and again")
    count = len({run["seed"] for run in runs})
    st.markdown(
        f"One run can be lucky. Here are {count} runs from other random starts, with random jitter of the training "
        "films and without: the mean, and the standard deviation among the runs."
    )
    st.table(
        about_text.seed_runs(runs),
        border="horizontal",
        hide_index=True,
        alt="Mean and spread of the figures of repeated runs",
    )

benchmarks.show()

st.subheader("The films")
try:
    films = cache.films_table()
except DataError as error:
    st.caption(prediction_text.plain(error))
else:
    st.markdown(
        f"{len(films):,} frontal chest films of public sources, {int(films['covid'].sum()):,} of them of people with "
        f"COVID-19. {SPLIT_LABELS['test'][0]} has the paper's counts; {SPLIT_LABELS['external'][0]} stand "
        "in no other split; the "
        "model card counts them all. None of these films is part of this project: its list of films says where each "
        "one is to be had."
    )
    with st.expander("Licences, as the sources state them", icon=":material/license:"):
        st.table(
            about_text.licences(films),
            border="horizontal",
            hide_index=True,
            alt="Number of films by source and licence",
        )

st.subheader("What happens to a film that you upload")
st.container(key="about_upload").markdown(
    "It is decoded and read in the memory of the machine that runs this demo, for your session alone. It goes when you "
    "take it away or put another in its place, and when you close the page (within "
    f"{about_text.minutes(st.get_option('server.disconnectedSessionTTL'))}, so that a broken connection "
    "can be taken up "
    "again). While a file of more than a megabyte arrives, the server keeps it in a temporary file without a name, "
    "which is gone once the file is there. It is not stored, not passed on, and not trained on. The demo's log has one "
    "line a reading: the network, the time it took, refused or not. Names, dates and other tags of a DICOM file are "
    "never shown, logged or exported."
)
