"""Show the page "Results": scores, confusion matrix and measures at any threshold, and what the accuracy hides.

Every figure comes from assets/results/scores.csv. The pickers rerun the page; the threshold and the tabs rerun their
fragment only, and so do the sliders of "In practice". Curves and bootstrap samples are computed once and kept
(`cache.scored`), so that a slider only looks up.
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

SPLIT, BOTH, TAB = "split", "both", "part"  # names in the URL; the values are labels
LISTED = "listed"  # in the session: the network whose films are listed
PAGES = config.ROOT / "covid_model" / "app" / "pages"
TRY_PAGE, BROWSE_PAGE = PAGES / "try_an_xray.py", PAGES / "browse.py"


# --- Headline, matrix, distribution --------------------------------------------------------------------------------


def headline(result: ThresholdResult) -> None:
    """Draw the headline's figures as cards."""
    cards = evaluation_text.cards(result)
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


def note_on_adults(result: ThresholdResult, adults: Mapping[str, ScoredSplit | None]) -> None:
    """Draw the note on what the accuracy hides, if there is one."""
    note = evaluation_text.adults_note(result)
    if note:
        show, icon = (st.warning, "visibility") if result.adults.count else (st.info, "info")
        elsewhere = evaluation_text.more_adults(adults[result.name], result.threshold)
        show(" ".join(filter(None, (note[1], elsewhere))), title=note[0], icon=f":material/{icon}:")


def matrix(result: ThresholdResult, chosen: str | None, listed: str) -> None:
    """Draw the confusion matrix; `chosen`: the cell to frame, of the network `listed`."""
    st.markdown("**Confusion matrix**")
    widgets.show_chart(
        charts.confusion_matrix(result.matrix, chosen if listed == result.name else None, ink=theme.ink()),
        key=f"matrix_{result.name}",
        on_select=partial(choose_cell, result.name),
        selection_mode="points",
        alt=charts.confusion_matrix_alt(result.matrix, result.threshold),
    )


def choose_cell(network: str) -> None:
    """List the films of the tile that was clicked."""
    clicked = charts.clicked_cell(st.session_state[f"matrix_{network}"]["selection"]["points"])
    if clicked:
        st.session_state[case_list.CELL], st.session_state[LISTED] = clicked, network


def distribution(result: ThresholdResult) -> None:
    """Draw the score distribution of both classes."""
    st.markdown("**Score distribution by true class**")
    films = result.scored.films
    widgets.show_chart(
        charts.score_distribution(
            films["score"], films["covid"], result.threshold, ids=films.index.tolist(), ink=theme.ink()
        ),
        key=f"distribution_{result.name}",
        alt=charts.score_distribution_alt(films["score"], films["covid"], result.threshold),
    )


def verdicts(
    results: Sequence[ThresholdResult], adults: Mapping[str, ScoredSplit | None], chosen: str | None, listed: str
) -> None:
    """Draw headline, matrix and distribution; several networks side by side, row by row, so that they stay level."""
    if len(results) == 1:
        headline(results[0])
        note_on_adults(results[0], adults)
        left, right = st.columns([2, 3], gap="medium")
        with left:
            matrix(results[0], chosen, listed)
        with right:
            distribution(results[0])
        return
    for other in results[1:]:
        st.markdown(evaluation_text.network_comparison(results[0], other))
    parts = (
        lambda result: (st.subheader(prediction_text.plain(result.title)), headline(result)),
        partial(note_on_adults, adults=adults),
        partial(matrix, chosen=chosen, listed=listed),
        distribution,
    )
    for part in parts:
        for column, result in zip(st.columns(len(results), gap="medium"), results, strict=True):
            with column:
                part(result)


# --- All that the threshold moves ------------------------------------------------------------------


@render_slots.fragment
def explore(networks: Sequence[ScoredSplit], split: str, adults: Mapping[str, ScoredSplit | None]) -> None:
    """Draw all that depends on the threshold. `adults`: each network's films of `extra-test`, where there are any."""
    threshold = state.threshold_slider("Threshold: X-rays that score above it are called positive")
    results = [scored_split.at_threshold(result, threshold) for result in networks]
    listed = next((result for result in results if result.name == st.session_state.get(LISTED)), results[0])
    above = st.container()
    chosen = case_list.picker()  # drawn below the matrices but run before them, since the chosen tile gets a frame
    with above:
        verdicts(results, adults, chosen, listed.name)
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
                draw(results)


# --- The page ---------------------------------------------------------------------------------------

st.title("Results")
if cache.scores() is None:
    st.info(
        evaluation_text.no_scores(),
        title="No scores yet",
    )
    st.stop()

introduction = st.empty()
with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
    split = widgets.choice(
        "X-rays",
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
    networks = [result for name in names if (result := cache.scored(name, split))]
    adults = {name: cache.scored(name, "extra-test") for name in names}
except ValueError as error:
    st.error(prediction_text.plain(error), title="The scores cannot be read")
    st.stop()
if not networks:
    st.info(
        f"{prediction_text.plain(registry.title(network))} has no scores for these X-rays.",
        title="Nothing to show",
    )
    st.stop()
introduction.markdown(
    f"{SPLIT_LABELS[split][1]}: how {len(networks[0].films):,} of them scored, which are called positive at the "
    "threshold you set, and what the accuracy does not show."
)
explore(networks, split, adults)

film = st.session_state.pop(case_list.OPEN, None)
if film:  # here and not in the fragment, where the network would drop out of the URL
    state.choose_film(film)
    st.switch_page(TRY_PAGE, query_params={state.FILM: film})

opened = st.session_state.pop(case_list.OPEN_CELL, None)
if opened:
    for key in browse_text.FILTERS:  # left over from an earlier visit to that page
        st.session_state.pop(key, None)
    st.session_state[browse_text.VERDICT] = [opened]
    shown_set = {} if split == browse_text.FIRST_SET else {browse_text.SET: SPLIT_LABELS[split][0]}  # as it writes it
    st.switch_page(BROWSE_PAGE, query_params=shown_set | {browse_text.VERDICT: CELL_NAMES[opened]})
