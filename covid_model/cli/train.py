"""Train a network again and leave it, its history and its scores in assets/."""

from __future__ import annotations

import argparse
from pathlib import Path

from covid_model import settings
from covid_model.cli.common import DONE, UsageError, add_data, add_vgg19, data_folder

PAPER, FINE_TUNED = RECIPES = ("paper", "fine-tuned")  # as training.RECIPES has them


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--recipe", choices=RECIPES, required=True, help="which network to train")
    add_data(parser)
    add_vgg19(parser)
    parser.add_argument(
        "--leave-out",
        choices=tuple(settings.SOURCE_TITLES),
        metavar="SOURCE",
        help="of the fine-tuned recipe: a short trial without this source, looking at its films; trains no network",
    )
    parser.add_argument(
        "--within",
        choices=tuple(settings.SOURCE_TITLES),
        metavar="SOURCE",
        help="of the fine-tuned recipe: how well this source's classes can be told apart, by patient, on the features "
        "in assets/lab; needs no film and trains no network",
    )
    parser.add_argument(
        "--learning-rate", type=float, metavar="RATE", help="of such a trial (default: the recipe's own)"
    )
    parser.add_argument(
        "--work",
        type=Path,
        default=settings.WORK,
        metavar="DIR",
        help="where features and checkpoints are kept between runs (default: %(default)s)",
    )


def run(given: argparse.Namespace) -> int:
    from covid_model import dataset, training

    if (given.leave_out or given.within) and given.recipe != FINE_TUNED:
        raise UsageError("--leave-out and --within go with --recipe fine-tuned")
    if given.within:
        training.within(given.within)
        return DONE
    data, vgg19 = dataset.load(data_folder(given.data)), dataset.weights_file(given.vgg19)
    if given.leave_out:
        changes = {"learning_rate": given.learning_rate} if given.learning_rate else {}
        training.leave_out(data, given.leave_out, vgg19, given.work, **changes)
    else:
        training.run(given.recipe, data, vgg19, given.work)
    return DONE
