"""Show the page "Results": scores, confusion matrix and measures at any threshold, and what the accuracy hides.

Every figure comes from assets/results/scores.csv. The pickers rerun the page; the threshold and the tabs rerun their
fragment only, and so do the sliders of "In practice". Curves and bootstrap samples are computed once and kept
(`cache.scored`), so that a slider only looks up.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from covid_model import charts, config
from covid_model.app import cache, state, widgets
from covid_model.app.components import case_list, distribution, metrics
from covid_model.app.runtime import render_slots
from covid_model.app.text import browse as browse_text
from covid_model.app.text import evaluation as evaluation_text
from covid_model.app.text import prediction as prediction_text
from covid_model.config import CELL_NAMES, SPLIT_LABELS
from covid_model.evaluation import threshold_sweep
from covid_model.evaluation.threshold_sweep import ScoredSplit, ThresholdResult
from covid_model.formatting import unbroken
from covid_model.model import registry

SPLIT, BOTH, ADVANCED, TAB = "split", "both", "advanced", "part"  # names in the URL; the values are labels
LISTED = "listed"  # in the session: the network whose films are listed


# --- Headline, matrix, distribution --------------------------------------------------------------------------------


def headline(result: ThresholdResult, split: str, compact: bool = False) -> None:
    """Draw the headline's figures as cards; `compact`: two a row, for a narrow column."""
    cards = evaluation_text.cards(result, split)
    width = 150 if compact or widgets.on_phone() else 210
    with (
        st.container(key=f"cards_{result.name}" if compact else None),
        st.grid(len(cards), min_column_width=width, gap="small"),
    ):
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


def note_on_adults(result: ThresholdResult, split: str) -> None:
    """Draw the note on what the accuracy hides, if there is one."""
    note = evaluation_text.adults_note(result, split)
    if note:
        show, icon = (st.warning, "visibility") if result.adults.count else (st.info, "info")
        adults, sources = cache.scored(result.name, "extra-test"), cache.training_sources(result.name)
        elsewhere = evaluation_text.more_adults(adults, result.threshold, sources)
        show(unbroken(" ".join(filter(None, (note[1], elsewhere)))), title=note[0], icon=f":material/{icon}:")


