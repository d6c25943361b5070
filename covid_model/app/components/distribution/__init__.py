"""Draw the score distribution of both classes, with the threshold as a line to drag and every film as a point to open.

The component is plain JavaScript; its markup, styles and code are the files beside this one.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import streamlit as st

from covid_model import charts
from covid_model.app import state
from covid_model.charts import style
from covid_model.formatting import score_text

_HERE = Path(__file__).parent
_MOUNT = st.components.v2.component(
    "covid_model_distribution",
    html=(_HERE / "distribution.html").read_text(),
    css=(_HERE / "distribution.css").read_text(),
    js=(_HERE / "distribution.js").read_text(),
)


def show(films: pd.DataFrame, threshold: float, key: str, mark: float | None = None) -> str | None:
    """Draw the distribution; return the id of the film that was clicked in this run, if one was.

    The line, once let go, sets the threshold of the page as its slider does.

    Args:
        films: by id, with the columns covid and score.
        threshold: in [0, 1].
        key: of the component.
        mark: the score of the film on the page, in [0, 1], which gets a line; None for none.
    """

    def moved() -> None:
        st.session_state[state.THRESHOLD] = state.threshold_from(st.session_state[key].moved)

    result = _MOUNT(
        key=key,
        data={
            "classes": [_as_data(films[films["covid"] == covid], bool(covid)) for covid in (1, 0)],
            "threshold": threshold,
            "opens": True,
            "mark": mark,
            "mark_label": "" if mark is None else f"this X-ray {score_text(mark)}",
            "alt": charts.score_distribution_alt(films["score"], films["covid"], threshold, mark),
        },
        on_moved_change=moved,
        on_opened_change=lambda: None,
    )
    return result.opened if result.opened in films.index else None


def _as_data(films: pd.DataFrame, covid: bool) -> dict:
    """Return one class's films as the component takes them."""
    return {
        "covid": covid,
        "label": style.COVID_LABEL if covid else style.OTHER_LABEL,
        "color": style.COVID_COLOR if covid else style.OTHER_COLOR,
        "scores": films["score"].tolist(),
        "ids": films.index.tolist(),
    }
