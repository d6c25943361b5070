"""Browse X-rays: which set, which of its films, in which order, which sheet; and sentences about the samples."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from covid_model import config, evaluation
from covid_model.app.text.prediction import NEIGHBOR_BAND, plain, score_text
from covid_model.config import CELL_NAMES, SPLIT_LABELS
from covid_model.evaluation import subgroups
from covid_model.formatting import in_sentence, unbroken

SET, PART, SOURCE, TRUTH, VERDICT, ORDER = "set", "part", "source", "truth", "verdict", "order"  # in the URL, by label
HEATMAPS, MAP, SHEET = "heatmaps", "map", "sheet"
NEAR, MARKED = "near", "marked"  # in the URL: a score, to which those shown are similar, and the film that has it
AGE = "age"  # in the URL: a row of the age pyramid
FILTERS = (SET, PART, SOURCE, TRUTH, VERDICT, ORDER, HEATMAPS, MAP, SHEET)
LEFT = "films-left"  # in the session: every setting when a film was opened from here
SHOWN = "films-shown"  # in the session: the last filters, because new ones start at the first sheet

ALL, FREE, SIMULATED = "all", "free", "simulated"
FIRST_SET = "test"  # shown unless another set is chosen; the URL leaves it out
SETS = {
    "test": SPLIT_LABELS["test"],
    "external": SPLIT_LABELS["external"],
    ALL: ("All", "Every X-ray in the list, including those that networks were trained on"),
}
ALL_PARTS = "All parts"
PARTS = {split: label for split, label in SPLIT_LABELS.items() if split not in SETS} | {  # of the set ALL
    FREE: ("Samples", "Real X-rays of every kind, each of which can be downloaded individually"),
    SIMULATED: ("Simulated", "X-rays rendered from a CT scan for this demo, free for anyone to use"),
}
TRUTHS = {"covid": "COVID-19", "other": "Non-COVID"}
ALL_SOURCES = "All sources"
PICTURES_FIRST = "pictures"  # an order, and the default, where most X-rays have no picture
ORDERS = {  # else the first one is the default
    "wrong": "Most wrong first",
    "highest": "Highest score first",
    "lowest": "Lowest score first",
    "covid": "COVID-19 first",
    "other": "Non-COVID first",
}
_KEPT = ("finding", "url", "license", "doi")  # columns of the list of films shown on a card or in a credit


@dataclass(frozen=True)
class Sheet:
    """The rows shown at a time, and their place in the whole table, counted from 1."""

    rows: pd.DataFrame
    number: int
    sheets: int
    first: int
    last: int


def table(scores: pd.DataFrame, network: str, films: pd.DataFrame | None = None) -> pd.DataFrame:
    """Return one network's films, indexed by id: split, source, covid, score, finding, url, license, doi.

    Rows without a score in [0, 1] or a ground truth of 0 or 1 are left out.

    Args:
        scores: columns id, split, source, covid, network, score; one row per film and network.
        films: the list of films, indexed by id; without it, its columns are empty.
    """
    usable = scores["score"].between(0, 1) & scores["covid"].isin((0, 1))
    rows = scores[(scores["network"] == network) & usable].drop_duplicates("id")
    rows = rows.set_index("id")[["split", "source", "covid", "score"]]
    known = pd.DataFrame(index=rows.index) if films is None else films.reindex(rows.index)
    return rows.assign(**{name: known[name].fillna("") if name in known else "" for name in _KEPT})


def select_set(films: pd.DataFrame, name: str, threshold: float, free: Collection[str] = ()) -> pd.DataFrame:
    """Return the films of one of SETS or PARTS, with each one's cell of the confusion matrix (of evaluation.CELLS).

    Args:
        films: as from `table`.
        threshold: in [0, 1].
        free: the ids of the part FREE.
    """
    part = films if name == ALL else films[films.index.isin(free) if name == FREE else films["split"] == name]
    return part.assign(cell=evaluation.cells(part["score"], part["covid"], threshold))


def address(split: str) -> dict[str, str]:
    """Return the URL parameters that show the films of a split."""
    if split in SETS:
        return {} if split == FIRST_SET else {SET: SETS[split][0]}
    return {SET: SETS[ALL][0]} | ({PART: PARTS[split][0]} if split in PARTS else {})


def group_address(name: str, covid: bool, sources: Collection[str]) -> dict[str, str]:
    """Return the URL parameters that show one ground truth of a group of `evaluation.subgroups`.

    Args:
        name: of the group.
        covid: the ground truth.
        sources: of the group's films; a group that is one source of a split is shown by that source.
    """
    split = {subgroups.TEST: "test", subgroups.ADULTS: "test", subgroups.MORE: "extra-test"}.get(name, "external")
    whole = name in (subgroups.TEST, subgroups.MORE)
    only = {} if whole or len(sources) != 1 else {SOURCE: config.SOURCE_TITLES.get(*sources, "")}
    return address(split) | only | {TRUTH: TRUTHS["covid" if covid else "other"]}


def similar_address(score: float, film: str | None) -> dict[str, str]:
    """Return the URL parameters that show the test films with a score like `score`, and mark the film that has it."""
    return {ORDER: ORDERS["highest"], NEAR: f"{score:.6f}"} | ({MARKED: film} if film else {})


def age_address(split: str, row: str, covid: bool) -> dict[str, str]:
    """Return the URL parameters that show the bar of one class in the row `row` of a split's age pyramid."""
    return address(split) | {AGE: age_label(row), TRUTH: TRUTHS["covid" if covid else "other"]}


