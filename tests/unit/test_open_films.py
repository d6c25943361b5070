"""Real films for whoever has no data folder: which they are, how they come, and what the pages do with them."""

from __future__ import annotations

import socket
import threading
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from covid_model import config
from covid_model.app import films
from covid_model.app.components import download_button
from covid_model.app.text import how_it_works as story_text
from covid_model.app.text import prediction as prediction_text
from covid_model.data import dataset, open_films
from covid_model.data.download import Patience, sources
from covid_model.data.download.manifest import LIST_COLUMNS
from tests.support.app_pages import MockReader, demo, holds, numbers, open_page, text
from tests.support.film_server import QUICK, cut, drawn, row, server, stored

__all__ = ["demo", "server"]

FREE = ["cohen-0001", "cohen-0002", "cohen-0003"]


# --- Which they are -----------------------------------------------------------------------------------


def test_the_handful_of_the_committed_list():
    films = open_films.select(dataset.committed())
    assert 6 <= len(films) <= 2 * open_films.EACH
    assert (
        films["license"].isin((*open_films.LICENSES, *open_films.TERMS.values())).all()
        and not films["patient"].duplicated().any()
    )
    assert films["covid"].value_counts().min() >= 3 and films["covid"].tolist()[:4] == [1, 0, 1, 0]
    alone = {*sources.GITHUB_FOLDERS, "nih"}
    assert films["source"].isin(alone).all()  # had one by one, without a login
    assert not films["split"].isin(config.TRAINING_SPLITS).any() and films["source"].ne(config.CHILDREN).all()
    assert set(films.loc[films["covid"] == 0, "finding"].str.lower()) == {"no finding"}
    for _, film in films.iterrows():
        credit = prediction_text.credit(film)
        assert (
            f"License: {prediction_text.plain(film['license'])}." in credit
            and f"(https://doi.org/{film['doi']})" in credit
        )


