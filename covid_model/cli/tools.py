"""Commands for developers and operators: benchmark, health, card, readme."""

from __future__ import annotations

import argparse
import re
import textwrap
from collections.abc import Iterable
from typing import TYPE_CHECKING

from covid_model import config
from covid_model.cli.common import DONE, FAILED, add_data, add_network, add_vgg19, quiet, say_error, share, vgg19_for
from covid_model.model import registry

if TYPE_CHECKING:
    import pandas as pd

PARTS = ("forward", "precision", "server", "pages", "curves")
WIDTH = 110  # characters of a line of the table


def add_benchmark_arguments(parser: argparse.ArgumentParser) -> None:
    add_network(parser)
    add_vgg19(parser)
    add_data(parser)
    parser.add_argument(
        "--only",
        choices=PARTS,
        action="append",
        metavar="PART",
        help=f"one of {', '.join(PARTS)}; may be given again (default: all)",
    )
    parser.add_argument("--rounds", type=int, metavar="N", help="of each timing (default: 15)")
    parser.add_argument("--films", type=int, metavar="N", help="test films that bfloat16 is judged by (default: all)")
    parser.add_argument("--show", action="store_true", help="measure nothing; print the table that was kept")


def run_benchmark(given: argparse.Namespace) -> int:
    from covid_model import records
    from covid_model.data import dataset
    from covid_model.tools import benchmark

    if given.show:
        kept = records.load_benchmark()
    else:
        subject = benchmark.Subject(given.network, vgg19_for(given.network, given.vgg19))
        with quiet():
            subject.predictor  # noqa: B018 (TensorFlow's greeting comes now)
        folder = given.data or dataset.folder_from_environment()
        more = {"rounds": given.rounds} if given.rounds else {}
        data = dataset.load(folder) if folder else None
        kept = benchmark.run(subject, data, given.only or (), most=given.films, **more)
    print(table(kept["parts"] if kept else {}))
    return DONE


def table(parts: dict[str, dict]) -> str:
    """The rows of all parts, in plain text."""
    lines = []
    for name in PARTS:
        if name not in parts:
            continue
        part = parts[name]
        machine = part["machine"]
        lines.append(
            f"{name} · {part['date']} · {machine['processor']}, {machine['cores']} cores, {machine['memory_gib']} GiB"
            f" · load {part['load'][0]:g} to {part['load'][1]:g} · {part['rounds']} rounds"
        )
        for row in part["rows"]:
            value = "–" if row["value"] is None else f"{row['value']:g} {row['unit']}".strip()
            sign = {True: "reached", False: "NOT REACHED", None: ""}[row["reached"]]
            lines.append(f"  {row['what']}: {value}" + (f" (goal: {row['goal']}; {sign})" if row["goal"] else ""))
            for text in filter(None, (row["detail"], row["note"])):
                lines.extend(textwrap.wrap(text, WIDTH, initial_indent="      ", subsequent_indent="      "))
    return "\n".join(lines) or f"Nothing was measured yet: {config.BENCHMARK_JSON.name} is not there."


# --- Open a session with a running demo, read a film there and compare its score: exit code 0 where all is well

PATIENCE, LONGEST = 120.0, 3600.0  # seconds: to wait for an answer, and that may be asked for at most


def add_health_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("url", metavar="URL", help="of the demo, such as http://localhost:8501")
    add_network(parser)
    parser.add_argument(
        "--expect",
        type=share,
        metavar="SCORE",
        help="the score to compare with (default: what this copy's network gives, reckoned the first time and kept)",
    )
    parser.add_argument(
        "--patience",
        type=seconds,
        default=PATIENCE,
        metavar="SECONDS",
        help="how long to wait for an answer; the first film waits for the network to load (default: %(default)s)",
    )


def run_health(given: argparse.Namespace) -> int:
    from covid_model.tools import healthcheck

    with quiet():
        found = healthcheck.examine(given.url, given.network, given.expect, given.patience)
    if found.well:
        print(found.sentence)
        return DONE
    say_error(found.sentence)
    return FAILED


def seconds(text: str) -> float:
    """An option above 0, at most an hour."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value <= LONGEST:
        raise argparse.ArgumentTypeError(f"wants seconds, above 0 and at most {LONGEST:.0f}. Received: {text!r}")
    return value


# --- Print a network's model card as Markdown, made of the committed results ---


def add_card_arguments(parser: argparse.ArgumentParser) -> None:
    add_network(parser)


def run_card(given: argparse.Namespace) -> int:
    from covid_model.reports import model_card

    print(model_card.markdown(model_card.read(given.network)), end="")
    return DONE


# --- Write README.md's figures again from the scores in assets/results, and its pictures where there are any

README = config.ROOT / "README.md"
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


def add_readme_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 where README.md does not agree")


def run_readme(given: argparse.Namespace) -> int:
    from covid_model.data import dataset

    films = dataset.committed()
    scores = None
    if config.SCORES_CSV.is_file():
        scores = dataset.labelled(dataset.read_scores(config.SCORES_CSV, films))
    now = README.read_text(encoding="utf-8")
    wanted = filled(now, "figures", figures(scores))
    wanted = filled(wanted, "films", counts(films))
    wanted = filled(wanted, "screenshot", pictures([one for one in SCREENSHOTS if (config.ASSETS / one).is_file()]))
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
        f"its COVID films above {config.THRESHOLD}",
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
    rows.append(_line(("the paper says", f"{100 * config.PAPER_ACCURACY:.0f} %", "–", "–", "–")))
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
    matrix = evaluation.confusion(score[test], films["covid"][test], config.THRESHOLD)
    adults = evaluation.adults_without_covid(score[test], films["covid"][test], films["source"][test], config.THRESHOLD)
    cells = (
        title,
        f"{100 * (matrix.tp + matrix.tn) / matrix.total:.1f} %",
        f"{matrix.tp} of {matrix.covid}",
        f"{adults.count} of {adults.total}",
        f"{evaluation.roc(score[actualmed], films['covid'][actualmed]).area:.2f}",
    )
    return _line(cells)
