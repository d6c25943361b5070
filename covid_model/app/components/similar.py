"""Draw the X-rays most similar to this one, and the map of all reported X-rays."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import streamlit as st

from covid_model import evaluation, formatting
from covid_model.app import cache, networks, session, widgets
from covid_model.app.components import common, film_card
from covid_model.app.components.common import say_why
from covid_model.app.session import CurrentFilm
from covid_model.app.text import prediction as prediction_text
from covid_model.app.text import similarity as text
from covid_model.charts import films as charts
from covid_model.formatting import unbroken
from covid_model.model import registry
from covid_model.model.predictor import PredictionError
from covid_model.model.similarity import FeatureSpace, space_of
from covid_model.model.tasks import Task

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

TITLE = "Similar X-rays"  # of the tab; the URL holds it
COLOR = "map_color"  # key of what colors the map
FEATURES = "map_features"  # key of whose features the map shows
ROUND = "map_round"  # in the session: how often a selection on the map was dropped
NEIGHBORS = 10  # shown and counted, as in the record
A_ROW, NARROWEST = 5, 130  # the most cards in a row; the least width of a card in pixels
PLACED_BY = 5  # neighbors whose places on the map give that of an upload


def show(current: CurrentFilm) -> None:
    """Draw the nearest X-rays as cards, what they share with this one, and where it lies on the map."""
    name = current.reading.network
    index, space, table = cache.film_index(), space_name(name), cache.indexed_films(name)
    if index is None or space is None or table is None or table.empty:
        st.markdown(text.NO_INDEX)
        return
    row = index.row(current.source.catalog.id) if current.source.catalog else None
    slot = st.empty()
    try:
        code = index.spaces[space].codes[row] if row is not None else _code(current, index.spaces[space], slot)
    except (registry.NetworkError, PredictionError) as error:
        with slot.container():
            say_why(error)
        return
    known = table.loc[index.ids[row]] if row is not None and index.ids[row] in table.index else None
    left_out = ~np.isin(index.ids, table.index if known is None else table.index[table["patient"] != known["patient"]])
    rows, _ = index.nearest(space, code, NEIGHBORS, left_out)
    nearest = table.loc[index.ids[rows]]
    source, covid = (None, None) if known is None else (known["source"], int(known["covid"]))
    with slot.container():
        st.markdown(f"**{text.neighbors(nearest, source, covid)}**")
        cards, beside = st.columns([3, 2], gap="medium")
        with cards:
            _cards(nearest, name, current.threshold)
            st.markdown(f":small[{' '.join(_findings(space))}]")
        with beside:
            color = pick_color()
            places = index.spaces[space].places
            mark = places[row] if row is not None else places[rows[:PLACED_BY]].mean(axis=0)
            draw(table, space, color, nearest.index, (float(mark[0]), float(mark[1])), key="film_map")


def _code(current: CurrentFilm, space: FeatureSpace, slot: DeltaGenerator) -> np.ndarray:
    """Return the projected features (k,) of a film that is not in the index; the network runs if they are not cached.

    Raises NetworkError, PredictionError, QueueFullError.
    """
    name, features = current.reading.network, current.reading.features

    def compute() -> np.ndarray:
        return networks.ask(name, Task("features", session.film(current.source)))

    if features is None:
        with slot.container(), st.spinner("Looking for similar X-rays"):
            features = current.kept(("features", name), compute)
    return space.code(features[None])[0]


def _cards(films: pd.DataFrame, network: str, threshold: float) -> None:
    """Draw each film's picture where there is one, its scores by this and another network, and its ground truth."""
    paths = cache.paths(films.index)
    other = next((name for name in registry.names() if name != network and cache.gallery_table(name) is not None), None)
    others = cache.gallery_table(other)["score"] if other else pd.Series(dtype=float)
    cells = evaluation.cells(films["score"], films["covid"], threshold)
    with st.grid(A_ROW, min_column_width=NARROWEST, gap="small") as grid:
        for cell, (film, row) in zip(cells, films.iterrows(), strict=True):
            with grid.cell(), st.container(gap="xsmall", key=f"card_{film}"):
                if picture := cache.card_picture(str(paths[film])) if film in paths else None:
                    st.image(picture, width="stretch", alt=film_card.describe(film, row["score"], cell))
                st.html(film_card.of_film(row["score"], threshold, cell, row["finding"], row["source"], row["url"]))
                if film in others.index:
                    score = formatting.score_text(others[film])
                    st.markdown(f":small[{prediction_text.plain(registry.short_title(other))}: {score}]")
                common.open_link(film, network, threshold)


