"""The queue before the networks, with a mock predictor and many threads."""

from __future__ import annotations

import gc
import threading
import time
import weakref

import numpy as np
import pytest

from covid_model.imaging import Film
from covid_model.model.predictor import PredictionError
from covid_model.model.queue import InferenceQueue, QueueFullError, QueuePosition
from covid_model.model.registry import NetworkError

PATIENCE = 10  # seconds that a test waits for a thread before it fails


class MockReader:
    """Gives a film's brightest pixel. While `gate` is closed it reads nothing; `passes` are the films it read."""

    def __init__(self):
        self.gate, self.started = threading.Event(), threading.Event()
        self.gate.set()
        self.passes: list[int] = []
        self.fails: set[int] = set()  # films that memory does not suffice for
        self.nan: set[int] = set()  # films that the network gives no number for

    def predict(self, film):
        value = int(film.pixels.max())
        self.started.set()
        assert self.gate.wait(PATIENCE)
        self.passes.append(value)
        if value in self.fails:
            raise MemoryError("no room")
        if value in self.nan:
            raise PredictionError("no score")
        return value


def film(value: int) -> Film:
    return Film(np.full((4, 4), value, np.uint8), (), "PNG")


class Session(threading.Thread):
    """A visitor: asks for one film, keeps what he was given or what was raised, and what he was told."""

    def __init__(self, queue, value, network="fine-tuned", tell=None):
        super().__init__(daemon=True)
        self.queue, self.value, self.network, self.own_tell = queue, value, network, tell
        self.answer, self.error, self.told = None, None, []

    def run(self):
        try:
            self.answer = self.queue.predict(self.network, film(self.value), self.tell)
        except BaseException as error:
            self.error = error

    def tell(self, place):
        self.told.append(place)
        if self.own_tell:
            self.own_tell(place)

    def done(self):
        self.join(PATIENCE)
        assert not self.is_alive(), "the session still waits"
        return self


def queued(queue, reader, values, **more):
    """Sessions behind a film that is being read, in this order; the reader's gate is closed."""
    reader.gate.clear()
    reader.started.clear()
    first = Session(queue, 0)
    first.start()
    assert reader.started.wait(PATIENCE)
    sessions = [first]
    for number, value in enumerate(values, 1):
        sessions.append(Session(queue, value, **more))
        sessions[-1].start()
        until(lambda expected=number: queue.position().ahead == expected + 1)
    return sessions


def until(condition):
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.002)


@pytest.fixture
def reader():
    return MockReader()


def test_films_are_predicted_in_order_of_arrival(reader):
    queue = InferenceQueue(lambda name: reader, capacity=20)
    sessions = queued(queue, reader, range(1, 10))
    reader.gate.set()
    assert [item.done().answer for item in sessions] == list(range(10))
    assert reader.passes == list(range(10))


def test_every_caller_gets_their_own_result(reader):
    queue = InferenceQueue(lambda name: reader, capacity=200)
    sessions = [Session(queue, value) for value in range(120)]
    for item in sessions:
        item.start()
    assert [item.done().answer for item in sessions] == list(range(120))
    assert queue.position().ahead == 0


def test_a_full_queue_states_the_position_and_accepts_films_again_later(reader):
    queue = InferenceQueue(lambda name: reader, capacity=3)
    queue.predict("fine-tuned", film(7))  # so that the queue knows what a film takes
    sessions = queued(queue, reader, [1, 2, 3])
    with pytest.raises(QueueFullError, match=r"4.* 5.* \d+ s") as caught:
        queue.predict("fine-tuned", film(4))
    assert caught.value.position.ahead == 4 and caught.value.position.seconds > 0
    reader.gate.set()
    assert [item.done().answer for item in sessions] == [0, 1, 2, 3]
    assert queue.predict("fine-tuned", film(4)) == 4


def test_a_visitor_is_told_the_position(reader):
    queue = InferenceQueue(lambda name: reader, capacity=5)
    sessions = queued(queue, reader, [1, 2])
    until(lambda: sessions[2].told)
    assert sessions[2].told[0] == QueuePosition(2, None)  # nothing was read yet: nobody knows how long it takes
    reader.gate.set()
    assert sessions[2].done().answer == 2


