"""The command predict: one line per file with score, verdict, file name and warnings."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from tqdm import tqdm

from covid_model.cli.common import (
    DONE,
    FAILED,
    UsageError,
    add_network,
    add_threshold,
    add_vgg19,
    quiet,
    say_error,
    vgg19_for,
)
from covid_model.formatting import verdict_word
from covid_model.imaging.heatmap import OVERLAY_ENDING

if TYPE_CHECKING:
    import numpy as np

    from covid_model.model.predictor import Prediction, Predictor
    from covid_model.reports.summary import PredictionSummary

LONGEST_STEM = 200  # bytes; file systems allow 255 for the whole name
LONGEST_NAME = 60  # characters of a file name in a line


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", nargs="+", metavar="FILE", help="PNG, JPEG, TIFF or DICOM")
    add_network(parser)
    add_threshold(parser)
    parser.add_argument(
        "--overlay", type=Path, metavar="DIR", help=f"write a Grad-CAM overlay, NAME{OVERLAY_ENDING}, for each X-ray"
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument(
        "--json",
        action="store_true",
        help="print JSON instead of lines: a list with one object per file; its key covid repeats positive, is "
        "deprecated and will be removed",
    )
    form.add_argument("--csv", action="store_true", help="print CSV instead of lines: one row per file")
    add_vgg19(parser)


def run(given: argparse.Namespace) -> int:
    if given.overlay:
        make_folder(given.overlay)
    width = max(len(shown(file)) for file in given.files)
    results = []
    for result in progress(read_all(given), given):
        results.append(result)
        if result.refused:
            say_error(f"{shown(result.file)}: {result.refused}")
        elif not given.json and not given.csv:
            tqdm.write(line(result, width), file=sys.stdout)
    if given.json:
        print(json.dumps([result.as_json() for result in results], indent=1))
    elif given.csv:
        from covid_model.reports.summary import to_csv

        sys.stdout.write(to_csv(results).decode("utf-8-sig").replace("\r\n", "\n"))
    complete = all(not result.refused and (result.overlay or not given.overlay) for result in results)
    return DONE if complete else FAILED


def read_all(given: argparse.Namespace) -> Iterator[PredictionSummary]:
    """Predict the files one by one; the network is loaded at the first file that decodes.

    Raises NetworkError if the network cannot be loaded.
    """
    from covid_model import imaging
    from covid_model.model.predictor import PredictionError, Predictor
    from covid_model.reports import summary

    predictor: Predictor | None = None
    names = OverlayNames(given.overlay, given.files) if given.overlay else None
    for file in given.files:
        try:
            with quiet():  # decoders write their own warnings to standard error
                film = imaging.read(Path(file))
            if predictor is None:
                with quiet():
                    predictor = Predictor(given.network, vgg19_for(given.network, given.vgg19))
            prediction = predictor.predict(film)
        except (imaging.FilmError, PredictionError) as error:
            yield summary.refusal(file, given.network, given.threshold, str(error))
            continue
        overlay = write_overlay(film.pixels, prediction, names.next(file)) if names else None
        yield summary.summarize(file, prediction, given.threshold, overlay=overlay)


def progress(results: Iterable[PredictionSummary], given: argparse.Namespace) -> Iterable[PredictionSummary]:
    """Show a progress bar on standard error for several files, if that is a terminal."""
    return tqdm(
        results,
        total=len(given.files),
        desc="Predicting",
        unit="file",
        leave=False,
        file=sys.stderr,
        disable=None if len(given.files) > 1 else True,
    )


def shown(file: str) -> str:
    """Return a file's name as plain text, at most LONGEST_NAME characters."""
    from covid_model.imaging import show_name

    return show_name(Path(file).name or file, LONGEST_NAME)


def line(result: PredictionSummary, width: int) -> str:
    """Format one aligned line: score, verdict, name, and warnings if any."""
    verdict = verdict_word(result.positive)
    return f"{result.score_text:<7}  {verdict}  {shown(result.file):<{width}}  {' '.join(result.warnings)}".rstrip()


# --- Overlays -----------------------------------------------------------------------------------


class OverlayNames:
    """Names for overlay files: never an input file, never the same name twice."""

    def __init__(self, folder: Path, files: Iterable[str]) -> None:
        self.folder = folder
        self.taken = {self._key(Path(file)) for file in files}

    def next(self, file: str) -> Path:
        """Return NAME-overlay.png, or NAME-2-overlay.png if that is taken, and so on."""
        stem = Path(file).stem.encode(errors="surrogateescape")[:LONGEST_STEM].decode(errors="ignore") or "film"
        number = 1
        while True:
            path = self.folder / f"{stem}{'' if number == 1 else f'-{number}'}{OVERLAY_ENDING}"
            if self._key(path) not in self.taken:
                self.taken.add(self._key(path))
                return path
            number += 1

    @staticmethod
    def _key(path: Path) -> str:
        return str(path.resolve()).casefold()  # some file systems ignore case


def make_folder(folder: Path) -> None:
    """Create the folder of --overlay. Raises UsageError if that fails."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"--overlay: cannot create folder {folder}: {error.strerror}") from error


def write_overlay(pixels: np.ndarray, prediction: Prediction, path: Path) -> str | None:
    """Write one overlay; report a failure and return None then, since the score is still valid."""
    from covid_model.imaging import heatmap

    try:
        heatmap.write_overlay(pixels, prediction.heatmap, prediction.box, path)
    except OSError as error:
        say_error(f"{path}: cannot write the overlay: {error.strerror}")
        return None
    return str(path)
