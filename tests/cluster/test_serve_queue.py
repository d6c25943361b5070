"""The prediction service with a mock network: its queue, visitors who leave, a replica that is killed, the end."""

from __future__ import annotations

import os
import signal
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from covid_model import cluster
from covid_model.cluster.turns import Settings
from covid_model.imaging import Film
from covid_model.model import registry
from covid_model.model.queue import QueueFullError, QueuePosition, RemoteQueue, ServiceError
from tests.browser.demo import free_port
from tests.cluster.waiting import PATIENCE, replica_that_waits, serving, until

pytestmark = pytest.mark.cluster

CAPACITY = 3  # films that may wait, besides the two that a replica holds
HELD = 2
BODY_SECONDS = 3.0


@pytest.fixture(scope="module")
def service(tmp_path_factory) -> Iterator[tuple[str, Path]]:
    """The address of a service, and the folder that its replica looks at."""
    folder = tmp_path_factory.mktemp("gate")
    (folder / "open").touch()
    settings = Settings(port=free_port(), capacity=CAPACITY, answer_seconds=PATIENCE, body_seconds=BODY_SECONDS)
    with cluster.connected(cpus=1), serving(settings, replica_that_waits(folder)) as address:
        yield address, folder


@pytest.fixture
def gate(service) -> Iterator[Path]:
    """The folder: the gate is shut, and nothing is noted."""
    _, folder = service
    for path in folder.iterdir():
        path.unlink()
    yield folder
    (folder / "open").touch()


class Visitor(threading.Thread):
    """Asks for one film, and keeps the score or the error, and the positions."""

    def __init__(self, address: str, value: int, leave: bool = False):
        super().__init__(daemon=True)
        self.queue, self.value, self.leave = RemoteQueue(address), value, leave
        self.score, self.error, self.told = None, None, []

    def run(self):
        film = Film(np.full((80, 64), self.value, np.uint8), (), "PNG")
        try:
            self.score = self.queue.predict(registry.default(), film, self.tell).score
        except Exception as error:
            self.error = error

    def tell(self, position: QueuePosition) -> None:
        self.told.append(position)
        if self.leave:
            raise ZeroDivisionError

    def done(self) -> Visitor:
        self.join(PATIENCE)
        assert not self.is_alive(), "the visitor still waits"
        return self


def visits(address: str, values: range) -> list[Visitor]:
    """Let visitors come one after the other; each is in the queue before the next comes."""
    visitors = []
    for value in values:
        visitors.append(Visitor(address, value))
        visitors[-1].start()
        until(lambda: visitors[-1].told or visitors[-1].error)
    return visitors


def starts(gate: Path) -> list[tuple[int, int]]:
    """Return (process, film) of every film that was started."""
    return [tuple(map(int, path.name.split("-"))) for path in gate.iterdir() if "-" in path.name]


def test_visitors_see_their_position_and_a_full_queue_says_so(service, gate):
    address, _ = service
    visitors = visits(address, range(1, 1 + HELD + CAPACITY))
    until(lambda: visitors[0].told[-1] == QueuePosition(0, 0))
    for ahead, visitor in enumerate(visitors[1:], 1):
        until(lambda visitor=visitor, ahead=ahead: visitor.told[-1].ahead == ahead)
    late = Visitor(address, 99)
    late.start()
    refused = late.done().error
    assert isinstance(refused, QueueFullError) and refused.position.ahead == HELD + CAPACITY
    assert [film for _, film in starts(gate)] == [1]
    (gate / "open").touch()
    assert [visitor.done().score for visitor in visitors] == [visitor.value / 256 for visitor in visitors]
    assert all(visitor.error is None for visitor in visitors)


def test_a_visitor_who_leaves_frees_the_place(service, gate):
    address, _ = service
    visitors = visits(address, range(1, 1 + HELD))
    leaver = Visitor(address, 50, leave=True)
    leaver.start()
    assert isinstance(leaver.done().error, ZeroDivisionError)
    stayer = Visitor(address, 60)
    stayer.start()
    until(lambda: stayer.told and stayer.told[-1].ahead == HELD)
    (gate / "open").touch()
    assert stayer.done().score == 60 / 256 and all(visitor.done().score for visitor in visitors)
    assert 50 not in [film for _, film in starts(gate)]


def test_a_request_that_does_not_arrive_is_given_up(service):
    address, _ = service
    host, port = address.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=PATIENCE) as connection:
        connection.sendall(b"POST /predict HTTP/1.1\r\nHost: test\r\nContent-Length: 100\r\n\r\n\x89PNG")
        assert connection.recv(100).startswith(b"HTTP/1.1 408 ")


def test_a_killed_replica_loses_and_mixes_no_answer(service, gate):
    address, _ = service
    visitors = visits(address, range(101, 101 + HELD + CAPACITY))
    until(lambda: starts(gate))
    ((process, first),) = starts(gate)
    os.kill(process, signal.SIGKILL)
    (gate / "open").touch()
    for visitor in visitors:
        visitor.done()
        assert visitor.score == visitor.value / 256 or isinstance(visitor.error, ServiceError | QueueFullError)
    assert any(visitor.score for visitor in visitors), [visitor.error for visitor in visitors]
    again = Visitor(address, first)
    again.start()
    assert again.done().score == first / 256