def test_the_notice_names_whom_they_come_from():
    notice = (config.ASSETS / "NOTICE.md").read_text(encoding="utf-8")
    films = open_films.select(dataset.committed())
    assert all(f"doi:{doi}" in notice for doi in films["doi"]) and all(one in notice for one in films["license"])
    number = {10: "ten"}[len(films)]
    assert f"download {number} X-rays" in (config.ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("license", ["CC BY-NC-SA", "CC BY-NC-ND 4.0", "CC BY-SA", "CC BY", "not stated", "", None])
def test_no_film_under_another_license(license):
    films = pd.DataFrame(
        [("a", license, "p"), ("b", "CC BY 4.0", "q")], columns=["id", "license", "patient"], index=["a", "b"]
    ).assign(source="cohen", split="test", covid=1, finding="")
    assert list(open_films.select(films).index) == ["b"]
    assert open_films.select(films.drop(columns="license")).empty


def test_nih_is_free_under_its_own_terms_alone():
    films = pd.DataFrame({"license": [*open_films.TERMS.values(), "CC BY 4.0"], "patient": ["p", "q"]}, ["a", "b"])
    films = films.assign(source="nih", split="extra-test", covid=0, finding="")
    assert list(open_films.select(films).index) == ["a"]
    assert open_films.select(films.assign(source="kermany")).empty


def test_a_film_without_a_label_is_not_offered():
    films = pd.DataFrame({"covid": [1, None], "patient": ["p", "q"]}, ["a", "b"])
    films = films.assign(source="cohen", license="CC BY 4.0", split="extra", finding="")
    assert list(open_films.select(films).index) == ["a"]


def test_films_that_no_network_saw_come_first_and_one_of_a_patient():
    rows = [("a", "train", 1, "p"), ("b", "test", 1, "q"), ("c", "test", 1, "q"), ("d", "train", 0, "r")]
    films = pd.DataFrame(rows, columns=["id", "split", "covid", "patient"]).set_index("id")
    films = films.assign(source="cohen", license="CC BY 4.0", finding="")
    assert list(open_films.select(films).index) == ["b", "d", "a"]


def test_clear_films_come_before_others():
    films = pd.DataFrame({"finding": ["Pneumonia", "No Finding", None], "patient": ["p", "q", "r"]}, ["a", "b", "c"])
    films = films.assign(source="cohen", license="CC BY 4.0", split="test", covid=0)
    assert list(open_films.select(films).index) == ["b", "a", "c"]


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
    monkeypatch.setattr(config, "REAL_FILMS", demo / "cache" / "films")
    monkeypatch.setattr(open_films, "BACKOFF", 0.0)
    monkeypatch.delenv(config.DATA_VARIABLE)
    return server


def test_only_what_was_asked_for_is_fetched_and_once(offered):
    report = open_films.download(FREE[:2], config.REAL_FILMS, QUICK)
    assert report.complete and report.fetched == {"cohen": 2}
    assert open_films.download(FREE, config.REAL_FILMS, QUICK).present == {"cohen": 2}
    assert offered.asked == {"1.png": 1, "2.png": 1, "3.png": 1}
    films = dataset.load(config.REAL_FILMS)
    assert list(films.films.index) == FREE and not films.missing()
    assert films.films["license"].eq("CC BY 4.0").all()


def test_two_who_ask_at_once_get_the_same_films(offered):
    reports = []
    both = [
        threading.Thread(target=lambda: reports.append(open_films.download(FREE, config.REAL_FILMS, QUICK)))
        for _ in range(2)
    ]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert [report.complete for report in reports] == [True, True] and offered.asked.total() == len(FREE)


# --- On the pages -------------------------------------------------------------------------------------


def fetch_on(page: str, **widgets):
    app = open_page(page)
    for key, value in widgets.items():
        app.get_by_key(key).set_value(value).run()
    app.button(key="fetch_films").click().run()
    assert not app.exception, app.exception[0].value
    return app


def links(app) -> list[str]:
    return [one.proto.label for one in app.get("page_link")]


def test_nothing_is_fetched_before_somebody_asks(offered):
    app = open_page("browse")
    app.get_by_key("set").set_value("free").run()
    open_page("try_an_xray")
    assert not offered.asked and not config.REAL_FILMS.exists()
    assert app.dataframe[0].value["id"].tolist() == FREE  # their scores are there to browse all the same
    assert holds(app.button(key="fetch_films").label, 3)


def test_fetched_films_are_browsed_with_their_credit(offered):
    app = fetch_on("browse", set="free")
    assert links(app) == FREE and len(app.get("image")) == 3
    assert "fetch_films" not in [button.key for button in app.button]
    said = text(app).replace("\\", "")
    source = config.SOURCE_TITLES["cohen"]
    assert f"[{source}](https://example.org/a,b), [doi:10.1000/a.b](https://doi.org/10" in said
    assert "CC BY 4.0" in said
    assert ("toast", app.toast[0].value) == download_button.outcome(SimpleNamespace(complete=True), 3)
    app.get_by_key("truth").set_value("other").run()
    assert links(app) == ["cohen-0002"]


def test_a_fetched_film_is_read_as_one_of_ours(offered):
    app = fetch_on("try_an_xray")
    app.button(key="try-cohen-0001").click().run()
    assert app.query_params["film"] in ("cohen-0001", ["cohen-0001"]) and MockReader.asked == ["fine-tuned"]
    assert "CC BY 4\\.0" in text(app) and prediction_text.outcome(True, True) in text(app)


def test_a_link_to_a_fetched_film_opens_it_and_to_one_that_is_not_here_says_so(offered):
    app = open_page("try_an_xray", film="cohen-0001")
    assert "cohen-0001" in app.info[0].value.replace("\\", "") and app.button(key="fetch_films")
    app.button(key="fetch_films").click().run()
    assert not app.info and prediction_text.outcome(True, True) in text(app)
    app = open_page("how_it_works", film="cohen-0001")
    assert not app.info and "y = 1" in text(app) and story_text.LISTED in text(app)
    options = app.selectbox(key="story_film").options
    assert any("cohen-0002" in one and films.free_label(pd.Series({"covid": 0})) in one for one in options)


def test_no_connection_is_said_plainly(offered, monkeypatch):
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
def test_films_that_did_not_come_are_counted_and_the_others_shown(offered, served, figures):
    offered.files["3.png"] = served
    app = fetch_on("browse", set="free")
    assert holds(app.warning[0].value, *figures)  # came, asked for, missing
    assert links(app) == FREE and len(app.get("image")) == 2  # the third has its score, and no picture
    assert app.button(key="fetch_films").label and not numbers(app.button(key="fetch_films").label)  # a single one


def test_a_cache_that_cannot_be_written(offered, demo):
    (demo / "cache").write_text("a file where the folder should be")
    app = fetch_on("try_an_xray")
    assert str(config.REAL_FILMS) in app.warning[0].value.replace("\\", "")


def test_a_silent_server_is_not_waited_for_long(offered):
    offered.files["1.png"] = lambda handler: threading.Event().wait(1.0)
    report = open_films.download(FREE, config.REAL_FILMS, Patience(retries=0, backoff=0.0, read=0.2, film=0.5))
    assert [one.id for one in report.missing] == ["cohen-0001"] and report.missing[0].host


def test_with_a_data_folder_that_has_them_nothing_is_to_be_fetched(offered, demo, monkeypatch):
    open_films.download(FREE, demo / "whole", QUICK)
    monkeypatch.setenv(config.DATA_VARIABLE, str(demo / "whole"))
    app = open_page("browse")
    app.get_by_key("set").set_value("free").run()
    assert len(app.get("image")) == 3 and "fetch_films" not in [button.key for button in app.button]
