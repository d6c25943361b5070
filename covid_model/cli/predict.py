"""Read films: one line a film with its score, verdict, name and warnings."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from tqdm import tqdm

from covid_model import config
from covid_model.cli.common import DONE, FAILED, UsageError, add_network, add_vgg19, quiet, say_error, share, vgg19_for
from covid_model.formatting import verdict_word

if TYPE_CHECKING:
    import numpy as np

    from covid_model.model.predictor import Prediction, Predictor
    from covid_model.reports.summary import PredictionSummary

OVERLAY_ENDING = "-overlay.png"
LONGEST_STEM = 200  # bytes: a file system takes names of 255
LONGEST_NAME = 60  # characters of a file name that a line shows


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", nargs="+", metavar="FILE", help="PNG, JPEG, TIFF or DICOM")
    add_network(parser)
    parser.add_argument(
        "--threshold",
        type=share,
        default=config.THRESHOLD,
        metavar="NUMBER",
        help="positive above it, 0 to 1 (default: %(default)s)",
    )
    parser.add_argument("--overlay", type=Path, metavar="DIR", help=f"write NAME{OVERLAY_ENDING} for each film")
    form = parser.add_mutually_exclusive_group()
    form.add_argument(
        "--json",
        action="store_true",
        help="a list with one object a file, in place of lines; its key covid repeats positive, is deprecated and "
        "will go",
    )
    form.add_argument("--csv", action="store_true", help="a table with one row a file, in place of lines")
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
        from covid_model.reports import pdf

        sys.stdout.write(pdf.csv_of(results).decode("utf-8-sig").replace("\r\n", "\n"))
    complete = all(not one.refused and (one.overlay or not given.overlay) for one in results)
    return DONE if complete else FAILED


def read_all(given: argparse.Namespace) -> Iterator[PredictionSummary]:
    """Read the files one after the other; the network is loaded for the first one that holds a film.

    Raises NetworkError where the network cannot be loaded.
    """
    from covid_model import imaging
    from covid_model.model.predictor import PredictionError, Predictor
    from covid_model.reports import summary

    predictor: Predictor | None = None
    free = OverlayNames(given.overlay, given.files) if given.overlay else None
    for file in given.files:
        try:
            with quiet():  # libraries that decode grumble on standard error by themselves
                film = imaging.read(Path(file))
            if predictor is None:
                with quiet():
                    predictor = Predictor(given.network, vgg19_for(given.network, given.vgg19))
            reading = predictor.predict(film)
        except (imaging.FilmError, PredictionError) as error:
            yield summary.refusal(file, given.network, given.threshold, str(error))
            continue
        picture = write_overlay(film.pixels, reading, free.next(file)) if free else None
        yield summary.summarize(file, reading, given.threshold, overlay=picture)


def progress(results: Iterable[PredictionSummary], given: argparse.Namespace) -> Iterable[PredictionSummary]:
    """A bar on standard error while several files are read, where a person sees it."""
    return tqdm(
        results,
        total=len(given.files),
        desc="Reading",
        unit="film",
        leave=False,
        file=sys.stderr,
        disable=None if len(given.files) > 1 else True,
    )


def shown(file: str) -> str:
    """A file's name as plain text of at most LONGEST_NAME characters."""
    from covid_model.imaging import show_name

    return show_name(Path(file).name or file, LONGEST_NAME)


def line(result: PredictionSummary, width: int) -> str:
    """One aligned line: score, verdict, name, and the warnings where there are any."""
    verdict = verdict_word(result.positive)
    return f"{result.score_text:<7}  {verdict}  {shown(result.file):<{width}}  {' '.join(result.warnings)}".rstrip()


# --- Overlays -----------------------------------------------------------------------------------


class OverlayNames:
    """Hands out the names of overlay pictures: never one of the files read, never the same name twice."""

    def __init__(self, folder: Path, files: Iterable[str]) -> None:
        self.folder = folder
        self.taken = {self._key(Path(file)) for file in files}

    def next(self, file: str) -> Path:
        """NAME-overlay.png, or NAME-2-overlay.png where that is taken, and so on."""
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
        return str(path.resolve()).casefold()  # some file systems take a and A for one name


def make_folder(folder: Path) -> None:
    """Make the folder of --overlay; UsageError where that cannot be."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"--overlay: {folder} cannot be a folder: {error.strerror}") from error


def write_overlay(pixels: np.ndarray, reading: Prediction, path: Path) -> str | None:
    """Write one picture; where that fails says so and returns None, for the score still stands.

    Written beside its place and then moved there: no half picture, and nothing that a link leads to is changed.
    """
    from covid_model.imaging import heatmap

    picture = heatmap.to_png(heatmap.blend(pixels, reading.heatmap, reading.box))
    try:
        with tempfile.TemporaryDirectory(prefix=".overlay-", dir=path.parent) as folder:
            draft = Path(folder, "overlay.png")
            draft.write_bytes(picture)
            draft.replace(path)
    except OSError as error:
        say_error(f"{path}: the overlay could not be written: {error.strerror}")
        return None
    return str(path)
