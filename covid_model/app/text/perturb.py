"""What the section says: sentences made of figures. No streamlit in here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from covid_model import config, formatting
from covid_model.data import dataset
from covid_model.formatting import verdict_word
from covid_model.model.network_spec import NetworkSpec
from covid_model.verdict import is_positive

CHANGED = "Score of the changed film"
PICK = "Pick one or several: the film is changed, and the network reads it again."
COLOURS = ":small[Red to yellow: spoke for COVID-19. Blue: against.]"  # of a heatmap that shows both


def score_change(before: float, after: float, threshold: float, novel: bool = False) -> str:
    """What became of a score and its verdict: "0.831, up 0.110; still positive". A novel film has no verdict."""
    moved = round(after, 3) - round(before, 3)
    how = f"{'up' if moved > 0 else 'down'} {abs(moved):.3f}" if abs(moved) >= 0.0005 else "as before"
    was, now = is_positive(before, threshold), is_positive(after, threshold)
    verdict = "no verdict" if novel else f"{'still' if was == now else 'now'} {verdict_word(now)}"
    return f"{formatting.score_text(after)}, {how}; {verdict}"


def score_by(title: str) -> str:
    """Return the label of one network's score beside another's."""
    return f"Score by {title}"


def no_visible_change(border: float) -> str:
    """Why a change that leaves the network's input as it is cannot move the score."""
    cut = f" It cuts {100 * border:g} % off each side of a film before it looks." if border else ""
    return f"This network sees no difference.{cut}"


def mask_quality(record: Mapping | None) -> str:
    """How our lung masks came about and how good they are."""
    said = "Drawn by image processing, without a network."
    if record:
        every = record["every"]
        said += (
            f" Held against an expert's outline on {every['films']} films, it was found on {every['found']}, and there "
            f"the median Dice coefficient is {every['dice']['median']:.2f} (1: the same outline, 0: none of it)."
        )
    return said


def score_spread(scores: np.ndarray, score: float, threshold: float) -> str:
    """Where the scores (n,) of a film's copies lie, and how many keep its verdict."""
    positive = is_positive(score, threshold)
    keep = int((is_positive(scores, threshold) == positive).sum())
    low, high = (formatting.score_text(float(one)) for one in (scores.min(), scores.max()))
    firm = "All" if keep == scores.size else f"{keep} of"
    lie = f"All copies score **{low}**" if low == high else f"The copies score from **{low}** to **{high}**"
    return (
        f"{lie}; the film itself {formatting.score_text(score)}. "
        f"**{firm} {scores.size}** {'keeps' if keep == 1 else 'keep'} its verdict, {verdict_word(positive)}."
    )


def agreement(scores: Mapping[str, float], threshold: float) -> str:
    """Whether two networks agree on a film, given each one's score."""
    (one, first), (other, second) = ((name, is_positive(score, threshold)) for name, score in scores.items())
    if first == second:
        return f"**Both call this film {verdict_word(first)}.**"
    return (
        f"**They disagree:** *{one}* calls this film {verdict_word(first)}, *{other}* calls it {verdict_word(second)}."
    )


def disagreement(
    specs: Sequence[NetworkSpec], films: pd.DataFrame, scores: pd.DataFrame, threshold: float
) -> str | None:
    """How to read a disagreement: what each network has seen of adults without COVID-19, and what it calls them.

    Args:
        specs: of two networks.
        films: the list of films, indexed by id.
        scores: columns id, split, source, covid, network, score.
        threshold: in [0, 1].

    Returns:
        One or two sentences as Markdown; None where a network has no scores of such films of the test set.
    """
    said, shares = [], {}
    for spec in specs:
        test = scores[(scores["network"] == spec.name) & (scores["split"] == "test")]
        test = test[_adults_without_covid(test)]
        if test.empty:
            return None
        trained = dataset.training_films(films, *spec.trained_on)
        seen = int(_adults_without_covid(trained).sum())
        positive = int(is_positive(test["score"], threshold).sum())
        shares[spec.title] = positive / len(test)
        said.append(
            f"*{spec.title}* learnt from {seen:,} films of adults without COVID-19 and calls **{positive} of the "
            f"{len(test)}** in the test set positive"
        )
    text = f"How to read a disagreement: {'; '.join(said)}."
    most, least = sorted(shares, key=shares.get, reverse=True)
    if shares[most] > shares[least]:
        text += f" So where only *{most}* says positive, it may have seen no more than that the film is an adult's."
    return text


def _adults_without_covid(films: pd.DataFrame) -> pd.Series:
    return (films["covid"] == 0) & (films["source"] != config.CHILDREN)
