"""Score every file of a folder or bucket: the command `score`.

The files are decoded, checked and scored as everywhere, in processes that hold one network each. A file that cannot be
read is a row with its reason. Ray Data starts and restarts these processes; without Ray, this process does the same
alone. `results` keeps the rows.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from covid_model import cluster, imaging
from covid_model.cluster.results import SCHEMA, Results, Settings, row, table
from covid_model.imaging import FilmError, Refusal, heatmap
from covid_model.model import device
from covid_model.model.predictor import PredictionError, Predictor
from covid_model.reports import summary

if TYPE_CHECKING:
    import pyarrow.fs

BLOCK = 16  # files per call of a process
WAVE = 65_536  # files whose blocks Ray holds at a time
RETRIES = 2  # of a block whose process has stopped
IN_FLIGHT = 2  # blocks that a process is given at a time
REPLICA_BYTES = 2**30  # memory that Ray reserves for each process
GPU_THREADS = 4  # that decode for one GPU
# glibc returns what loading a network leaves behind, which saves a process some 50 MB.
MALLOC = {"MALLOC_TRIM_THRESHOLD_": "1000000", "MALLOC_MMAP_THRESHOLD_": "1000000"}
ERROR = "error"  # in a process' answer: why it cannot score at all


class Archive:
    """A folder, or an address that Arrow can open, such as s3://bucket/folder or file:///folder.

    Files are named by their path below it, as bytes, because a file system allows names that are no text.
    """

    def __init__(self, place: str):
        self.is_address = "://" in place
        self.place = place.rstrip("/") if self.is_address else str(Path(place).absolute())

    @cached_property
    def _opened(self) -> tuple[pyarrow.fs.FileSystem, str]:
        from pyarrow.fs import FileSystem

        return FileSystem.from_uri(self.place)

    def files(self) -> list[bytes]:
        """Return all files, in folders too, except hidden ones. Raises OSError if there is no such archive."""
        if not self.is_address:
            return list(self._walk())
        from pyarrow.fs import FileSelector, FileType

        system, root = self._opened
        listed = system.get_file_info(FileSelector(root, recursive=True))
        names = (info.path[len(root) :].lstrip("/") for info in listed if info.type == FileType.File)
        return sorted(name.encode() for name in names if not any(part[:1] == "." for part in name.split("/")))

    def _walk(self) -> Iterator[bytes]:
        root = os.fsencode(self.place)
        if not os.path.isdir(root):
            raise NotADirectoryError(f"There is no folder {self.place}.")
        for folder, folders, names in os.walk(root, onerror=_fail):  # links to folders are not followed
            folders[:] = sorted(name for name in folders if not name.startswith(b"."))
            for name in sorted(names):
                if not name.startswith(b"."):
                    yield os.path.relpath(os.path.join(folder, name), root)

    def read(self, file: bytes) -> imaging.Film:
        """Decode one file, after a check of its size. Raises FilmError."""
        if not self.is_address:
            return imaging.read(Path(self.place, os.fsdecode(file)))
        system, root = self._opened
        try:
            with system.open_input_file(f"{root}/{file.decode()}") as opened:
                imaging.check_bytes(opened.size())
                data = opened.read()
        except OSError as error:
            name = imaging.show_name(Path(shown(file)).name)
            raise FilmError(f"The file {name} could not be opened.", Refusal.UNREADABLE) from error
        return imaging.decode(data)


def _fail(error: OSError) -> None:
    """Raise what `os.walk` would skip: a folder that cannot be listed is not an empty one."""
    raise error


def shown(file: bytes) -> str:
    """Return a file's path as text, the key of its row."""
    return file.decode("utf-8", "backslashreplace")


@dataclass(frozen=True)
class Job:
    """What a process needs to score files.

    Attributes:
        settings: Of the results.
        vgg19: As in `vgg19.load`.
        overlays: Folder for Grad-CAM overlays, one per film, in the archive's folders; None for none.
        threads: Threads of the network, which also decode ahead; None leaves it to TensorFlow.
    """

    settings: Settings
    vgg19: str | None = None
    overlays: str | None = None
    threads: int | None = None


