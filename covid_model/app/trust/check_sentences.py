"""One sentence for each further check, made of its record's figures. No streamlit in here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from covid_model.app.outcomes import decimal, percent

Record = Mapping[str, Any]

ADULTS = "adults"  # the part whose calibration is drawn: scores mean least where age no longer helps
SURE = 0.9  # from which on a score is called sure


def attention(record: Record) -> str:
    """Where it looks."""
    energy, pointing = record["energy_in_lungs"], record["pointing_game"]
    inside, chance = energy["value"].get("value"), energy["floor"].get("value")
    if inside is None:
        return "No heatmap of these films has anything that speaks for COVID-19, so there is nothing to place."
    gain = energy["above_floor"]
    said = f"{percent(inside)} of what speaks for COVID-19 lies in the lungs, "
    if gain.get("low") is not None and gain["low"] > 0:
        said += f"more than the {percent(chance)} of a map that is alike everywhere."
    elif gain.get("high") is not None and gain["high"] < 0:
        said += f"less than the {percent(chance)} of a map that is alike everywhere."
    else:
        said += f"hardly other than the {percent(chance)} of a map that is alike everywhere."
    hits = pointing["value"]
    return f"{said} Its strongest point is in a lung in {hits['count']} of {hits['total']} films."


def faithfulness(record: Record) -> str:
    """Whether blurring what the map marks moves the score more than blurring anything."""
    curves = record["curves"]
    if not curves.get("deletion"):
        return "None of these films is called positive, so there is no score to take away."
    said = {}
    for kind in ("deletion", "insertion"):
        gain = curves[kind]["gain_over_random"]
        said[kind] = gain.get("low") is not None and gain["low"] > 0
    first = "falls sooner" if said["deletion"] else "falls no sooner"
    second = "comes back sooner" if said["insertion"] else "comes back no sooner"
    joined = "and" if said["deletion"] == said["insertion"] else "but"
    return (
        f"On {curves['films']} films called positive: blurred where the map marks most first, the score {first} than "
        f"in a random order, {joined} sharpened again from there it {second}."
    )


def calibration(record: Record, split: str) -> str:
    """Whether a score means what it says."""
    part = record["splits"][split]
    sure = [one for one in part["before"]["bins"] if one["films"] and one["low"] >= SURE - 1e-9]
    films = sum(one["films"] for one in sure)
    said = ""
    if films:
        covid = sum(one["films"] * one["covid"] for one in sure) / films
        whose = "films of adults" if split == ADULTS else "films"
        said = f"Of {films:,} {whose} that scored above {SURE}, {percent(covid)} are COVID-19. "
    before, after = part["before"]["ece"], part["after"]["ece"]
    helps = "helps" if part["helps"] else "does not surely help"
    return (
        f"{said}Dividing the logit by a temperature of {record['temperature']:.2f} {helps}: the calibration error "
        f"goes from {decimal(before)} to {decimal(after)} (0 is best)."
    )


def novelty(record: Record) -> str:
    """What the gate flags, against what was wanted of it."""
    wanted = record["wanted"]
    every, kinds = record["every_other"], record["other"]
    worst = min(kinds, key=lambda kind: kinds[kind]["flagged"]["value"])
    test = flagged_test_films(record)
    kept = test["value"] <= wanted["genuine"] and every["value"] >= wanted["other"]
    least = kinds[worst]["flagged"]["value"]
    weakest = f" It is weakest on {worst}: {percent(least)}." if least < 1 else ""
    return (
        f"It flags {every['count']:,} of {every['total']:,} pictures that are no upright chest film, and "
        f"{test['count']:,} of {test['total']:,} real test films: in all {'as' if kept else 'not as'} was wanted of it "
        f"(at least {percent(wanted['other'])}, at most {percent(wanted['genuine'])}).{weakest}"
    )


def flagged_test_films(record: Record) -> Record:
    """How many of the test films, which are all of chests, the gate flags."""
    return next(one["flagged"] for one in record["genuine"] if one["split"] == "test")  # all sources come first


def robustness(record: Record) -> str:
    """How far a score moves under changes that must not matter."""
    every = record["figures"]["all"]["every film"]
    changed = every["any_verdict_changes"]
    return (
        f"Turned, shifted, with other contrast and compressed, each a little: between the lowest and the highest score "
        f"of a film’s copies lie {decimal(every['width']['median'])} for the middle film and "
        f"{decimal(every['width']['ninth_decile'])} or more for one in ten; "
        f"{changed['count']} of {changed['total']} films change verdict in some copy."
    )


def severity(record: Record, rating: str) -> str:
    """Whether a higher score means more disease."""
    found = record["spearman"][rating]
    value, low, high = found.get("value"), found.get("low"), found.get("high")
    if value is None:
        return "The ratings or the scores are all alike, so there is no correlation to speak of."
    if low is not None and low > 0:
        said = "The score rises with"
    elif high is not None and high < 0:
        said = "The score falls with"
    else:
        said = "The score does not follow"
    interval = f" (95 %: {_signed(low)} to {_signed(high)})" if low is not None and high is not None else ""
    return (
        f"{said} how opaque experts found the lungs: rank correlation {_signed(value)}{interval}. "
        f"{record['in_splits_trained_on']} of the {record['films']} rated films lie in what it was trained on."
    )


def _signed(value: float) -> str:
    """Two places, with a true minus sign."""
    return f"{value:.2f}".replace("-", "−")
