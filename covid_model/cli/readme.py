"""Write README.md's figures again from the scores in assets/results, and its pictures where there are any."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from covid_model import registry, settings
from covid_model.cli.common import DONE, FAILED, say_error

if TYPE_CHECKING:
    import pandas as pd

README = settings.ROOT / "README.md"
SCREENSHOTS = {  # in assets/, made by `make screenshots`; the first is shown large
    "screenshot.png": "The test set: who scores what, and who is called positive",
    "screenshot-read.png": "A simulated film, its score, and what spoke for it",
    "screenshot-films.png": "Simulated films under their heatmaps",
    "screenshot-how-it-works.png": "The network, block by block, with the maps of one film",
    "screenshot-train.png": "Two heads trained live, with and without adults",
}
A_ROW = 2  # of the smaller ones
NOT_YET = "The networks have not been scored yet."
ALWAYS_NO = "answering “no” every time"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 where README.md does not agree")


def run(given: argparse.Namespace) -> int:
    from covid_model import dataset

    films = dataset.committed()
    scores = None
    if settings.SCORES_CSV.is_file():
        scores = dataset.labelled(dataset.read_scores(settings.SCORES_CSV, films))
    now = README.read_text(encoding="utf-8")
    wanted = filled(now, "figures", figures(scores))
    wanted = filled(wanted, "films", counts(films))
    wanted = filled(wanted, "screenshot", pictures([one for one in SCREENSHOTS if (settings.ASSETS / one).is_file()]))
    if given.check and now != wanted:
        say_error(f"{README.name} does not agree with assets/: run python -m covid_model readme")
        return FAILED
    if not given.check:
        README.write_text(wanted, encoding="utf-8")
    return DONE


def filled(text: str, name: str, content: str) -> str:
    """`text` with `content` between the two markers of `name`. Raises ValueError where the markers are missing."""
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    pattern = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
    if not pattern.search(text):
        raise ValueError(f"README.md lacks the markers {begin} and {end}.")
    return pattern.sub(lambda _: "\n".join(filter(None, (begin, content, end))), text)


def pictures(names: list[str]) -> str:
    """README.md's pictures, in Markdown: the first large, the others small in rows below it."""
    shown = [f"![{SCREENSHOTS[name]}](assets/{name})" for name in names]
    if len(shown) < 2:
        return "".join(shown)
    rows = [shown[start : start + A_ROW] for start in range(1, len(shown), A_ROW)]
    table = [_line([""] * A_ROW), _line(["---"] * A_ROW), *(_line(row + [""] * (A_ROW - len(row))) for row in rows)]
    return "\n".join([shown[0], "", *table])


def figures(scores: pd.DataFrame | None) -> str:
    """The table of README.md, in Markdown.

    Args:
        scores: columns id, split, source, covid (0 or 1), network, score in [0, 1]; None where there are none yet.
    """
    if scores is None or scores.empty:
        return NOT_YET
    columns = (
        "",
        "accuracy on `test`",
        f"its COVID films above {settings.THRESHOLD}",
        "its adults without COVID called positive",
        "Actualmed, AUC",
    )
    rows = [_line(columns), _line("---" for _ in columns)]
    networks = [name for name in registry.names()[::-1] if (scores["network"] == name).any()]
    for name in networks:
        own = scores[scores["network"] == name]
        rows.append(_row(f"`{name}`", own, own["score"]))
    one = scores[scores["network"] == networks[0]]
    rows.append(_row(ALWAYS_NO, one, one["score"] * 0))
    rows.append(_line(("the paper says", f"{100 * settings.PAPER_ACCURACY:.0f} %", "–", "–", "–")))
    return "\n".join(rows)


SPLITS = {  # what README.md says of each, beside the numbers
    "train": "the paper's counts: COVID-19 Image Data Collection and Kermany's children",
    "test": "the same sources, other patients",
    "extra": "adults, for a recipe that goes beyond the paper: NIH ChestX-ray8, the COVID-19 Radiography Database and "
    "the SIIM-FISABIO-RSNA challenge",
    "extra-test": "the same three sources, other films",
    "external": "Figure 1 and Actualmed: hospitals that are in no other split",
    "graded": "films of the challenge that its radiologists doubted; in no accuracy",
}


def counts(films: pd.DataFrame) -> str:
    """The table of README.md's films, in Markdown, and how many there are.

    Args:
        films: the list of films: columns split, source, covid (0, 1 or NaN).
    """
    total = (
        f"{len(films):,} films of {films['source'].nunique()} public sources. Lung masks: {films['lung_mask'].sum():,}."
    )
    rows = [_line(("split", "COVID-19", "other", "no label", "what")), _line(["---"] * 5)]
    for split, what in SPLITS.items():
        covid = films.loc[films["split"] == split, "covid"]
        numbers = ((covid == 1).sum(), (covid == 0).sum(), covid.isna().sum())
        rows.append(_line((f"`{split}`", *(f"{number:,}" if number else "" for number in numbers), what)))
    return "\n".join([total, "", *rows])


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _row(title: str, films: pd.DataFrame, score: pd.Series) -> str:
    """One row of the table: what `score`, one value a film of `films`, comes to."""
    from covid_model import evaluation

    test = films["split"] == "test"
    actualmed = films["source"] == "actualmed"
    matrix = evaluation.confusion(score[test], films["covid"][test], settings.THRESHOLD)
    adults = evaluation.adults_without_covid(
        score[test], films["covid"][test], films["source"][test], settings.THRESHOLD
    )
    cells = (
        title,
        f"{100 * (matrix.tp + matrix.tn) / matrix.total:.1f} %",
        f"{matrix.tp} of {matrix.covid}",
        f"{adults.count} of {adults.total}",
        f"{evaluation.roc(score[actualmed], films['covid'][actualmed]).area:.2f}",
    )
    return _line(cells)
