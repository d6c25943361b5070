"""What the pages say: sentences and records made of figures. No streamlit in here."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pandas as pd

from covid_model import config, evaluation
from covid_model.formatting import score_text
from covid_model.verdict import is_positive

if TYPE_CHECKING:
    from pandas.io.formats.style import Styler

    from covid_model.model.queue import QueuePosition

NEIGHBOUR_BAND = 0.05  # a test film within this much of a score counts as similar
NEAR_END = 0.01  # a share that lies nearer to 0 or 1 is given with a decimal, so that few is not none
_PUNCTUATION = re.compile(r"([!-/:-@\[-`{-~])")


def plain(text: str) -> str:
    """`text` for a place that renders Markdown, so that it comes out letter for letter and on one line."""
    return _PUNCTUATION.sub(r"\\\1", " ".join(str(text).split()))


def unmarked(text: str) -> str:
    """Markdown of ours (bold, links, marks that `plain` escaped) as plain text."""
    text = re.sub(r"(?<!\\)\[([^\]]*)\]\((\S+?)\)", r"\1 (\2)", text)
    return re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", re.sub(r"(?<!\\)\*\*", "", text))


STOPPED = ", stopped"  # behind how far a training run came


CALIBRATED = (
    "Networks often sound too sure, or not sure enough. One number, fitted on films held out of training, sets that "
    "right on the whole; it was checked on films of every other part of the data. It changes neither the order of "
    "scores nor who is in the training films: a calibrated score is still no probability that somebody is ill."
)


def calibrated(score: float, at: float, threshold: float) -> str:
    """The calibrated score `at` beside the model score, both in [0, 1]; the verdict stays the model score's."""
    text = f"Calibrated: **{score_text(at)}**."
    if is_positive(score, threshold) != is_positive(at, threshold):
        side = "above" if is_positive(at, threshold) else "not above"
        text += f" That is {side} the threshold; the verdict goes by the model score all the same."
    return text


def outcome(positive: bool, covid: bool) -> str:
    """How a verdict stands to what is known of the film."""
    if covid:
        return "True positive: the network agrees." if positive else "False negative: the network missed it."
    return "False positive: a false alarm." if positive else "True negative: the network agrees."


def ground_truth(covid: bool | None, finding: str) -> str:
    """What a film's source says of it, as a Markdown sentence; it may say neither COVID-19 nor not."""
    if covid is None:
        read = plain(finding) or "nothing that names or rules out COVID-19"
        return f"Its source lists it as **{read}**: neither a COVID-19 film nor one without."
    return f"Its source lists it as **{'COVID-19' if covid else 'not COVID-19'}**."


def queue_position(place: QueuePosition) -> str:
    """Where a film stands in the queue before the network."""
    if not place.ahead:
        return "It is being read."
    films = "1 film comes" if place.ahead == 1 else f"{place.ahead} films come"
    about = "" if place.seconds is None else f", about {max(1, round(place.seconds))} s"
    return f"Other visitors are here too: {films} first{about}."


def similar_scores(
    table: pd.DataFrame, score: float, film: str | None = None, held_out: pd.DataFrame | None = None
) -> str:
    """How many of the films that scored alike were COVID-19 films, with an interval.

    Args:
        table: one network's test films, indexed by id, with `score` and `covid`.
        score: in [0, 1].
        film: the id of the film itself, which is left out where it stands in a table.
        held_out: the same of the films held out of the network's training, where there are any.
    """
    tables = [table] if held_out is None else [table, held_out]
    parts = [one.drop(index=film) if film in one.index else one for one in tables]
    others = pd.concat(parts)
    alike = others[(others["score"] - score).abs() <= NEIGHBOUR_BAND]
    of_all = f"{'other ' if len(parts[0]) < len(table) else ''}{len(parts[0]):,} test films"
    if held_out is not None:
        validation = f"{len(parts[1]):,} validation {'film' if len(parts[1]) == 1 else 'films'}"
        of_all += f" and {validation} (held out of its training; not in the chart)"
    if alike.empty:
        return f"None of the {of_all} scored within ±{NEIGHBOUR_BAND} of this one."
    covid = int(alike["covid"].sum())
    share = evaluation.proportion(covid, len(alike))
    low, high = (f"{100 * one:.0f}" for one in (share.low, share.high))
    near_end = 0 < share.value < NEAR_END or 1 - NEAR_END < share.value < 1
    value = f"{100 * share.value:.{1 if near_end else 0}f}"
    return (
        f"Of the {of_all}, {len(alike):,} scored within ±{NEIGHBOUR_BAND} of this one; "
        f"**{covid:,} of these {len(alike):,}** {'is a' if covid == 1 else 'are'} COVID-19 "
        f"{'film' if covid == 1 else 'films'}. That is {value} %; with so many films, anything from {low} to {high} % "
        f"would be no surprise ({100 * evaluation.LEVEL:.0f} % interval)."
    )


def adult_false_positives(table: pd.DataFrame, threshold: float) -> str | None:
    """How many adults without COVID-19 the network calls positive, in a sentence; None where the table has none."""
    rows = table[(table["source"] != config.CHILDREN) & (table["covid"] == 0)]
    if rows.empty:
        return None
    called = int(is_positive(rows["score"], threshold).sum())
    return (
        f"Mind who is in there: nearly all test films without COVID-19 are children's. Of the {len(rows)} of adults "
        f"without COVID-19, this network calls **{called}** positive at this threshold."
    )


def style_scores(rows: pd.DataFrame, columns: list[str]) -> Styler:
    """A table for the page whose `columns` hold scores: written as everywhere, sorted as the numbers that they are."""
    return rows.style.format(score_text, subset=columns, na_rep="–")


def source_title(name: str) -> str:
    """A source's title."""
    return config.SOURCE_TITLES.get(name, name)


def credit(row: pd.Series) -> str:
    """Where a film of the data set comes from and under which licence, as Markdown."""
    licence = row.get("license")
    licence = plain(licence) if isinstance(licence, str) and licence.strip() else "not stated"
    url = row.get("url")
    title = plain(source_title(row["source"]))
    if isinstance(url, str) and re.fullmatch(r"https?://[^\s()<>\[\]]+", url):
        title = f"[{title}]({url})"
    doi = row.get("doi")
    if isinstance(doi, str) and re.fullmatch(r"10\.\d{4,9}/[^\s()<>\[\]]+", doi):
        title = f"{title}, [doi:{plain(doi)}](https://doi.org/{doi})"
    return f"Source: {title}. Licence: {licence}."
