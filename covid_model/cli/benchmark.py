"""Measure what reading a film costs, against other ways and libraries, and keep it in assets/results/benchmark.json."""

from __future__ import annotations

import argparse
import textwrap

from covid_model import settings
from covid_model.cli.common import DONE, add_data, add_network, add_vgg19, vgg19_for
from covid_model.cli.quiet import quiet

PARTS = ("forward", "precision", "server", "pages", "curves")
WIDTH = 110  # characters of a line of the table


def add_arguments(parser: argparse.ArgumentParser) -> None:
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


def run(given: argparse.Namespace) -> int:
    from covid_model import benchmark, dataset

    if given.show:
        kept = benchmark.load()
    else:
        subject = benchmark.Subject(given.network, vgg19_for(given.network, given.vgg19))
        with quiet():
            subject.reader  # noqa: B018 (TensorFlow's greeting comes now)
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
    return "\n".join(lines) or f"Nothing was measured yet: {settings.BENCHMARK_JSON.name} is not there."
