"""The order before the replicas, with replicas of the test's own and without a cluster: time, deaths, mix-ups."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from covid_model.cluster.turns import AGAIN, ATTEMPTS, LATE, STOPPING, RequestError, Settings, Turns
from covid_model.model import tasks
from covid_model.model.queue import QueuePosition
from covid_model.model.tasks import Code

pytestmark = pytest.mark.cluster

PIXELS = np.full((80, 64), 7, np.uint8)


class Answers:
    """What a replica streams: a generator that can be canceled."""

    def __init__(self, steps):
        self.steps, self.canceled = steps, False

    def __aiter__(self):
        return self

    async def __anext__(self):
        return await anext(self.steps)

    def cancel(self):
        self.canceled = True


class Replicas:
    """A handle as Ray Serve's. `script`: called with the number of each attempt, returns its asynchronous generator."""

    def __init__(self, script: Callable[[int], Any]):
        self.script, self.attempts, self.devices = script, [], None
        self.ask = self

    def options(self, stream: bool) -> Replicas:
        assert stream
        return self

    def remote(self, *task: Any) -> Answers:
        self.attempts.append(Answers(self.script(len(self.attempts) + 1)))
        return self.attempts[-1]


def answer(pixels: np.ndarray = PIXELS) -> dict[str, Any]:
    return {"network": "paper", "film": tasks.digest(pixels), "seconds": 0.5, "content": b"x"}


def ask(replicas: Replicas, **settings: Any) -> list[Any]:
    """Ask once and return all steps; the last is an answer or the error that was raised."""

    async def run() -> list[Any]:
        turns, steps = Turns(replicas, Settings(network="paper", **settings)), []
        try:
            async with contextlib.aclosing(turns.ask("paper", "predict", PIXELS, {})) as stream:
                async for step in stream:
                    steps.append(step)
        except RequestError as error:
            steps.append(error)
        assert turns.waiting == 0
        return steps

    return asyncio.run(run())


async def works(*_: Any):
    yield None
    yield answer()


def test_the_answer_follows_the_positions():
    *positions, last = ask(Replicas(works))
    assert last == answer() and positions and set(positions) == {QueuePosition(0, 0)}


def test_an_answer_that_takes_too_long_is_given_up_and_canceled():
    async def sleeps(attempt: int):
        yield None
        await asyncio.sleep(60)

    replicas = Replicas(sleeps)
    last = ask(replicas, answer_seconds=0.1)[-1]
    assert (last.code, last.sentence, last.status) == (Code.AGAIN, LATE, 503)
    assert replicas.attempts[0].canceled


@pytest.mark.parametrize("started", [False, True])
@pytest.mark.parametrize("deaths", [1, ATTEMPTS])
def test_a_task_whose_replica_dies_goes_to_another(deaths, started):
    from ray.exceptions import ActorDiedError

    async def dies(attempt: int):
        if attempt > deaths:
            yield None
            yield answer()
            return
        if started:
            yield None
        raise ActorDiedError

    replicas = Replicas(dies)
    last = ask(replicas)[-1]
    if deaths < ATTEMPTS:
        assert last == answer() and len(replicas.attempts) == deaths + 1
    else:
        assert (last.code, last.sentence, last.status) == (Code.AGAIN, AGAIN, 503)
        assert len(replicas.attempts) == ATTEMPTS


def test_an_answer_for_another_film_is_not_passed_on():
    async def mixes_up(attempt: int):
        yield None
        yield answer(PIXELS + 1)

    last = ask(Replicas(mixes_up))[-1]
    assert isinstance(last, RequestError) and last.code == Code.AGAIN


def test_a_full_queue_says_so_in_the_words_of_the_app_s_own():
    from ray.serve.exceptions import BackPressureError

    async def full(attempt: int):
        raise BackPressureError(num_queued_requests=1, max_queued_requests=1)
        yield

    (last,) = ask(Replicas(full))
    assert (last.code, last.status, last.head["ahead"]) == (Code.FULL, 503, 0)
    assert last.sentence.startswith("The demo is busy")


def test_a_refusal_of_a_replica_keeps_its_sentence():
    async def refuses(attempt: int):
        yield None
        yield {"code": Code.NO_SCORE.value, "refused": "no number"}

    last = ask(Replicas(refuses))[-1]
    assert (last.code, last.sentence, last.status) == (Code.NO_SCORE, "no number", 422)


def test_a_service_that_stops_or_is_crowded_reads_nothing():
    turns = Turns(Replicas(works), Settings(network="paper", capacity=2))
    turns.check_room(2)
    with pytest.raises(RequestError) as crowded:
        turns.check_room(1000)
    assert crowded.value.code == Code.FULL
    turns.draining = True
    with pytest.raises(RequestError, match=STOPPING):
        turns.check_room(0)
