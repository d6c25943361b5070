"""Show the page "Browse X-rays": every film with its score, as in the paper's Figures 2 and 3.

The URL saves every setting. Scores come from assets/results/scores.csv. Only the pictures of the films shown are
loaded, and the network runs on them only when heatmaps are switched on.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pandas as pd
import streamlit as st

from covid_model import config
from covid_model.app import cache, networks, state, widgets
from covid_model.app import films as app_films
from covid_model.app.components import common, film_card, similar
from covid_model.app.text import browse as browse_text
from covid_model.app.text import prediction as prediction_text
from covid_model.app.text import similarity as similarity_text
from covid_model.app.text.browse import (
    AGE,
    FILTERS,
    HEATMAPS,
    LEFT,
    MAP,
    MARKED,
    NEAR,
    ORDER,
    PART,
    SET,
    SHEET,
    SHOWN,
    SOURCE,
    TRUTH,
    VERDICT,
)
from covid_model.config import CELL_NAMES
from covid_model.data.dataset import DataError
from covid_model.imaging import FilmError
from covid_model.model import registry
from covid_model.model.predictor import PredictionError
from covid_model.model.registry import NetworkError

A_ROW, NARROWEST = 6, 150  # the most cards in a row; the least width of a card in pixels

# --- Filters ---------------------------------------------------------------------------------


def pick_set() -> str:
    """Draw the choice of set and return its name."""
    return widgets.choice(
        "X-rays",
        list(browse_text.SETS),
        format_func=lambda name: browse_text.SETS[name][0],
        default=browse_text.FIRST_SET,
        key=SET,
        on_change=clear_filters,
        wrap=True,
    )


def pick_part() -> str:
    """Draw the choice of a part of the set of all films, and return a key of PARTS, or ALL for all of them."""
    keys = {label: part for part, (label, _) in browse_text.PARTS.items()}
    parts = [browse_text.ALL_PARTS, *keys]
    picked = st.selectbox("Part", parts, key=PART, bind="query-params", width=220, on_change=clear_filters)
    return keys.get(picked, browse_text.ALL)


def pick_source(films: pd.DataFrame) -> str | None:
    """Return one of the sources that the films come from, or None for all."""
    present = set(films["source"].unique())
    titles = {title: name for name, title in config.SOURCE_TITLES.items() if name in present}
    everything = browse_text.ALL_SOURCES
    if st.session_state.get(SOURCE) not in (None, everything, *titles):  # left over from another set
        st.session_state[SOURCE] = everything
    picked = st.selectbox("Source", [everything, *titles], key=SOURCE, bind="query-params", width=260)
    return titles.get(picked)


def filters_title() -> str:
    """Return the label of the drawer with the filters, and how many of them are set."""
    count = sum(key in st.query_params for key in (state.NETWORK, state.THRESHOLD, SOURCE, TRUTH, VERDICT, ORDER))
    return f"Filters ({count})" if count else "Filters"


def pick_truth() -> str | None:
    """Draw the choice of ground truth and return a key of TRUTHS, None for all."""
    return widgets.choice("Ground truth", list(browse_text.TRUTHS), format_func=browse_text.TRUTHS.get, key=TRUTH)


def pick_verdicts() -> list[str]:
    """Draw the choice of cells and return those chosen, none for all."""
    picked = st.pills(
        "Verdict at this threshold",
        list(CELL_NAMES),
        format_func=CELL_NAMES.get,
        selection_mode="multi",
        key=VERDICT,
        bind="query-params",
        wrap=True,
        help="An X-ray is called positive if its score is above the threshold. Choose none to see all X-rays.",
    )
    return [cell for cell in picked if cell in CELL_NAMES]


def pick_order() -> str:
    """Draw the choice of order and return a key of `browse_text.orders`."""
    orders = browse_text.orders(pictures=cache.data_folder() is not None)
    picked = st.selectbox(
        "Order",
        list(orders),
        format_func=orders.get,
        key=ORDER,
        bind="query-params",
        width=190,
        help="*Most wrong*: sorted by the distance between score and ground truth (1 for COVID-19, 0 for non-COVID).",
    )
    return picked if picked in orders else next(iter(orders))


def pick_sheet(sheets: int, picked: tuple) -> int:
    """Return the number of the sheet to show: the first one after any other filter has changed."""
    last = st.session_state.get(SHOWN)
    st.session_state[SHOWN] = picked
    number = st.session_state.get(SHEET, 1)
    if (last is not None and last != picked) or not isinstance(number, int) or not 1 <= number <= sheets:
        st.session_state[SHEET] = 1
    if sheets == 1:
        return 1
    return st.pagination(sheets, key=SHEET, bind="query-params")


def remember() -> None:
    """Save the filters for `come_back`."""
    if state.FILM in st.query_params:  # the user is on the way to that film
        return
    kept = {key: st.query_params.get_all(key) for key in st.query_params}
    st.session_state[LEFT] = kept, {key: st.session_state[key] for key in (*FILTERS, SHOWN) if key in st.session_state}


def come_back() -> None:
    """Restore the filters after Back from a film that was opened here: Streamlit leaves only the film in the URL."""
    if state.FILM in st.query_params and LEFT in st.session_state:
        kept, values = st.session_state[LEFT]
        st.query_params.from_dict(kept)
        st.session_state.update(values)
        st.rerun()


# --- Cards, list, pictures ----------------------------------------------------------------------------------


def cards(
    films: pd.DataFrame,
    paths: dict[str, Path],
    network: str,
    threshold: float,
    heatmaps: bool,
    marked: str | None = None,
) -> None:
    """Draw the films as cards: picture, score, verdict, ground truth, and a link that opens the film.

    The film with the id `marked` has a frame.
    """
    slots = {}
    with st.grid(A_ROW, min_column_width=NARROWEST, gap="small") as grid:
        for film, row in films.iterrows():
            with grid.cell(), st.container(gap="xsmall", border=film == marked, key=f"card_{film}"):
                if film == marked:
                    st.markdown("**This X-ray**")
                alt = film_card.describe(film, row["score"], row["cell"])
                if paths:  # else nothing says more than the sentence above all of them
                    slots[film] = picture(film, paths.get(film), alt, network, heatmaps)
                st.html(
                    film_card.of_film(row["score"], threshold, row["cell"], row["finding"], row["source"], row["url"])
                )
                common.open_link(film, network, threshold)
    if heatmaps:
        read_slots([(film, slot, paths[film]) for film, slot in slots.items() if slot], network)


def simulated(network: str, threshold: float, heatmaps: bool) -> None:
    """Draw the films that were rendered for the demo. They get a score once the network has run on them."""
    films = {film.id: film for film in cache.samples().values() if film.simulated}
    if not films:
        st.info("No simulated X-rays are available.", icon=":material/folder_off:")
        return
    st.markdown(
        "**Simulated**: rendered from a CT, with opacities added for this demo. These X-rays are outside the training "
        "data, so their scores get no verdict. Switch on scores and heatmaps to analyze them."
    )
    slots, facts = {}, {}
    with st.grid(A_ROW, min_column_width=NARROWEST, gap="small") as grid:
        for film in films.values():
            with grid.cell(), st.container(gap="xsmall", key=f"card_{film.id}"):
                title = app_films.short_title(film)
                slots[film.id] = picture(film.id, film.path, film_card.describe_simulated(title), network, heatmaps)
                facts[film.id] = st.empty()
                known = read_before(film.path, network) if heatmaps else None
                facts[film.id].html(film_card.of_sample(title, known[1] if known else None, threshold))
                common.open_link(film.id, network, threshold)
    if heatmaps:
        waiting = [(film, slot, films[film].path) for film, slot in slots.items() if slot]
        for film, score in read_slots(waiting, network).items():
            facts[film].html(film_card.of_sample(app_films.short_title(films[film]), score, threshold))


def shipped(network: str, threshold: float) -> None:
    """Draw the films that come with the demo, as many as are in a row, each with its stored score."""
    known = cache.samples().values()
    films = [film for film in known if not film.simulated]
    films += app_films.varied([film for film in known if film.simulated], A_ROW - len(films))
    readings = networks.readings(network)
    scores = readings.scores() if readings else {}
    st.markdown(browse_text.SHIPPED)
    with st.grid(A_ROW, min_column_width=NARROWEST, gap="small") as grid:
        for film in films:
            with grid.cell(), st.container(gap="xsmall", key=f"card_{film.id}"):
                title, score = app_films.short_title(film), scores.get(film.id)
                picture(film.id, film.path, title, network, heatmap=False)
                st.html(film_card.of_sample(title, score, threshold, film.simulated))
                common.open_link(film.id, network, threshold)


def picture(film: str, path: Path | None, alt: str, network: str, heatmap: bool):
    """Draw a film. Return a function that draws its heatmap in the same place if that is still to come, else None."""
    place = st.empty()
    plain = cache.card_picture(str(path)) if path else None
    if plain is None:
        place.container(key=f"no-picture-{film}").markdown(":small[:material/hide_image: Picture not loaded]")
        return None
    known = read_before(path, network) if heatmap else None
    if known:
        place.image(known[0], width="stretch", alt=film_card.under_heatmap(alt))
        return None
    place.image(plain, width="stretch", alt=alt)
    return partial(place.image, width="stretch", alt=film_card.under_heatmap(alt)) if heatmap else None


def read_before(path: Path, network: str) -> tuple[bytes, float] | None:
    """Return a film under its heatmap, and its score; None if it has not been analyzed yet, or was refused."""
    try:
        return cache.card_heatmap(str(path), network) if cache.known_card(str(path), network) else None
    except (FilmError, PredictionError):
        return None


def read_slots(waiting: list, network: str) -> dict[str, float]:
    """Analyze films one after another, show each heatmap as soon as it is ready, and return the scores."""
    scores = {}
    for number, (film, slot, path) in enumerate(waiting, 1):
        try:
            with busy, st.spinner(prediction_text.analyzing(f"Analyzing X-ray {number} of {len(waiting)}")):
                jpeg, scores[film] = cache.card_heatmap(str(path), network)
        except NetworkError as error:
            with busy.container():
                common.network_missing(error, network)
            return scores
        except (FilmError, PredictionError) as error:
            st.toast(prediction_text.plain(f"{film}: {error}"), icon=":material/block:")
        else:
            slot(jpeg)
    busy.empty()
    return scores


def nothing_matches(filters: dict[str, str], left: dict[str, int]) -> None:
    """Say which filters leave nothing, and offer to remove one of them, or all; the arguments are `no_match`'s."""
    st.info(browse_text.no_match(filters, left), icon=":material/filter_alt_off:")
    with st.container(horizontal=True, gap="small"):
        for key, count in left.items():
            if count:
                shown = f"Remove “{filters[key]}”: {count:,} {'X-ray' if count == 1 else 'X-rays'}"
                st.button(shown, on_click=lift, args=(key,), key=f"lift_{key}")
        st.button("Clear all filters", on_click=clear_filters, key="clear_filters", icon=":material/filter_alt_off:")


