"""Real sample films: the committed list, the download, and how the pages use them without a data folder."""

from __future__ import annotations

import socket
import threading
from types import SimpleNamespace
from urllib.parse import quote

import numpy as np
import pandas as pd
import pytest

from covid_model import config, imaging
from covid_model.app.components import common
from covid_model.app.text import browse as browse_text
from covid_model.app.text import how_it_works as story_text
from covid_model.app.text import prediction as prediction_text
from covid_model.data import dataset, samples
from covid_model.data.download import Patience, sources
from covid_model.data.download.http import NotAvailable
from covid_model.data.download.images import LIST_COLUMNS
from covid_model.model import registry
from tests.support.app_pages import MockReader, demo, holds, open_page, text, write_real_films
from tests.support.film_server import QUICK, cut, drawn, row, server, stored

__all__ = ["demo", "server"]

FREE = ["cohen-0001", "cohen-0002", "cohen-0003"]


# --- Which they are -----------------------------------------------------------------------------------

LISTED = samples.real_films()
OPEN = ("CC BY 3.0", "CC BY 4.0", "public (NIH Clinical Center, attribution asked)")


def test_every_film_agrees_with_the_list_of_all_films():
    films = dataset.committed()
    for film in LISTED.values():
        row = films.loc[film.id]
        assert (film.sha256, film.source, film.license) == (row["sha256"], row["source"], row["license"])
        assert (film.split, film.covid) == (row["split"], row["covid"]) and row["url"] in film.credit
        if film.source in sources.GITHUB_FOLDERS:
            folder = f"{sources.GITHUB}/{sources.GITHUB_FOLDERS[film.source]}"
            assert film.url == f"{folder}/{quote(row['original_file'])}"
        else:
            assert film.source == "nih" and film.url.endswith(row["original_file"])


def test_one_per_patient_unseen_by_every_network_with_adults_of_both_classes():
    films = dataset.committed().loc[list(LISTED)]
    assert 12 <= len(films) <= 24 and not films["patient"].duplicated().any()
    assert not films["split"].isin(config.TRAINING_SPLITS).any() and films["source"].ne(config.CHILDREN).all()
    assert films["covid"].value_counts().min() >= 8
    assert {"cohen", "actualmed", "figure1"} <= set(films["source"])
    trained = {split for entry in registry.entries() for split in entry.trained_on}
    assert not trained & set(films["split"])


def test_open_licenses_come_first():
    free = [film.license in OPEN for film in LISTED.values()]
    assert free == sorted(free, reverse=True) and sum(free) >= 6


def test_every_film_has_a_sentence_of_its_own_and_markers_inside_it():
    sentences = [film.shows for film in LISTED.values()]
    assert len(set(sentences)) == len(sentences)
    assert all(sentence.endswith(".") and 20 < len(sentence) < 120 for sentence in sentences)
    boxes = [marker.box for film in LISTED.values() for marker in film.markers]
    assert len(boxes) > 10
    assert all(0 <= left < right <= 1 and 0 <= top < bottom <= 1 for left, top, right, bottom in boxes)


@pytest.mark.films
def test_markers_stand_out_from_what_surrounds_them():
    """On the real films: a marker's brightest pixels are far brighter than half of its box."""
    data = dataset.load()
    for film in LISTED.values():
        pixels = imaging.read(data.path(film.id)).pixels
        height, width = pixels.shape
        for marker in film.markers:
            left, top, right, bottom = marker.box
            part = pixels[round(top * height) : round(bottom * height), round(left * width) : round(right * width)]
            assert np.percentile(part, 99) - np.median(part) >= 60, (film.id, marker.label)


def test_the_notice_names_their_sources():
    notice = (config.ASSETS / "NOTICE.md").read_text(encoding="utf-8")
    dois = {film.credit.partition("doi:")[2] for film in LISTED.values() if "doi:" in film.credit}
    assert dois and all(f"doi:{doi}" in notice for doi in dois)
    licenses = {film.license.partition(",")[0].partition(" (as")[0] for film in LISTED.values()}
    assert all(license.removeprefix("public (") in notice for license in licenses)


@pytest.mark.parametrize("content", ["", "{}", '{"films": [{"id": "a"}]}', '{"films": [{"id": "a", "new": 1}]}'])
def test_a_damaged_list_is_named(tmp_path, content):
    (tmp_path / "list.json").write_text(content)
    with pytest.raises(dataset.DataError, match=r"list\.json"):
        samples.real_films(tmp_path / "list.json")


