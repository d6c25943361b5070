"""Commands that score X-rays: predict for files, score for an archive, serve for many users."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import threading
from collections.abc import Iterable, Iterator
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING

from tqdm import tqdm

from covid_model import cluster, config
from covid_model.cli.common import (
    DONE,
    FAILED,
    UsageError,
    add_network,
    add_threshold,
    add_vgg19,
    count,
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


# --- predict: one line per file with score, verdict, file name and warnings ---------------------

LONGEST_STEM = 200  # bytes; file systems allow 255 for the whole name
LONGEST_NAME = 60  # characters of a file name in a line


def add_predict_arguments(parser: argparse.ArgumentParser) -> None:
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


def run_predict(given: argparse.Namespace) -> int:
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


# --- score and serve: more X-rays or users than one process can handle --------------------------

ENGINES = ("ray", "local")
MOST_THREADS = 4  # of a replica of the service by default: the forward pass of one X-ray gains little from more


def add_score_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "archive",
        metavar="ARCHIVE",
        help="a folder, searched recursively, or an address such as s3://bucket/folder; hidden files are skipped",
    )
    parser.add_argument("--to", type=Path, required=True, metavar="FILE", help="the Parquet file to write")
    add_network(parser)
    add_threshold(parser)
    parser.add_argument(
        "--overlays",
        type=Path,
        metavar="DIR",
        help="write a Grad-CAM overlay for each X-ray, in the same folders as in the archive",
    )
    parser.add_argument(
        "--fast",
        action="store_true",
        help="compute in bfloat16 on processors that multiply it natively: faster, but scores differ "
        "slightly from those of predict",
    )
    parser.add_argument(
        "--engine", choices=ENGINES, default=ENGINES[0], help="ray, or local: this process alone, without Ray"
    )
    parser.add_argument(
        "--ray", metavar="ADDRESS", help="address of a Ray cluster, or auto (default: start Ray on this machine)"
    )
    parser.add_argument(
        "--actors", type=count, metavar="N", help="processes with a network each (default: one per processor or GPU)"
    )
    parser.add_argument(
        "--threads", type=count, metavar="N", help="processors for each of them (default: 1; 4 with a GPU)"
    )
    add_vgg19(parser)


def run_score(given: argparse.Namespace) -> int:
    from covid_model.cluster import archive, results
    from covid_model.model import registry

    if given.engine == "local" and (given.ray or given.actors):
        raise UsageError("--ray and --actors are for --engine ray")
    films = archive.Archive(given.archive)
    for option, path in (("--to", given.to), ("--overlays", given.overlays)):
        if path and not films.is_address and path.absolute().is_relative_to(films.place):
            raise UsageError(f"{option} must be outside the archive, or it would be scored. Received: {path}")
    files = films.files()
    settings = results.Settings(
        films.place, given.network, registry.spec(given.network).sha256, given.threshold, given.fast
    )
    job = archive.Job(
        settings,
        vgg19_for(given.network, given.vgg19),
        str(given.overlays.absolute()) if given.overlays else None,
        given.threads,
    )
    engine = archive.local if given.engine == "local" else archive.OnRay(given.ray, given.actors, given.threads)
    with results.opened(given.to.absolute(), settings) as kept:
        before = len(kept.done)
        total = max(len(files), before)
        with (
            quiet(),
            tqdm(total=total, initial=before, desc="Scoring", unit="file", file=sys.stderr, disable=None) as bar,
        ):
            archive.score(kept, files, job, engine, bar.update)
    scored = len(kept.done) - kept.refused
    counted = f"{len(kept.done):,} files, {scored:,} scored, {kept.refused:,} refused"
    print(f"{given.to}: {counted}; {before:,} from earlier runs")
    return DONE


def add_serve_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--host", default=cluster.HOST, help="address to listen on (default: %(default)s, this computer only)"
    )
    parser.add_argument("--port", type=port, default=cluster.PORT, help="port to listen on (default: %(default)s)")
    add_network(parser)
    parser.add_argument(
        "--threads", type=count, metavar="N", help=f"processors for each replica (default: all, at most {MOST_THREADS})"
    )
    parser.add_argument(
        "--replicas",
        type=count,
        metavar="N",
        help="the most replicas, each with its own copy of the networks (default: one for each GPU, else as many as "
        "there are processors for)",
    )
    parser.add_argument("--ray", metavar="ADDRESS", help="Ray cluster to run on (default: start Ray on this machine)")


def port(text: str) -> int:
    """Parse a port."""
    if not (text.isdecimal() and 0 < int(text) < 2**16):
        raise argparse.ArgumentTypeError(f"expected a port from 1 to 65535. Received: {text!r}")
    return int(text)


def run_serve(given: argparse.Namespace) -> int:
    from covid_model.cluster import serve
    from covid_model.cluster.turns import Settings

    token = os.environ.get(config.SERVE_TOKEN_VARIABLE, "").strip() or None
    if token is None and not is_loopback(given.host):
        say_error(
            f"anyone who can reach {given.host}:{given.port} can use this service; set {config.SERVE_TOKEN_VARIABLE} "
            "to ask for a token"
        )
    processors, stop = os.cpu_count() or 1, threading.Event()
    threads = given.threads or min(processors, MOST_THREADS)
    with cluster.connected(given.ray, cpus=max(processors, threads * (given.replicas or 1))):
        gpus = serve.gpus()
        replicas = given.replicas or gpus or max(1, serve.processors() // threads)
        settings = Settings(given.host, given.port, given.network, threads, replicas, gpus=min(gpus, 1), token=token)
        with serve.running(settings) as address:
            for number in (signal.SIGINT, signal.SIGTERM):  # Ray has set handlers of its own
                signal.signal(number, lambda *_: stop.set())
            for line in serve.devices():
                print(f"loaded {line}", file=sys.stderr)
            print(f"Serving predictions at {address}; its API is described at {address}/docs", flush=True)
            stop.wait()
    return DONE


def is_loopback(host: str) -> bool:
    """Return whether an address is this computer's own."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
