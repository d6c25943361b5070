"""Fetching films: skip what is there, get what is not, several at a time, and report what is missing and why."""

from __future__ import annotations

import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
from tqdm import tqdm

from covid_model import config
from covid_model.data.dataset import MANIFEST
from covid_model.data.download import images
from covid_model.data.download.http import WORKERS, DownloadError, NotAvailable, Patience, Web
from covid_model.data.download.manifest import MANIFEST_COLUMNS, WantedFilm, read_wanted, write_table
from covid_model.data.download.sources import Origin, by_hand, open_source

GIVE_UP = 12  # failures of a server in a row, after which the rest of its source is not tried
SHOWN = 3  # films named for each reason in the summary
SOURCES = tuple(config.SOURCE_TITLES)


@dataclass(frozen=True)
class Missing:
    """A film (or, where `what` is "lung mask", its mask) that could not be had, and why.

    `host` is True where the server could not be reached or failed, rather than the film.
    """

    id: str
    source: str
    original_file: str
    reason: str
    what: str = "film"
    host: bool = False


@dataclass
class DownloadReport:
    """What a call of `fetch` found and did, counted by source."""

    folder: Path
    wanted: Counter[str] = field(default_factory=Counter)
    there: Counter[str] = field(default_factory=Counter)  # whole before we began
    fetched: Counter[str] = field(default_factory=Counter)
    masks: Counter[str] = field(default_factory=Counter)  # lung masks, there or fetched
    identical: int = 0  # films whose bytes are the very ones that the list was made from
    missing: list[Missing] = field(default_factory=list)
    by_hand: dict[str, str] = field(default_factory=dict)  # by source fetched from its public place: how else to get it
    seconds: float = 0.0

    @property
    def complete(self) -> bool:
        """Whether every film and lung mask asked for is in the folder."""
        return not self.missing

    def summary(self) -> str:
        """Plain lines: each source with what is missing and why, then the whole."""
        lines = []
        for source, wanted in self.wanted.items():
            had = self.there[source] + self.fetched[source]
            masks = f", {self.masks[source]:,} lung masks" if self.masks[source] else ""
            lines.append(
                f"{source}: {had:,} of {wanted:,} films "
                f"({self.there[source]:,} were there, {self.fetched[source]:,} fetched){masks}"
            )
            reasons = defaultdict(list)
            for missing in self.missing:
                if missing.source == source:
                    reasons[missing.what, missing.reason].append(missing)
            for (what, reason), films in reasons.items():
                named = ", ".join(f"{film.id} ({film.original_file})" for film in films[:SHOWN])
                more = f" and {len(films) - SHOWN:,} more" if len(films) > SHOWN else ""
                films.sort(key=lambda film: film.id)
                lines.append(f"  {len(films):,} {what}{'s' * (len(films) > 1)} missing, {reason}: {named}{more}")
            if reasons and source in self.by_hand:
                lines.append(f"  By hand: {self.by_hand[source]}")
        had = self.there.total() + self.fetched.total()
        lines.append(f"{had:,} of {self.wanted.total():,} films are in {self.folder} ({self.seconds:.0f} s).")
        if not self.complete:
            lines.append("Run the same command again to go on: what is there is not fetched twice.")
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
) -> DownloadReport:
    """Build a data folder, or go on building one: manifest.csv, images/SOURCE/ID.jpg and lung_masks/ID.png.

    A film that is there, can be decoded and has the right size is not fetched again. The manifest names the films that
    are in the folder at the end, whichever call brought them, with the SHA-256 of the files there.

    Args:
        to: the data folder; made where it does not exist.
        sources: which of config.SOURCE_TITLES to fetch; all where None. kermany and radiography are data sets of
            Kaggle's that are fetched whole (about 1.2 and 0.8 GB), siim a challenge's, film by film, with a login.
        folders: by source, a folder that already holds its original files, at whatever depth.
        listing: the list of films; assets/dataset.csv where None.
        workers: films at a time.
        patience: retries, waits and time-outs of one film.
        progress: show a bar on standard error, where that is a terminal.

    Raises:
        DownloadError: an unknown source, a folder that is not there, a list that cannot be read.
        OSError: the data folder cannot be written.
    """
    workers = WORKERS if workers is None else workers
    began = time.monotonic()
    folders = {source: Path(folder) for source, folder in (folders or {}).items()}
    asked = tuple(dict.fromkeys(sources)) if sources is not None else SOURCES
    _check(to, asked, folders)
    if workers < 1:
        raise DownloadError(f"workers must be at least 1. Received: {workers}.")
    films = read_wanted(listing or config.DATASET_CSV)
    to.mkdir(parents=True, exist_ok=True)
    _clear_parts(to, films)

    there = _look(to, films, workers, progress)
    report = DownloadReport(to, by_hand={source: by_hand(source) for source in asked if source not in folders})
    for film in films:
        if film.source in asked:
            report.wanted[film.source] += 1
            report.there[film.source] += film.id in there
    web = Web(patience or Patience())
    try:
        for source in (source for source in asked if report.wanted[source]):
            wanted = [film for film in films if film.source == source]
            _fetch_source(source, wanted, there, to, folders.get(source), web, workers, progress, report)
    finally:  # also where it is interrupted: what came is kept, and the manifest says so
        web.close()
        _write_manifest(to, films, there)
    report.identical = sum(there.get(film.id) == film.sha256 for film in films if film.source in asked)
    report.seconds = time.monotonic() - began
    return report


