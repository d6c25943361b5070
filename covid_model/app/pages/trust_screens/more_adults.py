"""Draw screen 5: what improves and what gets worse with adults in the training data."""

from __future__ import annotations

from functools import partial

import streamlit as st

from covid_model import charts, config
from covid_model.app import cache, state, widgets
from covid_model.app.components import case_list
from covid_model.app.components.slides import PAPER, TUNED, Figure, Point, no_scores, slide
from covid_model.app.runtime import render_slots
from covid_model.app.text import bias as bias_text
from covid_model.app.text import browse as browse_text
from covid_model.charts import bias as bias_charts
from covid_model.evaluation import subgroups
from covid_model.formatting import counted
from covid_model.model import registry

ALARMS = (subgroups.ADULTS, "false_positive_rate")  # group and measure of the headline
LISTS = {"better": "Better", "worse": "Worse", "unclear": "No clear difference"}


def point() -> Point | None:
    """Return what the screen says; None without scores."""
    changes = cache.changes(PAPER, TUNED, config.THRESHOLD)
    if not changes:
        return None
    moved = [change for change in changes if (change.group, change.measure) == ALARMS]
    shown = [
        Figure(counted(estimate), registry.short_title(name), estimate.value)
        for change in moved
        for name, estimate in ((PAPER, change.before), (TUNED, change.after))
    ]
    return Point(bias_text.adults_added(changes), tuple(shown))


def open_group(network: str, names: list[str]) -> None:
    """Open the films of the symbol that was clicked, of the groups `names`; a callback."""
    clicked = charts.clicked_group(st.session_state[f"adults_{network}"]["selection"]["points"], len(names), traces=2)
    if clicked:
        row, covid = clicked
        films = subgroups.by_group(cache.gallery_table(network))[names[row]]
        case_list.open_films(browse_text.group_address(names[row], covid, set(films["source"])), network)


@render_slots.fragment
def show() -> None:
    """Draw the screen."""
    place = slide()
    changes = cache.changes(PAPER, TUNED, config.THRESHOLD)
    if not changes:
        place.say("What do more adults change?", no_scores())
        return
    with place.control:
        name = state.network_picker()
    names = bias_text.changes_by_verdict(changes)
    lists = "\n".join(f"- **{title}:** {names[key]}." for key, title in LISTS.items() if names[key])
    place.say(point().headline, bias_text.price_of_adults(changes))
    other = TUNED if name == PAPER else PAPER
    rows, ghosts = (cache.called_positive(network, config.THRESHOLD) or {} for network in (name, other))
    shared = [group for group in rows if group in ghosts]
    drawn = [rows[group] for group in shared]
    hollow = [ghosts[group] for group in shared]
    with place.picture.container():
        widgets.show_chart(
            bias_charts.groups(drawn, hollow, registry.short_title(other), ink=widgets.ink()),
            f"adults_{name}",
            bias_charts.groups_alt(drawn),
            on_select=partial(open_group, name, shared),
            selection_mode="points",
        )
        if case_list.BROWSE in st.session_state:
            st.rerun()  # the whole page, which calls `follow`
    place.explain(
        f"*{registry.title(PAPER)}* learned from children and from adults with COVID-19; *{registry.title(TUNED)}* "
        "also from adults without it, with every layer trained. Solid shapes: the selected network; hollow shapes: the "
        "other.",
        lists,
        f"{bias_text.not_external([registry.title(TUNED)])} A difference is clear if its 95 % confidence interval, by "
        "patient, excludes 0.",
        f"At a threshold of {config.THRESHOLD:.2f}; lines: 95 % confidence intervals, by patient. The check: controls "
        "who resemble the cases, and external validation again.",
        critics=("roberts", "degrave"),
    )
