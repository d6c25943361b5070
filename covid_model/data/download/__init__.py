"""Build a data folder from the public sources, by the committed list of films.

sources   where original files come from: GitHub, Kaggle, a local folder
http      one download, with limits, timeouts and retries
images    the list of films (assets/dataset.csv); converts original files to films, and checks existing ones

`download` runs several at a time: it skips films that are present, and reports those that are missing with the reason.
"""

from __future__ import annotations

import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pandas as pd
from tqdm import tqdm

from covid_model import config
from covid_model.data.dataset import MANIFEST
from covid_model.data.download import images
from covid_model.data.download.http import WORKERS, DownloadError, Failure, NotAvailable, Patience, Web
from covid_model.data.download.images import (
    MANIFEST_COLUMNS,
    ListedFilm,
    read_films,
    write_list,
    write_part,
    write_table,
)
from covid_model.data.download.sources import Origin, by_hand, open_source

GIVE_UP = 12  # consecutive server failures after which the rest of the source is skipped
SHOWN = 3  # films listed for each reason in the summary
SOURCES = tuple(config.SOURCE_TITLES)


@dataclass(frozen=True)
class Missing:
    """A film or lung mask that could not be downloaded, and why.

    Attributes:
        reason, code: why, for people and for programs.
        item: "film" or "lung mask".
        host: True if the server failed or could not be reached; False if only this file failed.
    """

    id: str
    source: str
    original_file: str
    reason: str
    code: Failure
    item: str = "film"
    host: bool = False

    @classmethod
    def from_error(cls, film: ListedFilm, error: NotAvailable, item: str = "film") -> Missing:
        """Return the report of an error."""
        return cls(film.id, film.source, film.original_file, str(error), error.code, item, error.host)


@dataclass
class DownloadReport:
    """The outcome of a download, counted by source."""

    folder: Path
    requested: Counter[str] = field(default_factory=Counter)
    present: Counter[str] = field(default_factory=Counter)  # complete before the download
    fetched: Counter[str] = field(default_factory=Counter)
    masks: Counter[str] = field(default_factory=Counter)  # lung masks, present or fetched
    missing: list[Missing] = field(default_factory=list)
    by_hand: dict[str, str] = field(default_factory=dict)  # by source: how to get its files manually
    seconds: float = 0.0

    @property
    def complete(self) -> bool:
        """Whether every requested film and lung mask is in the folder."""
        return not self.missing

    def summary(self) -> str:
        """Return plain text: a line for each source, with missing files and reasons, then the total."""
        lines = []
        for source, requested in self.requested.items():
            count = self.present[source] + self.fetched[source]
            masks = f", {self.masks[source]:,} lung masks" if self.masks[source] else ""
            lines.append(
                f"{source}: {count:,} of {requested:,} X-rays "
                f"({self.present[source]:,} already present, {self.fetched[source]:,} downloaded){masks}"
            )
            reasons = defaultdict(list)
            for missing in self.missing:
                if missing.source == source:
                    reasons[missing.item, missing.reason].append(missing)
            for (item, reason), films in reasons.items():
                named = ", ".join(f"{film.id} ({film.original_file})" for film in films[:SHOWN])
                more = f" and {len(films) - SHOWN:,} more" if len(films) > SHOWN else ""
                films.sort(key=lambda film: film.id)
                noun = {"film": "X-ray"}.get(item, item) + "s" * (len(films) > 1)
                lines.append(f"  {len(films):,} {noun} missing, {reason}: {named}{more}")
            if reasons and source in self.by_hand:
                lines.append(f"  To do it manually: {self.by_hand[source]}")
        count = self.present.total() + self.fetched.total()
        lines.append(f"{count:,} of {self.requested.total():,} X-rays are in {self.folder} ({self.seconds:.0f} s).")
        if not self.complete:
            lines.append("Run the same command again to continue: X-rays already present are not downloaded again.")
        return "\n".join(lines)