def test_a_session_that_ends_while_waiting_leaves_the_queue(reader):
    class Stopped(BaseException):
        """What Streamlit raises in a script that must stop."""

    def stop(place):
        raise Stopped

    queue = InferenceQueue(lambda name: reader, capacity=2)
    reader.gate.clear()
    first = Session(queue, 0)
    first.start()
    assert reader.started.wait(PATIENCE)
    leaver, stayer = Session(queue, 1, tell=stop), Session(queue, 2)
    leaver.start()
    assert isinstance(leaver.done().error, Stopped)
    stayer.start()
    until(lambda: queue.position().ahead == 2)
    reader.gate.set()
    assert stayer.done().answer == 2
    assert reader.passes == [0, 2]  # the leaver's film was never read


def test_a_session_that_ends_during_its_prediction_leaves_no_lock(reader):
    class Stopped(BaseException):
        pass

    def stop(place):
        if place.ahead == 0:
            raise Stopped

    queue = InferenceQueue(lambda name: reader, capacity=2)
    reader.gate.clear()
    leaver = Session(queue, 1, tell=stop)
    leaver.start()
    assert isinstance(leaver.done().error, Stopped)
    reader.gate.set()
    assert queue.predict("fine-tuned", film(2)) == 2


def test_a_film_without_a_number_is_refused_alone(reader):
    queue = InferenceQueue(lambda name: reader)
    reader.nan = {2}
    sessions = queued(queue, reader, [1, 2, 3])
    reader.gate.set()
    assert [item.done().answer for item in sessions] == [0, 1, None, 3]
    assert isinstance(sessions[2].error, PredictionError)
    assert reader.passes == [0, 1, 2, 3]


def test_a_film_too_large_for_memory_fails_alone(reader):
    queue = InferenceQueue(lambda name: reader)
    reader.fails = {2}
    sessions = queued(queue, reader, [1, 2, 3])
    reader.gate.set()
    assert [item.done().answer for item in sessions] == [0, 1, None, 3]
    assert isinstance(sessions[2].error, MemoryError)
    assert reader.passes == [0, 1, 2, 3]


def test_a_network_that_cannot_be_loaded_is_tried_again(reader):
    broken = [NetworkError("gone")]

    def load(name):
        if broken:
            raise broken.pop()
        return reader

    queue = InferenceQueue(load)
    with pytest.raises(NetworkError, match="gone"):
        queue.predict("fine-tuned", film(1))
    assert queue.predict("fine-tuned", film(1)) == 1


def test_films_of_two_networks_share_one_queue():
    readers = {"fine-tuned": MockReader(), "paper": MockReader()}
    queue = InferenceQueue(readers.get)
    readers["fine-tuned"].gate.clear()
    sessions = [Session(queue, 0)]
    sessions[0].start()
    assert readers["fine-tuned"].started.wait(PATIENCE)
    for number, (value, network) in enumerate([(1, "paper"), (2, "paper"), (3, "fine-tuned"), (4, "paper")], 2):
        sessions.append(Session(queue, value, network))
        sessions[-1].start()
        until(lambda expected=number: queue.position().ahead == expected)
    readers["fine-tuned"].gate.set()
    assert [item.done().answer for item in sessions] == [0, 1, 2, 3, 4]
    assert readers["fine-tuned"].passes == [0, 3]
    assert readers["paper"].passes == [1, 2, 4]


def test_a_job_has_exclusive_use_of_the_network_in_its_turn(reader):
    queue = InferenceQueue(lambda name: reader)
    sessions = queued(queue, reader, [1])
    jobs = []

    def job(own):
        assert own is reader
        jobs.append(list(reader.passes))
        return "walked"

    requested = threading.Thread(target=lambda: jobs.append(queue.call("fine-tuned", job)))
    requested.start()
    until(lambda: queue.position().ahead == 3)
    sessions.append(Session(queue, 2))
    sessions[-1].start()
    until(lambda: queue.position().ahead == 4)
    reader.gate.set()
    requested.join(PATIENCE)
    assert [item.done().answer for item in sessions] == [0, 1, 2]
    assert jobs == [[0, 1], "walked"]
    assert reader.passes == [0, 1, 2]


def test_a_job_that_raises_does_not_stop_the_queue(reader):
    queue = InferenceQueue(lambda name: reader)
    with pytest.raises(ZeroDivisionError):
        queue.call("fine-tuned", lambda own: 1 // 0)
    assert queue.predict("fine-tuned", film(3)) == 3


def test_an_idle_queue_holds_no_film_and_one_thread(reader):
    queue = InferenceQueue(lambda name: reader)
    before = threading.active_count()
    mine = film(5)
    gone = weakref.ref(mine.pixels)
    for _ in range(20):
        assert queue.predict("fine-tuned", mine) == 5
    assert threading.active_count() <= before + 1
    del mine
    until(lambda: gc.collect() >= 0 and gone() is None)