def pick_color() -> str:
    """Draw the choice of what colors the map and return a key of COLORS."""
    return widgets.choice("Color by", list(text.COLORS), key=COLOR, default=text.CLASS, format_func=text.COLORS.get)


def selection(films: pd.DataFrame, network: str) -> pd.DataFrame:
    """Draw the map of `films` and return those that the user drew around; all of them if none.

    Args:
        films: rows of `cache.gallery_table`, by id.
    """
    table, names = cache.indexed_films(network), map_names(network)
    known = films.index[films.index.isin(table.index)] if table is not None else []
    if not names or not len(known):
        st.info(text.NO_INDEX, icon=":material/scatter_plot:")
        return films
    round_number = st.session_state.setdefault(ROUND, 0)  # a new key is the only way to drop a selection
    key = f"film_map_{round_number}"
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = widgets.choice(
            "Features of", names, key=FEATURES, default=names[0], format_func=map_title, on_change=_start_over
        )
        color = pick_color()
        all_again = st.empty()
    st.markdown(f":small[{text.SELECT}]")
    draw(table.loc[known], name, color, lasso=True, key=key, on_select="rerun", selection_mode=("points", "lasso"))
    st.markdown(f":small[{' '.join(filter(None, _findings(name)))}]")
    chosen = [film for film in charts.selected(st.session_state[key]["selection"]["points"]) if film in films.index]
    if not chosen:
        return films
    all_again.button("Show all again", key="map_reset", icon=":material/filter_alt_off:", on_click=_start_over)
    return films.loc[films.index.isin(chosen)]


def map_names(network: str) -> list[str]:
    """Return the maps there are by today's weights: the network's own first, then ImageNet's and other networks'."""
    index = cache.film_index()
    maps = index.maps if index else {}
    own = network if network in maps else registry.IMAGENET
    return sorted((name for name in maps if _is_current(name)), key=lambda name: name != own)


def map_title(name: str) -> str:
    """Return whose features a map shows."""
    return text.BEFORE if name == registry.IMAGENET else registry.short_title(name)


def _is_current(name: str) -> bool:
    """Return whether a map was made with the weights that the network has now."""
    spec = None if name == registry.IMAGENET else networks.spec(name)
    return name == registry.IMAGENET or (spec is not None and str(cache.film_index().maps[name].weights) == spec.sha256)


def _findings(name: str) -> list[str]:
    """Return what neighbors share by the features `name`, and how well a classifier finds source and class in them."""
    record, index = cache.similarity_record(), cache.film_index()
    probes = {network: cache.audit_record(network, "probe") for network in registry.names()}
    note = text.HIDDEN if name in index.hidden else ""
    return [unbroken(part) for part in (note, text.overall(record, name) if record else "", text.probed(probes, name))]


def _start_over() -> None:
    st.session_state[ROUND] += 1


def space_name(network: str) -> str | None:
    """Return the space of a network's features; None if the index does not have it, or has it of other weights."""
    spec, index = networks.spec(network), cache.film_index()
    name = space_of(spec) if spec else None
    return name if index is not None and name in index.spaces and _is_current(name) else None


def draw(
    table: pd.DataFrame,
    name: str,
    color: str,
    near: Collection[str] = (),
    mark: tuple[float, float] | None = None,
    lasso: bool = False,
    **more: Any,
) -> None:
    """Draw the map of the films of `table`, as in `cache.indexed_films`; `more` goes to `widgets.show_chart`.

    Args:
        name: of the map, in the index.
        color: a key of COLORS.
        near: the ids of films drawn with a ring.
        mark: the place of one more film.
        lasso: whether dragging selects films.
    """
    index, groups = cache.film_index(), text.groups(table, color)
    figure = charts.film_map(
        index.maps[name].places[pd.Index(index.ids).get_indexer(table.index)],
        list(table.index),
        groups,
        table["score"].to_numpy(),
        np.flatnonzero(table.index.isin(near)),
        mark,
        lasso,
        ink=widgets.ink(),
    )
    widgets.show_chart(figure, alt=charts.film_map_alt(groups, len(table)), **more)
