"""Headlines and sentences about erased lungs: screen 4 of "Can you trust it?", and what other screens say of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from covid_model import config
from covid_model.evaluation import Estimate
from covid_model.formatting import counted, interval, percent

FILLS = {  # a fill's name in the records: in a sentence
    "border grey": "the gray of the border",
    "noise": "random gray",
    "blur": "a strong blur",
}


def erasure_result(part: Mapping[str, Any], way: str) -> str:
    """Return the headline. `part`: the record's entry of one kind of erasure; `way`: its name, as "Lungs erased"."""
    stay = part["covid_stays_positive"]
    called = f"of the {stay['total']} COVID-19 X-rays called positive"
    if not stay["total"]:
        return f"{way}: no COVID-19 X-ray is called positive, erased or not."
    if not stay["count"]:
        return f"{way}: none {called} stays positive."
    only = "only " if 2 * stay["count"] < stay["total"] else ""
    return f"{way}: {only}{stay['count']} {called} {'stays' if stay['count'] == 1 else 'stay'} positive."


def blank_training(record: Mapping[str, Any]) -> str:
    """Return the accuracy on blanked films beside those on whole films and of the majority-class baseline."""
    trained = record["trained_on_blanks"]
    blank, floor = _blank_accuracies(record)
    covered, whole = trained.get("lungs_covered"), trained.get("whole")
    middle = f", which covers {percent(covered)} of the lungs" if covered else ""
    before = whole[f"accuracy_at_{config.PAPER_MARK:g}"] if whole else None  # as frozen_head records it
    beside = f", versus {percent(before)} on whole X-rays" if whole else ""
    return (
        "An erased X-ray looks like nothing that the network was trained on. So the same recipe was also trained and "
        f"tested on X-rays with a blank middle{middle}. It is correct on **{percent(blank)}**{beside}; answering "
        f"“negative” every time gets {percent(floor)}. {_remaining_gain(blank, before, floor)}"
    )


def blank_result(record: Mapping[str, Any]) -> str:
    """Return the accuracy on blanked films in one sentence; "" where the record has none."""
    if not record.get("trained_on_blanks"):
        return ""
    blank, floor = _blank_accuracies(record)
    still = "still" if blank > floor else "only"
    return f"Trained and tested on X-rays with a blank middle, the same recipe is {still} {percent(blank)} correct."


def _remaining_gain(blank: float, whole: float | None, floor: float) -> str:
    """Return how much of what whole films gain over the majority-class baseline remains without lungs."""
    if blank <= floor:
        return "The gain over that baseline is gone."
    if whole is None or whole <= floor:
        return "There is a gain over that baseline even without the blanked area."
    if blank >= whole:
        return "All of the gain over that baseline remains."
    return f"{percent((blank - floor) / (whole - floor))} of the gain over that baseline remains."


def other_fills(record: Mapping[str, Any], variant: str, fill: str, network: str = "") -> str:
    """Return how much the result depends on what replaces the lungs; "" where the record has no other fill.

    Args:
        record: of the experiment `lungs`.
        variant: a kind of erasure.
        fill: the one that the other figures of the screen are about.
        network: its short title, where the screen shows several.
    """
    fills = stays_positive(record, variant)
    chosen, others = fills.get(fill), {name: stay for name, stay in fills.items() if name != fill}
    if not chosen or not others:
        return ""
    counts = "; ".join(f"with {FILLS.get(name, name)}, {stay.count}" for name, stay in others.items())
    return (
        f"Erased areas are filled with {FILLS.get(fill, fill)}: {counted(chosen)} X-rays stay positive"
        f"{f' (*{network}*)' if network else ''}. {counts[:1].upper()}{counts[1:]}."
    )


def masks_left_out(training: int) -> str:
    """Return why not all lung masks are used, as part of a sentence. `training`: those of training X-rays."""
    return f" (the other {training:,} masks belong to training X-rays)" if training else ""


def stays_positive(record: Mapping[str, Any], variant: str) -> dict[str, Estimate]:
    """Return by fill how many of the COVID-19 films that are called positive still are after an erasure."""
    return {
        part["fill"]: Estimate(**part["covid_stays_positive"])
        for part in record["erased"]
        if part["variant"] == variant
    }


def _blank_accuracies(record: Mapping[str, Any]) -> tuple[float, float]:
    """Return the accuracies of the recipe on blanked films and of the majority-class baseline, in [0, 1]."""
    trained, at = record["trained_on_blanks"], f"at_{record['threshold']:g}"
    return trained["blank_middle"][at]["accuracy"]["value"], trained["always_no"][at]["accuracy"]["value"]


def erased_in_short(fills: Mapping[str, Estimate], fill: str) -> str:
    """Return how many of the COVID-19 films called positive stay so without lungs, with `fill` and with the others.

    Args:
        fills: of `stays_positive`.
        fill: the one that the story tells of.
    """
    stay = fills[fill]
    if not stay:
        return ""
    span = f" (95 % CI {interval(stay)})" if stay.low is not None else ""
    others = sorted(other.count for name, other in fills.items() if name != fill)
    ends = " to ".join(f"{count:,}" for count in dict.fromkeys((others[0], others[-1]))) if others else ""
    return (
        f"With the lungs erased, {counted(stay)} COVID-19 X-rays called positive stay positive{span}"
        f"{f'; with other fills, {ends}' if ends else ''}."
    )
