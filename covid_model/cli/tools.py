"""Commands for developers and operators: benchmark, health, card, readme."""

from __future__ import annotations

import argparse
import re
import textwrap
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from covid_model import config
from covid_model.cli.common import (
    DONE,
    FAILED,
    add_data,
    add_network,
    add_vgg19,
    fraction,
    quiet,
    say_error,
    seconds,
    vgg19_for,
)
from covid_model.model import registry

if TYPE_CHECKING:
    import pandas as pd

PARTS = ("forward", "precision", "gpu", "waiting", "server", "pages", "curves")
STEPS = ("run", "equal", "speed")
WIDTH = 110  # characters per line of the table


def add_benchmark_arguments(parser: argparse.ArgumentParser) -> None:
    add_network(parser)
    add_vgg19(parser)
    add_data(parser)
    parser.add_argument(
        "--only",
        choices=PARTS,
        action="append",
        metavar="PART",
        help=f"run this part only; repeatable: {', '.join(PARTS)} (default: all)",
    )
    parser.add_argument("--rounds", type=int, metavar="N", help="rounds of each timing (default: 15)")
    parser.add_argument("--films", type=int, metavar="N", help="test X-rays for the bfloat16 comparison (default: all)")
    parser.add_argument(
        "--archive",
        choices=("all", *STEPS),
        metavar="STEP",
        help="measure the command score instead, on 10,000 files (needs Ray): run (hours; resumes where it "
        "left off), equal, speed (on an otherwise idle machine), or all",
    )
    parser.add_argument("--show", action="store_true", help="print the stored results without measuring")


def run_benchmark(given: argparse.Namespace) -> int:
    from covid_model import records
    from covid_model.data import dataset
    from covid_model.tools import benchmark

    folder = given.data or dataset.folder_from_environment()
    data = dataset.load(folder) if folder and not given.show else None
    if given.show:
        results = records.load_benchmark(config.ARCHIVE_JSON if given.archive else None)
    elif given.archive:
        results = benchmark.run_archive(given.network, data, () if given.archive == "all" else (given.archive,))
    else:
        subject = benchmark.Subject(given.network, vgg19_for(given.network, given.vgg19))
        with quiet():
            subject.predictor  # noqa: B018 (load now, while TensorFlow is muted)
        options = {"rounds": given.rounds} if given.rounds else {}
        results = benchmark.run(subject, data, given.only or (), most=given.films, **options)
    print(table(results["parts"] if results else {}, STEPS if given.archive else PARTS))
    return DONE


def table(parts: dict[str, dict], names: Sequence[str] = PARTS) -> str:
    """Format the rows of the parts `names` as plain text."""
    lines = []
    for name in names:
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
    return "\n".join(lines) or f"No results yet in {config.RESULTS}."


# --- health ---

PATIENCE = 120.0  # seconds to wait for an answer, by default


def add_health_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("url", metavar="URL", help="address of the demo, such as http://localhost:8501")
    add_network(parser)
    parser.add_argument(
        "--expect",
        type=fraction,
        metavar="SCORE",
        help="expected score (default: that of the local network, computed once and cached)",
    )
    parser.add_argument(
        "--patience",
        type=seconds,
        default=PATIENCE,
        metavar="SECONDS",
        help="longest wait for an answer; the first prediction includes loading the network (default: %(default)s)",
    )


def run_health(given: argparse.Namespace) -> int:
    from covid_model.tools import healthcheck

    with quiet():
        health = healthcheck.examine(given.url, given.network, given.expect, given.patience)
    if not health.healthy:
        say_error(health.message)
        return FAILED
    print(health.message)
    return DONE


# --- card ---


def add_card_arguments(parser: argparse.ArgumentParser) -> None:
    add_network(parser)


def run_card(given: argparse.Namespace) -> int:
    from covid_model.reports import model_card

    print(model_card.markdown(model_card.read(given.network)), end="")
    return DONE


# --- readme ---

README = config.ROOT / "README.md"
DEPLOYMENT = config.ASSETS / "DEPLOYMENT.md"
SCREENSHOT = "screenshot.png"  # in assets/, by `make screenshots`
SHOWN = "Results: score distribution by true class, and the confusion matrix"  # its alternative text
NOT_YET = "The networks have not been scored yet."
ALWAYS_NO = "majority-class baseline (always negative)"