def matrix(result: ThresholdResult, chosen: str | None, listed: str) -> None:
    """Draw the confusion matrix; `chosen`: the cell to frame, of the network `listed`."""
    st.markdown("**Confusion matrix**")
    widgets.show_chart(
        charts.confusion_matrix(result.matrix, chosen if listed == result.name else None, ink=widgets.ink()),
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


def close_list() -> None:
    """Choose no cell, because those of another set hold other films; a callback."""
    st.session_state[case_list.CELL] = None


def score_distribution(result: ThresholdResult) -> None:
    """Draw the score distribution of both classes, and open the X-ray that is clicked."""
    st.markdown("**Score distribution by true class**  \n:small[Drag the threshold. Click a point to open its X-ray.]")
    film = distribution.show(result.scored.films, result.threshold, f"distribution_{result.name}")
    if film:
        case_list.open_id(film, result.name)


def draw_one(result: ThresholdResult, split: str, slots: Slots, chosen: str | None) -> None:
    """Draw headline, matrix, distribution and notes of one network."""
    with slots.head:
        headline(result, split)
    with slots.left:
        matrix(result, chosen, result.name)
    with slots.right:
        score_distribution(result)
    with slots.notes:
        note_on_adults(result, split)


def draw_both(results: Sequence[ThresholdResult], split: str, slots: Slots, chosen: str | None, listed: str) -> None:
    """Draw the same of several networks side by side, row by row, so that they stay level."""
    parts = (
        lambda result: (
            st.subheader(prediction_text.plain(result.short_title)),
            headline(result, split, compact=True),
        ),
        partial(matrix, chosen=chosen, listed=listed),
        score_distribution,
        partial(note_on_adults, split=split),
    )
    with slots.notes:
        for other in results[1:]:
            st.markdown(unbroken(evaluation_text.network_comparison(results[0], other)))
        for part in parts:
            for column, result in zip(st.columns(len(results), gap="medium"), results, strict=True):
                with column:
                    part(result)


# --- All that the threshold moves ------------------------------------------------------------------


class Slots(NamedTuple):
    """Hold the places of the page's upper half, in their order."""

    head: DeltaGenerator
    left: DeltaGenerator
    right: DeltaGenerator
    slider: DeltaGenerator
    notes: DeltaGenerator


def layout(side_by_side: bool) -> Slots:
    """Create the places; the slider is below the distribution, or above all if there are several."""
    if side_by_side:
        slider = st.container()
        return Slots(slider, slider, slider, slider, st.container())
    head = st.container()
    left, right = st.columns([2, 3], gap="medium")
    return Slots(head, left, right.container(), right.container(), st.container())


@render_slots.fragment
def explore(networks: Sequence[ScoredSplit], split: str) -> None:
    """Draw all that depends on the threshold."""
    slots = layout(len(networks) > 1)
    with slots.slider:
        threshold = state.threshold_slider("Threshold: X-rays that score above it are called positive")
    results = [threshold_sweep.at_threshold(result, threshold) for result in networks]
    listed = next((result for result in results if result.name == st.session_state.get(LISTED)), results[0])
    chosen = case_list.picker()  # drawn below the matrices but run before them, since the chosen tile gets a frame
    if len(results) == 1:
        draw_one(results[0], split, slots, chosen)
    else:
        draw_both(results, split, slots, chosen, listed.name)
    if split == "test":
        every = [cache.scored(name, split) for name in registry.names()]
        at = [threshold_sweep.at_threshold(other, threshold) for other in every if other]
        slots.notes.markdown(unbroken(evaluation_text.accuracies(at) or ""))
    if chosen:
        case_list.films(chosen, listed, networks)
    advanced = st.expander(
        "Advanced: all measures, prevalence and cost, sources, calibration",
        key=ADVANCED,
        icon=":material/query_stats:",
        bind="query-params",
    )
    if advanced.open:
        with advanced:
            draw_parts(results, split)


def draw_parts(results: Sequence[ThresholdResult], split: str) -> None:
    """Draw the parts of "Advanced" as tabs, of which only the open one is computed."""
    parts = {
        metrics.TITLE: partial(metrics.draw_measures, split=split),
        metrics.PREVALENCE_TITLE: metrics.draw_prevalence,
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
        prediction_text.no_scores(),
        title="No scores yet",
    )
    st.stop()

introduction = st.empty()
with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
    split = widgets.choice(
        "X-rays",
        [name for name in SPLIT_LABELS if name not in config.TRAINING_SPLITS],
        format_func=lambda name: SPLIT_LABELS[name][0],
        default="test",
        key=SPLIT,
        on_change=close_list,
        wrap=True,
    )
    network = state.network_picker()
    both = st.toggle("All models side by side", key=BOTH, bind="query-params")

names = [network, *(name for name in registry.names() if name != network)] if both else [network]
try:
    networks = [result for name in names if (result := cache.scored(name, split))]
except ValueError as error:
    st.error(prediction_text.plain(error), title="The scores cannot be read")
    st.stop()
if not networks:
    st.info(
        f"{prediction_text.plain(registry.title(network))} has no scores for these X-rays.",
        title="Nothing to show",
    )
    st.stop()
films = networks[0].films
known = evaluation_text.same_sources(films, cache.training_sources(network)) if split == "extra-test" else None
introduction.markdown(f"{len(films):,} X-rays. {SPLIT_LABELS[split][1]}.{f' {known}' if known else ''}")
explore(networks, split)

case_list.follow()
opened = st.session_state.pop(case_list.OPEN_CELL, None)
if opened:
    for key in browse_text.FILTERS:  # left over from an earlier visit to that page
        st.session_state.pop(key, None)
    st.session_state[browse_text.VERDICT] = [opened]
    st.switch_page(
        case_list.BROWSE_PAGE, query_params=browse_text.address(split) | {browse_text.VERDICT: CELL_NAMES[opened]}
    )
