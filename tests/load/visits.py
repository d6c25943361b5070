"""Visitors of a load test and what they count: every score is checked as the visitor sees it."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass, field

from covid_model.app.text.prediction import WITHOUT_SERVICE
from covid_model.tools.headless_client import ClientError, HeadlessClient
from tests.load import films

TOLERANCE = 1e-4  # that a score may differ from the one that a visitor alone gets
AGAIN = "try-again"  # key of the button that a full queue offers
TRIES = 300  # how often a visitor asks a full queue again, a second apart


@dataclass
class Tally:
    """What the visitors of one run met with.

    Attributes:
        readings: films that got a score.
        refused: files that are no films and were refused, as they must be.
        left: films whose visitor left while they were read.
        waited: how often a visitor was told that the queue is full.
        off: the largest difference of a score from the single visitor's.
        seconds: that each film took, from the upload to the end of the page's run.
        failures: sentences about whatever went wrong.
    """

    readings: int = 0
    refused: int = 0
    left: int = 0
    waited: int = 0
    off: float = 0.0
    seconds: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, **counts: int) -> None:
        with self.lock:
            for name, count in counts.items():
                setattr(self, name, getattr(self, name) + count)

    def fail(self, sentence: str) -> None:
        with self.lock:
            self.failures.append(sentence)


def read(visitor: HeadlessClient, name: str, data: bytes, tally: Tally) -> dict | None:
    """Upload a film, ask again where the queue is full; the result as the page gives it out, or None and a failure."""
    started = time.perf_counter()
    page = visitor.upload(name, data)
    for _ in range(TRIES):
        if not page.has(AGAIN):
            break
        if any(WITHOUT_SERVICE in alert for alert in page.alerts):
            tally.fail(f"{name} got no answer of the prediction service: {page.alerts}")
            return None
        tally.add(waited=1)
        time.sleep(1)
        page = visitor.press(AGAIN)
    if page.score is None:
        tally.fail(f"{name} got no score: {page.alerts}")
        return None
    (record,) = json.loads(visitor.fetch("json-result"))
    if record["file"] != name or name not in page.texts:
        tally.fail(f"{name} was shown the result of {record['file']}, under the names {page.texts}")
        return None
    with tally.lock:
        tally.readings += 1
        tally.seconds.append(time.perf_counter() - started)
    return record


def check(name: str, record: dict | None, expected: float, tally: Tally) -> None:
    """Compare a score with the single visitor's."""
    if record is None:
        return
    off = abs(record["score"] - expected)
    with tally.lock:
        tally.off = max(tally.off, off)
    if off > TOLERANCE:
        tally.fail(f"{name} scored {record['score']:.6f} where a visitor alone gets {expected:.6f}")


def refuse(visitor: HeadlessClient, name: str, number: int, tally: Tally) -> None:
    """Upload a file that is no film: it must get a sentence and no score."""
    page = visitor.upload(name, films.BAD[number % len(films.BAD)])
    if page.score is not None or not page.alerts:
        tally.fail(f"{name}, no film, got the score {page.score} and the sentences {page.alerts}")
    else:
        tally.add(refused=1)


class Session(threading.Thread):
    """One visitor: comes, reads some films, leaves; in the middle of a reading where `leaves` is set.

    Args:
        address: of the server.
        number: his own, which stands in the names of his files.
        order: which films of the pool he reads, in this order.
        pool: films, with the score that a visitor alone gets for each.
        tally: takes what he meets with.
        bad_every: after how many films a bad file comes; 0 for none.
        leaves: whether he uploads one film more and closes the page at once.
        start: waited for before the first film.
    """

    def __init__(
        self,
        address: str,
        number: int,
        order: list[int],
        pool: list[tuple[bytes, float]],
        tally: Tally,
        bad_every: int = 0,
        leaves: bool = False,
        start: threading.Barrier | None = None,
    ):
        super().__init__(name=f"visitor-{number}", daemon=True)
        self.address, self.number, self.order, self.pool, self.tally = address, number, order, pool, tally
        self.bad_every, self.leaves, self.start_line = bad_every, leaves, start

    def run(self) -> None:
        try:
            with HeadlessClient(self.address, patience=600) as visitor:
                visitor.open()
                if self.start_line:
                    self.start_line.wait()
                self._visit(visitor)
        except Exception as error:
            self.tally.fail(f"Visitor {self.number}: {type(error).__name__}: {error}")

    def _visit(self, visitor: HeadlessClient) -> None:
        for count, film in enumerate(self.order):
            name = f"visitor-{self.number}-film-{film}.png"
            data, expected = self.pool[film]
            try:
                check(name, read(visitor, name, data, self.tally), expected, self.tally)
                if self.bad_every and count % self.bad_every == self.bad_every - 1:
                    refuse(visitor, f"visitor-{self.number}-bad.png", self.number + count, self.tally)
            except ClientError as error:
                self.tally.fail(f"{name}: {error}")
        if self.leaves:
            visitor.send_upload(f"visitor-{self.number}-leaves.png", self.pool[0][0])
            self.tally.add(left=1)
