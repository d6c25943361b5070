"""The desk: one bounded queue before the networks, for all visitors, and one thread that reads.

A visitor hands in his film and waits. The thread takes what came first, one film a pass. No visitor ever holds the
network himself: whatever becomes of his session while he waits, nothing stays locked, and a visitor who leaves gives
his place up.
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

MAX_WAITING = 32  # films that may wait for the networks; past that, users are asked to try again
POLL_SECONDS = 0.25  # seconds between two looks at how far the queue has come
NEWEST_WEIGHT = 0.3  # share of the newest turn in the running mean of what a film takes

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class QueuePosition:
    """Where a visitor stands in the queue.

    Attributes:
        ahead: films that come before his, the one in work included.
        seconds: that these will take, from what the last ones took; None before any was read.
    """

    ahead: int
    seconds: float | None


class QueueFullError(PredictionError):
    """The queue is full. `place` is where the visitor would have stood; he may ask again."""

    def __init__(self, place: QueuePosition):
        self.place = place
        about = "" if place.seconds is None else f" in about {max(1, round(place.seconds))} s"
        super().__init__(
            f"Many visitors are here at once: {place.ahead} films wait to be read, and no more can be queued. "
            f"This one would be number {place.ahead + 1}. Please try again{about}."
        )


OnProgress = Callable[[QueuePosition], None]


@dataclass(eq=False)
class _Ticket:
    """A job that waits for a network. `film`: whether it is to read one film, so that it counts for the pace."""

    network: str
    job: Callable[[Predictor], Any]
    film: bool = False
    answer: Future = field(default_factory=Future)


class InferenceQueue:
    """The queue. One a process, shared by all sessions.

    Args:
        reader: gives the reader of a network by name, from the desk's own thread; may raise NetworkError, which then
            goes to who asked, and the next one asks again.
        places: tickets that may wait, the one in work aside.
    """

    def __init__(self, reader: Callable[[str], Predictor], places: int | None = None):
        self._reader, self._places = reader, MAX_WAITING if places is None else places
        self._waiting: list[_Ticket] = []
        self._in_work = 0
        self._pace: float | None = None  # seconds a film
        self._came = threading.Condition()  # guards the four above, and is told when a ticket comes
        self._thread: threading.Thread | None = None

    def read(self, network: str, film: Film, tell: OnProgress | None = None) -> Prediction:
        """Read a film when its turn comes.

        Args:
            network: its name.
            film: the film.
            tell: called now and then while the film waits, from the caller's own thread; what it raises ends the
                waiting and gives the place up.

        Raises:
            QueueFullError: the queue is full.
            PredictionError, NetworkError: as `Predictor` and `network.load` raise them.
        """
        return self._ask(_Ticket(network, lambda reader: reader.read(film), film=True), tell)

    def call(self, network: str, job: Callable[[Predictor], Answer], tell: OnProgress | None = None) -> Answer:
        """Let `job` have a network's reader when its turn comes, alone; gives what `job` gives. Raises as `read`."""
        return self._ask(_Ticket(network, job), tell)

    def place(self) -> QueuePosition:
        """Where somebody who came now would stand."""
        with self._came:
            return self._place_behind(len(self._waiting))

    def _place_behind(self, waiting: int) -> QueuePosition:
        ahead = waiting + self._in_work
        return QueuePosition(ahead, None if self._pace is None else ahead * self._pace)

    # --- The visitor's side -------------------------------------------------------------------------

    def _ask(self, ticket: _Ticket, tell: OnProgress | None) -> Any:
        with self._came:
            if len(self._waiting) >= self._places:
                raise QueueFullError(self._place_behind(len(self._waiting)))
            self._waiting.append(ticket)
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="desk", daemon=True)
                self._thread.start()
            self._came.notify()
        try:
            while not wait([ticket.answer], POLL_SECONDS if tell else None).done:
                with self._came:
                    place = (
                        self._place_behind(self._waiting.index(ticket))
                        if ticket in self._waiting
                        else QueuePosition(0, 0)
                    )
                tell(place)
        except BaseException:  # the session ends, or its script starts again
            with self._came:
                if ticket in self._waiting:
                    self._waiting.remove(ticket)
            raise
        return ticket.answer.result()

    # --- The desk's own thread ----------------------------------------------------------------------

    def _work(self) -> None:
        while True:
            with self._came:
                self._came.wait_for(lambda: self._waiting)
                ticket = self._waiting.pop(0)
                self._in_work = 1
            self._serve(ticket)
            with self._came:
                self._in_work = 0
            del ticket  # an idle desk holds nobody's film

    def _serve(self, ticket: _Ticket) -> None:
        """Give the ticket its answer, or the error that stands for it; raises nothing."""
        try:
            reader = self._reader(ticket.network)
            started = time.perf_counter()
            try:
                answer = ticket.job(reader)
            finally:
                if ticket.film:
                    self._keep_pace(time.perf_counter() - started)
        except BaseException as error:
            ticket.answer.set_exception(error)
        else:
            ticket.answer.set_result(answer)

    def _keep_pace(self, seconds: float) -> None:
        with self._came:
            self._pace = seconds if self._pace is None else (1 - NEWEST_WEIGHT) * self._pace + NEWEST_WEIGHT * seconds