def download(
    to: Path,
    *,
    sources: Sequence[str] | None = None,
    folders: Mapping[str, Path] | None = None,
    listing: Path | None = None,
    workers: int | None = None,
    patience: Patience | None = None,
    progress: bool = True,
    single: bool = False,
) -> DownloadReport:
    """Build or complete a data folder: manifest.csv, images/SOURCE/ID.jpg and lung_masks/ID.png.

    A film that is present, can be decoded and has the right size is not downloaded again. The manifest lists all films
    that are in the folder at the end, with the SHA-256 of their files.

    Args:
        to: the data folder; created if it does not exist.
        sources: names in config.SOURCE_TITLES; if None, all. kermany and radiography are Kaggle data sets, downloaded
            whole (about 1.2 and 0.8 GB); siim is a Kaggle challenge, downloaded film by film with a login.
        folders: by source, a local folder with its original files, at any depth.
        listing: the list of films, by default assets/dataset.csv.
        workers: films downloaded at a time.
        patience: retries, waits and timeouts.
        progress: whether to show a progress bar on standard error, if that is a terminal.
        single: download nothing but the films listed, no Kaggle data set as a whole.

    Raises:
        DownloadError: a source is unknown, a folder does not exist, or the list cannot be read.
        OSError: the data folder cannot be written.
    """
    workers = WORKERS if workers is None else workers
    began = time.monotonic()
    folders = {source: Path(folder) for source, folder in (folders or {}).items()}
    chosen = tuple(dict.fromkeys(sources)) if sources is not None else SOURCES
    _check(to, chosen, folders)
    if workers < 1:
        raise DownloadError(f"workers must be at least 1. Received: {workers}.", Failure.WORKERS)
    films = read_films(listing or config.DATASET_CSV)
    to.mkdir(parents=True, exist_ok=True)
    _remove_partial_files(to, films)

    present = _complete_films(to, films, workers, progress)
    report = DownloadReport(to, by_hand={source: by_hand(source) for source in chosen if source not in folders})
    for film in films:
        if film.source in chosen:
            report.requested[film.source] += 1
            report.present[film.source] += film.id in present
    web = Web(patience or Patience())
    try:
        for source in (source for source in chosen if report.requested[source]):
            listed = [film for film in films if film.source == source]
            open_origin = partial(open_source, source, folders.get(source), web, single)
            _fetch_source(source, listed, present, to, open_origin, workers, progress, report)
    finally:  # after an interruption too, so that the manifest lists the films downloaded so far
        web.close()
        _write_manifest(to, films, present)
    report.seconds = time.monotonic() - began
    return report


def _fetch_source(
    source: str,
    listed: list[ListedFilm],
    present: dict[str, str],
    to: Path,
    open_origin: Callable[[], Origin],
    workers: int,
    progress: bool,
    report: DownloadReport,
) -> None:
    """Download the missing films of one source, then the lung masks of all films that are present."""
    films = [film for film in listed if film.id not in present]
    masks = [film for film in listed if film.has_mask and not images.is_complete_mask(to / film.mask_path)]
    report.masks[source] = sum(film.has_mask for film in listed) - len(masks)
    if not films and not masks:
        return
    try:
        origin = open_origin()
    except NotAvailable as error:
        report.missing += [Missing.from_error(film, error) for film in films]
        report.missing += [Missing.from_error(film, error, "lung mask") for film in masks]
        return

    def add_film(film: ListedFilm, sha256: str) -> None:
        present[film.id] = sha256
        report.fetched[source] += 1

    def add_mask(film: ListedFilm, _: str) -> None:
        report.masks[source] += 1

    _fetch_all("film", films, lambda film: _fetch_film(origin, film, to), add_film, workers, progress, report)
    masks = [film for film in masks if film.id in present]
    _fetch_all("lung mask", masks, lambda film: _fetch_mask(origin, film, to), add_mask, workers, progress, report)


