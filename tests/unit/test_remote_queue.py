"""The app's side of the prediction service, against a stub of it: answers, positions, refusals, and no service."""

from __future__ import annotations

import inspect
import io
import json
from dataclasses import fields, is_dataclass

import numpy as np
import pytest

from covid_model import config
from covid_model.imaging import Film, FilmError
from covid_model.model import tasks
from covid_model.model.predictor import Prediction, PredictionError
from covid_model.model.queue import (
    AWAY,
    GARBLED,
    InferenceQueue,
    QueueFullError,
    QueuePosition,
    RemoteQueue,
    ServiceError,
)
from covid_model.model.registry import NetworkError
from covid_model.model.tasks import Code, Task, of_pixels
from covid_model.verdict import OutOfDistribution
from tests.browser.demo import free_port
from tests.support import stub_service
from tests.support.synthetic_trace import made_up_walk


def film(value: int = 9) -> Film:
    return Film(np.full((80, 64), value, np.uint8), ("Look again.",), "DICOM", in_color=True)


def prediction(request: stub_service.Request) -> Prediction:
    """A prediction that depends on the film and the network."""
    score = float(request.film.pixels.max()) / 256
    heatmap = np.linspace(-1, 1, 16, dtype=np.float32).reshape(4, 4)
    return Prediction(
        request.network, score, 0.5, heatmap, (0.1, 0.1, 0.9, 0.9), (), 12.5, 1.5, OutOfDistribution.CHANGED,
        features=np.ones(8, np.float32),
    )  # fmt: skip


@pytest.fixture
def service():
    with stub_service.served() as running:
        running.answer = prediction
        yield running


def same(one: object, other: object) -> bool:
    """Compare two answers, arrays and their types included."""
    if type(one) is not type(other):
        return False
    if isinstance(one, np.ndarray):
        return one.dtype == other.dtype and np.array_equal(one, other)
    if is_dataclass(one):
        return all(same(getattr(one, part.name), getattr(other, part.name)) for part in fields(one))
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    return one == other


# --- Bytes ---


@pytest.mark.parametrize(
    "answer",
    [
        made_up_walk("paper"),
        [{"grad-cam": np.eye(3, dtype=np.float32)}, {"grad-cam": np.zeros((2, 2), np.float32)}],
        np.arange(5, dtype=np.float32),
        {"kind": "dict", "content": [1, 2.5, None, True, "x"]},
    ],
    ids=["trace", "heatmaps", "features", "names that the format uses"],
)
def test_an_answer_arrives_as_it_was_sent(answer):
    assert same(tasks.decode(tasks.encode(answer)), answer)


def test_no_other_class_is_sent_or_built():
    with pytest.raises(TypeError, match="Task"):
        tasks.encode(Task("predict", film()))
    tree = json.dumps({"kind": "Path", "content": {}}).encode()
    file = io.BytesIO()
    np.savez(file, tree=np.frombuffer(tree, np.uint8))
    for data in (file.getvalue(), b"", b"PK\x03\x04", tasks.encode(1)[:-30]):
        with pytest.raises(ValueError):
            tasks.decode(data)


def test_a_film_arrives_as_it_was_sent():
    pixels = np.arange(80 * 64, dtype=np.uint8).reshape(80, 64)
    arrived = tasks.film_from_bytes(tasks.film_to_bytes(pixels))
    assert same(arrived, pixels) and not arrived.flags.writeable
    assert same(tasks.film_from_bytes(tasks.film_to_bytes(pixels[:, ::-1])), pixels[:, ::-1])
    assert tasks.digest(pixels) != tasks.digest(pixels.T) != tasks.digest(pixels.reshape(64, 80))
    side = int(config.MAX_PIXELS**0.5)
    assert len(tasks.film_to_bytes(np.zeros((side, side), np.uint8))) <= tasks.most_film_bytes()


def array_file(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.save(file, array, allow_pickle=True)
    return file.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x89PNG",
        array_file(np.zeros((80, 64), np.float32)),
        array_file(np.zeros((80, 64, 3), np.uint8)),
        array_file(np.array([print], object)),
        array_file(np.zeros((80, 64), np.uint8))[:-1],
        array_file(np.zeros((80, 64), np.uint8)) + b"x",
    ],
)
def test_what_is_no_film_is_refused(data):
    with pytest.raises(ValueError):
        tasks.film_from_bytes(data)


def test_the_size_of_a_film_is_checked():
    for shape in ((10, 10), (64, 64 * 5)):
        with pytest.raises(FilmError):
            tasks.film_from_bytes(array_file(np.zeros(shape, np.uint8)))


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("delete", {}),
        ("predict", {"methods": []}),
        ("explain", {}),
        ("explain", {"methods": "x"}),
        ("explain", {"methods": ["nothing"]}),
    ],
)
def test_an_unknown_task_is_refused(name, options):
    with pytest.raises(ValueError):
        Task(name, film(), options)


