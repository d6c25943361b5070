"""Download what the demo works best with: the real sample films, and VGG-19's weights. The last step of `make demo`."""

from __future__ import annotations

import contextlib
import hashlib
import math
import threading
import time
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from tqdm import tqdm

from covid_model import config
from covid_model.data import dataset, samples
from covid_model.data.dataset import DataError
from covid_model.data.download import sources
from covid_model.data.download.http import Failure, NotAvailable, OnProgress, Patience, Web, reachable
from covid_model.data.download.images import write_file

QUICK = Patience(retries=1, backoff=0.5, connect=4.0, read=8.0, film=30.0)  # somebody waits for the demo
KAGGLE_SECONDS = 15.0  # for the films from Kaggle, whose client has long timeouts of its own
NO_CONNECTION = "no connection"
MAX_WEIGHTS = 120 * 1024 * 1024  # bytes; the file has 80 MB
WAITING = Patience(retries=2, backoff=1.0, connect=5.0, read=20.0, film=900.0)  # for weights that somebody asked for
_lock = threading.Lock()  # of two simultaneous requests, the second waits and then has nothing to download


def download_weights(patience: Patience = WAITING, on_progress: OnProgress | None = None) -> Path:
    """Download VGG-19's weights to where Keras looks for them, check them, and return their path; no effect if there.

    Args:
        patience: timeouts.
        on_progress: called with the bytes received so far and those announced.

    Raises:
        NotAvailable: they cannot be downloaded, or are not the expected file.
        OSError: they cannot be saved.
    """
    path = config.vgg19_cache()
    with _lock:
        if path.is_file() and _md5(path.read_bytes()) == config.VGG19_MD5:
            return path
        web = Web(patience, MAX_WEIGHTS)
        try:
            content = web.get(config.VGG19_URL, on_progress)
        finally:
            web.close()
        if _md5(content) != config.VGG19_MD5:  # as keras.applications.vgg19 checks it
            raise NotAvailable("the downloaded file is not the expected one", Failure.DAMAGED)
        write_file(content, path)
        return path


def _md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


@dataclass(frozen=True)
class Setup:
    """What is on this computer after `run`.

    Attributes:
        films, wanted: real sample films, and how many there could be.
        weights: whether VGG-19's weights are there.
        reasons: why something is missing.
    """

    films: int
    wanted: int
    weights: bool
    reasons: tuple[str, ...] = ()

    @property
    def complete(self) -> bool:
        return self.films == self.wanted and self.weights

    def summary(self) -> str:
        """Return one line: what is there, or what is missing, why, and how to get it later."""
        if self.complete:
            return f"All {self.wanted} sample X-rays and VGG-19's weights are on this computer."
        missing = [f"{self.wanted - self.films} of {self.wanted} sample X-rays"] if self.films < self.wanted else []
        missing += [] if self.weights else ["VGG-19's weights"]
        why = f" ({'; '.join(self.reasons)})" if self.reasons else ""
        return (
            f"Not downloaded: {' and '.join(missing)}{why}. The demo works without them. "
            "To get them later: make samples"
        )


def run(seconds: float | None = None, progress: bool = True) -> Setup:
    """Download the real sample films and VGG-19's weights that are not on this computer.

    Args:
        seconds: stop after this time; no limit by default. Without a connection it takes 5 seconds at most.
        progress: show bars on standard error, if that is a terminal.

    Raises DataError if the list of films is missing. Failed downloads raise nothing: the result says what is missing.
    """
    end = math.inf if seconds is None else time.monotonic() + seconds
    films = samples.real_films()
    missing, reasons = set(films) - on_disk(films), []
    needs_weights = not config.vgg19_available()
    places = {sources.GITHUB} if missing else set()
    places |= {config.VGG19_URL} if needs_weights else set()
    with ThreadPoolExecutor(2) as pool:
        online = dict(zip(places, pool.map(reachable, places), strict=True))
    if missing and online[sources.GITHUB]:
        reasons += _films(missing, films, end, progress)
    if needs_weights and online[config.VGG19_URL]:
        reasons += _weights(end, progress)
    if not all(online.values()):
        reasons.append(NO_CONNECTION)
    reasons = tuple(dict.fromkeys(reasons))
    return Setup(len(on_disk(films)), len(films), config.vgg19_available(), reasons)


def on_disk(films: Collection[str]) -> set[str]:
    """Return which of these films are in the data folder that is set, or downloaded."""
    found: set[str] = set()
    for folder in (dataset.folder_from_environment(), config.REAL_FILMS):
        with contextlib.suppress(DataError):  # not set, nothing downloaded yet, or damaged
            data = dataset.load(folder) if folder else None
            found |= {film for film in films if data and film in data.films.index and data.path(film).is_file()}
    return found


def _films(missing: set[str], films: dict[str, samples.RealFilm], end: float, progress: bool) -> list[str]:
    """Download the films `missing`, those from GitHub first; return the reasons for those that failed."""
    github = [film for film in missing if films[film].source in sources.GITHUB_FOLDERS]
    kaggle = sorted(missing - set(github))
    reasons: list[str] = []

    def fetch(ids: list[str], patience: Patience) -> None:
        try:
            from_here = {films[film].source for film in ids}
            report = samples.download(ids, patience=patience, progress=progress, sources=from_here)
        except (OSError, ValueError) as error:
            reasons.append(str(error))
        else:
            reasons.extend(film.reason for film in report.missing)

    if github:
        fetch(github, replace(QUICK, total=_left(end)))
    if kaggle and end > time.monotonic():
        thread = threading.Thread(target=fetch, args=(kaggle, QUICK), name="kaggle", daemon=True)
        thread.start()
        thread.join(min(KAGGLE_SECONDS, end - time.monotonic()))
        if thread.is_alive():
            reasons.append("Kaggle was too slow")
    return reasons


def _weights(end: float, progress: bool) -> list[str]:
    """Download VGG-19's weights; return the reason if that failed."""
    with tqdm(desc="VGG-19 weights", unit="B", unit_scale=True, disable=None if progress else True) as bar:

        def advance(received: int, announced: int) -> None:
            bar.total = announced or None
            bar.update(received - bar.n)

        try:
            download_weights(replace(QUICK, film=WAITING.film, total=_left(end)), advance)
        except NotAvailable as error:
            return [str(error)]
        except OSError as error:
            return [f"{config.vgg19_cache()} cannot be written: {error.strerror or error}"]
    return []


def _left(end: float) -> float | None:
    return None if end == math.inf else max(end - time.monotonic(), 0.0)
