"""Draw screen 3: the same network on adults and in other hospitals, at any threshold."""

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
    """Return the screen's headline at a threshold, by default the app's; None without scores."""
    groups = cache.called_positive(PAPER, config.THRESHOLD if threshold is None else threshold)
    if not groups:
        return None
    adults = groups.get(subgroups.ADULTS)
    known = (adults.sensitivity, adults.false_positive_rate) if adults else (NOBODY, NOBODY)
    return bias_text.adult_results(*known, subgroups.external_false_positives(groups))


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
        headline(threshold),
        "The same network at the same threshold, on other people. If it can tell COVID-19 apart, the diamond is far to "
        "the right and the circle far to the left; where they meet, it cannot.",
        bias_text.auc_by_group(cache.areas(PAPER)),
    )
    rows = list(groups.values())
    place.show(bias_charts.groups(rows, ink=theme.ink()), "elsewhere", bias_charts.groups_alt(rows))
    place.check("Lines: 95 % confidence intervals, by patient. The check: external validation.", "cohen", "degrave")
