"""Sentences about one X-ray: its score, its ground truth, its place in the test set, its source."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pandas as pd

from covid_model import config, evaluation
from covid_model.formatting import in_sentence, score_text, unbroken
from covid_model.verdict import is_positive

if TYPE_CHECKING:
    from pandas.io.formats.style import Styler

    from covid_model.model.predictor import Prediction
    from covid_model.model.queue import QueuePosition

NEIGHBOR_BAND = 0.05  # a test film within this much of a score counts as similar
NEAR_END = 0.01  # a share closer than this to 0 or 1 gets a decimal, so that a few do not read as none
_PUNCTUATION = re.compile(r"([!-/:-@\[-`{-~])")

STOPPED = ", stopped"  # follows the number of epochs of a training run that was stopped
CALIBRATED = (
    "Networks are often overconfident or underconfident. One number, fitted on X-rays held out of training, corrects "
    "this on average; it was checked on X-rays of every other split. It changes neither the ranking of the scores nor "
    "the mix of people in the training data: a calibrated score is still not the probability that a person is ill."
)


def plain(text: str) -> str:
    """Escape `text` for a place that renders Markdown, so that it appears letter for letter and on one line."""
    return _PUNCTUATION.sub(r"\\\1", " ".join(str(text).split()))


def unmarked(text: str) -> str:
    """Turn Markdown of this app (bold, links, characters that `plain` escaped) into plain text."""
    text = re.sub(r"(?<!\\)\[([^\]]*)\]\((\S+?)\)", r"\1 (\2)", text)
    return re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", re.sub(r"(?<!\\)\*\*", "", text))


# --- The page "Try an X-ray" ---

PROMISE = f"A paper reports {100 * config.PAPER_ACCURACY:.0f} % accuracy on chest X-rays. See what the model sees."
INTRODUCTION = (
    "Pick an X-ray or upload one. You get a score between 0 and 1, the parts of the image that drove it, and what the "
    "number hides."
)
EXPLAINED = {
    "Model score": "A number between 0 and 1: how much the X-ray resembles the COVID-19 X-rays that the network was "
    "trained on. Above the threshold, the X-ray is called positive.",
    "What drove the score": "Grad-CAM colors the parts of the X-ray that raised the score and those that lowered it. "
    "It shows where the network found its evidence, not what the evidence is.",
    "How it compares": f"The score beside those of {config.PAPER_TEST[0]:,} test X-rays whose ground truth is known: "
    "how often did an X-ray with a score like this one show COVID-19?",
}
LEGENDS = {  # of the heatmap's scale, by direction
    "for": "Left to right: no influence, raises the score most.",
    "against": "Left to right: no influence, lowers the score most.",
    "both": "Left to right: lowers the score most, no influence, raises it most.",
}
BASE_RATE = "Where COVID-19 is rarer than in these X-rays, a score like this one means COVID-19 less often."
WITHOUT_SERVICE = "The sample X-rays, their stored predictions and all results are still here."
TRAINED_ON = "This X-ray is part of the training data, so its score may reflect memory rather than skill."


def analyzing(subject: str = "Analyzing") -> str:
    """Return what is said while the network runs."""
    return f"{subject}. The first X-ray takes longer, because the network has to load."


def analyzed_by(title: str, prediction: Prediction) -> str:
    """Return which network a prediction is of, by its title, and how long it took; Markdown."""
    if prediction.stored:
        return f"Analyzed in advance by {plain(in_sentence(title))}."
    return f"Analyzed by {plain(in_sentence(title))} in {prediction.milliseconds / 1000:.1f} s."


def weights_missing(title: str) -> str:
    """Return what the network with this title needs before it can analyze new X-rays; Markdown."""
    return unbroken(
        f"{plain(title)} is built on VGG-19, whose weights are not on this computer yet. Download them once to analyze "
        "your own X-rays with it; the sample X-rays work without them."
    )


def film_missing(film: str, downloadable: bool = False, replaced: bool = False) -> str:
    """Return why a film of the data set cannot be shown, and what to do."""
    remedy = "Download the real X-rays, or set" if downloadable else "Set"
    return (
        f"X-ray {film} is not on this computer{', so another one is shown' if replaced else ''}. "
        f"{remedy} {config.DATA_VARIABLE} to a data folder that contains it."
    )


def no_scores() -> str:
    """Return why the pages of results are empty, and what to do, as Markdown."""
    return (
        f"This page needs `assets/results/{config.SCORES_CSV.name}`, which is missing or damaged. "
        "`python -m covid_model evaluate` creates it from a data folder; that takes a while."
    )


def calibrated(score: float, calibrated_score: float, threshold: float) -> str:
    """Return the calibrated score beside the model score, both in [0, 1]; the verdict stays the model score's."""
    text = f"Calibrated: **{score_text(calibrated_score)}**."
    if is_positive(score, threshold) != is_positive(calibrated_score, threshold):
        side = "above" if is_positive(calibrated_score, threshold) else "not above"
        text += f" This is {side} the threshold, but the verdict follows the model score."
    return text


def score_of(title: str, score: float) -> str:
    """Return the score, in [0, 1], of the network with this title; Markdown."""
    number = score_text(score).replace(" ", "\u00a0")  # no line break inside "> 0.999"
    return f"{plain(title)}: **{number}**"


def outcome(positive: bool, covid: bool) -> str:
    """Return how the verdict compares with the ground truth."""
    if covid:
        return "True positive: the network is right." if positive else "False negative: the network missed it."
    return "False positive: a false alarm." if positive else "True negative: the network is right."


