"""Sentences about changed X-rays: how the score moves, how robust it is, what another network says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from covid_model import config, formatting
from covid_model.data import dataset
from covid_model.formatting import verdict_word
from covid_model.model.registry import NetworkSpec
from covid_model.verdict import is_positive

CHANGED = "Score of the changed X-ray"
METHODS = "The method that finds which parts of this X-ray move the score. *How it works* compares all of them."
PICK = "Change the X-ray, and the network scores it again."
PLACE = ":small[Click the X-ray to move it.]"  # the marker or the arrow
CUT_LEAST = 5  # percent: a smaller share of a change in the cut-off border is not mentioned
COLORS = ":small[Yellow to red: raises the score. Blue: lowers it.]"  # of a heatmap that shows both directions


def score_change(before: float, after: float, threshold: float, novel: bool = False) -> str:
    """Return how score and verdict changed: "0.831, up 0.110; still positive".

    Args:
        before, after: scores in [0, 1].
        threshold: in [0, 1].
        novel: whether the changed film is out of distribution and so has no verdict.
    """
    moved = round(after, 3) - round(before, 3)
    step = f"{'up' if moved > 0 else 'down'} {abs(moved):.3f}" if abs(moved) >= 0.0005 else "unchanged"
    was, now = is_positive(before, threshold), is_positive(after, threshold)
    verdict = "no verdict" if novel else f"{'still' if was == now else 'now'} {verdict_word(now)}"
    return f"{formatting.score_text(after)}, {step}; {verdict}"


def score_by(title: str) -> str:
    """Return the label of one network's score beside another's."""
    return f"Score by {title}"


def no_visible_change(border: float) -> str:
    """Return why a change that leaves the network's input as it is cannot move the score.

    Args:
        border: the share of each side that preprocessing crops, in [0, 0.5).
    """
    crop = f" Its preprocessing crops {100 * border:g} % off each side." if border else ""
    return f"This network sees no difference.{crop}"


def cut_off(share: float, border: float) -> str | None:
    """Return how much of a change the network cannot see; None if that is next to nothing.

    Args:
        share: of the change that is in the border, in [0, 1].
        border: the share of each side that preprocessing crops, in [0, 0.5).
    """
    percent = round(100 * share)
    if percent < CUT_LEAST:
        return None
    where = f"in the border that preprocessing cuts off, {100 * border:g} % of each side"
    if percent == 100:
        return f"This change is {where}: the network does not see it."
    return f"{percent} % of this change is {where}: the network does not see that part."


def mask_quality(record: Mapping | None) -> str:
    """Return how the lung masks are made and, from the record of the segmentation experiment, how good they are."""
    made = "The lungs are outlined by image processing, without a network."
    if not record:
        return made
    every = record["every"]
    return (
        f"{made} Checked against experts' outlines of {every['films']} X-rays, this finds the lungs in "
        f"{every['found']}, with a median Dice coefficient of {every['dice']['median']:.2f} (1: identical outlines, 0: "
        "no overlap)."
    )


def score_spread(scores: np.ndarray, score: float, threshold: float, novel: bool = False) -> str:
    """Return the range of the scores (n,) of a film's copies, and how many copies keep the film's verdict.

    `novel`: whether the film is out of distribution and so has no verdict.
    """
    positive = is_positive(score, threshold)
    keep = int((is_positive(scores, threshold) == positive).sum())
    low, high = (formatting.score_text(float(limit)) for limit in (scores.min(), scores.max()))
    count = "All" if keep == scores.size else f"{keep} of"
    spread = f"All copies score **{low}**" if low == high else f"The copies score from **{low}** to **{high}**"
    spread += f"; the X-ray itself, {formatting.score_text(score)}."
    if novel:
        return spread
    return (
        f"{spread} **{count} {scores.size}** {'keeps' if keep == 1 else 'keep'} its verdict, {verdict_word(positive)}."
    )


def agreement(scores: Mapping[str, float], threshold: float) -> str:
    """Return whether two networks agree on a film, given the score of each by its title."""
    (first, is_first), (second, is_second) = ((title, is_positive(score, threshold)) for title, score in scores.items())
    if is_first == is_second:
        return f"**Both call this X-ray {verdict_word(is_first)}.**"
    return (
        f"**They disagree:** *{first}* calls this X-ray {verdict_word(is_first)}, *{second}* calls it "
        f"{verdict_word(is_second)}."
    )


def disagreement(
    specs: Sequence[NetworkSpec], films: pd.DataFrame, scores: pd.DataFrame, threshold: float
) -> str | None:
    """Return how to read a disagreement: how many adults without COVID-19 each network saw, and calls positive.

    Args:
        specs: of two networks.
        films: the list of films, indexed by id.
        scores: columns id, split, source, covid, network, score.
        threshold: in [0, 1].

    Returns:
        One or two sentences as Markdown; None where a network has no scores of such films of the test set.
    """
    parts, shares = [], {}
    for spec in specs:
        test = scores[(scores["network"] == spec.name) & (scores["split"] == "test")]
        test = test[_adults_without_covid(test)]
        if test.empty:
            return None
        trained = dataset.training_films(films, *spec.trained_on)
        seen = int(_adults_without_covid(trained).sum())
        positive = int(is_positive(test["score"], threshold).sum())
        shares[spec.title] = positive / len(test)
        parts.append(
            f"*{spec.title}* was trained on {seen:,} {'X-ray' if seen == 1 else 'X-rays'} of adults without COVID-19 "
            f"and calls **{positive} of the {len(test)}** in the test set positive"
        )
    text = f"How to read a disagreement: {'; '.join(parts)}."
    most, least = sorted(shares, key=shares.get, reverse=True)
    if shares[most] > shares[least]:
        text += f" So if only *{most}* calls it positive, it may have recognized nothing more than an adult."
    return text


def _adults_without_covid(films: pd.DataFrame) -> pd.Series:
    return (films["covid"] == 0) & (films["source"] != config.CHILDREN)


def robustness(copies: int, rotation: float, shift: float) -> str:
    """Return what the robustness test does; `rotation` in degrees, `shift` in percent."""
    return (
        f"A score should not depend on how an X-ray was positioned or scanned. This test analyzes **{copies} copies**: "
        f"rotated by up to {rotation:g} degrees, shifted by up to {shift:g} %, with slightly more or less contrast, "
        "and saved again as JPEG."
    )
