"""What the commands share: exit codes, one-line errors, options that several of them take."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from covid_model import registry, settings

PROGRAM = "python -m covid_model"
DONE, FAILED, STOPPED = 0, 1, 130


class UsageError(ValueError):
    """The command was called wrongly, in a way that argparse cannot see by itself."""


def known_errors() -> tuple[type[BaseException], ...]:
    """Errors whose message is a sentence for the person at the screen. Any other is a bug and keeps its traceback."""
    from covid_model.audit.case import AuditError
    from covid_model.dataset import DataError
    from covid_model.fetch import FetchError
    from covid_model.films import FilmError
    from covid_model.model_card import CardError
    from covid_model.network import NetworkError
    from covid_model.samples import SampleError

    return (OSError, AuditError, CardError, DataError, FetchError, FilmError, NetworkError, SampleError)


def say_error(message: str) -> None:
    """One line on standard error, whatever the message holds."""
    print(f"covid_model: {' '.join(message.split())}", file=sys.stderr, flush=True)


def share(text: str) -> float:
    """An option between 0 and 1."""
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"wants a number from 0 to 1. Received: {text!r}")
    return value


def present_file(text: str) -> Path:
    """An option that names a file which is there."""
    if not Path(text).is_file():
        raise argparse.ArgumentTypeError(f"there is no file {text!r}")
    return Path(text)


def present_folder(text: str) -> Path:
    """An option that names a folder which is there."""
    if not Path(text).is_dir():
        raise argparse.ArgumentTypeError(f"there is no folder {text!r}")
    return Path(text)


def add_network(parser: argparse.ArgumentParser, every: bool = False) -> None:
    """--network NAME; without it, the default one, or with `every` all that there are."""
    names, default = registry.names(), None if every else registry.default()
    parser.add_argument(
        "--network",
        choices=names,
        default=default,
        metavar="NAME",
        help=f"{' or '.join(names)} (default: {default or 'all of them'})",
    )


def add_vgg19(parser: argparse.ArgumentParser) -> None:
    """--vgg19 FILE"""
    parser.add_argument(
        "--vgg19",
        type=present_file,
        metavar="FILE",
        help=f"VGG-19's ImageNet weights without the top (default: {settings.VGG19_VARIABLE}, else Keras' download)",
    )


def add_data(parser: argparse.ArgumentParser) -> None:
    """--data DIR"""
    parser.add_argument(
        "--data",
        type=present_folder,
        metavar="DIR",
        help=f"folder with manifest.csv and images/ (default: {settings.DATA_VARIABLE})",
    )


def vgg19_for(network: str, given: Path | None) -> str | None:
    """Where `network` takes VGG-19's ImageNet weights from; None for a network that holds all its own weights.

    Raises NetworkError for a network that is not there, DataError where the environment names a file that is not.
    """
    from covid_model import dataset
    from covid_model.network import IMAGENET, spec

    return dataset.weights_file(given) if spec(network).base == IMAGENET else None


def data_folder(given: Path | None) -> Path:
    """The folder of --data, else that of the environment; UsageError where neither names one."""
    from covid_model.dataset import folder_from_environment

    folder = given or folder_from_environment()
    if folder is None:
        raise UsageError(f"no data folder: give --data DIR or set {settings.DATA_VARIABLE}")
    return folder
