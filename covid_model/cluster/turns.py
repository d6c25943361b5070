"""Pass requests to the replicas that hold the networks, in order, and tell each how many are ahead of it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from covid_model import config
from covid_model.cluster import HOST, PORT
from covid_model.data import samples
from covid_model.imaging import Film, FilmError, Refusal
from covid_model.model import device, predictor, registry, tasks
from covid_model.model.predictor import PredictionError
from covid_model.model.queue import CAPACITY, NEWEST_WEIGHT, POLL_SECONDS, QueueFullError, QueuePosition
from covid_model.model.tasks import PREDICT, Code, Task

ANSWER_SECONDS = 120.0  # from a request's arrival to its answer
BODY_SECONDS = 60.0  # that a request may take to arrive
READY_SECONDS = 2.0  # that a health check waits for a replica
ATTEMPTS = 3  # for one request, if replicas die
FAILURES = 3  # in a row after which a replica is replaced
ARRIVING = 16  # requests that may arrive or be decoded while the queue is full; past that none is read
AGAIN = "The prediction service could not analyze this X-ray. Please try again."
LATE = "The prediction service did not get to this X-ray in time. Please try again later."
STOPPING = "The prediction service is being stopped. Please try again in a moment."
LOADING = "The prediction service is loading its network. Please try again in a moment."
NO_TOKEN = "This service requires a token: send the header Authorization: Bearer TOKEN."
STATUS = {
    Code.FULL: 503, Code.FILM: 422, Code.NO_SCORE: 422, Code.NETWORK: 503, Code.AGAIN: 503, Code.TOKEN: 401,
    Code.REQUEST: 422,
}  # fmt: skip
FILM_STATUS = {Refusal.TOO_MANY_BYTES: 413, Refusal.OTHER_TYPE: 415}
LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Settings:
    """How to serve.

    Attributes:
        host, port: Where to listen.
        network: Loaded by every replica before it takes requests; the others are loaded when asked for.
        threads: CPU cores of one replica, and so TensorFlow's threads in it.
        replicas: The most replicas.
        gpus: GPUs of one replica, 0 or 1.
        capacity: X-rays that may wait.
        answer_seconds, body_seconds: Limits of time for one request.
        token: That requests must carry; None asks for none.
        networks: Folder of the networks.
    """

    host: str = HOST
    port: int = PORT
    network: str = field(default_factory=registry.default)
    threads: int = 1
    replicas: int = 1
    gpus: int = 0
    capacity: int = CAPACITY
    answer_seconds: float = ANSWER_SECONDS
    body_seconds: float = BODY_SECONDS
    token: str | None = None
    networks: str = field(default_factory=lambda: str(config.NETWORKS))


class RequestError(Exception):
    """A request that gets no answer.

    Args:
        code: For the app.
        sentence: For the user, as the app would show it.
        status: HTTP's; that of the code by default.
        more: Further values of the answer.
    """

    def __init__(self, code: Code, sentence: str, status: int | None = None, **more: Any):
        super().__init__(sentence)
        self.code, self.sentence, self.status, self.more = code, sentence, status or STATUS[code], more

    @property
    def head(self) -> dict[str, Any]:
        """The error as JSON."""
        return {"code": self.code.value, "refused": self.sentence} | self.more


def queue_full(position: QueuePosition) -> RequestError:
    """Return the error of a full queue, in the words of the app's own queue."""
    return RequestError(Code.FULL, str(QueueFullError(position)), ahead=position.ahead, seconds=position.seconds)


def film_refused(error: FilmError) -> RequestError:
    """Return the error of a file that is refused."""
    return RequestError(Code.FILM, str(error), FILM_STATUS.get(error.code))


# --- A replica ----------------------------------------------------------------------------------------


class Replica:
    """Holds networks and answers one task at a time."""

    def __init__(self, settings: Settings):
        config.NETWORKS = Path(settings.networks)  # this process is the replica's own
        threads = str(settings.threads)
        os.environ |= {"TF_NUM_INTRAOP_THREADS": threads, "TF_NUM_INTEROP_THREADS": "1", "OMP_NUM_THREADS": threads}
        self._loaded: dict[str, tuple[predictor.Predictor, str]] = {}  # and where it computes
        self._turn = asyncio.Lock()
        self._failures = 0
        answer = self._answer(settings.network, Task(PREDICT, Film(samples.draw_schematic(), (), "PNG")))
        if "code" in answer and answer["code"] != Code.NETWORK:  # a network that is missing is each request's answer
            raise RuntimeError(answer["refused"])

    async def ask(self, network: str, name: str, pixels: np.ndarray, options: dict[str, Any]):
        """Yield None when the turn has come, then the answer: its bytes and what they belong to, or an error."""
        async with self._turn:
            yield None
            yield await asyncio.to_thread(self._answer, network, Task(name, Film(pixels, (), "PNG"), options))

    def devices(self) -> list[str]:
        """Return a line for each network that is loaded: its name, the device and the precision."""
        return [f"network={name} {where}" for name, (_, where) in self._loaded.items()]

    def check_health(self) -> None:
        """Raise if this replica has to be replaced; Ray Serve asks regularly."""
        if self._failures >= FAILURES:
            raise RuntimeError(f"{self._failures} tasks in a row failed")

    def _answer(self, network: str, task: Task) -> dict[str, Any]:
        started = time.perf_counter()
        try:
            content = tasks.encode(task(self._predictor(network)))
        except registry.NetworkError as error:
            return RequestError(Code.NETWORK, str(error)).head
        except PredictionError as error:
            return RequestError(Code.NO_SCORE, str(error)).head
        except Exception as error:
            LOG.exception("A task failed: %s", type(error).__name__)
            self._failures += 1
            return RequestError(Code.AGAIN, AGAIN).head
        self._failures = 0
        seconds = time.perf_counter() - started
        return {"network": network, "film": tasks.digest(task.film.pixels), "seconds": seconds, "content": content}

    def _predictor(self, network: str) -> predictor.Predictor:
        if network not in self._loaded:
            loaded, precision = predictor.load(network)
            self._loaded[network] = loaded, f"device={device.gpu_name() or 'CPU'} precision={precision}"
        return self._loaded[network][0]


