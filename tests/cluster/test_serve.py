"""The prediction service on Ray Serve with the default network: scores, refusals, limits, token."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
import requests

from covid_model import cluster, config, imaging
from covid_model.cluster import serve
from covid_model.cluster.turns import NO_TOKEN, Settings
from covid_model.data import samples
from covid_model.imaging import Film, FilmError
from covid_model.model import predictor, registry
from covid_model.model.queue import AWAY, RemoteQueue, ServiceError
from covid_model.model.tasks import of_pixels
from covid_model.verdict import is_positive
from tests.browser.demo import free_port
from tests.cluster.waiting import PATIENCE, serving
from tests.support import synthetic_images

pytestmark = pytest.mark.cluster

TOKEN = "not for everybody"


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """A service of the default network that asks for a token."""
    with cluster.connected(cpus=1), serving(Settings(port=free_port(), token=TOKEN)) as running:
        yield running


def post(address: str, data: bytes, token: str | None = TOKEN, **query: object) -> requests.Response:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return requests.post(f"{address}/predict", data=data, params=query, headers=headers, timeout=PATIENCE)


def test_scores_are_those_of_the_local_path(address):
    name = registry.default()
    own, precision = predictor.load(name)
    assert precision in serve.devices()[0] and name in serve.devices()[0]
    queue = RemoteQueue(address, TOKEN)
    films = [sample.path for sample in samples.samples()][:4]
    for path in films:
        film = imaging.read(path)
        local, remote = own.predict(film), queue.predict(name, film)
        assert remote.score == pytest.approx(local.score, abs=1e-4)
        np.testing.assert_allclose(remote.heatmap, local.heatmap, atol=1e-3)
        assert (remote.warnings, remote.reason, remote.box) == (local.warnings, local.reason, local.box)
        answer = post(address, path.read_bytes(), file="a.png", threshold=0.3)
        assert answer.status_code == 200
        told = answer.json()
        assert told["score"] == pytest.approx(local.score, abs=1e-4)
        assert told["positive"] == is_positive(told["score"], 0.3)
        assert (told["file"], told["network"], told["threshold"]) == ("a.png", name, 0.3)
        assert told["refused"] is None and told["out_of_distribution"] == local.out_of_distribution
    layers = queue.call(name, of_pixels("trace", film.pixels))
    assert layers.head.score == pytest.approx(local.score, abs=1e-2) and layers.blocks[0].name == "input"


def sentence(data: bytes) -> str:
    with pytest.raises(FilmError) as caught:
        imaging.decode(data)
    return str(caught.value)


@pytest.mark.parametrize(
    ("data", "status"),
    [(b"", 422), (b"GIF89a", 415), (b"<html>", 415), (b"\x89PNG\r\n\x1a\n" + bytes(64), 422)],
    ids=["empty", "GIF", "web page", "damaged"],
)
def test_a_file_is_refused_with_the_sentence_of_the_app(address, data, status):
    answer = post(address, data, file="film.png")
    assert answer.status_code == status
    assert answer.json()["refused"] == sentence(data) and answer.json()["score"] is None


def test_limits_of_bytes_and_pixels(address):
    large = bytes(config.MAX_BYTES + 1)
    answer = post(address, large)
    assert answer.status_code == 413 and answer.json()["refused"] == sentence(large)
    chunked = post(address, (bytes(2**20) for _ in range(config.MAX_BYTES // 2**20 + 2)))
    assert chunked.status_code == 413 and chunked.json()["refused"]
    tiny = cv2.imencode(".png", synthetic_images.film()[:20, :20])[1].tobytes()
    answer = post(address, tiny)
    assert answer.status_code == 422 and answer.json()["refused"] == sentence(tiny)


@pytest.mark.parametrize("query", [{"network": "nobody's"}, {"threshold": 3}, {"threshold": "x"}])
def test_a_wrong_parameter_is_named(address, query):
    answer = post(address, b"GIF89a", **query)
    ((_, value),) = query.items()
    assert answer.status_code == 422 and str(value) in answer.json()["refused"].replace('"', "")


@pytest.mark.parametrize("token", [None, "another", f"{TOKEN}x"])
def test_without_the_token_nothing_is_answered(address, token):
    answer = post(address, b"GIF89a", token)
    assert answer.status_code == 401 and answer.json()["refused"] == NO_TOKEN
    with pytest.raises(ServiceError, match=AWAY):
        RemoteQueue(address, token).predict(registry.default(), Film(synthetic_images.film(), (), "PNG"))


def test_the_api_is_described(address):
    paths = requests.get(f"{address}/openapi.json", timeout=10).json()["paths"]
    assert {"/predict", "/health"} <= set(paths)
    assert {"200", "401", "413", "415", "422", "503"} <= set(paths["/predict"]["post"]["responses"])
    page = requests.get(f"{address}/docs", timeout=10)
    parts = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert page.status_code == 200 and {Path(part).suffix for part in parts} >= {".js", ".css"}
    assert all(requests.get(address + part, timeout=10).status_code == 200 for part in parts)  # no other server's
    told = requests.get(f"{address}/health", timeout=10).json()
    assert told["status"] == "ok" and registry.default() in told["networks"]


def test_a_form_is_refused(address):
    answer = requests.post(
        f"{address}/predict", files={"film": b"x"}, headers={"Authorization": f"Bearer {TOKEN}"}, timeout=10
    )
    assert answer.status_code == 415 and answer.json()["refused"]