def _fetch_all(
    item: str,
    films: list[ListedFilm],
    fetch: Callable[[ListedFilm], str],
    on_success: Callable[[ListedFilm, str], None],
    workers: int,
    progress: bool,
    report: DownloadReport,
) -> None:
    """Call `fetch` for each film in a pool; stop after too many consecutive failures of the server."""
    failures = _ConsecutiveFailures(GIVE_UP)

    def attempt(film: ListedFilm) -> str:
        if failures.too_many:
            raise NotAvailable(f"skipped after {failures.limit} consecutive server failures", Failure.SKIPPED)
        try:
            result = fetch(film)
        except NotAvailable as error:
            failures.count(error.host)
            raise
        failures.count(False)
        return result

    for film, outcome in _pooled(attempt, films, workers, progress, f"{films[0].source}, {item}s" if films else ""):
        try:
            on_success(film, outcome())
        except NotAvailable as error:
            report.missing.append(Missing.from_error(film, error, item))


def _fetch_film(origin: Origin, film: ListedFilm, to: Path) -> str:
    images.write_file(images.make_film(origin.film(film.original_file), film), to / film.path)
    sha256 = images.complete_film(to / film.path, film)
    if sha256 is None:  # a failing disk
        raise OSError(f"The X-ray {to / film.path} was written, but cannot be read back. Check the disk.")
    return sha256


def _fetch_mask(origin: Origin, film: ListedFilm, to: Path) -> str:
    images.write_file(images.make_mask(origin.mask(film.original_file), film), to / film.mask_path)
    return film.mask_path


def _complete_films(to: Path, films: list[ListedFilm], workers: int, progress: bool) -> dict[str, str]:
    """Return the SHA-256, by id, of the films that are present and complete."""
    existing = [film for film in films if (to / film.path).is_file()]
    pooled = _pooled(
        lambda film: images.complete_film(to / film.path, film), existing, workers, progress, "checking existing X-rays"
    )
    return {film.id: sha256 for film, outcome in pooled if (sha256 := outcome())}


def _pooled(function: Callable, films: list[ListedFilm], workers: int, progress: bool, title: str) -> Iterable:
    """Yield (film, function that returns or raises its result) as each finishes. An interruption cancels the rest."""
    if not films:
        return
    pool = ThreadPoolExecutor(workers)
    try:
        jobs = {pool.submit(function, film): film for film in films}
        bar = tqdm(as_completed(jobs), desc=title, total=len(jobs), unit="file", disable=None if progress else True)
        for job in bar:
            yield jobs[job], job.result
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _write_manifest(to: Path, films: list[ListedFilm], present: dict[str, str]) -> None:
    rows = []
    for film in films:
        if film.id in present:
            mask = film.mask_path if film.has_mask and images.is_complete_mask(to / film.mask_path) else ""
            rows.append({**film.row, "lung_mask": mask, "sha256": present[film.id]})
    write_table(pd.DataFrame(rows, columns=list(MANIFEST_COLUMNS)), to / MANIFEST)


def _remove_partial_files(to: Path, films: list[ListedFilm]) -> None:
    """Delete partial files left by a run that was killed."""
    for folder in {(to / film.path).parent for film in films} | {to / "lung_masks"}:
        for part in folder.glob("*.part"):
            part.unlink(missing_ok=True)


def _check(to: Path, chosen: tuple[str, ...], folders: Mapping[str, Path]) -> None:
    unknown = [source for source in (*chosen, *folders) if source not in SOURCES]
    if unknown:
        raise DownloadError(
            f"Sources must be among {', '.join(SOURCES)}. Received: {', '.join(unknown)}.", Failure.SOURCE
        )
    unused = [source for source in folders if source not in chosen]
    if unused:
        raise DownloadError(
            f"A folder is given for {', '.join(unused)}, which is not among the sources to download.",
            Failure.UNUSED_FOLDER,
        )
    for source, folder in folders.items():
        if not folder.is_dir():
            raise DownloadError(f"The folder given for {source} does not exist: {folder}.", Failure.NO_FOLDER)
    if to.exists() and not to.is_dir():
        raise DownloadError(f"The data folder cannot be created: {to} is a file.", Failure.NO_FOLDER)


class _ConsecutiveFailures:
    """Count consecutive failures of a server, from several threads; any answer about a film resets the count."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._failed = 0
        self._lock = threading.Lock()

    @property
    def too_many(self) -> bool:
        return self._failed >= self.limit

    def count(self, failed: bool) -> None:
        with self._lock:
            if not self.too_many:
                self._failed = self._failed + 1 if failed else 0