# --- Before the replicas ----------------------------------------------------------------


@dataclass(eq=False)
class _Ticket:
    """A request on its way. `running`: whether a replica works on it."""

    running: bool = False


class Turns:
    """Passes tasks to the replicas and tells each request its position.

    Args:
        replicas: The handle of the replicas' deployment.
        settings: Of the service.
    """

    def __init__(self, replicas: Any, settings: Settings):
        self._replicas, self._devices = replicas.options(stream=True), replicas.devices
        self._ready = False
        self._settings = settings
        self._tickets: list[_Ticket] = []
        self._pace: float | None = None  # seconds per film of one replica
        self.draining = False

    def check_room(self, arriving: int) -> None:
        """Raise RequestError if a request is not even to be read: the service stops, or too many are on their way."""
        if self.draining:
            raise RequestError(Code.AGAIN, STOPPING)
        if arriving > self._settings.capacity + ARRIVING:
            raise queue_full(self.position())

    async def ready(self) -> bool:
        """Return whether a replica has loaded its network; once it has, Ray Serve sees to it that one is there."""
        if not self._ready:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(READY_SECONDS):
                    await self._devices.remote()
                    self._ready = True
        return self._ready

    @property
    def waiting(self) -> int:
        """Requests that wait for a replica or are worked on."""
        return len(self._tickets)

    def position(self, ticket: _Ticket | None = None) -> QueuePosition:
        """Return a request's position; that of a request that comes now by default."""
        if ticket is not None and ticket.running:
            return QueuePosition(0, 0)
        ahead = len(self._tickets) if ticket is None else self._tickets.index(ticket)
        busy = max(1, sum(other.running for other in self._tickets))
        return QueuePosition(ahead, None if self._pace is None else ahead * self._pace / busy)

    async def ask(self, network: str, name: str, pixels: np.ndarray, options: dict[str, Any]) -> AsyncIterator[Any]:
        """Yield positions while a task waits, then the answer of a replica. Raises RequestError.

        A replica that dies is replaced by Ray Serve, and the task is given to another: tasks change nothing.
        """
        from ray.exceptions import RayError
        from ray.serve.exceptions import BackPressureError, RayServeException

        ticket, end = _Ticket(), time.monotonic() + self._settings.answer_seconds
        position = self.position()
        self._tickets.append(ticket)
        try:
            for _ in range(ATTEMPTS):
                try:
                    async with contextlib.aclosing(self._steps(ticket, end, network, name, pixels, options)) as steps:
                        async for step in steps:
                            yield step
                    return
                except BackPressureError:
                    raise queue_full(position) from None
                except (RayError, RayServeException) as error:
                    LOG.warning("A replica failed: %s", repr(error)[:300])
                    ticket.running = False
            raise RequestError(Code.AGAIN, AGAIN)
        finally:
            self._tickets.remove(ticket)

    async def _steps(self, ticket: _Ticket, end: float, *task: Any) -> AsyncIterator[Any]:
        """Pass a task to a replica once; yield positions, then the answer."""
        response = self._replicas.ask.remote(*task)
        pending = asyncio.ensure_future(anext(response))
        try:
            while True:
                done, _ = await asyncio.wait({pending}, timeout=POLL_SECONDS)
                if done and ticket.running:
                    answer = pending.result()
                    break
                if done:
                    pending.result()  # raises if there is no replica
                    ticket.running = True
                    pending = asyncio.ensure_future(anext(response))
                elif time.monotonic() > end:
                    raise RequestError(Code.AGAIN, LATE)
                yield self.position(ticket)
        finally:
            if not pending.done():
                pending.cancel()
                response.cancel()
        if "code" in answer:
            raise RequestError(Code(answer["code"]), answer["refused"])
        if answer["film"] != tasks.digest(task[2]):
            LOG.error("A replica answered for another X-ray.")
            raise RequestError(Code.AGAIN, AGAIN)
        if task[1] == PREDICT:
            newest = answer["seconds"]
            self._pace = newest if self._pace is None else (1 - NEWEST_WEIGHT) * self._pace + NEWEST_WEIGHT * newest
        yield answer