class Scorer:
    """One network in one process. It is loaded with the first film."""

    def __init__(self, job: Job):
        self.job = job
        self.archive = Archive(job.settings.archive)
        self._predictor: Predictor | None = None

    def __call__(self, block: pa.Table) -> pa.Table:
        """Score a block of files for Ray Data: a table with the column `file` to one with SCHEMA and ERROR.

        What is wrong with this process, not with a file, is an answer too: Ray would only try again.
        """
        files = block["file"].to_pylist()
        try:
            done, error = table(self.rows(files)), None
        except Exception as failure:
            done, error = table(_refusal(file, self.job.settings, "") for file in files), _told(failure)
        return done.append_column(ERROR, pa.array([error] * len(done), pa.string()))

    def rows(self, files: Sequence[bytes]) -> Iterator[dict[str, object]]:
        """Yield a row for each file, in order, while the next ones are decoded. Raises NetworkError."""
        ahead = self.job.threads or 1
        with ThreadPoolExecutor(ahead) as pool:
            rest = iter(files)
            waiting = [(file, pool.submit(self._read, file)) for file in islice(rest, ahead + 1)]
            while waiting:
                file, film = waiting.pop(0)
                yield row(self._summary(file, film.result()))
                waiting += [(next_file, pool.submit(self._read, next_file)) for next_file in islice(rest, 1)]

    def _loaded(self) -> Predictor:
        if self._predictor is None:
            if self.job.threads:
                device.set_threads(self.job.threads)
            settings = self.job.settings
            precision = device.fast_precision() if settings.fast else device.FLOAT32
            predictor = Predictor(settings.network, self.job.vgg19, precision)
            if predictor.spec.sha256 != settings.weights_sha256:
                raise cluster.ClusterError(
                    f"The network {settings.network!r} on {os.uname().nodename} has other weights: expected SHA-256 "
                    f"{settings.weights_sha256[:12]}…, got {predictor.spec.sha256[:12]}…. Install the same version of "
                    "this project on every machine."
                )
            self._predictor = predictor
        return self._predictor

    def _read(self, file: bytes) -> imaging.Film | FilmError:
        try:
            return self.archive.read(file)
        except FilmError as error:
            return error

    def _summary(self, file: bytes, film: imaging.Film | FilmError) -> summary.PredictionSummary:
        settings, name = self.job.settings, shown(file)
        if isinstance(film, FilmError):
            return summary.refusal(name, settings.network, settings.threshold, str(film))
        try:
            prediction = self._loaded().predict(film)
        except PredictionError as error:
            return summary.refusal(name, settings.network, settings.threshold, str(error))
        if self.job.overlays:
            path = Path(self.job.overlays, os.fsdecode(file) + heatmap.OVERLAY_ENDING)
            path.parent.mkdir(parents=True, exist_ok=True)
            heatmap.write_overlay(film.pixels, prediction.heatmap, prediction.box, path)
        return summary.summarize(name, prediction, settings.threshold)


def _refusal(file: bytes, settings: Settings, why: str) -> dict[str, object]:
    return row(summary.refusal(shown(file), settings.network, settings.threshold, why))


def _told(error: Exception) -> str:
    return f"{error}" if isinstance(error, (RuntimeError, OSError)) else f"{type(error).__name__}: {error}"


# --- Engines: each takes files and yields their rows, as tables with SCHEMA, in any order ---

Engine = Callable[[Sequence[bytes], Job], Iterator[pa.Table]]


def local(files: Sequence[bytes], job: Job) -> Iterator[pa.Table]:
    """Score in this process, with one network. Raises NetworkError."""
    scorer = Scorer(job)
    for scored in scorer.rows(files):
        yield table([scored])


