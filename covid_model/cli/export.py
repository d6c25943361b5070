"""Commands that make files to take home: export, notebook."""

from __future__ import annotations

import argparse
from pathlib import Path

from covid_model.cli.common import DONE, add_network, add_vgg19, quiet, vgg19_for
from covid_model.reports import notebook

INPUT_HELP = (
    "The file is float32 and needs nothing of this package: keras.models.load_model(FILE) loads it. Its input is "
    "(n, 224, 224, 3) float32, about -124 to 151: an X-ray's gray levels from 0 to 255, cropped and resized as the "
    "network's JSON says, in three equal channels, less ImageNet's means, as keras.applications.vgg19.preprocess_input "
    "subtracts them. This preprocessing is not in the file; the command prints it for the network exported. The output "
    "is (n, 1), the model score from 0 to 1. In ONNX, the input is called xray and the output score."
)


def add_export_arguments(parser: argparse.ArgumentParser) -> None:
    parser.epilog = INPUT_HELP
    add_network(parser)
    parser.add_argument(
        "--to",
        type=export_file,
        required=True,
        metavar="FILE",
        help="file to write: NAME.keras, or NAME.onnx (which needs the Python package onnx)",
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