def lift(key: str) -> None:
    """Remove one filter; a callback."""
    for name in (NEAR, MARKED) if key == NEAR else (key,):  # a widget's, or only in the URL
        st.session_state.pop(name, None)
        st.query_params.pop(name, None)


def clear_filters() -> None:
    """Show all films of the set again; a callback."""
    for key in (SOURCE, TRUTH, VERDICT, NEAR, AGE):
        lift(key)


def age_filter(age: str | None) -> set[str] | None:
    """Draw the button that removes the filter by age and return the ids that it leaves; None without this filter."""
    if not age:
        return None
    label = prediction_text.plain(f"Age: {age}")
    st.button(label, key="age_filter", icon=":material/close:", on_click=lift, args=(AGE,))
    try:
        return browse_text.of_age(cache.films_table(), age)
    except DataError:
        return set()


def band(near: float, marked: str | None, films: pd.DataFrame) -> None:
    """Draw the button that removes the filter for similar scores, and say where the marked film is."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.button(browse_text.similar(near), key="lift_band", icon=":material/close:", on_click=lift, args=(NEAR,))
        if marked not in films.index:
            st.markdown(":small[The X-ray with this score is not in this set.]")


# --- The page, from top to bottom ------------------------------------------------------------------

st.title("Browse X-rays")
come_back()
try:
    cache.dataset()
except DataError as error:
    st.warning(prediction_text.plain(error), icon=":material/folder_off:")
introduction = st.empty()
top = st.container(horizontal=True, vertical_alignment="bottom", gap="medium")
with top:
    films_set = pick_set()
    if films_set == browse_text.ALL:
        films_set = pick_part()
if widgets.on_phone():  # where they would fill the first screen
    settings = top = st.expander(filters_title(), icon=":material/tune:", key="filters")
else:
    settings = st.container()
with top:
    network = state.network_picker()
    beside = st.container(width="content", horizontal=True, gap="medium")
with settings:
    threshold = state.threshold_slider("Threshold: X-rays that score above it are called positive")

if films_set == browse_text.SIMULATED:
    introduction.markdown(f"{(browse_text.SETS | browse_text.PARTS)[films_set][1]}.")
    heatmaps = beside.toggle("Scores and heatmaps", key=HEATMAPS, bind="query-params")
    busy = st.empty()
    remember()
    simulated(network, threshold, heatmaps)
    st.stop()

films = cache.gallery_table(network)
if films is None:
    st.info(
        prediction_text.no_scores(),
        title="No scores yet",
    )
    st.stop()
films = browse_text.select_set(films, films_set, threshold, cache.real_films() if films_set == browse_text.FREE else ())
introduction.markdown(
    f"{(browse_text.SETS | browse_text.PARTS)[films_set][1]}, each with its score. Open one to see what drove it."
)
if films.empty:
    st.info(
        f"{prediction_text.plain(registry.title(network))} has no scores for these X-rays.",
        title="Nothing to show",
    )
    for other in registry.names():
        if other != network and len(
            browse_text.select_set(cache.gallery_table(other), films_set, threshold, cache.real_films())
        ):
            st.button(
                f"Switch to {registry.short_title(other)}",
                on_click=state.choose_network,
                args=(other,),
                key=f"use-{other}",
            )
    st.stop()

with settings, st.container(horizontal=True, gap="small"):  # a wider gap would not leave all four in one row
    source, truth, verdicts, order = pick_source(films), pick_truth(), pick_verdicts(), pick_order()
near, marked = browse_text.score_from(st.query_params.get(NEAR)), st.query_params.get(MARKED)
age = st.query_params.get(AGE)
if near is not None:
    band(near, marked, films)
chosen = {SOURCE: source, TRUTH: truth, VERDICT: verdicts, NEAR: near, AGE: age_filter(age)}
with_picture = cache.real_paths() if order == browse_text.PICTURES_FIRST else ()
matches = browse_text.in_order(browse_text.filtered(films, *chosen.values()), order, with_picture)
if matches.empty:
    labels = {
        SOURCE: source and prediction_text.source_title(source),
        TRUTH: truth and browse_text.TRUTHS[truth],
        VERDICT: " or ".join(CELL_NAMES[cell] for cell in verdicts),
        NEAR: None if near is None else browse_text.similar(near),
        AGE: age,
    }
    labels = {key: label for key, label in labels.items() if label}
    nothing_matches(
        labels,
        {
            key: len(browse_text.filtered(films, *(chosen | {key: [] if key == VERDICT else None}).values()))
            for key in labels
        },
    )
    st.stop()
if beside.toggle("Map", key=MAP, bind="query-params", help=similarity_text.MAP):
    matches = similar.selection(matches, network)
matches = browse_text.marked_first(matches, marked)
above = st.container()
number = pick_sheet(
    browse_text.sheet(matches, 1).sheets, (films_set, network, source, truth, tuple(verdicts), near, age, order)
)
remember()
sheet = browse_text.sheet(matches, number)
with above:
    paths = cache.paths(sheet.rows.index)
    missing = [film for film in sheet.rows.index if film not in paths]
    everything = films_set == browse_text.FIRST_SET and len(matches) == len(films)
    if everything and order == browse_text.PICTURES_FIRST and number == 1 and not paths:
        shipped(network, threshold)
    st.container(key="films_summary").markdown(browse_text.summary(matches, sheet))
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        common.offer_films(missing)
        if missing and cache.data_folder() is None:
            st.markdown(f":small[{browse_text.ELSEWHERE}]", width="stretch")
    heatmaps = bool(paths) and beside.toggle("Heatmaps", key=HEATMAPS, bind="query-params")
    busy = st.empty()
    cards(sheet.rows, paths, network, threshold, heatmaps, marked)
    if paths and cache.data_folder() is None:
        credits = dict.fromkeys(prediction_text.credit(row) for _, row in sheet.rows.loc[list(paths)].iterrows())
        st.markdown(f":small[{' '.join(credits)}]")  # a link in a caption would be too pale
