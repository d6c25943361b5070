"""Collect the rows of an archive in Parquet, so that a run that was stopped resumes where it left off.

Rows are written to small files in a folder beside the target, each complete or absent. The last step joins them into
the target, each path once. Only one process at a time, the one that was called, writes.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from covid_model.cluster import ClusterError
from covid_model.reports.summary import PredictionSummary

SCHEMA = pa.schema(
    [
        ("path", pa.string()),
        ("network", pa.string()),
        ("score", pa.float64()),
        ("positive", pa.bool_()),
        ("out_of_distribution", pa.bool_()),
        ("warnings", pa.list_(pa.string())),
        ("refused", pa.string()),
    ]
)
PART_ROWS, PART_SECONDS = 64, 10.0  # a part is written after this many rows or seconds: the most that a kill costs
GROUP_ROWS = 65_536  # rows per row group of the target
KEY = b"covid_model"  # of the settings in the files' metadata
LOCK, PARTS = "lock", ".parts"


class ResultsError(ClusterError):
    """The results cannot be continued. The message says what is there and what to do."""


@dataclass(frozen=True)
class Settings:
    """What all rows of one file share.

    Attributes:
        archive: Absolute path or address of the archive.
        network: Name of the network.
        weights_sha256: Of the network's weights.
        threshold: Scores above it are positive.
        fast: Whether processors that multiply bfloat16 natively may compute in it.
    """

    archive: str
    network: str
    weights_sha256: str
    threshold: float
    fast: bool = False


def row(summary: PredictionSummary) -> dict[str, object]:
    """Return a film's row: what `predict --json` says of it, by the names in SCHEMA."""
    return {"path": summary.file} | {name: summary.as_json()[name] for name in SCHEMA.names[1:]}


def table(rows: Iterable[dict[str, object]]) -> pa.Table:
    """Return rows as a table with SCHEMA, also if there are none."""
    return pa.Table.from_pylist(list(rows), schema=SCHEMA)


class Results:
    """The rows of one target; see `opened`.

    Attributes:
        done: Paths that have a row.
        refused: How many of them have no score.
    """

    def __init__(self, to: Path, settings: Settings):
        self.to, self.settings = to, settings
        self.done: set[str] = set()
        self.refused = 0
        self.folder = to.with_name(to.name + PARTS)
        self._schema = SCHEMA.with_metadata({KEY: json.dumps(asdict(settings))})
        self._waiting: list[pa.Table] = []
        self._written = time.monotonic()
        self._number = 0
        for path in self._files():
            self._check(path)
            for batch in pq.ParquetFile(path).iter_batches(columns=["path", "refused"]):
                self._new(pa.Table.from_batches([batch]))

    def _files(self) -> list[Path]:
        """Return the files that have rows: the target, if it is there, and the parts."""
        return [path for path in (self.to,) if path.is_file()] + sorted(self.folder.glob("*.parquet"))

    def _check(self, path: Path) -> None:
        """Raise ResultsError if a file's rows were made with other settings."""
        try:
            kept = json.loads((pq.read_schema(path).metadata or {})[KEY])
        except (pa.ArrowInvalid, KeyError, ValueError) as error:
            raise ResultsError(
                f"{path} is not a file of this command. Choose another --to, or move it away."
            ) from error
        other = [name for name, value in asdict(self.settings).items() if kept.get(name) != value]
        if other:
            had = ", ".join(f"{name.replace('_', ' ')} {kept.get(name)}" for name in other)
            raise ResultsError(
                f"{path} was made with different settings: {had}. Choose another --to, or move it and {self.folder} "
                "away."
            )

    def _new(self, rows: pa.Table) -> pa.Table:
        """Return the rows whose path has none yet, and note that it has one now."""
        new = []
        for path, reason in zip(rows["path"].to_pylist(), rows["refused"].to_pylist(), strict=True):
            new.append(path not in self.done)
            self.refused += new[-1] and reason is not None
            self.done.add(path)
        return rows.filter(pa.array(new, pa.bool_()))

    def add(self, rows: pa.Table) -> int:
        """Take rows with SCHEMA, drop those of paths that have one, and return how many are new."""
        rows = self._new(rows)
        self._waiting.append(rows)
        many = sum(map(len, self._waiting)) >= PART_ROWS
        if many or time.monotonic() - self._written >= PART_SECONDS:
            self.flush()
        return len(rows)

    def flush(self) -> None:
        """Write the rows that wait as one part. It appears under its name once it is whole."""
        self._written = time.monotonic()
        rows = pa.concat_tables([self._schema.empty_table(), *self._waiting]).replace_schema_metadata(
            self._schema.metadata
        )
        self._waiting = []
        if not len(rows):
            return
        while (path := self.folder / f"{self._number:08}.parquet").exists():
            self._number += 1
        draft = path.with_suffix(".draft")
        with draft.open("wb") as file:
            pq.write_table(rows, file)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)

    def join(self) -> None:
        """Join the target and the parts into the target, each path once, and remove the parts."""
        self.flush()
        draft, joined = self.folder / "joined.draft", set()
        with pq.ParquetWriter(draft, self._schema) as writer:
            for group in _groups(self._files()):
                first = []
                for name in group["path"].to_pylist():
                    first.append(name not in joined)
                    joined.add(name)
                kept = group.filter(pa.array(first, pa.bool_()))
                writer.write_table(kept.replace_schema_metadata(self._schema.metadata), GROUP_ROWS)
        if joined != self.done:
            raise ResultsError(
                f"{self.folder} has changed in the meantime: {len(self.done ^ joined):,} rows differ. Run the command "
                "again."
            )
        draft.replace(self.to)
        shutil.rmtree(self.folder)


def _groups(paths: Iterable[Path]) -> Iterator[pa.Table]:
    """Yield the rows of all files, about GROUP_ROWS at a time."""
    waiting, count = [], 0
    for path in paths:
        for batch in pq.ParquetFile(path).iter_batches(GROUP_ROWS):
            waiting.append(pa.Table.from_batches([batch]).replace_schema_metadata(None))
            count += len(batch)
            if count >= GROUP_ROWS:
                yield pa.concat_tables(waiting)
                waiting, count = [], 0
    if waiting:
        yield pa.concat_tables(waiting)


@contextlib.contextmanager
def opened(to: Path, settings: Settings) -> Iterator[Results]:
    """Yield the rows of `to`, with those of a run that was stopped; write what waits at the end, whatever happens.

    Raises:
        ResultsError: The rows there have other settings, or another process is writing them.
    """
    folder = to.with_name(to.name + PARTS)
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / LOCK).open("w") as lock:
        _lock(lock, to)
        results = Results(to, settings)
        try:
            yield results
        finally:
            if folder.is_dir():  # else they have been joined
                results.flush()


def _lock(file, to: Path) -> None:
    """Lock a file until it is closed or its process dies; without effect where the system has no such locks."""
    try:
        import fcntl
    except ImportError:  # Windows
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        raise ResultsError(f"Another process is writing {to}. Wait for it, or choose another --to.") from error
