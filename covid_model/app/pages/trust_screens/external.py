"""Draw screen 3: the same network on adults and in other hospitals, at any threshold."""

from __future__ import annotations

from functools import partial

import streamlit as st

from covid_model import charts, config
from covid_model.app import cache, state, widgets
from covid_model.app.components import case_list
from covid_model.app.components.slides import PAPER, Figure, Point, no_scores, slide
from covid_model.app.runtime import render_slots
from covid_model.app.text import bias as bias_text
from covid_model.app.text import browse as browse_text
from covid_model.charts import bias as bias_charts
from covid_model.evaluation import Estimate, subgroups
from covid_model.formatting import counted

NOBODY = Estimate(None)
CHART = "elsewhere"  # key of the chart


def point(threshold: float | None = None) -> Point | None:
    """Return what the screen says at a threshold, by default the app's; None without scores."""
    groups = cache.called_positive(PAPER, config.THRESHOLD if threshold is None else threshold)
    if not groups:
        return None
    adults = groups.get(subgroups.ADULTS)
    known = (adults.sensitivity, adults.false_positive_rate) if adults else (NOBODY, NOBODY)
    positive, total = subgroups.external_false_positives(groups)
    shown = [Figure(counted(known[1]), "of the test set's adults without COVID-19", known[1].value)] if known[1] else []
    if total:
        shown.append(Figure(f"{positive:,} of {total:,}", "without COVID-19 in other hospitals", positive / total))
    return Point(bias_text.adult_results(*known, (positive, total)), tuple(shown))


def open_group(names: list[str]) -> None:
    """Open the films of the symbol that was clicked, of the groups `names`; a callback."""
    clicked = charts.clicked_group(st.session_state[CHART]["selection"]["points"], len(names))
    if clicked:
        row, covid = clicked
        films = subgroups.by_group(cache.gallery_table(PAPER))[names[row]]
        case_list.open_films(browse_text.group_address(names[row], covid, set(films["source"])), PAPER)


@render_slots.fragment
def show() -> None:
    """Draw the screen."""
    place = slide()
    if cache.called_positive(PAPER, config.THRESHOLD) is None:
        place.say("Does it work for adults, and in other hospitals?", no_scores())
        return
    with place.control:
        threshold = state.threshold_slider()
    groups = cache.called_positive(PAPER, threshold)
    place.say(
        point(threshold).headline,
        "The same network at the same threshold, on other people. If it recognizes COVID-19, the diamond is far to "
        "the right and the circle far to the left; where they meet, it does not. Click one to see its X-rays.",
    )
    rows = list(groups.values())
    with place.picture.container():
        widgets.show_chart(
            bias_charts.groups(rows, ink=widgets.ink()),
            CHART,
            bias_charts.groups_alt(rows),
            on_select=partial(open_group, list(groups)),
            selection_mode="points",
        )
        if case_list.BROWSE in st.session_state:
            st.rerun()  # the whole page, which calls `follow`
    place.explain(
        bias_text.auc_by_group(cache.areas(PAPER)),
        "Lines: 95 % confidence intervals, by patient. The check: external validation.",
        critics=("cohen", "degrave"),
    )
