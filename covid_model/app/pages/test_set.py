"""Test set: who scored what, who is called positive at a threshold of one's choice, and what the headline hides.

Every figure comes from assets/results/scores.csv. The pickers rerun the page; the threshold and the list of films
rerun their fragment alone, which keeps the curves that were computed with the page.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from contextlib import suppress
from functools import partial

import cv2
import numpy as np
import pandas as pd
import streamlit as st

from covid_model import charts, settings
from covid_model.app import cache, gallery, outcomes, state, theme, words
from covid_model.app.outcomes import CELL_NAMES, Called, Scored
from covid_model.app.splits import SPLITS
from covid_model.dataset import DataError
from covid_model.evaluation import Estimate

SPLIT, BOTH, CELL = "split", "both", "cell"  # in the address, by their labels
LISTED, OPEN = "listed", "open"  # the network whose films are listed; the film to open
OPEN_CELL = "open-cell"  # the cell to open on the Films page
PAGES = settings.ROOT / "covid_model" / "app" / "pages"
READ_PAGE, FILMS_PAGE = PAGES / "read.py", PAGES / "films.py"
ROWS = 24  # films on one page of the list
THUMBNAIL = 96  # pixels


def title_of(network: str) -> str:
    found = cache.spec(network)
    return found.title if found else network.capitalize()


# --- Who scored what --------------------------------------------------------------------------------


def headline(of: Called, floor: dict[str, Estimate]) -> None:
    cards = outcomes.cards(of, floor)
    with st.grid(len(cards), min_column_width=210, gap="small"):
        for card in cards:
            st.metric(
                card.label,
                card.large,
                card.small,
                delta_color="red" if card.alarm else "gray",
                delta_arrow="off",
                delta_description=card.interval,
                help=card.help,
                border=True,
                height="stretch",
            )


def note_on_adults(of: Called) -> None:
    note = outcomes.adults_note(of)
    if note:
        show, icon = (st.warning, "visibility") if of.adults.count else (st.info, "check")
        elsewhere = outcomes.more_adults(cache.scores(), of.name, of.threshold)
        show(" ".join(filter(None, (note[1], elsewhere))), title=note[0], icon=f":material/{icon}:")


def matrix(of: Called, chosen: str | None, listed: str) -> None:
    st.markdown("**Confusion matrix**")
    st.plotly_chart(
        charts.confusion_matrix(of.matrix, chosen if listed == of.name else None, ink=theme.ink()),
        key=f"matrix_{of.name}",
        config=charts.CONFIG,
        on_select=partial(choose_cell, of.name),
        selection_mode="points",
        alt=charts.confusion_matrix_alt(of.matrix, of.threshold),
    )


def choose_cell(network: str) -> None:
    """A click on a tile lists its films."""
    cell = charts.clicked_cell(st.session_state[f"matrix_{network}"]["selection"]["points"])
    if cell:
        st.session_state[CELL], st.session_state[LISTED] = cell, network


def distribution(of: Called) -> None:
    st.markdown("**Scores by truth**")
    films = of.scored.films
    st.plotly_chart(
        charts.score_distribution(
            films["score"], films["covid"], of.threshold, ids=films.index.tolist(), ink=theme.ink()
        ),
        key=f"distribution_{of.name}",
        config=charts.CONFIG,
        alt=charts.score_distribution_alt(films["score"], films["covid"], of.threshold),
    )


def verdicts(found: Sequence[Called], floor: dict[str, Estimate], cell: str | None, listed: str) -> None:
    """Headline, matrix and distribution; two networks side by side, row by row, so that they stay level."""
    if len(found) == 1:
        headline(found[0], floor)
        note_on_adults(found[0])
        left, right = st.columns([2, 3], gap="medium")
        with left:
            matrix(found[0], cell, listed)
        with right:
            distribution(found[0])
        return
    parts = (
        lambda of: (st.subheader(words.plain(of.title)), headline(of, floor)),
        note_on_adults,
        partial(matrix, chosen=cell, listed=listed),
        distribution,
    )
    for part in parts:
        for column, of in zip(st.columns(len(found), gap="medium"), found, strict=True):
            with column:
                part(of)


# --- The films of a cell ----------------------------------------------------------------------------


def cell_picker() -> str | None:
    cell = st.segmented_control(
        "Films of a cell: click it above, or choose it here",
        list(CELL_NAMES),
        format_func=CELL_NAMES.get,
        key=CELL,
        bind="query-params",
        width="stretch",
    )
    return cell if cell in CELL_NAMES else None


def film_list(cell: str, of: Called, networks: Sequence[Scored]) -> None:
    """The films of a cell, a page at a time."""
    films = outcomes.films_of(cell, of, networks)
    what = f"{CELL_NAMES[cell].lower()} of {words.plain(of.title)} at {of.threshold:.2f}"
    if films.empty:
        st.caption(f"No {what}.")
        return
    pages, key = -(-len(films) // ROWS), f"list_{of.name}_{cell}"
    first = (min(st.session_state.get(key, 1), pages) - 1) * ROWS
    shown = films.iloc[first : first + ROWS]
    st.caption(f"{len(films):,} {what}" + (f", {first + 1:,} to {first + len(shown):,}" if pages > 1 else "") + ".")
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


def film_table(films: pd.DataFrame, networks: Sequence[Scored], what: str, network: str) -> None:
    ids = films.index.tolist()
    pictures = thumbnails(ids)
    rows = pd.DataFrame({"open": ":material/open_in_new: Open"}, index=films.index)
    if pictures:
        rows["film"] = pictures
    rows["id"] = films.index
    rows = rows.join(films[[of.name for of in networks]])
    with suppress(DataError):  # without the list of films, ids and scores are still worth showing
        rows = rows.join(cache.films_table().reindex(columns=["finding", "view"]))
    rows["source"] = films["source"].map(settings.SOURCE_TITLES).fillna(films["source"])
    columns = st.column_config
    score = partial(columns.ProgressColumn, min_value=0, max_value=1, format="%.3f")
    st.dataframe(
        rows,
        key="cell_films",
        hide_index=True,
        row_height=64 if pictures else None,
        height=420 if len(rows) > 5 else "content",
        alt=f"Films: {what}",
        column_config={of.name: score(f"Score, {of.title}") for of in networks}
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


# --- Every measure ----------------------------------------------------------------------------------


def curves(networks: Sequence[Called]) -> None:
    """ROC and precision-recall curves, a cross where the threshold stands."""
    rates = {of.title: {name: estimate.value for name, estimate in of.rates.items()} for of in networks}
    alarms = {name: None if of["specificity"] is None else 1 - of["specificity"] for name, of in rates.items()}
    look = {"height": 330, "ink": theme.ink()}

    st.markdown("**ROC curve**")
    lines = {of.title: of.scored.roc for of in networks}
    figure = charts.roc(lines, {name: (alarms[name], of["sensitivity"]) for name, of in rates.items()}, **look)
    st.plotly_chart(figure, key="roc", config=charts.CONFIG, alt=charts.roc_alt(lines))

    st.markdown("**Precision and recall**")
    lines = {of.title: of.scored.precision_recall for of in networks}
    points = {name: (of["sensitivity"], of["ppv"]) for name, of in rates.items()}
    films = networks[0].matrix
    figure = charts.precision_recall(lines, points, films.covid / films.total, **look)
    st.plotly_chart(figure, key="precision_recall", config=charts.CONFIG, alt=charts.precision_recall_alt(lines))
    st.caption("The cross on each curve is where the threshold stands.")


@st.fragment
def explore(networks: Sequence[Scored], floor: dict[str, Estimate], split: str) -> None:
    """All that the threshold moves."""
    threshold = state.threshold_slider("Threshold: films that score above it are called positive")
    found = [outcomes.called(of, threshold) for of in networks]
    listed = next((of for of in found if of.name == st.session_state.get(LISTED)), found[0])
    above = st.container()
    cell = cell_picker()  # drawn below the matrices, asked before them: the chosen tile has a frame
    with above:
        verdicts(found, floor, cell, listed.name)
    if cell:
        film_list(cell, listed, networks)

    left, right = st.columns([3, 2], gap="large")
    with left:
        st.subheader("All measures, with 95 % intervals")
        table = outcomes.measures(found, floor, with_paper=split == "test")
        st.table(table, border="horizontal", alt="Measures with 95 % intervals")
        st.caption(outcomes.measures_note(with_paper=split == "test"))
    with right:
        st.subheader("At every threshold")
        curves(found)


# --- The page ---------------------------------------------------------------------------------------

st.title("Test set")
scores = cache.scores()
if scores is None:
    st.info(
        f"This page reads `assets/results/{settings.SCORES_CSV.name}`, which is not there or not as it must be. "
        "Make it with `python -m covid_model evaluate`, which takes a data folder and a while.",
        title="No scores yet",
    )
    st.stop()

introduction = st.empty()
with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
    split = st.segmented_control(
        "Films",
        list(SPLITS),
        format_func=lambda name: SPLITS[name][0],
        default="test",
        required=True,
        key=SPLIT,
        bind="query-params",
    )
    network = state.network_picker()
    both = st.toggle("Both networks side by side", key=BOTH, bind="query-params")
split = split if split in SPLITS else "test"

part = scores[scores["split"] == split]
names = [network, *(name for name in settings.NETWORK_NAMES if name != network)] if both else [network]
tables = {name: part[part["network"] == name].set_index("id") for name in names}
tables = {name: table for name, table in tables.items() if not table.empty}
if not tables:
    st.info(f"There are no scores of {words.plain(title_of(network))} for these films.", title="Nothing to show")
    st.stop()
films = next(iter(tables.values()))
introduction.markdown(
    f"{SPLITS[split][1]}: what {len(films):,} of them scored, who is called positive at the threshold you set, "
    "and what the accuracy does not show."
)
try:
    networks = [outcomes.scored(name, title_of(name), table) for name, table in tables.items()]
    floor = outcomes.always_no(films)
except ValueError as error:
    st.error(f"The scores cannot be used. {error}", title="Damaged scores")
    st.stop()
explore(networks, floor, split)

film = st.session_state.pop(OPEN, None)
if film:  # here and not in the fragment: there, the network would leave the address
    state.choose_film(film)
    st.switch_page(READ_PAGE, query_params={state.FILM: film})

cell = st.session_state.pop(OPEN_CELL, None)
if cell:
    for key in gallery.PICKED:  # of an earlier visit to that page
        st.session_state.pop(key, None)
    st.session_state[gallery.VERDICT] = [cell]
    st.switch_page(FILMS_PAGE, query_params={gallery.SET: SPLITS[split][0], gallery.VERDICT: CELL_NAMES[cell]})
