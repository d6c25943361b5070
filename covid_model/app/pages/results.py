"""Test set: who scored what, who is called positive at a threshold of one's choice, and what the headline hides.

Every figure comes from assets/results/scores.csv. The pickers rerun the page, the threshold and the tabs their
fragment alone, the ward's sliders theirs. Curves and bootstrap samples are made once and kept (`cache.scored`): a
slider only looks up.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import streamlit as st

from covid_model import charts, config
from covid_model.app import cache, state, theme, widgets
from covid_model.app.components import case_list, metrics, prevalence
from covid_model.app.runtime import render_slots
from covid_model.app.text import browse as browse_text
from covid_model.app.text import evaluation as evaluation_text
from covid_model.app.text import prediction as prediction_text
from covid_model.config import CELL_NAMES, SPLIT_LABELS
from covid_model.evaluation import scored_split
from covid_model.evaluation.scored_split import ScoredSplit, ThresholdResult
from covid_model.model import registry

SPLIT, BOTH, TAB = "split", "both", "part"  # in the address, by their labels
LISTED = "listed"  # the network whose films are listed
PAGES = config.ROOT / "covid_model" / "app" / "pages"
READ_PAGE, FILMS_PAGE = PAGES / "try_an_xray.py", PAGES / "browse.py"


# --- Who scored what --------------------------------------------------------------------------------


def headline(of: ThresholdResult) -> None:
    cards = evaluation_text.cards(of)
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


def note_on_adults(of: ThresholdResult, adults: Mapping[str, ScoredSplit | None]) -> None:
    note = evaluation_text.adults_note(of)
    if note:
        show, icon = (st.warning, "visibility") if of.adults.count else (st.info, "info")
        elsewhere = evaluation_text.more_adults(adults[of.name], of.threshold)
        show(" ".join(filter(None, (note[1], elsewhere))), title=note[0], icon=f":material/{icon}:")


def matrix(of: ThresholdResult, chosen: str | None, listed: str) -> None:
    st.markdown("**Confusion matrix**")
    widgets.show_chart(
        charts.confusion_matrix(of.matrix, chosen if listed == of.name else None, ink=theme.ink()),
        key=f"matrix_{of.name}",
        on_select=partial(choose_cell, of.name),
        selection_mode="points",
        alt=charts.confusion_matrix_alt(of.matrix, of.threshold),
    )


def choose_cell(network: str) -> None:
    """A click on a tile lists its films."""
    clicked = charts.clicked_cell(st.session_state[f"matrix_{network}"]["selection"]["points"])
    if clicked:
        st.session_state[case_list.CELL], st.session_state[LISTED] = clicked, network


def distribution(of: ThresholdResult) -> None:
    st.markdown("**Scores by truth**")
    films = of.scored.films
    widgets.show_chart(
        charts.score_distribution(
            films["score"], films["covid"], of.threshold, ids=films.index.tolist(), ink=theme.ink()
        ),
        key=f"distribution_{of.name}",
        alt=charts.score_distribution_alt(films["score"], films["covid"], of.threshold),
    )


def verdicts(
    found: Sequence[ThresholdResult], adults: Mapping[str, ScoredSplit | None], chosen: str | None, listed: str
) -> None:
    """Headline, matrix and distribution; several networks side by side, row by row, so that they stay level."""
    if len(found) == 1:
        headline(found[0])
        note_on_adults(found[0], adults)
        left, right = st.columns([2, 3], gap="medium")
        with left:
            matrix(found[0], chosen, listed)
        with right:
            distribution(found[0])
        return
    for other in found[1:]:
        st.markdown(evaluation_text.network_comparison(found[0], other))
    parts = (
        lambda of: (st.subheader(prediction_text.plain(of.title)), headline(of)),
        partial(note_on_adults, adults=adults),
        partial(matrix, chosen=chosen, listed=listed),
        distribution,
    )
    for part in parts:
        for column, of in zip(st.columns(len(found), gap="medium"), found, strict=True):
            with column:
                part(of)


# --- All that the threshold moves ------------------------------------------------------------------


@render_slots.fragment
def explore(networks: Sequence[ScoredSplit], split: str, adults: Mapping[str, ScoredSplit | None]) -> None:
    """All that the threshold moves. `adults`: each network's films of `extra-test`, where there are any."""
    threshold = state.threshold_slider("Threshold: films that score above it are called positive")
    found = [scored_split.at_threshold(of, threshold) for of in networks]
    listed = next((of for of in found if of.name == st.session_state.get(LISTED)), found[0])
    above = st.container()
    chosen = case_list.picker()  # drawn below the matrices, asked before them: the chosen tile has a frame
    with above:
        verdicts(found, adults, chosen, listed.name)
    if chosen:
        case_list.films(chosen, listed, networks)
    parts = {
        metrics.TITLE: partial(metrics.draw_measures, split=split),
        prevalence.TITLE: prevalence.draw,
        metrics.SOURCES_TITLE: metrics.draw_sources,
        metrics.CALIBRATION_TITLE: partial(metrics.draw_calibration, split=split),
    }
    for tab, draw in zip(st.tabs(list(parts), key=TAB, bind="query-params"), parts.values(), strict=True):
        if tab.open:
            with tab:
                draw(found)


# --- The page ---------------------------------------------------------------------------------------

st.title("Test set")
if cache.scores() is None:
    st.info(
        f"This page reads `assets/results/{config.SCORES_CSV.name}`, which is not there or not as it must be. "
        "Make it with `python -m covid_model evaluate`, which takes a data folder and a while.",
        title="No scores yet",
    )
    st.stop()

introduction = st.empty()
with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
    split = widgets.choice(
        "Films",
        list(SPLIT_LABELS),
        format_func=lambda name: SPLIT_LABELS[name][0],
        default="test",
        key=SPLIT,
        wrap=True,
    )
    network = state.network_picker()
    both = st.toggle("All networks side by side", key=BOTH, bind="query-params")

names = [network, *(name for name in registry.names() if name != network)] if both else [network]
try:
    networks = [found for name in names if (found := cache.scored(name, split))]
    adults = {name: cache.scored(name, "extra-test") for name in names}
except ValueError as error:
    st.error(f"The scores cannot be used. {error}", title="Damaged scores")
    st.stop()
if not networks:
    st.info(
        f"There are no scores of {prediction_text.plain(registry.title(network))} for these films.",
        title="Nothing to show",
    )
    st.stop()
introduction.markdown(
    f"{SPLIT_LABELS[split][1]}: what {len(networks[0].films):,} of them scored, who is called positive at "
    "the threshold you "
    "set, and what the accuracy does not show."
)
explore(networks, split, adults)

film = st.session_state.pop(case_list.OPEN, None)
if film:  # here and not in the fragment: there, the network would leave the address
    state.choose_film(film)
    st.switch_page(READ_PAGE, query_params={state.FILM: film})

opened = st.session_state.pop(case_list.OPEN_CELL, None)
if opened:
    for key in browse_text.FILTERS:  # of an earlier visit to that page
        st.session_state.pop(key, None)
    st.session_state[browse_text.VERDICT] = [opened]
    st.switch_page(
        FILMS_PAGE, query_params={browse_text.SET: SPLIT_LABELS[split][0], browse_text.VERDICT: CELL_NAMES[opened]}
    )
