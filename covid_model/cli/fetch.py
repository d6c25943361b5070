"""Build a data folder from the public sources: the same films, in the same splits."""

from __future__ import annotations

import argparse
from pathlib import Path

from covid_model import settings
from covid_model.cli.common import DONE, FAILED


def add_arguments(parser: argparse.ArgumentParser) -> None:
    sources = ", ".join(settings.SOURCE_TITLES)
    parser.add_argument("--to", type=Path, required=True, metavar="DIR", help="the folder to build or to complete")
    parser.add_argument(
        "--source",
        action="append",
        choices=tuple(settings.SOURCE_TITLES),
        metavar="NAME",
        help=f"only this one, may be given again: {sources} (default: all)",
    )
    parser.add_argument(
        "--from-folder",
        action="append",
        type=source_folder,
        default=[],
        metavar="NAME=DIR",
        help="take a source's original files from a folder that holds them, may be given again",
    )


def source_folder(text: str) -> tuple[str, Path]:
    """NAME=DIR as (name, folder); both are looked at before anything is fetched."""
    name, equals, folder = text.partition("=")
    if not equals or name not in settings.SOURCE_TITLES:
        raise argparse.ArgumentTypeError(
            f"wants NAME=DIR with one of {', '.join(settings.SOURCE_TITLES)}. Received: {text!r}"
        )
    if not Path(folder).is_dir():
        raise argparse.ArgumentTypeError(f"there is no folder {folder!r}")
    return name, Path(folder)


def run(given: argparse.Namespace) -> int:
    from covid_model.fetch import fetch

    report = fetch(given.to, sources=given.source, folders=dict(given.from_folder))
    print(report.summary())
    return DONE if report.complete else FAILED
