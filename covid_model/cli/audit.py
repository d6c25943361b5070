"""Make the experiments behind the score and leave what they found in assets/results/audit."""

from __future__ import annotations

import argparse
from pathlib import Path

from covid_model import settings
from covid_model.cli.common import DONE, add_data, add_network, add_vgg19, data_folder, vgg19_for

CHOICES = (*settings.AUDIT_EXPERIMENTS, settings.SEGMENTATION)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_network(parser, every=True)
    add_data(parser)
    add_vgg19(parser)
    parser.add_argument(
        "--only",
        choices=CHOICES,
        action="append",
        metavar="EXPERIMENT",
        help=f"one of {', '.join(CHOICES)}; may be given again (default: all)",
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
    from covid_model.audit import segmentation

    data = dataset.load(data_folder(given.data))
    chosen = given.only or CHOICES
    experiments = [one for one in chosen if one != settings.SEGMENTATION]
    if experiments:
        for name in [given.network] if given.network else network.available():
            case = audit.Case(name, data, vgg19_for(name, given.vgg19), given.work)
            for path in audit.run(case, experiments):
                print(path)
    if settings.SEGMENTATION in chosen:
        print(segmentation.write(data))
    return DONE
