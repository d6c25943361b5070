"""Show the page "About": four paragraphs, data and licenses, and the model card."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from covid_model.app import cache, state
from covid_model.app.text import about as about_text
from covid_model.app.text import prediction as prediction_text
from covid_model.data.dataset import DataError
from covid_model.model.registry import NetworkError
from covid_model.reports import model_card

CARD = "card"  # name in the URL: whether the model card is open

st.title("About")
try:
    films = cache.films_table()
except DataError as error:
    films, problem = None, str(error)

is_column, is_not_column = st.columns(2, gap="large")
with is_column:
    st.subheader("What it is", anchor=False)
    st.markdown(about_text.PURPOSE)
    st.subheader("The paper", anchor=False)
    traps = "" if films is None else about_text.pitfalls(films[films["split"] == "test"])
    st.container(key="about_paper").markdown(f"{about_text.PAPER} {traps}")
with is_not_column:
    st.subheader("What it is not", anchor=False)
    st.container(key="about_is_not").markdown(about_text.NO_DEVICE)
    st.subheader("Your uploads", anchor=False)
    st.container(key="about_upload").markdown(about_text.privacy(st.get_option("server.disconnectedSessionTTL")))

st.subheader("The X-rays", anchor=False)
if films is None:
    st.caption(prediction_text.plain(problem))
else:
    st.markdown(about_text.data_set(len(films), int(films["covid"].sum())))
    with st.expander("Licenses, as stated by the sources", icon=":material/license:"):
        st.table(
            about_text.licenses(films),
            border="horizontal",
            hide_index=True,
            alt="Number of X-rays by source and license",
        )


def show_card() -> None:
    """Draw the model card of the chosen network."""
    network = state.network_picker()
    try:
        with st.spinner("Computing. This is done only once."):
            card = cache.model_card(network)
    except (NetworkError, model_card.CardError) as error:
        st.caption(prediction_text.plain(error))
        return
    except ValueError as error:
        st.error(prediction_text.plain(error), title="The scores cannot be read")
        return
    st.markdown(f"**{card.title}** · {card.head}")
    for section in card.sections:
        st.subheader(section.title, anchor=False)
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
        key="card_file",
        icon=":material/download:",
        on_click="ignore",
    )


box = st.expander(
    "Model card: what a network was trained on, how it does, and what it is not for",
    key=CARD,
    icon=":material/description:",
    bind="query-params",
)
if box.open:
    with box:
        show_card()
st.markdown(f":small[{about_text.MEASURED}]")