def age_label(row: str) -> str:
    """Return the name of a row of the age pyramid on one line."""
    return row.replace("<br>", " ")


def of_age(films: pd.DataFrame, label: object) -> set[str]:
    """Return the ids of the films (columns source and age) in the row of the age pyramid with this label."""
    names = subgroups.age_names(films).map(age_label)
    return set(films.index[names == label])


def score_from(value: object) -> float | None:
    """Return `value`, of the URL, as a score in [0, 1]; None if it is not one."""
    try:
        score = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None
    return score if 0 <= score <= 1 else None


def similar(score: float) -> str:
    """Return which scores count as similar."""
    return f"Scores within ±{NEIGHBOR_BAND} of {score_text(score)}"


def filtered(
    films: pd.DataFrame,
    source: str | None = None,
    truth: str | None = None,
    cells: Collection[str] = (),
    near: float | None = None,
    ids: Collection[str] | None = None,
) -> pd.DataFrame:
    """Return the films of one source, one ground truth (of TRUTHS), some cells, scores similar to `near`, and `ids`.

    By default, all of them.
    """
    keep = np.ones(len(films), bool) if ids is None else films.index.isin(ids)
    if near is not None:
        keep &= ((films["score"] - near).abs() <= NEIGHBOR_BAND).to_numpy()
    if source is not None:
        keep &= (films["source"] == source).to_numpy()
    if truth is not None:
        keep &= (films["covid"] == (truth == "covid")).to_numpy()
    if cells:
        keep &= films["cell"].isin(list(cells)).to_numpy()
    return films[keep]


def orders(pictures: bool) -> dict[str, str]:
    """Return the orders to choose from, by label, the default first; `pictures`: whether all films have a picture."""
    return ORDERS if pictures else {PICTURES_FIRST: "Pictures first"} | ORDERS


def in_order(films: pd.DataFrame, order: str, pictures: Collection[str] = ()) -> pd.DataFrame:
    """Sort the films by one of ORDERS; "wrong" means by the distance of the score from the ground truth, 0 or 1.

    PICTURES_FIRST sorts in the same way those with a picture, whose ids are `pictures`, and then the others.
    """
    if order in ("wrong", PICTURES_FIRST):
        error = (films["score"] - films["covid"]).abs()
        first = films.index.isin(pictures) & (order == PICTURES_FIRST)
        keys = pd.DataFrame({"first": first, "error": error}, index=films.index)
        return films.loc[keys.sort_values(["first", "error"], ascending=False, kind="stable").index]
    if order in TRUTHS:
        return films.sort_values(["covid", "score"], ascending=[order == "other", False], kind="stable")
    return films.sort_values("score", ascending=order == "lowest", kind="stable")


