"""Screen 3: the same network on adults and on other hospitals, at a threshold of the visitor's choice."""

from __future__ import annotations

from covid_model import config
from covid_model.app import cache, state, theme
from covid_model.app.components.slide import PAPER, no_scores, slide
from covid_model.app.runtime import render_slots
from covid_model.app.text import bias as bias_text
from covid_model.charts import bias as bias_charts
from covid_model.evaluation import Estimate, subgroups

NOBODY = Estimate(None)


def headline(threshold: float | None = None) -> str | None:
    found = cache.called_positive(PAPER, config.THRESHOLD if threshold is None else threshold)
    if not found:
        return None
    adults = found.get(subgroups.ADULTS)
    known = (adults.sensitivity, adults.false_positive_rate) if adults else (NOBODY, NOBODY)
    return bias_text.adult_results(*known, subgroups.external_false_positives(found))


@render_slots.fragment
def show() -> None:
    place = slide()
    if cache.called_positive(PAPER, config.THRESHOLD) is None:
        place.say("Does it hold on adults and in other hospitals?", no_scores())
        return
    with place.control:
        threshold = state.threshold_slider()
    found = cache.called_positive(PAPER, threshold)
    place.say(
        headline(threshold),
        "The same network, the same threshold, other people. Where it tells COVID-19 from the rest, the diamond is far "
        "to the right and the circle far to the left; where they meet, it tells nothing.",
        bias_text.auc_by_group(cache.areas(PAPER)),
    )
    rows = list(found.values())
    place.show(bias_charts.groups(rows, ink=theme.ink()), "elsewhere", bias_charts.groups_alt(rows))
    place.check("Lines: 95 % intervals by patient. The check: films from elsewhere.", "cohen", "degrave")