def ground_truth(covid: bool | None, finding: str) -> str:
    """Return a film's ground truth as its source states it, a Markdown sentence.

    Args:
        covid: None where the source states neither COVID-19 nor its absence.
        finding: the source's own words; shown where `covid` is None.
    """
    if covid is None:
        stated = f"The source lists **{plain(finding)}**, which" if finding else "The source"
        return f"Ground truth: unknown. {stated} neither confirms nor rules out COVID-19."
    return f"Ground truth: **{'COVID-19' if covid else 'non-COVID'}**."


def queue_position(position: QueuePosition) -> str:
    """Return the film's position in the inference queue, with the expected wait where it is known."""
    if not position.ahead:
        return "Running the network."
    ahead = "1 X-ray is" if position.ahead == 1 else f"{position.ahead} X-rays are"
    wait = "" if position.seconds is None else f", about {max(1, round(position.seconds))} s"
    return f"Other users are here too: {ahead} ahead of yours{wait}."


def comparison(test: pd.DataFrame, adult_test: pd.DataFrame | None, score: float, film: str | None = None) -> list[str]:
    """Return how a score compares with those of X-rays whose ground truth is known, as Markdown sentences.

    Adults come first, and every count of X-rays with a similar score follows the base rate: in a test set in which
    nearly everyone without COVID-19 is a child, "most X-rays that scored so high are COVID-19" says little.

    Args:
        test: one network's test films, indexed by id, with `score`, `covid` and `source`.
        adult_test: the same of the adults-only set; None without any.
        score: in [0, 1].
        film: the id of the film itself, which is left out if a table holds it.
    """
    adults = test[test["source"] != config.CHILDREN]
    groups = {"The test set's adults": adults, config.split_title("extra-test"): adult_test}
    sentences = [
        similar_scores(title, rows, score, film) for title, rows in groups.items() if rows is not None and len(rows)
    ]
    children = " (adults and children)" if len(adults) < len(test) else ""
    return [*sentences, similar_scores(f"Whole test set{children}", test, score, film)]


def similar_scores(title: str, table: pd.DataFrame, score: float, film: str | None = None) -> str:
    """Return a group's base rate, and how many of its X-rays with a similar score are COVID-19.

    Args:
        title: of the group.
        table: one network's films of the group, indexed by id, with `score` and `covid`.
        score: in [0, 1].
        film: the id of the film itself, which is left out if the table holds it.
    """
    others = table.drop(index=film) if film in table.index else table
    if others.empty:
        return f"**{title}:** no other X-rays."
    similar = others[(others["score"] - score).abs() <= NEIGHBOR_BAND]
    kind = "other X-rays" if len(others) < len(table) else "X-rays"
    base = f"**{title}:** {_counted(others)} {kind} are COVID-19 ({_percent(others)})"
    if similar.empty:
        return f"{base}; none of them scored within ±{NEIGHBOR_BAND} of this one."
    share = evaluation.proportion(int(similar["covid"].sum()), len(similar))
    return (
        f"{base}; of those that scored within ±{NEIGHBOR_BAND} of this one, {_counted(similar)} are "
        f"({_percent(similar)}, {100 * evaluation.LEVEL:.0f} % CI {100 * share.low:.0f} to {100 * share.high:.0f} %)."
    )


def _counted(rows: pd.DataFrame) -> str:
    """Return "73 of 1,152", of the films that are COVID-19."""
    return f"{int(rows['covid'].sum()):,} of {len(rows):,}"


def _percent(rows: pd.DataFrame) -> str:
    """Return the share of the films that are COVID-19, with a decimal where a few would read as none, or all."""
    share = float(rows["covid"].mean())
    near_end = 0 < share < NEAR_END or 1 - NEAR_END < share < 1
    return f"{100 * share:.{1 if near_end else 0}f} %"


def adult_false_positives(table: pd.DataFrame, threshold: float) -> str | None:
    """Return how many adults without COVID-19 the network calls positive; None where the table has none.

    Args:
        table: one network's test films with `score`, `covid` and `source`.
        threshold: in [0, 1].
    """
    rows = table[(table["source"] != config.CHILDREN) & (table["covid"] == 0)]
    if rows.empty:
        return None
    positives = int(is_positive(rows["score"], threshold).sum())
    return (
        f"Caution: nearly all non-COVID test X-rays show children. Of the {len(rows)} adults without COVID-19, this "
        f"network calls **{positives}** positive at this threshold."
    )


def style_scores(rows: pd.DataFrame, columns: list[str]) -> Styler:
    """Style a table whose `columns` hold scores: shown as text like every other score, sorted as numbers."""
    return rows.style.format(score_text, subset=columns, na_rep="–")


def source_title(name: str) -> str:
    """Return a source's title, or its name where it has none."""
    return config.SOURCE_TITLES.get(name, name)


def credit(row: pd.Series) -> str:
    """Return a film's source and license as Markdown.

    Only web addresses and DOIs become links: the list of films is not written by us alone.
    """
    terms = row.get("license")
    terms = plain(terms) if isinstance(terms, str) and terms.strip() else "not stated"
    url = row.get("url")
    title = plain(source_title(row["source"]))
    if isinstance(url, str) and re.fullmatch(r"https?://[^\s()<>\[\]]+", url):
        title = f"[{title}]({url})"
    doi = row.get("doi")
    if isinstance(doi, str) and re.fullmatch(r"10\.\d{4,9}/[^\s()<>\[\]]+", doi):
        title = f"{title}, [doi:{plain(doi)}](https://doi.org/{doi})"
    return f"Source: {title}. License: {terms}."
