"""One bounded queue before the networks, shared by all sessions: that of this process, or a prediction service's.

A session submits its film and waits; the queue's own thread takes films in order, one per forward pass. No session ever
holds a network itself, so a session that ends while it waits leaves nothing locked and frees its place in the queue.

`RemoteQueue` asks the prediction service (`python -m covid_model serve`) in place of networks in this process, and is
used as `InferenceQueue` is. It needs neither TensorFlow nor Ray: films and answers go over HTTP (see `tasks`), and
while a film waits the service sends its position, which also shows that it is still there.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, wait
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from covid_model.imaging import Film
from covid_model.model import tasks
from covid_model.model.predictor import PredictionError
from covid_model.model.registry import NetworkError
from covid_model.model.tasks import PREDICT, Code, Task

if TYPE_CHECKING:
    import requests

    from covid_model.model.predictor import Prediction, Predictor


CAPACITY = 32  # films that may wait for the networks; past that, users are asked to try again
POLL_SECONDS = 0.25  # between two reports of progress
NEWEST_WEIGHT = 0.3  # of the latest film in the running mean of seconds per film

Result = TypeVar("Result")


@dataclass(frozen=True)
class QueuePosition:
    """A film's position in the queue.

    Attributes:
        ahead: Films ahead of it, the one in progress included.
        seconds: Estimated wait from recent films; None before the first.
    """

    ahead: int
    seconds: float | None


class QueueFullError(PredictionError):
    """The queue is full. `position` is where the film would have been; trying again later is fine."""

    def __init__(self, position: QueuePosition):
        self.position = position
        delay = "" if position.seconds is None else f" in about {max(1, round(position.seconds))} s"
        super().__init__(
            f"The demo is busy: {position.ahead} X-rays are already waiting, and the queue is full. "
            f"Yours would be number {position.ahead + 1}. Please try again{delay}."
        )


OnProgress = Callable[[QueuePosition], None]


@dataclass(eq=False)
class _Ticket:
    """A job that waits for a network. `film`: whether it predicts one film, so that its duration counts."""

    network: str
    job: Callable[[Predictor], Any]
    film: bool = False
    result: Future = field(default_factory=Future)


class InferenceQueue:
    """The queue. One per process, shared by all sessions.

    Args:
        get_predictor: Returns the predictor of a network by name, called from the queue's own thread. A NetworkError
            that it raises goes to the caller; the next call tries again.
        capacity: Jobs that may wait, the one in progress aside. Defaults to CAPACITY.
    """

    def __init__(self, get_predictor: Callable[[str], Predictor], capacity: int | None = None):
        self._get_predictor = get_predictor
        self._capacity = CAPACITY if capacity is None else capacity
        self._waiting: list[_Ticket] = []
        self._in_progress = 0
        self._pace: float | None = None  # seconds per film
        self._changed = threading.Condition()  # guards the four above; notified if a ticket is added
        self._thread: threading.Thread | None = None

    def predict(self, network: str, film: Film, on_progress: OnProgress | None = None) -> Prediction:
        """Predict a film when its turn comes.

        Args:
            network: Name of the network.
            film: The film.
            on_progress: Called with the film's position while it waits, in the caller's own thread. If it raises,
                waiting ends and the place is freed.

        Raises:
            QueueFullError: The queue is full.
            PredictionError, NetworkError: As `Predictor.predict` and `vgg19.load` raise them.
        """
        return self._submit(_Ticket(network, lambda predictor: predictor.predict(film), film=True), on_progress)

    def call(self, network: str, job: Callable[[Predictor], Result]) -> Result:
        """Call `job` with a network's predictor when its turn comes, and return its result. Raises as `predict`."""
        return self._submit(_Ticket(network, job), None)

    def position(self) -> QueuePosition:
        """Return the position of a film submitted now."""
        with self._changed:
            return self._position_behind(len(self._waiting))

    def _position_behind(self, waiting: int) -> QueuePosition:
        ahead = waiting + self._in_progress
        return QueuePosition(ahead, None if self._pace is None else ahead * self._pace)

    # --- In the caller's thread ---------------------------------------------------------------------

    def _submit(self, ticket: _Ticket, on_progress: OnProgress | None) -> Any:
        with self._changed:
            if len(self._waiting) >= self._capacity:
                raise QueueFullError(self._position_behind(len(self._waiting)))
            self._waiting.append(ticket)
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="inference", daemon=True)
                self._thread.start()
            self._changed.notify()
        try:
            while not wait([ticket.result], POLL_SECONDS if on_progress else None).done:
                with self._changed:
                    position = (
                        self._position_behind(self._waiting.index(ticket))
                        if ticket in self._waiting
                        else QueuePosition(0, 0)
                    )
                on_progress(position)
        except BaseException:  # Streamlit raises one to stop or rerun a session's script
            with self._changed:
                if ticket in self._waiting:
                    self._waiting.remove(ticket)
            raise
        return ticket.result.result()

    # --- In the queue's own thread ------------------------------------------------------------------

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting)
                ticket = self._waiting.pop(0)
                self._in_progress = 1
            self._run(ticket)
            with self._changed:
                self._in_progress = 0
            del ticket  # an idle queue keeps nobody's film in memory

    def _run(self, ticket: _Ticket) -> None:
        """Set the ticket's result or exception. Never raises, so that the thread lives on."""
        try:
            predictor = self._get_predictor(ticket.network)
            started = time.perf_counter()
            try:
                result = ticket.job(predictor)
            finally:
                if ticket.film:
                    self._update_pace(time.perf_counter() - started)
        except BaseException as error:
            ticket.result.set_exception(error)
        else:
            ticket.result.set_result(result)

    def _update_pace(self, seconds: float) -> None:
        with self._changed:
            self._pace = seconds if self._pace is None else (1 - NEWEST_WEIGHT) * self._pace + NEWEST_WEIGHT * seconds