@dataclass(frozen=True)
class OnRay:
    """Score in processes that Ray Data starts, restarts and feeds.

    Attributes:
        address: As in `cluster.connected`.
        actors: Processes with a network; None for as many as there are processors (or GPUs) and memory.
        threads: Processors of each; None for 1, or GPU_THREADS beside a GPU.
    """

    address: str | None = None
    actors: int | None = None
    threads: int | None = None

    def __call__(self, files: Sequence[bytes], job: Job) -> Iterator[pa.Table]:
        """Yield the rows of `files`. A file whose process stops every time gets a row that says so.

        Raises:
            ClusterError: There is no Ray, or the processes cannot score at all.
        """
        cpus = self.actors * self.threads if self.actors and self.threads else None
        with cluster.connected(self.address, cpus):
            for start in range(0, len(files), WAVE):
                yield from self._wave(files[start : start + WAVE], job)

    def _wave(self, files: Sequence[bytes], job: Job) -> Iterator[pa.Table]:
        missing = {shown(file): file for file in files}
        for size in (BLOCK, 1):  # what is missing after the first pass goes one by one, to see which file it is
            answered = 0
            for answer in self._blocks(list(missing.values()), size, job):
                error = next(filter(None, answer[ERROR].to_pylist()), None)
                if error:
                    raise cluster.ClusterError(error)
                for path in answer["path"].to_pylist():
                    missing.pop(path, None)
                answered += len(answer)
                yield answer.select(SCHEMA.names)
            if not missing:
                return
        if not answered and len(missing) > BLOCK:  # not these files: all
            raise cluster.ClusterError(
                f"The processes that score stop at each of {len(missing):,} X-rays. They may lack memory: start fewer "
                "(--actors), or read Ray's log. What has been scored so far is kept."
            )
        why = (
            f"The process that reads this file stopped {RETRIES + 1} times: the file is damaged, or memory is short. "
            "Export the X-ray again."
        )
        yield table(_refusal(file, job.settings, why) for file in missing.values())

    def _blocks(self, files: Sequence[bytes], size: int, job: Job) -> Iterator[pa.Table]:
        """Yield the answers of the processes, block by block; nothing for a block whose process stopped each time."""
        import ray.data

        context = ray.data.DataContext.get_current()
        context.enable_progress_bars = False
        context.max_errored_blocks = -1
        # Ray 2.60 has no other place for max_task_retries, and its default is forever.
        warnings.filterwarnings("ignore", message="`ray_remote_args` is deprecated")
        resources = ray.cluster_resources()
        gpus = int(resources.get("GPU", 0))
        threads = self.threads or (GPU_THREADS if gpus else 1)
        fit = min(
            int(resources["CPU"] // threads), int(resources["memory"] // REPLICA_BYTES), *([gpus] if gpus else [])
        )
        actors = min(self.actors or fit, fit)
        if actors < 1:
            raise cluster.ClusterError(
                f"Ray has no room for one process: it needs {threads} processors and {REPLICA_BYTES / 2**30:g} GiB of "
                f"memory. There are {resources.get('CPU', 0):g} and {resources['memory'] / 2**30:.1f} GiB."
            )
        blocks = [pa.table({"file": pa.array(files[n : n + size], pa.binary())}) for n in range(0, len(files), size)]
        answers = ray.data.from_arrow(blocks).map_batches(
            Scorer,
            fn_constructor_args=(Job(job.settings, job.vgg19, job.overlays, threads),),
            batch_size=None,
            batch_format="pyarrow",
            compute=ray.data.ActorPoolStrategy(
                min_size=1,
                max_size=actors,
                initial_size=min(actors, len(blocks)),
                max_tasks_in_flight_per_actor=IN_FLIGHT if size > 1 else 1,  # a process that stops takes all with it
            ),
            num_cpus=threads,
            num_gpus=1 if gpus else 0,
            memory=REPLICA_BYTES,
            runtime_env={"env_vars": MALLOC | {"TF_CPP_MIN_LOG_LEVEL": "3"}},
            max_task_retries=RETRIES,
        )
        yield from answers.iter_batches(batch_size=None, batch_format="pyarrow", prefetch_batches=0)


def score(results: Results, files: Iterable[bytes], job: Job, engine: Engine, on_rows: Callable[[int], None]) -> None:
    """Score the files that have no row in `results`, then join it.

    Args:
        results: As from `results.opened`.
        files: Of the archive.
        job: For the processes.
        engine: `local` or an `OnRay`.
        on_rows: Called with the number of new rows, often.

    Raises:
        ClusterError, NetworkError, ResultsError: It cannot go on. The rows so far are kept.
    """
    rest = [file for file in files if shown(file) not in results.done]
    if rest:
        for rows in engine(rest, job):
            on_rows(results.add(rows))
    results.join()
