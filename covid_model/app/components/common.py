"""What several components draw: downloads, a missing network, a picture's width."""

from __future__ import annotations

import json

import numpy as np
import streamlit as st

from covid_model.app import state
from covid_model.app.text import prediction as prediction_text
from covid_model.model import network_spec, registry
from covid_model.reports.summary import PredictionSummary, to_csv

TALLEST = 1.35  # height over width of a film that may fill its column
TALL_HEIGHT = 500  # pixels: how high a taller one is shown


def network_missing(error: network_spec.NetworkError, name: str) -> None:
    """Say why the network `name` cannot be used, and offer one that can."""
    st.error(
        prediction_text.plain(error),
        title=f"{prediction_text.plain(registry.title(name))} cannot be used here",
        icon=":material/cloud_off:",
    )
    for other in network_spec.available():
        if other != name:
            st.button(
                f"Use {registry.title(other)} instead", on_click=state.choose_network, args=(other,), key=f"use-{other}"
            )


def download(label: str, summaries: list[PredictionSummary], stem: str) -> None:
    """A button for results as JSON."""
    st.download_button(
        label,
        json.dumps([one.as_json() for one in summaries], indent=1),
        f"{stem}.json",
        "application/json",
        key=f"json-{stem}",
        icon=":material/data_object:",
        on_click="ignore",
        width="stretch",
    )


def download_table(label: str, summaries: list[PredictionSummary], stem: str) -> None:
    """A button for the same results as CSV, made when it is pressed."""
    st.download_button(
        label,
        lambda: to_csv(summaries),
        f"{stem}.csv",
        "text/csv",
        key=f"csv-{stem}",
        icon=":material/table:",
        on_click="ignore",
        width="stretch",
    )


def picture_width(picture: np.ndarray) -> str | int:
    """The width to show a picture at: its column's, less for one that would be too tall."""
    height, width = picture.shape[:2]
    return "stretch" if height <= TALLEST * width else round(TALL_HEIGHT * width / height)
