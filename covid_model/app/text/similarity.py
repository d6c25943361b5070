"""Similar X-rays and the map: what the neighbors of an X-ray share with it, in words. No Streamlit here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from covid_model import config
from covid_model.app.text import prediction as prediction_text
from covid_model.evaluation.subgroups import stated_ages
from covid_model.formatting import percent
from covid_model.model.registry import IMAGENET

Record = Mapping[str, Any]
CLASS, SOURCE, AGE, SCORE = "class", "source", "age", "score"
COLORS = {CLASS: "Class", SOURCE: "Source", AGE: "Age", SCORE: "Score"}  # what colors the map
TRUTH = {1: "COVID-19", 0: "Non-COVID"}
AGES = ((40, "Under 40"), (65, "40 to 64"), (200, "65 and over"))  # years
CHILD, NOT_STATED = "Child", "Age not stated"
MAP = "X-rays with similar features are close together. Pick what the colors mean, and draw around X-rays to see them."
NO_INDEX = "No stored features of these X-rays match this network, so its neighbors cannot be shown."
SELECT = "Draw around X-rays on the map, or click one, to see them below."
BEFORE = "VGG-19 before training"  # title of the map by ImageNet's features
HIDDEN = "This model's base is VGG-19 from ImageNet, so its own features are those of its hidden layer."


def neighbors(films: pd.DataFrame, source: str | None, covid: int | None) -> str:
    """Return what an X-ray's nearest neighbors have in common: their source, and their class.

    Args:
        films: the neighbors, with the columns source and covid.
        source: the X-ray's own, None if it is not known.
        covid: its ground truth, None if it is not known.
    """
    count, positive = len(films), int(films["covid"].eq(1).sum())
    if source is None:
        sources = films["source"].value_counts()
        title = prediction_text.source_title(sources.index[0])
        origin = f"{sources.iloc[0]} {_verb(sources.iloc[0], 'come')} from one source ({title})"
    else:
        same = int(films["source"].eq(source).sum())
        origin = f"{same} {_verb(same, 'share')} its source"
    if covid is None:
        return f"Of the {count} most similar X-rays, {origin} and {positive} {_verb(positive, 'show')} COVID-19."
    same = int(films["covid"].eq(covid).sum())
    return f"Of the {count} most similar X-rays, {origin} and {same} {_verb(same, 'share')} its class ({TRUTH[covid]})."


def _verb(count: int, verb: str) -> str:
    return f"{verb}s" if count == 1 else verb


def overall(record: Record, space: str) -> str:
    """Return how often neighbors of adults' X-rays share source and class, by these features and by the base's.

    "" without a record of them.

    Args:
        record: that of `experiments.features.index`.
        space: the features' name.
    """
    own = record["spaces"].get(space, {}).get("adults")
    if own is None:
        return ""
    sentence = (
        f"Across all {own['films']:,} adult X-rays outside the training data, {_share(own, 'source')} of an X-ray's "
        f"{record['neighbors']} nearest neighbors share its source and {_share(own, 'class')} its class, by these "
        f"features (by chance: {percent(own['source']['chance'])} and {percent(own['class']['chance'])})."
    )
    if space != IMAGENET and IMAGENET in record["spaces"]:
        base = record["spaces"][IMAGENET]["adults"]
        sentence += (
            f" With the features of VGG-19 before any training on X-rays, the shares are {_share(base, 'source')} and "
            f"{_share(base, 'class')}."
        )
    return sentence


def probed(records: Mapping[str, Record | None], name: str) -> str:
    """Return how often a linear classifier of a map's features is right on source and class; "" without a record.

    Args:
        records: of the experiment `probe`, by network.
        name: of the map: ImageNet's, or a network's.
    """
    known = [record for record in records.values() if record]
    if name == IMAGENET:
        result = next((record["frozen"] for record in known if record.get("frozen")), None)
    else:
        record = records.get(name) or {}
        result = record.get("hidden") or record.get("own")
    if not result:
        return ""
    return (
        f"A linear classifier on these features, cross-validated by patient, identifies the source "
        f"{percent(result['source'])} of the time (chance: {percent(result['source_chance'])}) and the class "
        f"{percent(result['class'])} of the time (chance: {percent(result['class_chance'])})."
    )


def groups(films: pd.DataFrame, color: str) -> list[str] | None:
    """Return the name of each film's group on the map; None if the score colors it.

    Args:
        films: with the columns source, covid and age.
        color: a key of COLORS.
    """
    if color == SCORE:
        return None
    if color == SOURCE:
        return [config.SOURCE_SHORT.get(source, source) for source in films["source"]]
    if color == AGE:
        years = stated_ages(films)
        return [
            CHILD if source == config.CHILDREN else _age(age)
            for source, age in zip(films["source"], years, strict=True)
        ]
    return [TRUTH[int(flag)] for flag in films["covid"]]


def _age(years: float) -> str:
    return next((title for limit, title in AGES if years < limit), NOT_STATED)


def _share(part: Record, what: str) -> str:
    return percent(part[what]["shared"]["value"])
