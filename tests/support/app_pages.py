"""Fixtures of the page tests: a data folder of synthetic films, their scores, a mock network."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pandas as pd
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest
from streamlit.util import calc_hash

from covid_model import config, formatting
from covid_model.app import networks, state
from covid_model.imaging import Film
from covid_model.model import activations
from covid_model.model.predictor import Prediction, PredictionError
from covid_model.model.registry import NetworkError
from covid_model.verdict import is_positive
from tests.support import mock_networks, synthetic_images
from tests.support.synthetic_trace import made_up_walk

ENTRY = str(config.ROOT / "streamlit_app.py")
ROWS = [  # id, source, split, covid, finding, score of fine-tuned, score of paper
    ("cohen-1", "cohen", "test", 1, "COVID-19", 0.97, 0.99),
    ("cohen-2", "cohen", "test", 1, "COVID-19, ARDS", 0.20, 0.40),
    ("cohen-3", "cohen", "test", 0, "Streptococcus", 0.10, 0.95),
    ("cohen-4", "cohen", "train", 1, "COVID-19", 0.93, 0.98),
    ("kermany-1", "kermany", "test", 0, "Normal", 0.01, 0.02),
    ("kermany-2", "kermany", "test", 0, "Pneumonia, viral", 0.03, 0.01),
    ("nih-1", "nih", "extra-test", 0, "No Finding", 0.05, 0.90),
    ("siim-1", "siim", "graded", None, "Indeterminate appearance", 0.45, 0.85),
]
REAL = ("cohen-1", "cohen-2", "cohen-3", "nih-1")  # the real sample films among them


TITLES = {"fine-tuned": "Fine-tuned", "paper": "Paper"}


class MockReader:
    """Score a film by its brightest pixel, and count the requests."""

    asked: list[str] = []  # noqa: RUF012 (one list for all, emptied by `demo`)
    failure: Exception | None = None
    ood_distance: float | None = None
    ood_reason: str | None = None

    def __init__(self, name: str, vgg19: str | None = None):
        self.name = name
        self.spec = SimpleNamespace(name=name, threshold=0.6)

    def predict(self, film: Film) -> Prediction:
        MockReader.asked.append(self.name)
        if MockReader.failure:
            raise MockReader.failure
        score = float(film.pixels.max()) / 256
        heatmap = np.linspace(-1, 1, 16, dtype=np.float32).reshape(4, 4)
        logit = float(np.log(score / (1 - score)))
        seen, why = (0.1, 0.1, 0.9, 0.9), self.ood_reason
        return Prediction(
            self.name, score, logit, heatmap, seen, film.warnings, 12.0, self.ood_distance, why, film.in_color
        )

    def scores(self, pixels: Iterable[np.ndarray], batch: int = 1) -> Iterator[float]:
        """Return the scores of many films; counted as one request."""
        MockReader.asked.append(f"{self.name}, many")
        return (float(film.max()) / 256 for film in pixels)


def film_bytes(brightest: int = 240) -> bytes:
    """Return a PNG whose mock score is `brightest` / 256."""
    pixels = synthetic_images.film().astype(float)
    pixels = pixels * brightest / pixels.max()
    return cv2.imencode(".png", np.rint(pixels).astype(np.uint8))[1].tobytes()


def data_folder(folder: Path) -> Path:
    """Write a data folder with a synthetic film for each of ROWS, and return it."""
    (folder / "images").mkdir(parents=True)
    rows = []
    for number, (film, source, split, covid, finding, *_) in enumerate(ROWS):
        (folder / "images" / f"{film}.png").write_bytes(film_bytes(180 + 10 * number))
        rows.append(
            {"id": film, "path": f"images/{film}.png", "source": source, "split": split, "covid": covid}
            | {"finding": finding, "patient": film, "license": "CC BY 4.0", "url": "https://example.org/films"}
        )
    pd.DataFrame(rows).to_csv(folder / "manifest.csv", index=False)
    return folder


def write_scores(path: Path) -> None:
    """Write the scores of ROWS by both networks, in the columns of assets/results/scores.csv."""
    rows = [
        {"id": film, "split": split, "source": source, "covid": covid, "network": name, "score": score}
        for film, source, split, covid, _, *scores in ROWS
        for name, score in zip(("fine-tuned", "paper"), scores, strict=True)
    ]
    pd.DataFrame(rows).to_csv(path, index=False)


def write_real_films(path: Path, rows: Iterable[tuple]) -> None:
    """Write the list of real sample films, as in assets/real_films.json; `rows` are of ROWS."""
    facts = {"url": "https://example.org/a.png", "sha256": "0" * 64, "credit": "Somebody", "license": "CC BY 4.0"}
    films = [
        {"id": film, "source": source, "split": split, "covid": covid, "shows": f"Film {film}."} | facts
        for film, source, split, covid, *_ in rows
    ]
    path.write_text(json.dumps({"films": films}))


def score_many(demo: Path, monkeypatch: pytest.MonkeyPatch, count: int = 50) -> None:
    """Replace ROWS with `count` test films of children, scored 0, 0.01, 0.02 ..."""
    films = pd.DataFrame({"id": [f"kermany-{number}" for number in range(count)]})
    films = films.assign(split="test", source="kermany", covid=0)
    films.assign(network="fine-tuned", score=np.arange(count) / 100).to_csv(demo / "scores.csv", index=False)
    films.assign(path="none.png", finding="Normal", patient=films["id"]).to_csv(demo / "list.csv", index=False)
    monkeypatch.setattr(config, "DATASET_CSV", demo / "list.csv")


@pytest.fixture
def demo(tmp_path, monkeypatch) -> Path:
    """Set the app up with synthetic data: data folder, list of films, scores, networks without weights, mock reader."""
    folder = data_folder(tmp_path / "data")
    write_scores(tmp_path / "scores.csv")
    (tmp_path / "networks").mkdir()
    for order, (name, title) in enumerate(TITLES.items()):
        mock_networks.describe(tmp_path / "networks", name, title, order)
    monkeypatch.setenv(config.DATA_VARIABLE, str(folder))
    monkeypatch.setattr(config, "SCORES_CSV", tmp_path / "scores.csv")
    monkeypatch.setattr(config, "DATASET_CSV", folder / "manifest.csv")
    monkeypatch.setattr(config, "NETWORKS", tmp_path / "networks")
    write_real_films(tmp_path / "real_films.json", [row for row in ROWS if row[0] in REAL])
    monkeypatch.setattr(config, "REAL_FILMS_JSON", tmp_path / "real_films.json")
    monkeypatch.setattr(config, "REAL_FILMS", tmp_path / "cache" / "films")
    monkeypatch.setattr(networks, "predictor", MockReader)
    monkeypatch.setattr(MockReader, "asked", [])
    monkeypatch.setattr(MockReader, "failure", None)
    monkeypatch.setattr(activations, "trace", lambda reader, film: made_up_walk(reader.name))
    st.cache_data.clear()  # AppTest gives every test the same session
    return tmp_path


def open_page(page: str | None = None, **address: str) -> AppTest:
    """Open the app at a URL, then a page, and check that there is no error."""
    app = AppTest.from_file(ENTRY, default_timeout=60)
    for name, value in address.items():
        app.query_params[name] = value
    app.run()
    if page:
        app.switch_page(f"covid_model/app/pages/{page}.py").run()
    assert not app.exception, app.exception[0].value
    return app


def page_of(app: AppTest) -> str:
    """Return the path of the open page, as in the URL; "" is the first one."""
    pages = ("results", "browse", "how_it_works", "train_it_yourself", "can_you_trust_it", "about")
    paths = {calc_hash("try_an_xray"): ""} | {calc_hash(page): page for page in pages}
    return paths[app.session_state[state.PAGE]]


def numbers(text: str) -> list[float]:
    """Return the numbers in a text, in order; none of a name such as COVID-19."""
    result = re.findall(r"(?<![\w-])[-−]?\d[\d,]*(?:\.\d+)?", text.replace("\\", ""))
    return [float(item.replace(",", "").replace("−", "-")) for item in result]


def verdict_word(score: float, threshold: float = 0.6) -> str:
    """Return the verdict in a table for this score."""
    return formatting.verdict_word(is_positive(score, threshold)).capitalize()


def holds(text: str, *figures: float) -> bool:
    """Return whether a text contains each of these numbers, as often as given, in any order."""
    return Counter(figures) <= Counter(numbers(text))


def charts(app: AppTest) -> set[str]:
    """Return the keys of the charts on the page."""
    return {item.key for item in app.get("plotly_chart")}


def pictures(app: AppTest) -> list[dict]:
    """The X-rays in the viewer, as the browser gets them: name, size, alternative texts, layers of the heatmap."""
    (viewer,) = (data for data in components(app) if "pictures" in data)
    return viewer["pictures"]


def distributions(app: AppTest) -> list[dict]:
    """The distributions of scores on the page, as the browser gets them: classes, threshold, mark."""
    return [data for data in components(app) if "classes" in data]


def components(app: AppTest) -> list[dict]:
    """What our own components on the page are given."""
    return [json.loads(item.proto.json) for item in app.get("bidi_component")]


def text(app: AppTest) -> str:
    """Return all Markdown and plain text on the page, with common spaces and hyphens for those that do not break."""
    shown = "\n".join(item.value for kind in (app.markdown, app.text, app.caption, app.subheader) for item in kind)
    return shown.replace("\u00a0", " ").replace("\u2011", "-")


def plain_text(app: AppTest) -> str:
    """Return the same without the escapes of Markdown."""
    return text(app).replace("\\", "")


__all__ = [
    "ENTRY", "ROWS", "MockReader", "NetworkError", "PredictionError", "charts", "demo", "distributions", "film_bytes",
    "holds",
    "numbers",
    "open_page", "page_of", "pictures", "plain_text", "score_many", "text",
]  # fmt: skip
