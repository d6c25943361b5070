"""List the films of one cell of the confusion matrix, a page at a time, with links to other pages."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from contextlib import suppress
from functools import partial

import cv2
import numpy as np
import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from covid_model import charts, config
from covid_model.app import cache, state, widgets
from covid_model.app.text import browse as browse_text
from covid_model.app.text import prediction as prediction_text
from covid_model.config import CELL_NAMES
from covid_model.data.dataset import DataError
from covid_model.evaluation import threshold_sweep
from covid_model.evaluation.threshold_sweep import ScoredSplit, ThresholdResult
from covid_model.formatting import in_sentence

CELL = "cell"  # name in the URL; the value is a label
OPEN = "open"  # in the session: the film to open
BROWSE = "browse-at"  # in the session: the films to open, as URL parameters of "Browse X-rays"
BROWSE_PAGE = config.ROOT / "covid_model" / "app" / "pages" / "browse.py"
TRY_PAGE = config.ROOT / "covid_model" / "app" / "pages" / "try_an_xray.py"
OPEN_CELL = "open-cell"  # in the session: the cell to open on the page "Browse X-rays"
ROWS = 15  # films on one page of the list, short enough to need no scrolling
THUMBNAIL = 96  # pixels


def picker() -> str | None:
    """Draw the choice of a cell and return it, None for no cell."""
    return widgets.choice(
        "X-rays in a cell: click a cell above, or choose one here",
        list(CELL_NAMES),
        format_func=CELL_NAMES.get,
        key=CELL,
        width="stretch",
    )


def films(cell: str, result: ThresholdResult, networks: Sequence[ScoredSplit]) -> None:
    """Draw the films of a cell, a page at a time."""
    cases = threshold_sweep.cell_films(cell, result, networks)
    description = (
        f"{CELL_NAMES[cell].lower()} of {prediction_text.plain(in_sentence(result.title))} at {result.threshold:.2f}"
    )
    counted = st.container(key="cell_count")
    if cases.empty:
        counted.caption(f"No {description}.")
        return
    pages, key = -(-len(cases) // ROWS), f"list_{result.name}_{cell}"
    first = (min(st.session_state.get(key, 1), pages) - 1) * ROWS
    shown = cases.iloc[first : first + ROWS]
    counted.caption(
        f"{len(cases):,} {description}" + (f", {first + 1:,} to {first + len(shown):,}" if pages > 1 else "") + "."
    )
    st.button(
        "Browse all X-rays in this cell",
        type="tertiary",
        key="cell_in_films",
        icon=":material/photo_library:",
        on_click=open_cell,
        args=(cell, result.name),
    )
    film_table(shown, networks, description, result.name)
    if pages > 1:
        st.pagination(pages, key=key)


def film_table(films: pd.DataFrame, networks: Sequence[ScoredSplit], description: str, network: str) -> None:
    """Draw films as a table; `description` is its alternative text."""
    ids = films.index.tolist()
    pictures = thumbnails(ids)
    rows = pd.DataFrame({"open": ":material/open_in_new: Open"}, index=films.index)
    if pictures:
        rows["film"] = pictures
    rows["id"] = films.index
    rows = rows.join(films[[result.name for result in networks]])
    with suppress(DataError):  # ids and scores are worth showing without the list of films
        rows = rows.join(cache.films_table().reindex(columns=["finding", "view"]))
    rows["source"] = films["source"].map(config.SOURCE_TITLES).fillna(films["source"])
    columns = st.column_config
    st.dataframe(
        prediction_text.style_scores(rows, [result.name for result in networks]),
        key="cell_films",
        hide_index=True,
        row_height=64 if pictures else None,
        height="content",
        alt=f"X-rays: {description}",
        column_config={result.name: columns.NumberColumn(f"Score, {result.short_title}") for result in networks}
        | {
            "open": columns.ButtonColumn(
                "", type="tertiary", key="open_film", on_click=partial(open_film, ids, network), help="Show this X-ray"
            ),
            "film": columns.ImageColumn("X-ray", width=72),
            "id": columns.TextColumn("ID"),
            "finding": columns.TextColumn("Finding"),
            "view": columns.TextColumn("View"),
            "source": columns.TextColumn("Source"),
        },
    )


def open_film(ids: list[str], network: str) -> None:
    """Open the film of the row that was clicked."""
    open_id(ids[st.session_state["open_film"]["row"]], network)


def open_id(film: str, network: str) -> None:
    """Open a film on "Try an X-ray"; the page switches at its end."""
    st.session_state[OPEN] = film
    if network != st.session_state.get(state.NETWORK):
        state.choose_network(network)
    st.rerun()


def film_chart(figure: go.Figure, key: str, alt: str, network: str) -> None:
    """Draw a figure whose points are films (see `charts.clicked_film`), which a click opens with the network."""
    widgets.show_chart(figure, key, alt, on_select=partial(choose_clicked, key, network), selection_mode="points")
    if OPEN in st.session_state:
        st.rerun()  # the whole page, which calls `follow`


def choose_clicked(key: str, network: str) -> None:
    """Choose the film whose point in the chart `key` was clicked; a callback."""
    film = charts.clicked_film(st.session_state[key]["selection"]["points"])
    if film:
        st.session_state[OPEN] = film
        state.choose_network(network)


def open_films(address: dict[str, str], network: str) -> None:
    """Choose what "Browse X-rays" is to show, as its URL parameters, for `follow`; a callback."""
    st.session_state[BROWSE] = address
    state.choose_network(network)


def follow() -> None:
    """Open the film, or the films, that were chosen on this page, if any were.

    Called outside the page's fragments, where the network would drop out of the URL.
    """
    film = st.session_state.pop(OPEN, None)
    if film:
        state.choose_film(film)
        st.switch_page(TRY_PAGE, query_params={state.FILM: film})
    films = st.session_state.pop(BROWSE, None)
    if films is not None:
        for key in (*browse_text.FILTERS, browse_text.SHOWN):  # left over from an earlier visit to that page
            st.session_state.pop(key, None)
        st.switch_page(BROWSE_PAGE, query_params=films)


def open_cell(cell: str, network: str) -> None:
    """Show the films of a cell on "Browse X-rays"; the page switches at its end."""
    st.session_state[OPEN_CELL] = cell
    if network != st.session_state.get(state.NETWORK):
        state.choose_network(network)
    st.rerun()


def thumbnails(ids: list[str]) -> list[str | None] | None:
    """Return thumbnails as data URLs, None for a film without one; None if there is no usable data folder."""
    try:
        data = cache.dataset()
        if data is None:
            return None
        pictures = [cache.thumbnail(str(data.path(film))) if film in data.films.index else None for film in ids]
    except DataError:
        return None
    return [None if picture is None else data_url(picture) for picture in pictures]


def data_url(picture: np.ndarray) -> str:
    """Return a thumbnail of a picture (h, w) uint8 as a data URL."""
    small = cv2.resize(picture, (THUMBNAIL, THUMBNAIL), interpolation=cv2.INTER_AREA)
    return f"data:image/jpeg;base64,{base64.b64encode(cv2.imencode('.jpg', small)[1]).decode()}"
