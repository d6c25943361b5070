"""Commands that train and evaluate: train, evaluate, lab-features, learning-curves, audit."""

from __future__ import annotations

import argparse
from pathlib import Path

from covid_model import config
from covid_model.cli.common import DONE, UsageError, add_data, add_network, add_vgg19, data_folder, vgg19_for

PAPER, FINE_TUNED = RECIPES = ("paper", "fine-tuned")  # as training.RECIPES has them


def add_train_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--recipe", choices=RECIPES, required=True, help="which network to train")
    add_data(parser)
    add_vgg19(parser)
    parser.add_argument(
        "--leave-out",
        choices=tuple(config.SOURCE_TITLES),
        metavar="SOURCE",
        help="of the fine-tuned recipe: a short trial without this source, looking at its films; trains no network",
    )
    parser.add_argument(
        "--within",
        choices=tuple(config.SOURCE_TITLES),
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
        default=config.WORK,
        metavar="DIR",
        help="where features and checkpoints are kept between runs (default: %(default)s)",
    )


def run_train(given: argparse.Namespace) -> int:
    from covid_model import training
    from covid_model.data import dataset

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


# --- Score every film of a data folder again and leave the scores in assets/results ---


def add_evaluate_arguments(parser: argparse.ArgumentParser) -> None:
    add_network(parser, every=True)
    add_data(parser)
    add_vgg19(parser)


def run_evaluate(given: argparse.Namespace) -> int:
    from covid_model.data import dataset
    from covid_model.model import network_spec
    from covid_model.training import score_dataset

    data = dataset.load(data_folder(given.data))
    for name in [given.network] if given.network else network_spec.available():
        score_dataset.run(name, data, vgg19_for(name, given.vgg19))
    return DONE


# --- Make the features that the page Train a head trains on and leave them in assets/lab ---


def add_lab_features_arguments(parser: argparse.ArgumentParser) -> None:
    add_data(parser)
    add_vgg19(parser)
    parser.add_argument(
        "--work",
        type=Path,
        default=config.WORK,
        metavar="DIR",
        help="where features are kept between runs (default: %(default)s)",
    )
    parser.add_argument(
        "--to", type=Path, default=config.LAB, metavar="DIR", help="where to write them (default: %(default)s)"
    )


def run_lab_features(given: argparse.Namespace) -> int:
    from covid_model.data import dataset
    from covid_model.training.playground import features

    features.make(dataset.load(data_folder(given.data)), dataset.weights_file(given.vgg19), given.work, given.to)
    return DONE


# --- Train three short runs, frozen, fine-tuned and from random weights, and leave their curves in assets/results


def add_learning_curves_arguments(parser: argparse.ArgumentParser) -> None:
    add_data(parser)
    add_vgg19(parser)
    parser.add_argument(
        "--to", type=Path, metavar="FILE", help="where to write them (default: assets/results/learning_curves.json)"
    )


def run_learning_curves(given: argparse.Namespace) -> int:
    from covid_model.data import dataset
    from covid_model.training import init_ablation

    print(init_ablation.run(dataset.load(data_folder(given.data)), dataset.weights_file(given.vgg19), given.to))
    return DONE


# --- Make the experiments behind the score and leave what they found in assets/results/audit ---

SEGMENTATION = "segmentation"  # one more experiment, on the lung masks: no network takes part
CHOICES = (*config.AUDIT_EXPERIMENTS, SEGMENTATION)


def add_audit_arguments(parser: argparse.ArgumentParser) -> None:
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
        default=config.WORK,
        metavar="DIR",
        help="where features are kept between runs (default: %(default)s)",
    )


def run_audit(given: argparse.Namespace) -> int:
    from covid_model import experiments as experiments_module
    from covid_model.data import dataset
    from covid_model.experiments import segmentation
    from covid_model.model import network_spec

    data = dataset.load(data_folder(given.data))
    chosen = given.only or CHOICES
    experiments = [one for one in chosen if one != SEGMENTATION]
    if experiments:
        for name in [given.network] if given.network else network_spec.available():
            case = experiments_module.ExperimentContext(name, data, vgg19_for(name, given.vgg19), given.work)
            for path in experiments_module.run(case, experiments):
                print(path)
    if SEGMENTATION in chosen:
        print(segmentation.write(data))
    return DONE
