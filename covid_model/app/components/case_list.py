"""The films of a cell of the confusion matrix: which cell, its films a page at a time, the way to other pages."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from contextlib import suppress
from functools import partial

import cv2
import numpy as np
import pandas as pd
import streamlit as st

from covid_model import config
from covid_model.app import cache, state, widgets
from covid_model.app.text import prediction as prediction_text
from covid_model.config import CELL_NAMES
from covid_model.data.dataset import DataError
from covid_model.evaluation import scored_split
from covid_model.evaluation.scored_split import ScoredSplit, ThresholdResult

CELL = "cell"  # in the address, by its label
OPEN = "open"  # the film to open
OPEN_CELL = "open-cell"  # the cell to open on the Films page
ROWS = 15  # films on one page of the list, all of them in sight
THUMBNAIL = 96  # pixels


def picker() -> str | None:
    return widgets.choice(
        "Films of a cell: click it above, or choose it here",
        list(CELL_NAMES),
        format_func=CELL_NAMES.get,
        key=CELL,
        width="stretch",
    )


def films(cell: str, of: ThresholdResult, networks: Sequence[ScoredSplit]) -> None:
    """The films of a cell, a page at a time."""
    found = scored_split.cell_films(cell, of, networks)
    what = f"{CELL_NAMES[cell].lower()} of {prediction_text.plain(of.title)} at {of.threshold:.2f}"
    counted = st.container(key="cell_count")
    if found.empty:
        counted.caption(f"No {what}.")
        return
    pages, key = -(-len(found) // ROWS), f"list_{of.name}_{cell}"
    first = (min(st.session_state.get(key, 1), pages) - 1) * ROWS
    shown = found.iloc[first : first + ROWS]
    counted.caption(
        f"{len(found):,} {what}" + (f", {first + 1:,} to {first + len(shown):,}" if pages > 1 else "") + "."
    )
    st.button(
        "All films of this cell in Films",
        type="tertiary",
        key="cell_in_films",
        icon=":material/photo_library:",
        on_click=open_cell,
        args=(cell, of.name),
    )
    film_table(shown, networks, what, of.name)
    if pages > 1:
        st.pagination(pages, key=key)


def film_table(films: pd.DataFrame, networks: Sequence[ScoredSplit], what: str, network: str) -> None:
    ids = films.index.tolist()
    pictures = thumbnails(ids)
    rows = pd.DataFrame({"open": ":material/open_in_new: Open"}, index=films.index)
    if pictures:
        rows["film"] = pictures
    rows["id"] = films.index
    rows = rows.join(films[[of.name for of in networks]])
    with suppress(DataError):  # without the list of films, ids and scores are still worth showing
        rows = rows.join(cache.films_table().reindex(columns=["finding", "view"]))
    rows["source"] = films["source"].map(config.SOURCE_TITLES).fillna(films["source"])
    columns = st.column_config
    st.dataframe(
        prediction_text.style_scores(rows, [of.name for of in networks]),
        key="cell_films",
        hide_index=True,
        row_height=64 if pictures else None,
        height="content",
        alt=f"Films: {what}",
        column_config={of.name: columns.NumberColumn(f"Score, {of.title}") for of in networks}
        | {
            "open": columns.ButtonColumn(
                "", type="tertiary", key="open_film", on_click=partial(open_film, ids, network), help="Read this film"
            ),
            "film": columns.ImageColumn("Film", width=72),
            "id": columns.TextColumn("Id"),
            "finding": columns.TextColumn("Finding"),
            "view": columns.TextColumn("View"),
            "source": columns.TextColumn("Source"),
        },
    )


def open_film(ids: list[str], network: str) -> None:
    """A click on a row's button: the page ends by opening that film on the Read page."""
    st.session_state[OPEN] = ids[st.session_state["open_film"]["row"]]
    if network != st.session_state.get(state.NETWORK):
        state.choose_network(network)
    st.rerun()


def open_cell(cell: str, network: str) -> None:
    """A click: the page ends by showing the films of that cell on the Films page."""
    st.session_state[OPEN_CELL] = cell
    if network != st.session_state.get(state.NETWORK):
        state.choose_network(network)
    st.rerun()


def thumbnails(ids: list[str]) -> list[str | None] | None:
    """Small pictures as data addresses, where a data folder is set and sound; None where there is none."""
    try:
        data = cache.dataset()
        if data is None:
            return None
        pictures = [cache.thumbnail(str(data.path(film))) if film in data.films.index else None for film in ids]
    except DataError:
        return None
    return [None if picture is None else data_address(picture) for picture in pictures]


def data_address(picture: np.ndarray) -> str:
    small = cv2.resize(picture, (THUMBNAIL, THUMBNAIL), interpolation=cv2.INTER_AREA)
    return f"data:image/jpeg;base64,{base64.b64encode(cv2.imencode('.jpg', small)[1]).decode()}"