# --- The queue of a prediction service ---

CONNECT_SECONDS = 5.0
SILENT_SECONDS = 30.0  # without a sign of life; the service reports a position several times a second
MOST_HEAD_BYTES = 4096  # of one line before the answer
MOST_ANSWER_BYTES = 64 * 2**20
AWAY = "The prediction service does not answer. Please try again in a moment."
GARBLED = "The prediction service gave an answer that this app does not understand. Please try again."
LOG = logging.getLogger(__name__)


class ServiceError(NetworkError):
    """The prediction service is down or failed. Trying again later is fine."""


class RemoteQueue:
    """The queue of a prediction service, with the methods of `InferenceQueue` that the app uses.

    Args:
        address: Of the service, such as http://127.0.0.1:8600.
        token: That the service asks for; None if it asks for none.
    """

    def __init__(self, address: str, token: str | None = None):
        self._address = address.rstrip("/")
        self._headers = {"Content-Type": "application/octet-stream"}
        if token:
            self._headers["Authorization"] = f"Bearer {token}"

    def predict(self, network: str, film: Film, on_progress: OnProgress | None = None) -> Prediction:
        """Predict a film when its turn comes. Raises as `InferenceQueue.predict`, and ServiceError."""
        return self._ask(network, Task(PREDICT, film), on_progress)

    def call(self, network: str, job: Task) -> Any:
        """Return the answer to a task when its turn comes. Raises as `predict`."""
        return self._ask(network, job, None)

    def _ask(self, network: str, task: Task, on_progress: OnProgress | None) -> Any:
        import requests

        query = {"network": network, "options": json.dumps(dict(task.options))}
        try:
            with (
                _session() as session,
                session.post(
                    f"{self._address}/tasks/{task.name}",
                    params=query,
                    data=tasks.film_to_bytes(task.film.pixels),
                    headers=self._headers,
                    timeout=(CONNECT_SECONDS, SILENT_SECONDS),
                    stream=True,  # left early, it is closed, and the service frees the place
                    allow_redirects=False,
                ) as response,
            ):
                if response.status_code != 200:  # not JSON: a proxy before a service that is starting or gone
                    _refused(_json(next(response.iter_content(MOST_HEAD_BYTES), b""), AWAY))
                head, answer = _read(response, on_progress)
        except requests.RequestException as error:
            LOG.warning("The prediction service at %s does not answer: %s", self._address, type(error).__name__)
            raise ServiceError(AWAY) from error
        if head.get("film") != tasks.digest(task.film.pixels) or head.get("network") != network:
            LOG.error("The prediction service answered for another X-ray or network.")
            raise ServiceError(GARBLED)
        try:
            return task.completed(tasks.decode(answer))
        except ValueError as error:
            raise ServiceError(GARBLED) from error


def _session() -> requests.Session:
    import requests

    session = requests.Session()
    session.trust_env = False  # no proxy, and no other credentials than the token
    return session


def _read(response: requests.Response, on_progress: OnProgress | None) -> tuple[dict[str, Any], bytes]:
    """Report positions until the answer comes; return the line before it and its bytes."""
    pieces: Iterator[bytes] = response.iter_content(None)
    received = b""
    while True:
        while b"\n" not in received:
            if len(received) > MOST_HEAD_BYTES:
                raise ServiceError(GARBLED)
            piece = next(pieces, None)
            if piece is None:
                raise ServiceError(AWAY)
            received += piece
        line, _, received = received.partition(b"\n")
        head = _json(line)
        if "bytes" in head:
            break
        if "code" in head:
            _refused(head)
        if on_progress is not None:
            on_progress(_position(head))
    size = head["bytes"]
    if not isinstance(size, int) or not 0 <= size <= MOST_ANSWER_BYTES:
        raise ServiceError(GARBLED)
    parts, length = [received], len(received)
    while length < size:
        piece = next(pieces, None)
        if piece is None:
            raise ServiceError(AWAY)
        parts.append(piece)
        length += len(piece)
    return head, b"".join(parts)[:size]


def _json(line: bytes, otherwise: str = GARBLED) -> dict[str, Any]:
    """Parse an object. Raises ServiceError with the sentence `otherwise` if it is none."""
    try:
        head = json.loads(line)
    except ValueError:
        head = None
    if not isinstance(head, dict):
        raise ServiceError(otherwise)
    return head


def _position(head: dict[str, Any]) -> QueuePosition:
    ahead, seconds = head.get("ahead"), head.get("seconds")
    if not isinstance(ahead, int) or not isinstance(seconds, int | float | None):
        raise ServiceError(GARBLED)
    return QueuePosition(ahead, seconds)


def _refused(head: dict[str, Any]) -> NoReturn:
    """Raise the error that the service met with."""
    code, sentence = head.get("code"), str(head.get("refused"))
    if code == Code.FULL:
        raise QueueFullError(_position(head))
    if code in (Code.FILM, Code.NO_SCORE):
        raise PredictionError(sentence)
    if code == Code.NETWORK:
        raise NetworkError(sentence)
    if code == Code.AGAIN:
        raise ServiceError(sentence)
    LOG.error("The prediction service refused a request of this app: %s", sentence)
    raise ServiceError(AWAY if code == Code.TOKEN else GARBLED)