def sheet(films: pd.DataFrame, number: int, size: int | None = None) -> Sheet:
    """Return the sheet with this number, counted from 1, or the nearest one that exists."""
    size = config.SHEET if size is None else size
    sheets = max(1, -(-len(films) // size))
    number = min(max(number, 1), sheets)
    rows = films.iloc[(number - 1) * size : number * size]
    first = (number - 1) * size + 1
    return Sheet(rows, number, sheets, first, first + len(rows) - 1)


def marked_first(films: pd.DataFrame, film: str | None) -> pd.DataFrame:
    """Move the film with this id to the top, if it is among them."""
    if film not in films.index:
        return films
    return films.loc[[film, *films.index.drop(film)]]


def no_match(filters: Mapping[str, str], left: Mapping[str, int]) -> str:
    """Return which filters leave nothing, and which of them to remove; Markdown.

    Args:
        filters: labels, by key.
        left: how many films remain if this filter alone is removed, by key.
    """
    named = " and ".join(f"**{plain(label)}**" for label in filters.values())
    text = f"No X-rays match {named}{' together' if len(filters) > 1 else ''}."
    if any(left.values()):
        return f"{text} Remove one of these filters:"
    return f"{text} Removing one of them is not enough." if len(filters) > 1 else text


def summary(films: pd.DataFrame, shown: Sheet) -> str:
    """Return how many films there are, in which cells, and which of them the sheet shows."""
    counts = films["cell"].value_counts()
    cells = ", ".join(
        f"{counts[cell]:,} {name.lower() if counts[cell] > 1 else name.lower()[:-1]}"
        for cell, name in CELL_NAMES.items()
        if counts.get(cell)
    )
    trained_on = films["split"].isin(config.TRAINING_SPLITS)
    mixed = trained_on.any() and not trained_on.all()
    note = " This includes X-rays that networks were trained on." if mixed else ""
    place = f", showing {shown.first:,} to {shown.last:,}" if shown.sheets > 1 else ""
    return f"{len(films):,} {'X-rays' if len(films) > 1 else 'X-ray'}{place}: {cells}.{note}"


# --- The sample X-rays: the real ones of the strip, and the simulated ones of the stress test ---

LABELS = {  # of an example, by `films.Kind`
    "tp": "COVID-19, detected",
    "tn": "No COVID-19, negative",
    "fn": "COVID-19, missed",
    "fp": "No COVID-19, false positive",
    "marker": "Heat on a marker",
}
NOT_HERE = "The real X-rays have not been downloaded yet."
ELSEWHERE = (
    "The scores come with this demo. Most pictures do not, because their licenses do not allow it; the button "
    "downloads those on this page from their sources."
)
SHIPPED = "**On this computer.** One real X-ray whose license allows copying, and X-rays simulated for this demo"
STRESS_TITLE = "Stress test: simulated from one CT"
STRESS = (
    "These X-rays are rendered from one CT scan, with opacities added for this demo. They are unlike any network's "
    "training data, so their scores say nothing about a patient and get no verdict. They show how a network reacts to "
    "a change, and whether Grad-CAM points at the opacity, whose true outline is known here."
)
OUTLINE = "The outline marks the opacity that was added."


def download_label(count: int) -> str:
    """Return the label of the button that downloads this many X-rays."""
    return f"Download {count} real X-rays" if count > 1 else "Download a real X-ray"


def strip_heading(title: str) -> str:
    """Return what the strip shows, for the network with this title; Markdown."""
    name = plain(in_sentence(title))
    return unbroken(f"Real X-rays that no network was trained on, where **{name}** is right and where it is wrong")


def sample_label(kind: str, marker: str = "") -> str:
    """Return what an example shows in a few words, from its `films.Kind` and its marker."""
    return f"Heat on the {marker}" if marker else LABELS[kind]


def ground_truth(covid: bool) -> str:
    """Return the ground truth in a few words."""
    return f"Ground truth: {'COVID-19' if covid else 'non-COVID'}."


def on_marker(sample_label: str, share: float, area: float) -> str:
    """Return how much of the heat is on a marker; both shares are in [0, 1]."""
    return (
        f"{100 * share:.0f} % of what raises the score is on the {sample_label}, "
        f"which covers {max(100 * area, 0.1):.{0 if area >= 0.01 else 1}f} % of what the network sees."
    )


def in_lesion(share: float, area: float) -> str:
    """Return how much of the heat is in the added opacity; both shares are in [0, 1]."""
    return (
        f"{100 * share:.0f} % of what raises the score is in the opacity, "
        f"which covers {100 * area:.0f} % of what the network sees."
    )
