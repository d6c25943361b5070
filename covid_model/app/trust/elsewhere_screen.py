"""Screen 3: the same network on adults and on other hospitals, at a threshold of the visitor's choice."""

from __future__ import annotations

from covid_model import settings
from covid_model.app import cache, state, theme, turnstile
from covid_model.app.trust import groups, sentences
from covid_model.app.trust.slide import PAPER, no_scores, slide
from covid_model.charts import trust
from covid_model.evaluation import Estimate

NOBODY = Estimate(None)


def headline(threshold: float | None = None) -> str | None:
    found = cache.called_positive(PAPER, settings.THRESHOLD if threshold is None else threshold)
    if not found:
        return None
    adults = found.get(groups.ADULTS)
    known = (adults.found, adults.alarms) if adults else (NOBODY, NOBODY)
    return sentences.adults(*known, groups.elsewhere(found))


@turnstile.fragment
def show() -> None:
    place = slide()
    if cache.called_positive(PAPER, settings.THRESHOLD) is None:
        place.say("Does it hold on adults and in other hospitals?", no_scores())
        return
    with place.control:
        threshold = state.threshold_slider()
    found = cache.called_positive(PAPER, threshold)
    place.say(
        headline(threshold),
        "The same network, the same threshold, other people. Where it tells COVID-19 from the rest, the diamond is far "
        "to the right and the circle far to the left; where they meet, it tells nothing.",
        sentences.at_any_threshold(cache.areas(PAPER)),
    )
    rows = list(found.values())
    place.show(trust.groups(rows, ink=theme.ink()), "elsewhere", trust.groups_alt(rows))
    place.check("Lines: 95 % intervals by patient. The check: films from elsewhere.", "cohen", "degrave")
