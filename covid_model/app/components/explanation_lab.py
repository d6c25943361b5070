"""Draw the explanation lab: methods side by side, what happens when the network forgets, and who finds the lesion."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from covid_model import formatting
from covid_model.app import cache, networks, session, widgets
from covid_model.app.components.common import say_why
from covid_model.app.films import ImageSource
from covid_model.app.runtime import render_slots
from covid_model.app.text import how_it_works as text
from covid_model.imaging import FilmError, heatmap, image
from covid_model.model import attribution, registry
from covid_model.model.attribution import FAST, GRAD_CAM, METHODS
from covid_model.model.predictor import PredictionError
from covid_model.model.queue import QueueFullError

SIDE = 300  # pixels: the longer side of a picture
A_ROW, NARROWEST = 6, 150  # the most pictures in a row; the least width of one in pixels
METHOD, STAGE, BOARD = "lab_method", "lab_stage", "board"
COLUMNS = {text.CURVES: ("deletion", "insertion"), text.REPEATS: ("repeatability",)}  # of the others: the pointing game
SLOW = tuple(name for name in METHODS if name not in FAST)


@render_slots.fragment
def show(source: ImageSource, name: str) -> None:
    """Draw the lab for a film and a network."""
    st.header(text.LAB_SECTIONS["methods"], anchor="methods", divider="gray")
    st.markdown(text.LAB)
    spec = networks.spec(name)
    try:
        pixels = image.shrink(session.film(source).pixels, SIDE)
        maps = session.explanations(source, name, FAST)
        _methods(pixels, maps, spec.preprocessing.box, FAST)
        if st.button("Run the four slower methods", key="lab_slow", icon=":material/hourglass_top:"):
            st.session_state[f"lab_slow_{source.digest}_{name}"] = True
        if st.session_state.get(f"lab_slow_{source.digest}_{name}"):
            with st.spinner("Running"):
                slow = session.explanations(source, name, SLOW)
            _methods(pixels, slow | {GRAD_CAM: maps[GRAD_CAM]}, spec.preprocessing.box, SLOW)
        _sanity(source, name, pixels, spec.preprocessing.box)
    except (registry.NetworkError, FilmError, PredictionError, QueueFullError) as error:
        say_why(error)
    _scoreboard()


def _methods(
    pixels: np.ndarray, maps: dict[str, np.ndarray], box: tuple[float, float, float, float], methods: Sequence[str]
) -> None:
    with st.grid(A_ROW, min_column_width=NARROWEST, gap="small") as grid:
        for method in methods:
            with grid.cell(), st.container(gap="xsmall", key=f"lab_{method}"):
                title = METHODS[method].title
                _picture(pixels, maps[method], box, f"The X-ray under its {title} heatmap")
                agrees = text.agreement(attribution.agreement(maps[method], maps[GRAD_CAM]))
                st.markdown(f"**{title}** · {agrees}", help=METHODS[method].note)


def _picture(pixels: np.ndarray, heat: np.ndarray, box: tuple[float, float, float, float], alt: str) -> None:
    st.image(heatmap.blend(pixels, heat, box), width="stretch", alt=alt)


def _sanity(source: ImageSource, name: str, pixels: np.ndarray, box: tuple[float, float, float, float]) -> None:
    """Draw one method's heatmap as more and more of the network is shuffled, on request."""
    st.header(text.LAB_SECTIONS["sanity"], anchor="sanity", divider="gray")
    st.markdown(text.SANITY)
    key = f"lab_sanity_{source.digest}_{name}"
    if not st.session_state.get(key):
        if not st.button("Shuffle the weights", key="lab_shuffle", icon=":material/shuffle:"):
            return
        st.session_state[key] = True
    with st.spinner("Shuffling"):
        series = session.randomized(source, name)
    method = widgets.choice(
        "Method", list(FAST), key=METHOD, default=GRAD_CAM, format_func=lambda one: METHODS[one].title, bind=False
    )
    stages = (None, *attribution.STAGES)
    stage = st.select_slider("Shuffled", stages, key=STAGE, format_func=text.STAGE_NAMES.get)
    agrees = [attribution.agreement(series[0][method], maps[method]) for maps in series]
    left, right = st.columns(2, gap="medium")
    with left:
        _picture(pixels, series[0][method], box, f"{METHODS[method].title}, as trained")
        st.markdown(text.STAGE_NAMES[None])
    with right:
        number = stages.index(stage)
        _picture(pixels, series[number][method], box, f"{METHODS[method].title}: {text.STAGE_NAMES[stage]}")
        st.markdown(f"{text.STAGE_NAMES[stage]} · {text.agreement(agrees[number])}")
    st.markdown(text.sanity(agrees[1], agrees[-1], METHODS[method].title))


def _scoreboard() -> None:
    """Draw the table of methods held against what is known, for every network with a record."""
    records = {name: cache.audit_record(name, "explanations") for name in registry.names()}
    known = {name: record for name, record in records.items() if record}
    if not known:
        return
    st.header(text.LAB_SECTIONS["scoreboard"], anchor="scoreboard", divider="gray")
    boards = [board for board in text.BOARDS if any(_measured(record, board) for record in known.values())]
    board = widgets.choice("Measured by", boards, key=BOARD, default=text.LESIONS, format_func=text.BOARDS.get)
    known = {name: record for name, record in known.items() if _measured(record, board)}
    st.markdown(text.scoreboard(board, known, registry.short_title))
    alt = f"Explanation methods by network: {text.BOARDS[board]}"
    st.dataframe(scoreboard(known, board), hide_index=True, height="content", alt=alt)


def _measured(record: dict[str, Any], board: str) -> bool:
    return board in record or board in (text.LESIONS, text.REPEATS)


def scoreboard(records: dict[str, dict[str, Any]], board: str = text.LESIONS) -> pd.DataFrame:
    """Return one row per method, and of the pointing game one for chance; for each network a column per measure.

    Args:
        records: of the experiment `explanations`, by network.
        board: a key of `text.BOARDS`.
    """
    measures = COLUMNS.get(board, ("pointing", "energy"))
    rows = []
    for method in (*METHODS, *([] if board in COLUMNS else [None])):
        row = {"Method": METHODS[method].title if method else "Chance"}
        for name, record in records.items():
            part = record.get(board, record)
            figures = part["methods"][method] if method else part["even"]
            for measure in measures:
                written = text.agreement if board in COLUMNS else formatting.percent
                row[f"{measure.capitalize()}, {registry.short_title(name)}"] = text.estimated(
                    figures.get(measure, {}), written
                )
        rows.append(row)
    return pd.DataFrame(rows)
