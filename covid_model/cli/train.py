"""Commands that train and evaluate: train, evaluate, readings, similarity, lab-features, learning-curves, audit."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from covid_model import config
from covid_model.cli.common import (
    DONE,
    UsageError,
    add_data,
    add_network,
    add_vgg19,
    add_work,
    data_folder,
    quiet,
    vgg19_for,
)
from covid_model.training import FINE_TUNED, RECIPES

TENSORFLOW = "tensorflow"  # as KERAS_BACKEND names it


def add_train_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--recipe",
        choices=RECIPES,
        required=True,
        help="training recipe; with KERAS_BACKEND=torch or jax, fine-tuned trains on PyTorch or JAX",
    )
    add_data(parser)
    add_vgg19(parser)
    parser.add_argument(
        "--trials",
        action="store_true",
        help="with --recipe fine-tuned: compare choices of the recipe in short trials, each evaluated on a source that "
        "it was not trained on; writes no network",
    )
    parser.add_argument(
        "--within",
        choices=tuple(config.SOURCE_TITLES),
        metavar="SOURCE",
        help="with --recipe fine-tuned: measure how well this source's classes can be separated, by patient, on the "
        "features in assets/lab; needs no X-rays and writes no network",
    )
    add_work(parser, "features and checkpoints")


def run_train(given: argparse.Namespace) -> int:
    from covid_model import training
    from covid_model.data import dataset
    from covid_model.experiments import features as experiments_features

    if (given.trials or given.within) and given.recipe != FINE_TUNED:
        raise UsageError("--trials and --within require --recipe fine-tuned")
    backend = os.environ.get("KERAS_BACKEND", "").strip() or TENSORFLOW
    if backend != TENSORFLOW and (given.trials or given.within or given.recipe != FINE_TUNED):
        raise UsageError(f"Only --recipe fine-tuned trains on {backend}. Unset KERAS_BACKEND to use TensorFlow")
    if given.within:
        experiments_features.within(given.within)
        return DONE
    data, vgg19 = dataset.load(data_folder(given.data)), dataset.weights_file(given.vgg19)
    if given.trials:
        print(training.run_trials(data, vgg19, given.work))
    else:
        training.run(given.recipe, data, vgg19, given.work)
    return DONE


# --- evaluate ---


def add_evaluate_arguments(parser: argparse.ArgumentParser) -> None:
    add_network(parser, every=True)
    add_data(parser)
    add_vgg19(parser)


def run_evaluate(given: argparse.Namespace) -> int:
    from covid_model.data import dataset
    from covid_model.model import registry
    from covid_model.training import score_dataset

    data = dataset.load(data_folder(given.data))
    for name in [given.network] if given.network else registry.names():
        score_dataset.run(name, data, vgg19_for(name, given.vgg19))
    return DONE


# --- readings ---


def add_readings_arguments(parser: argparse.ArgumentParser) -> None:
    add_data(parser)
    add_vgg19(parser)


def run_readings(given: argparse.Namespace) -> int:
    from covid_model.data import dataset
    from covid_model.training import score_dataset

    folder = given.data or dataset.folder_from_environment()
    with quiet():
        report = score_dataset.store_readings(
            dataset.load(folder) if folder else None, lambda name: vgg19_for(name, given.vgg19)
        )
    print(
        f"{config.READINGS_NPZ}: {report.films} X-rays, {report.networks} networks, {report.size / 1024:.0f} KB"
        + (f". Missing: {', '.join(report.missing)}" if report.missing else "")
    )
    return DONE


# --- similarity ---


def add_similarity_arguments(parser: argparse.ArgumentParser) -> None:
    add_data(parser)
    add_vgg19(parser)
    add_work(parser)


def run_similarity(given: argparse.Namespace) -> int:
    from covid_model.data import dataset
    from covid_model.experiments import features as experiments_features

    data = dataset.load(data_folder(given.data))
    print(experiments_features.index(data, lambda name: vgg19_for(name, given.vgg19), given.work))
    return DONE


# --- lab-features ---


def add_lab_features_arguments(parser: argparse.ArgumentParser) -> None:
    add_data(parser)
    add_vgg19(parser)
    add_work(parser)
    parser.add_argument(
        "--to", type=Path, default=config.LAB, metavar="DIR", help="output folder (default: %(default)s)"
    )


def run_lab_features(given: argparse.Namespace) -> int:
    from covid_model.data import dataset
    from covid_model.training.playground import features

    features.make(dataset.load(data_folder(given.data)), dataset.weights_file(given.vgg19), given.work, given.to)
    return DONE


# --- learning-curves ---


def add_learning_curves_arguments(parser: argparse.ArgumentParser) -> None:
    add_data(parser)
    add_vgg19(parser)
    parser.add_argument(
        "--to", type=Path, metavar="FILE", help="output file (default: assets/results/learning_curves.json)"
    )


def run_learning_curves(given: argparse.Namespace) -> int:
    from covid_model.data import dataset
    from covid_model.training import init_ablation

    print(init_ablation.run(dataset.load(data_folder(given.data)), dataset.weights_file(given.vgg19), given.to))
    return DONE


# --- audit ---

SEGMENTATION = "segmentation"  # an experiment on the lung masks, without a network
EXPERIMENTS = (*config.AUDIT_EXPERIMENTS, SEGMENTATION)
SUBJECTS = {  # of the experiments whose names, those of their records, do not say it
    "elsewhere": "external validation",
    "lungs": "lungs erased",
    "rivals": "baselines",
    "attention": "faithfulness of Grad-CAM",
    "novelty": "out-of-distribution detection",
    "probe": "source and class from features",
    "explanations": "methods on films with a known lesion or marker",
}


def add_audit_arguments(parser: argparse.ArgumentParser) -> None:
    add_network(parser, every=True)
    add_data(parser)
    add_vgg19(parser)
    named = ", ".join(f"{name} ({SUBJECTS[name]})" if name in SUBJECTS else name for name in EXPERIMENTS)
    parser.add_argument(
        "--only",
        choices=EXPERIMENTS,
        action="append",
        metavar="EXPERIMENT",
        help=f"run this experiment only; repeatable: {named} (default: all)",
    )
    add_work(parser)


def run_audit(given: argparse.Namespace) -> int:
    from covid_model import experiments
    from covid_model.data import dataset
    from covid_model.experiments import lung_erasure
    from covid_model.model import registry

    data = dataset.load(data_folder(given.data))
    chosen = given.only or EXPERIMENTS
    per_network = [name for name in chosen if name != SEGMENTATION]
    if per_network:
        for name in [given.network] if given.network else registry.names():
            context = experiments.ExperimentContext(name, data, vgg19_for(name, given.vgg19), given.work)
            for path in experiments.run(context, per_network):
                print(path)
    if SEGMENTATION in chosen:
        print(lung_erasure.write_mask_accuracy(data))
    return DONE
