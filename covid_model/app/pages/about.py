"""Show the page "About": purpose, limits, model card, speed, data and licenses, privacy."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from covid_model import config
from covid_model.app import cache, state
from covid_model.app.components import benchmarks
from covid_model.app.text import about as about_text
from covid_model.app.text import prediction as prediction_text
from covid_model.data.dataset import DataError
from covid_model.model.network_spec import NetworkError
from covid_model.reports import model_card

OPEN = ("Intended use", "Caveats and recommendations")  # sections of the model card that are shown at once

st.title("About")

is_column, is_not_column = st.columns(2, gap="large")
with is_column:
    st.subheader("What it is")
    st.markdown(about_text.PURPOSE)
with is_not_column, st.container(key="about_is_not"):
    st.subheader("What it is not")
    st.markdown(about_text.NO_DEVICE)

st.subheader("The paper")
st.markdown(about_text.PAPER)

scores = cache.scores()

st.subheader("Limitations and pitfalls")
limits = st.container(key="about_limits")
if scores is None:
    limits.caption("The figures for this section are missing: there are no scores of the test set.")
else:
    for sentence in about_text.pitfalls(scores, config.THRESHOLD):
        limits.markdown(f"- {sentence}")
    limits.markdown(
        f"**Called positive at the threshold {config.THRESHOLD}**, among X-rays that no network was trained on"
    )
    limits.table(
        about_text.positives_by_group(scores, config.THRESHOLD),
        border="horizontal",
        hide_index=True,
        alt="How many X-rays of each source and true class each network calls positive",
    )

st.subheader(
    "Model card", help="Based on Mitchell et al. 2019, with the applicable items of CLAIM (Mongan et al. 2020)."
)
network_name = state.network_picker()
try:
    with st.spinner("Computing, once."):
        card = cache.model_card(network_name)
except (NetworkError, model_card.CardError) as error:
    st.caption(prediction_text.plain(error))
except ValueError as error:
    st.error(prediction_text.plain(error), title="The scores cannot be read")
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
        "Model card (Markdown)",
        model_card.markdown(card),
        f"model-card-{card.name}.md",
        "text/markdown",
        key="card",
        icon=":material/download:",
        on_click="ignore",
    )

runs = cache.seed_runs()
if runs:
    st.subheader("Repeated runs of the paper's recipe")
    count = len({run["seed"] for run in runs})
    st.markdown(about_text.repeated_runs(count))
    st.table(
        about_text.seed_runs(runs),
        border="horizontal",
        hide_index=True,
        alt="Mean and standard deviation over repeated runs",
    )

benchmarks.show()

st.subheader("The X-rays")
try:
    films = cache.films_table()
except DataError as error:
    st.caption(prediction_text.plain(error))
else:
    st.markdown(about_text.data_set(len(films), int(films["covid"].sum())))
    with st.expander("Licenses, as stated by the sources", icon=":material/license:"):
        st.table(
            about_text.licenses(films),
            border="horizontal",
            hide_index=True,
            alt="Number of X-rays by source and license",
        )

st.subheader("What happens to your uploads")
st.container(key="about_upload").markdown(about_text.privacy(st.get_option("server.disconnectedSessionTTL")))