def add_readme_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--check", action="store_true", help="change nothing; exit with 1 if a file is out of date")


def run_readme(given: argparse.Namespace) -> int:
    from covid_model import records
    from covid_model.data import dataset
    from covid_model.reports import measurements

    films = dataset.committed()
    scores = None
    if config.SCORES_CSV.is_file():
        scores = dataset.labeled(dataset.read_scores(config.SCORES_CSV, films))
    updated = filled(README.read_text(encoding="utf-8"), "figures", figures(scores))
    updated = filled(updated, "films", counts(films))
    shown = f"![{SHOWN}](assets/{SCREENSHOT})" if (config.ASSETS / SCREENSHOT).is_file() else ""
    memory = measurements.memory(records.load_load_test() or {})
    pages = {
        README: filled(updated, "screenshot", shown),
        DEPLOYMENT: filled(DEPLOYMENT.read_text(encoding="utf-8"), "memory", memory),
        measurements.PAGE: measurements.page(),
    }
    for path, text in pages.items():
        if not given.check:
            path.write_text(text, encoding="utf-8")
        elif not path.is_file() or path.read_text(encoding="utf-8") != text:
            say_error(f"{path.name} does not match assets/. To update it, run: python -m covid_model readme")
            return FAILED
    return DONE


def filled(text: str, name: str, content: str) -> str:
    """Return `text` with `content` between the two markers of `name`. Raises ValueError if a marker is missing."""
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    pattern = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
    if not pattern.search(text):
        raise ValueError(f"The page lacks the markers {begin} and {end}.")
    return pattern.sub(lambda _: "\n".join(filter(None, (begin, content, end))), text)


def figures(scores: pd.DataFrame | None) -> str:
    """Format README.md's table of results in Markdown.

    Args:
        scores: columns id, split, source, covid (0 or 1), network, score in [0, 1]; None if there are none yet.
    """
    if scores is None or scores.empty:
        return NOT_YET
    columns = (
        "",
        "accuracy on `test`",
        f"sensitivity at {config.THRESHOLD}",
        "false positives among adults",
        "AUC on Actualmed",
    )
    rows = [_line(columns), _line("---" for _ in columns)]
    networks = [name for name in registry.names()[::-1] if (scores["network"] == name).any()]
    for name in networks:
        own = scores[scores["network"] == name]
        rows.append(_row(f"`{name}`", own, own["score"]))
    first = scores[scores["network"] == networks[0]]
    rows.append(_row(ALWAYS_NO, first, first["score"] * 0))
    rows.append(_line(("the paper reports", f"{100 * config.PAPER_ACCURACY:.0f} %", "–", "–", "–")))
    return "\n".join(rows)


SPLITS = {  # their descriptions in README.md
    "train": "same counts as the paper: COVID-19 Image Data Collection and Kermany's children",
    "test": "the same sources, other patients",
    "extra": "additional training data, adults: NIH ChestX-ray8, COVID-19 Radiography Database, SIIM-FISABIO-RSNA "
    "challenge",
    "extra-test": "adults-only set: the same three sources, other X-rays",
    "external": "external validation: Figure 1 and Actualmed, hospitals in no other split",
    "graded": "X-rays of the challenge that its radiologists graded as uncertain; not part of any accuracy",
}


def counts(films: pd.DataFrame) -> str:
    """Format README.md's table of splits in Markdown, after a line with the totals.

    Args:
        films: columns split, source, lung_mask, covid (0, 1 or NaN).
    """
    sources, masks = films["source"].nunique(), films["lung_mask"].sum()
    total = f"{len(films):,} X-rays from {sources} public sources. Lung masks: {masks:,}."
    rows = [_line(("split", "COVID-19", "non-COVID", "unlabeled", "contents")), _line(["---"] * 5)]
    for split, description in SPLITS.items():
        covid = films.loc[films["split"] == split, "covid"]
        numbers = ((covid == 1).sum(), (covid == 0).sum(), covid.isna().sum())
        rows.append(_line((f"`{split}`", *(f"{number:,}" if number else "" for number in numbers), description)))
    return "\n".join([total, "", *rows])


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _row(title: str, films: pd.DataFrame, score: pd.Series) -> str:
    """Format one row of the table of results from `score`, one value per film of `films`."""
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