def _fetch_source(
    source: str,
    wanted: list[WantedFilm],
    there: dict[str, str],
    to: Path,
    folder: Path | None,
    web: Web,
    workers: int,
    progress: bool,
    report: DownloadReport,
) -> None:
    """Bring the films of one source, then the lung masks of those that are there."""
    films = [film for film in wanted if film.id not in there]
    masks = [film for film in wanted if film.has_mask and not images.whole_mask(to / film.mask_path)]
    report.masks[source] = sum(film.has_mask for film in wanted) - len(masks)
    if not films and not masks:
        return
    try:
        origin = open_source(source, folder, web)
    except NotAvailable as error:
        report.missing += [Missing(film.id, source, film.original_file, str(error)) for film in films]
        report.missing += [Missing(film.id, source, film.original_file, str(error), "lung mask") for film in masks]
        return

    def film_had(film: WantedFilm, sha256: str) -> None:
        there[film.id] = sha256
        report.fetched[source] += 1

    def mask_had(film: WantedFilm, _: str) -> None:
        report.masks[source] += 1

    _bring("film", films, lambda film: _one_film(origin, film, to), film_had, workers, progress, report)
    masks = [film for film in masks if film.id in there]
    _bring("lung mask", masks, lambda film: _one_mask(origin, film, to), mask_had, workers, progress, report)


def _bring(
    what: str,
    films: list[WantedFilm],
    get: Callable[[WantedFilm], str],
    had: Callable[[WantedFilm, str], None],
    workers: int,
    progress: bool,
    report: DownloadReport,
) -> None:
    """Run `get` for each film in a pool; stop trying where the server has failed too often in a row."""
    failures = _InARow(GIVE_UP)

    def attempt(film: WantedFilm) -> str:
        if failures.too_many:
            raise NotAvailable(f"not tried after {failures.limit} failures of the server in a row")
        try:
            result = get(film)
        except NotAvailable as error:
            failures.count(error.host)
            raise
        failures.count(False)
        return result

    for film, outcome in _pooled(attempt, films, workers, progress, f"{films[0].source}, {what}s" if films else ""):
        try:
            had(film, outcome())
        except NotAvailable as error:
            report.missing.append(Missing(film.id, film.source, film.original_file, str(error), what, error.host))


def _one_film(origin: Origin, film: WantedFilm, to: Path) -> str:
    images.keep(images.make_film(origin.film(film.original_file), film), to / film.path)
    sha256 = images.whole_film(to / film.path, film)
    if sha256 is None:  # what was written reads back as something else: a failing disk
        raise OSError(f"The film {to / film.path} was written but does not read back.")
    return sha256


def _one_mask(origin: Origin, film: WantedFilm, to: Path) -> str:
    images.keep(images.make_mask(origin.mask(film.original_file), film), to / film.mask_path)
    return film.mask_path


def _look(to: Path, films: list[WantedFilm], workers: int, progress: bool) -> dict[str, str]:
    """SHA-256 by id of the films that are there and whole."""
    present = [film for film in films if (to / film.path).is_file()]
    pooled = _pooled(
        lambda film: images.whole_film(to / film.path, film), present, workers, progress, "films already there"
    )
    return {film.id: sha256 for film, outcome in pooled if (sha256 := outcome())}


def _pooled(do: Callable, films: list[WantedFilm], workers: int, progress: bool, title: str) -> Iterable:
    """(film, function that returns or raises its outcome) as each is done. Interrupted, it drops what has not begun."""
    if not films:
        return
    pool = ThreadPoolExecutor(workers)
    try:
        jobs = {pool.submit(do, film): film for film in films}
        bar = tqdm(as_completed(jobs), desc=title, total=len(jobs), unit="file", disable=None if progress else True)
        for job in bar:
            yield jobs[job], job.result
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _write_manifest(to: Path, films: list[WantedFilm], there: dict[str, str]) -> None:
    rows = []
    for film in films:
        if film.id in there:
            mask = film.mask_path if film.has_mask and images.whole_mask(to / film.mask_path) else ""
            rows.append({**film.row, "lung_mask": mask, "sha256": there[film.id]})
    write_table(pd.DataFrame(rows, columns=list(MANIFEST_COLUMNS)), to / MANIFEST)


def _clear_parts(to: Path, films: list[WantedFilm]) -> None:
    """Take away the half files of a run that was killed."""
    for folder in {(to / film.path).parent for film in films} | {to / "lung_masks"}:
        for part in folder.glob("*.part"):
            part.unlink(missing_ok=True)


def _check(to: Path, asked: tuple[str, ...], folders: Mapping[str, Path]) -> None:
    unknown = [source for source in (*asked, *folders) if source not in SOURCES]
    if unknown:
        raise DownloadError(f"Sources are {', '.join(SOURCES)}. Received: {', '.join(unknown)}.")
    unused = [source for source in folders if source not in asked]
    if unused:
        raise DownloadError(f"A folder is given for {', '.join(unused)}, which is not among the sources to fetch.")
    for source, folder in folders.items():
        if not folder.is_dir():
            raise DownloadError(f"The folder given for {source} does not exist: {folder}.")
    if to.exists() and not to.is_dir():
        raise DownloadError(f"The data folder cannot be made, a file is there: {to}.")


class _InARow:
    """Counts failures of a server in a row; any answer about a film starts it again. Shared by threads."""

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