# --- How they come ------------------------------------------------------------------------------------


@pytest.fixture
def offered(demo, monkeypatch, server):
    """The demo without a data folder, three free films on its list, and a server that has all three."""
    rows = [
        row(film, f"{number}.png", split="test", covid=number % 2, patient=film, doi="10.1000/a.b")
        for number, film in enumerate(FREE, 1)
    ]
    rows.append(row("cohen-0004", "4.png", license="CC BY-NC-ND", patient="cohen-0004"))
    pd.DataFrame(rows, columns=list(LIST_COLUMNS)).to_csv(demo / "list.csv", index=False)
    scores = [(film, "test", "cohen", number % 2, "fine-tuned", 0.9) for number, film in enumerate(FREE, 1)]
    pd.DataFrame(scores, columns=dataset.SCORE_COLUMNS).to_csv(demo / "scores.csv", index=False)
    server.files = {f"{number}.png": stored(drawn(600, 450, number)) for number in range(1, 5)}
    monkeypatch.setattr(config, "DATASET_CSV", demo / "list.csv")
    write_real_films(
        demo / "real_films.json", [(film, "cohen", "test", number % 2) for number, film in enumerate(FREE, 1)]
    )
    monkeypatch.setattr(samples, "BACKOFF", 0.0)
    monkeypatch.delenv(config.DATA_VARIABLE)
    return server


def test_only_requested_films_are_downloaded_and_once(offered):
    report = samples.download(FREE[:2], patience=QUICK)
    assert report.complete and report.fetched == {"cohen": 2}
    assert samples.download(FREE, patience=QUICK).present == {"cohen": 2}
    assert offered.asked == {"1.png": 1, "2.png": 1, "3.png": 1}
    films = dataset.load(config.REAL_FILMS)
    assert list(films.films.index) == FREE and not films.missing()
    assert films.films["license"].eq("CC BY 4.0").all()


def test_two_who_ask_at_once_get_the_same_films(offered):
    reports = []
    both = [threading.Thread(target=lambda: reports.append(samples.download(FREE, patience=QUICK))) for _ in range(2)]
    for item in both:
        item.start()
    for item in both:
        item.join()
    assert [report.complete for report in reports] == [True, True] and offered.asked.total() == len(FREE)


class Hub:
    """Kaggle's client: knows some paths of a data set, and keeps those that it was asked for."""

    def __init__(self, folder, paths):
        self.folder, self.paths, self.asked = folder, paths, []

    def dataset_download(self, handle, path):
        self.asked.append(path)
        if path not in self.paths:
            error = RuntimeError("no such file")
            error.response = SimpleNamespace(status_code=404)
            raise error
        (self.folder / "file.png").write_bytes(b"content")
        return str(self.folder / "file.png")


def test_single_films_of_a_kaggle_set(tmp_path, monkeypatch):
    """No data set is downloaded as a whole; a film is looked for in each folder that may have it."""
    base = "Coronahack-Chest-XRay-Dataset/" * 2
    hub = Hub(tmp_path, {f"{base}train/a.jpeg", "COVID-19_Radiography_Dataset/COVID/images/COVID-7.png"})
    monkeypatch.setattr(sources, "_kagglehub", lambda: hub)
    web = SimpleNamespace()
    assert sources.open_source("kermany", None, web, single=True).film("a.jpeg") == b"content"
    assert hub.asked == [f"{base}test/a.jpeg", f"{base}train/a.jpeg"]
    assert sources.open_source("radiography", None, web, single=True).film("COVID-7.png") == b"content"
    with pytest.raises(NotAvailable, match="404"):
        sources.open_source("kermany", None, web, single=True).film("b.jpeg")


# --- On the pages -------------------------------------------------------------------------------------


def fetch_on(page: str, **widgets):
    app = open_page(page)
    for key, value in widgets.items():
        app.get_by_key(key).set_value(value).run()
    app.button(key="fetch_films").click().run()
    assert not app.exception, app.exception[0].value
    return app


def links(app) -> list[str]:
    return [item.proto.label for item in app.get("page_link")]


