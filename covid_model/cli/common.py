"""Shared by the commands: exit codes, one-line errors, common options, and muting TensorFlow's messages."""

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
LONGEST = 3600.0  # seconds: the most that an option may ask for


class UsageError(ValueError):
    """Raised for bad usage that argparse cannot detect by itself."""


def known_errors() -> tuple[type[BaseException], ...]:
    """Return the errors whose message is written for the user. Any other is a bug and keeps its traceback."""
    from covid_model.cluster import ClusterError
    from covid_model.data.dataset import DataError
    from covid_model.data.download import DownloadError
    from covid_model.data.samples import SampleError
    from covid_model.experiments.context import ExperimentError
    from covid_model.imaging import FilmError
    from covid_model.model.export import ExportError
    from covid_model.model.registry import NetworkError
    from covid_model.reports.model_card import CardError

    return (
        OSError,
        ExperimentError,
        ExportError,
        CardError,
        ClusterError,
        DataError,
        DownloadError,
        FilmError,
        NetworkError,
        SampleError,
    )


def say_error(message: str) -> None:
    """Print a message as one line on standard error."""
    print(f"covid_model: {' '.join(message.split())}", file=sys.stderr, flush=True)


def fraction(text: str) -> float:
    """Parse an option between 0 and 1."""
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"expected a number from 0 to 1. Received: {text!r}")
    return value


def seconds(text: str) -> float:
    """Parse an option in seconds, above 0 and at most an hour."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value <= LONGEST:
        raise argparse.ArgumentTypeError(f"expected seconds, above 0 and at most {LONGEST:.0f}. Received: {text!r}")
    return value


def count(text: str) -> int:
    """Parse an option that is a number above 0."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number above 0. Received: {text!r}")
    return int(text)


def existing_file(text: str) -> Path:
    """Parse an option that names an existing file."""
    if not Path(text).is_file():
        raise argparse.ArgumentTypeError(f"no such file: {text!r}")
    return Path(text)


def existing_folder(text: str) -> Path:
    """Parse an option that names an existing folder."""
    if not Path(text).is_dir():
        raise argparse.ArgumentTypeError(f"no such folder: {text!r}")
    return Path(text)


def add_network(parser: argparse.ArgumentParser, every: bool = False) -> None:
    """Add --network NAME; its default is the default network or, with `every`, all networks."""
    names, default = registry.names(), None if every else registry.default()
    parser.add_argument(
        "--network",
        choices=names,
        default=default,
        metavar="NAME",
        help=f"{', '.join(names)} (default: {default or 'all'})",
    )


def add_threshold(parser: argparse.ArgumentParser) -> None:
    """Add --threshold NUMBER."""
    parser.add_argument(
        "--threshold",
        type=fraction,
        default=config.THRESHOLD,
        metavar="NUMBER",
        help="scores above it are positive, 0 to 1 (default: %(default)s)",
    )


def add_vgg19(parser: argparse.ArgumentParser) -> None:
    """Add --vgg19 FILE."""
    parser.add_argument(
        "--vgg19",
        type=existing_file,
        metavar="FILE",
        help=f"VGG-19's ImageNet weights, without dense layers (default: ${config.VGG19_VARIABLE}, else a download)",
    )


def add_data(parser: argparse.ArgumentParser) -> None:
    """Add --data DIR."""
    parser.add_argument(
        "--data",
        type=existing_folder,
        metavar="DIR",
        help=f"data folder with manifest.csv and images/ (default: ${config.DATA_VARIABLE})",
    )


def add_work(parser: argparse.ArgumentParser, contents: str = "features") -> None:
    """Add --work DIR, the cache between runs."""
    parser.add_argument(
        "--work",
        type=Path,
        default=config.WORK,
        metavar="DIR",
        help=f"cache for {contents} between runs (default: %(default)s)",
    )


def vgg19_for(network: str, given: Path | None) -> str | None:
    """Return the source of VGG-19's ImageNet weights for `network`; None if the network stores all its weights.

    Raises NetworkError if the network does not exist, DataError if the environment names a missing file.
    """
    from covid_model.data import dataset
    from covid_model.model.registry import IMAGENET, spec

    return dataset.weights_file(given) if spec(network).base == IMAGENET else None


def data_folder(given: Path | None) -> Path:
    """Return the folder of --data, else that of the environment. Raises UsageError if neither is set."""
    from covid_model.data.dataset import folder_from_environment

    folder = given or folder_from_environment()
    if folder is None:
        raise UsageError(f"no data folder: pass --data DIR or set {config.DATA_VARIABLE}")
    return folder


# --- Mute TensorFlow's start-up messages ---


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Discard messages of compiled code, and send Python's output to standard error.

    TensorFlow writes to file descriptor 2 before its log level takes effect, and Keras shows downloads on standard
    output, which is for results. Does nothing if standard error is not a file descriptor, as in tests.
    """
    try:
        number = sys.stderr.fileno()
    except (AttributeError, OSError, ValueError):  # missing, or replaced: io.UnsupportedOperation
        yield
        return
    sys.stderr.flush()
    saved = os.dup(number)
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, number)
    os.close(null)
    try:
        with (
            open(saved, "w", buffering=1, errors="backslashreplace", closefd=False) as visible,
            contextlib.redirect_stderr(visible),
            contextlib.redirect_stdout(visible),
        ):
            yield
    finally:
        os.dup2(saved, number)
        os.close(saved)
