"""Screen 5: what adding adults to the training does, for the better and for the worse."""

from __future__ import annotations

from covid_model import config
from covid_model.app import cache, state, theme
from covid_model.app.components.slide import PAPER, TUNED, no_scores, slide
from covid_model.app.runtime import render_slots
from covid_model.app.text import bias as bias_text
from covid_model.charts import bias as bias_charts
from covid_model.config import SPLIT_LABELS
from covid_model.evaluation import subgroups
from covid_model.model import registry

LISTS = {"better": "Better", "worse": "Worse", "unclear": "No clear difference"}


def headline() -> str | None:
    found = cache.changes(PAPER, TUNED, config.THRESHOLD)
    return bias_text.adults_added(found) if found else None


@render_slots.fragment
def show() -> None:
    place = slide()
    found = cache.changes(PAPER, TUNED, config.THRESHOLD)
    if not found:
        place.say("What does adding adults do?", no_scores())
        return
    with place.control:
        name = state.network_picker(
            f"The trap: open it with *{registry.title(PAPER)}*, close it with *{registry.title(TUNED)}*"
        )
    said = bias_text.changes_by_verdict(found)
    lists = "\n".join(f"- **{title}:** {said[key]}." for key, title in LISTS.items() if said[key])
    place.say(
        headline(),
        f"*{registry.title(PAPER)}* learnt from children and from adults with COVID-19; *{registry.title(TUNED)}* from "
        "adults without it as well, with every layer trained. Solid shapes: the network chosen; hollow ones: the "
        "other.",
        lists + f"\n\n:small[{registry.title(TUNED)} was trained on other films of the sources of "
        f"“{SPLIT_LABELS[subgroups.MORE][0]}”: there it is at home. “Clear” is a difference whose "
        "95 % interval, by patient, "
        "leaves out 0.]",
    )
    other = TUNED if name == PAPER else PAPER
    rows, ghosts = (cache.called_positive(one, config.THRESHOLD) or {} for one in (name, other))
    shared = [group for group in rows if group in ghosts]
    drawn = [rows[group] for group in shared]
    place.show(
        bias_charts.groups(drawn, [ghosts[group] for group in shared], registry.short_title(other), ink=theme.ink()),
        f"adults_{name}",
        bias_charts.groups_alt(drawn),
    )
    place.check(
        f"At the threshold {config.THRESHOLD}; lines: 95 % intervals by patient. The check: controls who are like "
        "the cases, and then films from elsewhere again.",
        "roberts",
        "degrave",
    )