# --- The queue ---


def test_both_queues_are_used_alike():
    for method in ("predict", "call"):
        own, remote = (inspect.signature(getattr(kind, method)) for kind in (InferenceQueue, RemoteQueue))
        assert list(own.parameters) == list(remote.parameters)


def test_a_prediction_has_the_warnings_of_its_film(service):
    service.lines = [{"ahead": 2, "seconds": None}, {"ahead": 1, "seconds": 0.5}, {"ahead": 0, "seconds": 0}]
    told = []
    result = RemoteQueue(f"{service.address}/", "secret").predict("paper", film(), told.append)
    assert result.score == 9 / 256 and result.network == "paper" and result.ood_reason is OutOfDistribution.CHANGED
    assert result.warnings == ("Look again.",) and result.in_color
    assert told == [QueuePosition(2, None), QueuePosition(1, 0.5), QueuePosition(0, 0)]
    (request,) = service.requests
    assert (request.task, request.network, request.token) == ("predict", "paper", "Bearer secret")
    assert same(request.film.pixels, film().pixels) and not request.film.warnings  # pixels alone go over


def test_a_task_is_sent_with_its_options(service):
    service.answer = lambda request: {"grad-cam": request.film.pixels.astype(np.float32)}
    task = of_pixels("explain", film().pixels, methods=["grad-cam"])
    assert RemoteQueue(service.address).call("paper", task)["grad-cam"].shape == (80, 64)
    (request,) = service.requests
    assert (request.task, request.options, request.token) == ("explain", {"methods": ["grad-cam"]}, None)


def test_a_proxy_of_the_environment_is_not_used(service, monkeypatch):
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{free_port()}")
    assert RemoteQueue(service.address).predict("paper", film()).score == 9 / 256


def test_an_app_that_leaves_closes_the_connection(service):
    class Stopped(BaseException):
        """What Streamlit raises in a script that must stop."""

    def stop(position):
        raise Stopped

    service.lines, service.forever = [{"ahead": 3, "seconds": 1.0}], True
    with pytest.raises(Stopped):
        RemoteQueue(service.address).predict("paper", film(), stop)
    assert service.left.wait(10)


REFUSALS = [
    (503, {"code": Code.FULL, "refused": "x", "ahead": 4, "seconds": 2.0}, QueueFullError),
    (422, {"code": Code.NO_SCORE, "refused": "no number"}, PredictionError),
    (422, {"code": Code.FILM, "refused": "too small"}, PredictionError),
    (503, {"code": Code.NETWORK, "refused": "damaged"}, NetworkError),
    (503, {"code": Code.AGAIN, "refused": "again"}, ServiceError),
]


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize(("status", "body", "kind"), REFUSALS)
def test_refusals_are_raised_as_in_this_process(service, status, body, kind, late):
    """Before the answer's first byte as a status, after it as a line."""
    if late:
        service.lines = [{"ahead": 1, "seconds": None}, body]
    else:
        service.refusal = status, body
    with pytest.raises(kind) as caught:
        RemoteQueue(service.address).predict("paper", film())
    assert type(caught.value) is kind
    if kind is QueueFullError:
        assert caught.value.position == QueuePosition(4, 2.0)
    else:
        assert str(caught.value) == body["refused"]


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\n",
        b"[]\n",
        b'{"ahead": "many", "seconds": 1}\n',
        b'{"bytes": 9, "film": "0", "network": "paper"}\n123456789',
        b'{"bytes": -1, "film": "0", "network": "paper"}\n',
        b'{"bytes": 99, "film": "0", "network": "paper"}\nshort',
        b"x" * 100_000,
    ],
)
def test_an_answer_that_makes_no_sense_is_no_answer(service, raw):
    service.raw = raw
    with pytest.raises(ServiceError):
        RemoteQueue(service.address).predict("paper", film())


def test_an_answer_for_another_film_is_not_taken(service):
    content = tasks.encode(0.5)
    head = {"bytes": len(content), "film": tasks.digest(film(8).pixels), "network": "paper"}
    service.raw = json.dumps(head).encode() + b"\n" + content
    with pytest.raises(ServiceError, match=GARBLED):
        RemoteQueue(service.address).predict("paper", film(9))


def test_without_a_service(service):
    service.refusal = 401, {"code": Code.TOKEN, "refused": "token?"}
    for address in (f"http://127.0.0.1:{free_port()}", service.address, "no address"):
        with pytest.raises(ServiceError, match=AWAY):
            RemoteQueue(address).predict("paper", film())
