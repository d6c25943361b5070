"""Draw screen 6, the turning point: nearly the same recipe, trained on hospitals with both classes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from covid_model import config
from covid_model.app import cache, networks, widgets
from covid_model.app.components.slides import PAPER, TUNED, Figure, Point, no_scores, slide
from covid_model.app.pages.trust_screens import erasure
from covid_model.app.runtime import render_slots
from covid_model.app.text import better_data as better_data_text
from covid_model.app.text import bias as bias_text
from covid_model.app.text import erasure as erasure_text
from covid_model.charts import bias as bias_charts
from covid_model.charts.bias import Share
from covid_model.evaluation import Estimate, subgroups
from covid_model.evaluation.subgroups import Group
from covid_model.formatting import percent
from covid_model.model import registry

FROZEN = "frozen"  # the paper's recipe on the data of the fine-tuned model
STORY = (PAPER, FROZEN, TUNED)
CHANGES = "change"  # name in the URL; the value is a label
ALARMS, HOSPITALS, LUNGS = "False positives", "Other hospitals", "Lungs erased"
READING, PROBE = "Panel's reading", "Source named"
QUESTION = "Does better data help more than a better recipe?"


def point() -> Point | None:
    """Return what the screen says; None without scores."""
    groups = adults()
    if PAPER not in groups or len(groups) < 2:
        return None
    alarms = {name: group.false_positive_rate for name, group in groups.items()}
    shown = [Figure(percent(rate.value), registry.short_title(name), rate.value) for name, rate in alarms.items()]
    return Point(better_data_text.better_data(groups[PAPER], groups.get(FROZEN), groups.get(TUNED)), tuple(shown[:2]))


def adults() -> dict[str, Group]:
    """Return each network's rates in the adults-only set, where it has X-rays without COVID-19."""
    groups = {name: cache.called_positive(name, config.THRESHOLD) or {} for name in STORY}
    known = {name: rows[subgroups.MORE] for name, rows in groups.items() if subgroups.MORE in rows}
    return {name: group for name, group in known.items() if group.false_positive_rate}


def recipes() -> tuple[str, str]:
    """Return what the networks have in common and what not: in short, and with figures."""
    paper, frozen, tuned = map(networks.spec, STORY)
    short, long = [], []
    if paper and frozen:
        title = registry.short_title(FROZEN)
        short.append(better_data_text.same_recipe(paper, frozen, title))
        long.append(better_data_text.heads(paper, frozen, title))
    if tuned:
        short.append(f"*{registry.short_title(TUNED)}* is another recipe.")
        long.append(better_data_text.training_time(tuned, registry.short_title(TUNED)))
    return " ".join(short), " ".join(filter(None, long))


@render_slots.fragment
def show() -> None:
    """Draw the screen."""
    place = slide()
    summary = point()
    if summary is None:
        place.say(QUESTION, no_scores())
        return
    views = dict((*alarm_views(), *record_views()))
    with place.control:
        view = widgets.choice("What changes", tuple(views), default=ALARMS, key=CHANGES, wrap=True)
    rows, axis, as_percent, remark = views[view]
    short, long = recipes()
    place.say(summary.headline, "\n\n".join(filter(None, (short, remark))))
    place.show(
        bias_charts.shares(rows, axis, as_percent=as_percent, ink=widgets.ink()),
        f"better_{view}",
        bias_charts.shares_alt(rows, axis, as_percent),
    )
    intervals = any(row.estimate.low is not None for row in rows)
    lines = "; lines: 95 % confidence intervals, by patient" if intervals else ""
    place.explain(
        long,
        better_data_text.left_out(cache.trials()),
        better_data_text.leaks(
            cache.first_edition(), {name: cache.test_counts(name) for name in STORY}, registry.short_title
        ),
        f"At a threshold of {config.THRESHOLD:.2f}{lines}. The check: external validation, and controls from the same "
        "hospitals as the cases.",
        critics=("roberts", "degrave"),
    )


class View(NamedTuple):
    """A chart: its bars, the title of their axis, whether they are percentages, and what to see in it."""

    rows: list[Share]
    axis: str
    as_percent: bool = True
    remark: str = ""


def alarm_views() -> list[tuple[str, View]]:
    """Return the charts from scores alone: false positives, and the AUC in other hospitals."""
    alarms = [
        Share(registry.short_title(name), group.false_positive_rate, name == FROZEN) for name, group in adults().items()
    ]
    after = FROZEN if FROZEN in adults() else TUNED
    areas, elsewhere = [], better_data_text.elsewhere(cache.changes(PAPER, after, config.THRESHOLD, "external"))
    for name in STORY:
        for group, area in cache.areas(name).items():
            if area and group not in (subgroups.TEST, subgroups.ADULTS, subgroups.MORE):
                source = config.SOURCE_SHORT.get(group, group)
                areas.append(Share(f"{registry.short_title(name)}<br>{source}", area, name == FROZEN))
    titles = [f"*{registry.short_title(name)}*" for name in adults() if name != PAPER]
    remark = " ".join(filter(None, (elsewhere, bias_text.not_external(titles))))
    views = [(ALARMS, View(alarms, "false positives in the adults-only set", remark=remark))]
    axis = "AUC in other hospitals (0.5 is chance)"
    return [*views, (HOSPITALS, View(areas, axis, False, elsewhere))] if areas else views


def record_views() -> list[tuple[str, View]]:
    """Return the charts from records of experiments, where there are any for these weights."""
    known = [name for name in STORY if networks.spec(name) is not None]
    views = {LUNGS: lungs_view(known), READING: readings_view(known), PROBE: probe_view()}
    return [(name, view) for name, view in views.items() if view.rows]


def lungs_view(known: Sequence[str]) -> View:
    """Return how many positive verdicts survive without lungs; the remark is about the fine-tuned model."""
    rows, remark = [], ""
    for name in known:
        if record := cache.audit_record(name, "lungs"):
            stay = erasure_text.stays_positive(record, "erased")[erasure.FILL]
            if stay:
                rows.append(Share(registry.short_title(name), stay, name == TUNED))
            if name == TUNED:
                remark = erasure_text.other_fills(record, "erased", erasure.FILL, registry.short_title(name))
    return View(rows, "COVID-19 X-rays called positive that stay positive without lungs", remark=remark)


def readings_view(known: Sequence[str]) -> View:
    """Return the mean score by the panel's reading; the remark is about the fine-tuned model."""
    rows, remark = [], ""
    for name in known:
        readings = (cache.audit_record(name, "elsewhere") or {}).get("readings", ())
        if name == TUNED:
            remark = better_data_text.steps(readings, registry.short_title(name))
        for row in readings:
            title = f"{registry.short_title(name)}<br>{row['reading']}"
            rows.append(Share(title, Estimate(**row["score"]), row["reading"] == "typical"))
    return View(rows, "Mean model score by the panel's reading", False, remark)


def probe_view() -> View:
    """Return how well source and class are named from the features before and after every layer was trained."""
    record = cache.audit_record(TUNED, "probe")
    title, rows = registry.short_title(TUNED), []
    if record and record["frozen"]:
        for what, name in (("source", "Source"), ("class", "Class")):
            rows.append(Share(f"{name}<br>ImageNet's layers", Estimate(record["frozen"][what])))
            rows.append(Share(f"{name}<br>{title}", Estimate(record["own"][what]), True))
    axis = "Identified from the features (balanced accuracy)"
    return View(rows, axis, remark=better_data_text.probes(record, title))
