"""The desk: one bounded queue before the networks, for all visitors, and one thread that reads.

A visitor hands in his film and waits. The thread takes what came first and, with it, the films right behind that the
same network is to read, as one batch. No visitor ever holds the network himself: whatever becomes of his session while
he waits, nothing stays locked, and a visitor who leaves gives his place up.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from covid_model import settings
from covid_model.films import Film
from covid_model.reading import ReadingError

if TYPE_CHECKING:
    from covid_model.reading import Reader, Reading

LOOK = 0.25  # seconds between two looks at how far the queue has come
NEWEST = 0.3  # share of the newest turn in the running mean of what a film takes

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Place:
    """Where a visitor stands in the queue.

    Attributes:
        ahead: films that come before his, those in work included.
        seconds: that these will take, from what the last ones took; None before any was read.
    """

    ahead: int
    seconds: float | None


class Busy(ReadingError):
    """The queue is full. `place` is where the visitor would have stood; he may ask again."""

    def __init__(self, place: Place):
        self.place = place
        about = "" if place.seconds is None else f" in about {max(1, round(place.seconds))} s"
        super().__init__(
            f"Many visitors are here at once: {place.ahead} films wait to be read, and no more can be queued. "
            f"This one would be number {place.ahead + 1}. Please try again{about}."
        )


Tell = Callable[[Place], None]


@dataclass(eq=False)
class _Ticket:
    """Something that waits for a network: a film to read or, where `film` is None, a job of its own."""

    network: str
    film: Film | None = None
    job: Callable[[Reader], Any] | None = None
    answer: Future = field(default_factory=Future)


class Desk:
    """The queue. One a process, shared by all sessions.

    Args:
        reader: gives the reader of a network by name, from the desk's own thread; may raise NetworkError, which then
            goes to who asked, and the next one asks again.
        places: tickets that may wait, those in work aside.
        batch: films that are read in one pass at most.
    """

    def __init__(
        self,
        reader: Callable[[str], Reader],
        places: int | None = None,
        batch: int | None = None,
    ):
        places = settings.DESK_PLACES if places is None else places
        batch = settings.DESK_BATCH if batch is None else batch
        self._reader, self._places, self._batch = reader, places, batch
        self._waiting: list[_Ticket] = []
        self._in_work = 0
        self._pace: float | None = None  # seconds a film
        self._came = threading.Condition()  # guards the four above, and is told when a ticket comes
        self._thread: threading.Thread | None = None

    def read(self, network: str, film: Film, tell: Tell | None = None) -> Reading:
        """Read a film when its turn comes.

        Args:
            network: its name.
            film: the film.
            tell: called now and then while the film waits, from the caller's own thread; what it raises ends the
                waiting and gives the place up.

        Raises:
            Busy: the queue is full.
            ReadingError, NetworkError: as `Reader` and `network.load` raise them.
        """
        return self._ask(_Ticket(network, film=film), tell)

    def call(self, network: str, job: Callable[[Reader], Answer], tell: Tell | None = None) -> Answer:
        """Let `job` have a network's reader when its turn comes, alone; gives what `job` gives. Raises as `read`."""
        return self._ask(_Ticket(network, job=job), tell)

    def place(self) -> Place:
        """Where somebody who came now would stand."""
        with self._came:
            return self._place_behind(len(self._waiting))

    def _place_behind(self, waiting: int) -> Place:
        ahead = waiting + self._in_work
        return Place(ahead, None if self._pace is None else ahead * self._pace)

    # --- The visitor's side -------------------------------------------------------------------------

    def _ask(self, ticket: _Ticket, tell: Tell | None) -> Any:
        with self._came:
            if len(self._waiting) >= self._places:
                raise Busy(self._place_behind(len(self._waiting)))
            self._waiting.append(ticket)
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="desk", daemon=True)
                self._thread.start()
            self._came.notify()
        try:
            while not wait([ticket.answer], LOOK if tell else None).done:
                with self._came:
                    place = self._place_behind(self._waiting.index(ticket)) if ticket in self._waiting else Place(0, 0)
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
                turn = self._take()
                self._in_work = len(turn)
            self._serve(turn)
            with self._came:
                self._in_work = 0
            del turn  # an idle desk holds nobody's film

    def _take(self) -> list[_Ticket]:
        """The first ticket and, where it is a film, those right behind it that can be read in the same pass."""
        count, first = 1, self._waiting[0]
        if first.film is not None:
            for other in self._waiting[1 : self._batch]:
                if other.film is None or other.network != first.network:
                    break
                count += 1
        turn, self._waiting = self._waiting[:count], self._waiting[count:]
        return turn

    def _serve(self, turn: list[_Ticket]) -> None:
        """Give every ticket its answer, or the error that stands for it; raises nothing."""
        try:
            reader = self._reader(turn[0].network)
            started = time.perf_counter()
            answers = self._answers(reader, turn)
            self._keep_pace(turn, time.perf_counter() - started)
        except BaseException as error:
            answers = [error] * len(turn)
        for ticket, answer in zip(turn, answers, strict=True):
            if isinstance(answer, BaseException):
                ticket.answer.set_exception(answer)
            else:
                ticket.answer.set_result(answer)

    def _keep_pace(self, turn: list[_Ticket], seconds: float) -> None:
        if turn[0].film is not None:
            each = seconds / len(turn)
            with self._came:
                self._pace = each if self._pace is None else (1 - NEWEST) * self._pace + NEWEST * each

    def _answers(self, reader: Reader, turn: list[_Ticket]) -> list[Any]:
        if len(turn) > 1:
            try:
                return reader.read_many([ticket.film for ticket in turn])
            except Exception:  # of the pass as a whole, such as memory that ran out: each film for itself then
                return [_alone(reader, ticket) for ticket in turn]
        return [_alone(reader, turn[0])]


def _alone(reader: Reader, ticket: _Ticket) -> Any:
    try:
        return reader.read(ticket.film) if ticket.job is None else ticket.job(reader)
    except BaseException as error:
        return error
