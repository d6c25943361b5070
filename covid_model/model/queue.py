"""One bounded queue before the networks, shared by all sessions, and one thread that runs them.

A session submits its film and waits; the thread takes films in order, one per forward pass. No session ever holds a
network itself, so a session that ends while it waits leaves nothing locked and frees its place in the queue.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from covid_model.imaging import Film
from covid_model.model.predictor import PredictionError

if TYPE_CHECKING:
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
