"""Ask the prediction service (`python -m covid_model serve`) in place of networks in this process.

`RemoteQueue` is used as `queue.InferenceQueue` is. It needs neither TensorFlow nor Ray: films and answers go over HTTP
(see `wire`), and while a film waits the service sends its position, which also shows that it is still there.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NoReturn

from covid_model.imaging import Film
from covid_model.model import wire
from covid_model.model.predictor import PredictionError
from covid_model.model.queue import OnProgress, QueueFullError, QueuePosition
from covid_model.model.registry import NetworkError
from covid_model.model.tasks import PREDICT, Task
from covid_model.model.wire import Code

if TYPE_CHECKING:
    import requests

    from covid_model.model.predictor import Prediction

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
                    data=wire.film_to_bytes(task.film.pixels),
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
        if head.get("film") != wire.digest(task.film.pixels) or head.get("network") != network:
            LOG.error("The prediction service answered for another X-ray or network.")
            raise ServiceError(GARBLED)
        try:
            return task.completed(wire.decode(answer))
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
