"""Say what the same network does after training on different data: the turning point of Can you trust it?"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any

from covid_model import config
from covid_model.evaluation import Estimate
from covid_model.evaluation.subgroups import ADULTS, MORE, TEST, Change, Group
from covid_model.formatting import decimal, duration, percent
from covid_model.model.registry import NetworkSpec


def better_data(paper: Group, frozen: Group | None, tuned: Group | None) -> str:
    """Return the headline: what different data changes in the adults-only set, for X-rays without COVID-19 and with it.

    Args:
        paper, frozen, tuned: the rates of each network in that set.
    """
    recipe, after = ("Same recipe", frozen) if frozen else ("Same layers", tuned)
    way, span = _move(paper.false_positive_rate, after.false_positive_rate)
    headline = f"{recipe}, different data: false positives in the adults-only set {way} {span}"
    if not paper.sensitivity or not after.sensitivity:
        return f"{headline}."
    other, price = _move(paper.sensitivity, after.sensitivity)
    return f"{headline}, and sensitivity {'' if other == way else f'{other}s '}{price}."


def _move(before: Estimate, after: Estimate, number: Callable[[float | None], str] = percent) -> tuple[str, str]:
    """Return how a figure moves, in two parts: "fall" and "from 81.3 % to 9.1 %"."""
    old, new = number(before.value), number(after.value)
    if old == new:
        return "stay", f"at {new}"
    return "fall" if after.value < before.value else "rise", f"from {old} to {new}"


def same_recipe(paper: NetworkSpec, frozen: NetworkSpec, title: str) -> str:
    """Return what `frozen`, whose title is `title`, shares with the paper's model, and in what it differs."""
    epochs = [spec.recipe.get("ours", {}).get("epochs") for spec in (paper, frozen)]
    shared = f" and {epochs[0]} epochs" if epochs[0] and epochs[0] == epochs[1] else ""
    sentence = (
        f"*{title}* keeps the paper's frozen layers{shared}. Its data include a group of hospitals with both classes, "
        "so there the hospital does not give the answer away."
    )
    if paper.head.pooling != frozen.head.pooling:
        sentence += " Its head differs too, which may explain part of the change."
    return sentence


def heads(paper: NetworkSpec, frozen: NetworkSpec, title: str) -> str:
    """Return how the head of `frozen`, whose title is `title`, differs from the paper's; "" if it does not."""
    if (paper.head.pooling, frozen.head.pooling) != ("flatten", "average"):
        return ""
    return (
        f"The paper's head trains {paper.parameters:,} weights on the features at every position; that of *{title}* "
        f"trains {frozen.parameters:,} on their averages."
    )


def training_time(tuned: NetworkSpec, title: str) -> str:
    """Return in what the recipe of the fine-tuned model, whose title is `title`, differs from both."""
    time = duration(tuned.training.get("seconds"))
    return f"*{title}* trains every layer{f', which took {time}' if time else ''}."


def elsewhere(changes: Sequence[Change]) -> str:
    """Return how the AUC moves in hospitals of no training set, and whether clearly; "" where none has an AUC."""
    known = {
        config.SOURCE_SHORT.get(change.group, change.group): change
        for change in changes
        if change.measure == "auc" and change.group not in (TEST, ADULTS, MORE)
    }
    if not known:
        return ""
    parts, last = [], ""
    for name, change in known.items():
        way, span = _move(change.before, change.after, decimal)
        parts.append(f"{'' if way == last else f'{way}s '}{span} at {name}")
        last = way
    unclear = [name for name, change in known.items() if change.verdict == "unclear"]
    few = "; with so few X-rays, no change is clear" if len(unclear) == len(known) else ""
    if unclear and not few:
        few = f"; at {' and '.join(unclear)} not clearly"
    return f"In hospitals that are in no training set, the AUC {' and '.join(parts)}{few}."


