"""Make the experiments behind the score and leave what they found in assets/results/audit."""

from __future__ import annotations

import argparse
from pathlib import Path

from covid_model import settings
from covid_model.cli.common import DONE, add_data, add_network, add_vgg19, data_folder, vgg19_for


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_network(parser, default=None)
    add_data(parser)
    add_vgg19(parser)
    parser.add_argument(
        "--only",
        choices=settings.AUDIT_EXPERIMENTS,
        action="append",
        metavar="EXPERIMENT",
        help=f"one of {', '.join(settings.AUDIT_EXPERIMENTS)}; may be given again (default: all)",
    )
    parser.add_argument(
        "--work",
        type=Path,
        default=settings.WORK,
        metavar="DIR",
        help="where features are kept between runs (default: %(default)s)",
    )


def run(given: argparse.Namespace) -> int:
    from covid_model import audit, dataset, network

    data = dataset.load(data_folder(given.data))
    for name in [given.network] if given.network else network.available():
        case = audit.Case(name, data, vgg19_for(name, given.vgg19), given.work)
        for path in audit.run(case, given.only or ()):
            print(path)
    return DONE