def test_nothing_is_downloaded_unasked(offered):
    app = open_page("browse")
    browsed = [film for film in links(app) if film in FREE]  # after the shipped ones, which have a picture
    assert browsed == [FREE[1], FREE[0], FREE[2]] == links(app)[-3:]  # their scores are there all the same
    assert app.button(key="fetch_films")
    app = open_page("try_an_xray")
    assert not offered.asked and not config.REAL_FILMS.exists()
    assert holds(app.button(key="fetch_films").label, 3)


def test_downloaded_films_are_browsed_with_their_credit(offered):
    app = fetch_on("browse")
    assert sorted(links(app)) == FREE and len(app.get("image")) == 3
    assert "fetch_films" not in [button.key for button in app.button]
    message = text(app).replace("\\", "")
    source = config.SOURCE_TITLES["cohen"]
    assert f"[{source}](https://example.org/a,b), [doi:10.1000/a.b](https://doi.org/10" in message
    assert "CC BY 4.0" in message
    assert ("toast", app.toast[0].value) == common.fetch_outcome(SimpleNamespace(complete=True), 3)
    app.get_by_key("truth").set_value("other").run()
    assert links(app) == ["cohen-0002"]


def test_a_downloaded_film_is_predicted_like_a_sample(offered):
    app = fetch_on("try_an_xray")
    app.button(key="try-cohen-0001").click().run()
    assert app.query_params["film"] in ("cohen-0001", ["cohen-0001"]) and MockReader.asked == ["fine-tuned"]
    assert "CC BY 4\\.0" in text(app) and prediction_text.outcome(True, True) in text(app)


def test_a_link_opens_a_downloaded_film_and_says_if_it_is_missing(offered):
    app = open_page("try_an_xray", film="cohen-0001")
    assert "cohen-0001" in app.info[0].value.replace("\\", "") and app.button(key="fetch_films")
    app.button(key="fetch_films").click().run()
    assert not app.info and prediction_text.outcome(True, True) in text(app)
    app = open_page("how_it_works", film="cohen-0001")
    assert not app.info and "y = 1" in text(app) and story_text.LISTED in text(app)
    options = app.selectbox(key="story_film").options
    assert any(browse_text.LABELS["fp"] in item for item in options)  # cohen-0002


def test_no_connection_is_reported(offered, monkeypatch):
    with socket.socket() as closed:  # a port that nobody listens on
        closed.bind(("127.0.0.1", 0))
        monkeypatch.setattr(sources, "GITHUB", f"http://127.0.0.1:{closed.getsockname()[1]}")
        app = fetch_on("try_an_xray")
    assert len(app.warning) == 1 and not holds(app.warning[0].value, 3)  # no count of films: none can come
    assert app.button(key="fetch_films")  # to try again
    assert not app.run().warning  # said once


@pytest.mark.parametrize(
    ("served", "figures"),
    [
        (404, (2, 3, 1, 404)),
        (b"<html>Sign in</html>", (2, 3, 1)),
        (cut(stored(np.zeros((450, 600), np.uint8))), (2, 3, 1)),
    ],
    ids=["404", "page", "cut"],
)
def test_missing_films_are_counted_and_the_others_shown(offered, served, figures):
    offered.files["3.png"] = served
    app = fetch_on("browse")
    assert holds(app.warning[0].value, *figures)  # came, asked for, missing
    assert sorted(links(app)) == FREE and len(app.get("image")) == 2  # the third has its score, and no picture
    assert app.button(key="fetch_films")


def test_a_cache_that_cannot_be_written(offered, demo):
    (demo / "cache").write_text("a file where the folder should be")
    app = fetch_on("try_an_xray")
    assert str(config.REAL_FILMS) in app.warning[0].value.replace("\\", "")


def test_a_silent_server_is_not_waited_for_long(offered):
    offered.files["1.png"] = lambda handler: threading.Event().wait(1.0)
    report = samples.download(FREE, config.REAL_FILMS, Patience(retries=0, backoff=0.0, read=0.2, film=0.5))
    assert [item.id for item in report.missing] == ["cohen-0001"] and report.missing[0].host


def test_with_a_complete_data_folder_nothing_is_offered(offered, demo, monkeypatch):
    samples.download(FREE, demo / "whole", QUICK)
    monkeypatch.setenv(config.DATA_VARIABLE, str(demo / "whole"))
    app = open_page("browse")
    assert len(app.get("image")) == 3 and "fetch_films" not in [button.key for button in app.button]
