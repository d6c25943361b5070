"""Make the features that the page Train a head trains on and leave them in assets/lab."""

from __future__ import annotations

import argparse
from pathlib import Path

from covid_model import settings
from covid_model.cli.common import DONE, add_data, add_vgg19, data_folder


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_data(parser)
    add_vgg19(parser)
    parser.add_argument(
        "--work",
        type=Path,
        default=settings.WORK,
        metavar="DIR",
        help="where features are kept between runs (default: %(default)s)",
    )
    parser.add_argument(
        "--to", type=Path, default=settings.LAB, metavar="DIR", help="where to write them (default: %(default)s)"
    )


def run(given: argparse.Namespace) -> int:
    from covid_model import dataset
    from covid_model.lab import make

    make.make(dataset.load(data_folder(given.data)), dataset.weights_file(given.vgg19), given.work, given.to)
    return DONE
