"""Draw screen 3: the same network on adults and in other hospitals, at any threshold."""

from __future__ import annotations

from covid_model import config
from covid_model.app import cache, state, widgets
from covid_model.app.components.slide import PAPER, Figure, Point, no_scores, slide
from covid_model.app.runtime import render_slots
from covid_model.app.text import bias as bias_text
from covid_model.charts import bias as bias_charts
from covid_model.evaluation import Estimate, subgroups
from covid_model.formatting import counted

NOBODY = Estimate(None)


def point(threshold: float | None = None) -> Point | None:
    """Return what the screen says at a threshold, by default the app's; None without scores."""
    groups = cache.called_positive(PAPER, config.THRESHOLD if threshold is None else threshold)
    if not groups:
        return None
    adults = groups.get(subgroups.ADULTS)
    known = (adults.sensitivity, adults.false_positive_rate) if adults else (NOBODY, NOBODY)
    positive, total = subgroups.external_false_positives(groups)
    shown = [Figure(counted(known[1]), "of the test set’s adults without COVID-19", known[1].value)] if known[1] else []
    if total:
        shown.append(Figure(f"{positive:,} of {total:,}", "without COVID-19 in other hospitals", positive / total))
    return Point(bias_text.adult_results(*known, (positive, total)), tuple(shown))


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
        "the right and the circle far to the left; where they meet, it does not.",
    )
    rows = list(groups.values())
    place.show(bias_charts.groups(rows, ink=widgets.ink()), "elsewhere", bias_charts.groups_alt(rows))
    place.explain(
        bias_text.auc_by_group(cache.areas(PAPER)),
        "Lines: 95 % confidence intervals, by patient. The check: external validation.",
        critics=("cohen", "degrave"),
    )
