"""Train three short runs, frozen, fine-tuned and from random weights, and leave their curves in assets/results."""

from __future__ import annotations

import argparse
from pathlib import Path

from covid_model.cli.common import DONE, add_data, add_vgg19, data_folder


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_data(parser)
    add_vgg19(parser)
    parser.add_argument(
        "--to", type=Path, metavar="FILE", help="where to write them (default: assets/results/learning_curves.json)"
    )


def run(given: argparse.Namespace) -> int:
    from covid_model import dataset
    from covid_model.training import comparison

    print(comparison.run(dataset.load(data_folder(given.data)), dataset.weights_file(given.vgg19), given.to))
    return DONE
