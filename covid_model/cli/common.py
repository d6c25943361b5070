"""What the commands share: exit codes, one-line errors, options, and TensorFlow kept quiet."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from covid_model import config
from covid_model.model import registry

PROGRAM = "python -m covid_model"
DONE, FAILED, STOPPED = 0, 1, 130


class UsageError(ValueError):
    """The command was called wrongly, in a way that argparse cannot see by itself."""


def known_errors() -> tuple[type[BaseException], ...]:
    """Errors whose message is a sentence for the person at the screen. Any other is a bug and keeps its traceback."""
    from covid_model.data.dataset import DataError
    from covid_model.data.download import DownloadError
    from covid_model.data.samples import SampleError
    from covid_model.experiments.context import ExperimentError
    from covid_model.imaging import FilmError
    from covid_model.model.network_spec import NetworkError
    from covid_model.reports.model_card import CardError

    return (OSError, ExperimentError, CardError, DataError, DownloadError, FilmError, NetworkError, SampleError)


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
        help=f"VGG-19's ImageNet weights without the top (default: {config.VGG19_VARIABLE}, else Keras' download)",
    )


def add_data(parser: argparse.ArgumentParser) -> None:
    """--data DIR"""
    parser.add_argument(
        "--data",
        type=present_folder,
        metavar="DIR",
        help=f"folder with manifest.csv and images/ (default: {config.DATA_VARIABLE})",
    )


def vgg19_for(network: str, given: Path | None) -> str | None:
    """Where `network` takes VGG-19's ImageNet weights from; None for a network that holds all its own weights.

    Raises NetworkError for a network that is not there, DataError where the environment names a file that is not.
    """
    from covid_model.data import dataset
    from covid_model.model.network_spec import IMAGENET, spec

    return dataset.weights_file(given) if spec(network).base == IMAGENET else None


def data_folder(given: Path | None) -> Path:
    """The folder of --data, else that of the environment; UsageError where neither names one."""
    from covid_model.data.dataset import folder_from_environment

    folder = given or folder_from_environment()
    if folder is None:
        raise UsageError(f"no data folder: give --data DIR or set {config.DATA_VARIABLE}")
    return folder


# --- Keeps TensorFlow's start-up chatter out of our output ---


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """While this lasts, compiled code writes its messages nowhere, and Python's own output goes to standard error.

    TensorFlow greets on file descriptor 2 before its log level counts, and Keras shows downloads on standard output,
    where results belong. Does nothing where standard error is no file descriptor, as in tests.
    """
    try:
        number = sys.stderr.fileno()
    except (AttributeError, OSError, ValueError):  # none, or a stand-in (io.UnsupportedOperation is both of the latter)
        yield
        return
    sys.stderr.flush()
    kept = os.dup(number)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, number)
    os.close(nowhere)
    try:
        with (
            open(kept, "w", buffering=1, errors="backslashreplace", closefd=False) as own,
            contextlib.redirect_stderr(own),
            contextlib.redirect_stdout(own),
        ):
            yield
    finally:
        os.dup2(kept, number)
        os.close(kept)