def left_out(trials: Mapping[str, Any] | None) -> str:
    """Return what balanced sources change on a source that was not trained on; "" without such a pair of trials.

    The pair is set by the question, not by the results: the trial in which groups are not balanced, and the one that it
    is compared with.
    """
    rows = {row["title"]: row for row in trials["trials"]} if trials else {}
    plain = next((row for row in rows.values() if not row["balanced"]), None)
    balanced = rows.get(plain["compared_with"]) if plain else None
    if not balanced:
        return ""
    shared = [name for name in plain["sources"] if name in balanced["sources"]]
    parts = [
        f"{decimal(balanced['sources'][name]['auc'])} instead of {decimal(plain['sources'][name]['auc'])} on "
        f"{balanced['sources'][name]['films']:,} X-rays of the {config.SOURCE_TITLES.get(name, name)}"
        for name in shared
    ]
    return (
        "Does it help to draw both classes of a source about equally often, so that the source tells less? In two "
        "short trials (not the networks shown here), one source at a time was left out of training and tested on. With "
        f"balanced sources the AUC is {' and '.join(parts)}. That is one seed each, without intervals, so small "
        "differences may be chance."
    )


def probes(record: Mapping[str, Any] | None, network: str) -> str:
    """Return how often a linear classifier names source and class from features before and after training.

    Args:
        record: of the experiment `probe` on a network all of whose layers were trained; None gives "".
        network: its short title.
    """
    if not record or not record["frozen"]:
        return ""
    before, after = record["frozen"], record["own"]
    source, group = (
        f"{percent(before[what])} from ImageNet's features and {percent(after[what])} from those of *{network}* "
        f"(chance: {percent(after[f'{what}_chance'])})"
        for what in ("source", "class")
    )
    return (
        "Frozen layers cannot change, so the paper's model and every other network on them have ImageNet's features. "
        f"The balanced accuracy of a linear classifier is, for the source, {source}; for the class, {group}."
    )


def steps(readings: Sequence[Mapping[str, Any]], network: str) -> str:
    """Return with which steps of the panel's readings the mean score rises beyond its intervals; "" without a step.

    Args:
        readings: of a record of the experiment `elsewhere`, in the panel's order.
        network: its short title.
    """
    rises, others, overlap = [], [], True
    for before, after in pairwise(readings):
        step = f"from {before['reading']} to {after['reading']}"
        (rises if after["above_the_previous"] else others).append(step)
        overlap &= after["above_the_previous"] or after["score"]["high"] >= before["score"]["low"]
    if not rises and not others:
        return ""
    subject = f"The mean score of *{network}*"
    if not rises:
        return f"{subject} does not rise beyond its intervals {' or '.join(others)}."
    flat = f", but not {' or '.join(others)}{', where its intervals overlap' if overlap else ''}" if others else ""
    return f"{subject} rises beyond its intervals {' and '.join(rises)}{flat}."


def leaks(
    first: Mapping[str, Any] | None, now: Mapping[str, Mapping[str, int] | None], title: Callable[[str], str]
) -> str:
    """Return how the leaks of the first splits were found, and the test results before and after; "" if not known."""
    if not first:
        return ""
    parts = []
    for name, before in first["networks"].items():
        after = now.get(name)
        if after:
            parts.append(f"{title(name)}: {_test_results(before)} before, {_test_results(after)} now")
    if not parts:
        return ""
    return (
        "The first splits of this demo leaked: comparing images and patients through two other collections showed "
        "the same X-ray cropped, or the same patient under another name, in training and in test. The splits were "
        "corrected, a few wrongly labeled X-rays were removed, and every network was trained again; on the test set, "
        f"{'; '.join(parts)}. "
        "The leaks are not all of the difference: part of the test set is new, the paper's model kept its layers and "
        "epochs but not its learning rate and augmentation, and the fine-tuned model changed its recipe and its data."
    )


def _test_results(counts: Mapping[str, int]) -> str:
    return (
        f"{percent(counts['correct'] / counts['films'])} accuracy (positive: {counts['covid_positive']} of "
        f"{counts['covid']} COVID-19 X-rays, {counts['adults_positive']} of {counts['adults']} adults without COVID-19)"
    )
