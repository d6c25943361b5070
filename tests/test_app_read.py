"""The page that reads films, with a mock network."""

from __future__ import annotations

import re

import cv2
import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from covid_model import network, settings
from covid_model.app import cache
from covid_model.network import NetworkError
from covid_model.reading import ReadingError
from tests.scenes import MockReader, demo, film_bytes, open_page, text

__all__ = ["demo"]
HOSTILE = "<img src=x onerror=alert(1)> **b** [x](http://evil.example) `c` :red[r]‮gnp.exe" + "A" * 300 + ".png"


def upload(app: AppTest, *files: tuple[str, bytes]) -> AppTest:
    for name, data in files:
        app.file_uploader[0].upload(name, data)
    app.run()
    assert not app.exception, app.exception[0].value
    return app


def score(app: AppTest) -> str:
    return app.metric[0].value


def test_opens_with_the_notice_and_without_a_network(demo):
    app = open_page()
    assert app.title[0].value == "Read a film"
    assert settings.NOTICE in text(app)
    assert not app.metric
    assert MockReader.asked == []


def test_one_film(demo):
    app = upload(open_page(), ("film.png", film_bytes(240)))
    assert score(app) == "0.938"
    assert "Above the threshold of 0.60: the network calls this film positive." in text(app)
    assert [one.value for one in app.text] == ["film.png"]
    assert len(app.get("plotly_chart")) == 1
    assert "Of the 5 test films, 1 scored within ±0.05 of this one; **1 of these 1** is a COVID-19 film." in text(app)


def test_19_a_colour_picture_gets_no_verdict(demo):
    drawn = np.zeros((300, 300, 3), np.uint8)
    drawn[..., 2] = np.linspace(0, 255, 300, dtype=np.uint8)  # black to red
    app = upload(open_page(), ("photo.png", cv2.imencode(".png", drawn)[1].tobytes()))
    said = text(app)
    assert score(app).startswith(":gray[") and "This is a colour picture" in app.warning[0].value
    assert "calls this film" not in said and "Among the test films" not in said


def test_controls_never_run_the_network_again(demo):
    app = upload(open_page(), ("film.png", film_bytes(160)))
    assert "positive" in text(app)
    app.slider(key="threshold").set_value(0.8).run()
    assert "Not above the threshold of 0.80: the network calls this film negative." in text(app)
    app.slider(key="opacity").set_value(100).run()
    app.segmented_control(key="direction").set_value("both").run()
    assert not app.exception
    assert MockReader.asked == ["fine-tuned"]


def test_each_network_reads_a_film_once(demo):
    app = upload(open_page(), ("film.png", film_bytes()))
    for name in ("paper", "fine-tuned", "paper"):
        app.segmented_control(key="network").set_value(name).run()
    assert MockReader.asked == ["fine-tuned", "paper"]


def test_33_several_films_and_a_bad_one_among_them(demo):
    app = upload(
        open_page(),
        ("one.png", film_bytes(100)),
        ("bad.png", b"<html>"),
        ("empty.png", b""),
        ("two.png", film_bytes(250)),
    )
    table = app.dataframe[0].value
    assert table["File"].tolist() == ["one.png", "bad.png", "empty.png", "two.png"]
    assert table["Verdict"].tolist() == ["Negative", "Refused", "Refused", "Positive"]
    assert "text" in table["Remarks"][1] and "empty" in table["Remarks"][2]
    assert score(app) == "0.391"
    app.selectbox(key="look").set_value(3).run()
    assert score(app) == "0.977"
    assert MockReader.asked == ["fine-tuned"] * 2


def test_only_bad_films(demo):
    app = upload(open_page(), ("a.png", b"no"), ("b.png", b"no"))
    assert app.dataframe[0].value["Verdict"].tolist() == ["Refused"] * 2
    assert not app.metric


def test_a_refused_film_gets_its_sentence_and_the_next_one_works(demo):
    app = upload(open_page(), ("film.png", b"GIF89a..."))
    assert "GIF" in app.error[0].value
    assert not app.metric
    app.file_uploader[0].set_value([])
    app = upload(app, ("film.png", film_bytes()))
    assert not app.error
    assert score(app) == "0.938"


def test_a_film_over_the_limit(demo, monkeypatch):
    monkeypatch.setattr(settings, "MAX_BYTES", 2**20)
    app = upload(open_page(), ("film.png", film_bytes() + bytes(2**20)))
    assert "at most 1 MB" in app.error[0].value.replace("\\", "")


def test_31_an_ending_forged_past_the_browser_is_refused_and_the_others_are_read(demo):
    app = upload(open_page(), ("evil.exe", film_bytes()), ("film.png", film_bytes()))
    assert app.dataframe[0].value["Verdict"].tolist() == ["Refused", "Positive"]
    assert "must end in one of png" in app.dataframe[0].value["Remarks"][0]


@pytest.mark.parametrize("data", [film_bytes(), b"<html>"])
def test_30_a_hostile_name_is_plain_text(demo, data):
    app = upload(open_page(), (HOSTILE, data))
    shown = [one.value for one in app.text] + [one.value for one in app.error]
    assert any("img src" in one for one in shown)
    assert all(len(one) < 400 and "‮" not in one for one in shown)
    for rendered in [one.value for one in (*app.markdown, *app.caption, *app.error)]:
        unescaped = re.sub(r"\\.", "", rendered)
        assert "<" not in unescaped and "](http" not in unescaped and "*b*" not in unescaped


def test_35_a_network_that_cannot_be_loaded(demo, monkeypatch):
    def missing(name):
        if name == "fine-tuned":
            raise NetworkError("The weights /a_b/fine-tuned.npz are missing. Get it back with git.")
        return MockReader(name)

    monkeypatch.setattr(cache, "reader", missing)
    monkeypatch.setattr(network, "available", lambda: ["fine-tuned", "paper"])
    for films in ([("film.png", film_bytes())], [("a.png", film_bytes(99)), ("b.png", film_bytes(98))]):
        app = upload(open_page(), *films)
        assert "fine-tuned.npz are missing" in app.error[0].value.replace("\\", "")
        assert not app.metric
        app.button(key="use-paper").click().run()
        assert app.segmented_control(key="network").value == "paper"
        assert not app.error and app.metric


def test_40_a_network_that_gives_no_score(demo, monkeypatch):
    monkeypatch.setattr(MockReader, "failure", ReadingError("The network gave no score for this film. Received: nan."))
    app = upload(open_page(), ("film.png", film_bytes()))
    assert "no score" in app.error[0].value
    assert not app.metric


def test_a_film_of_ours_by_link(demo):
    app = open_page(film="cohen-2", threshold="0.9")
    assert "**COVID-19** (COVID\\-19\\, ARDS). False negative: the network missed it." in text(app)
    assert "Source: [COVID\\-19 Image Data Collection](https://example.org/films). Licence: CC BY 4\\.0." in text(app)
    assert "memory" not in text(app)
    assert "Of the 1 of adults without COVID-19, this network calls **0** positive" in text(app)


def test_the_film_itself_is_no_neighbour_of_its_own(demo):
    app = open_page(film="kermany-1")  # mock score 0.859
    assert "None of the other 4 test films scored within ±0.05" in text(app)


def test_a_training_film_says_so(demo):
    assert "memory, not skill" in text(open_page(film="cohen-4"))


def test_films_to_try_and_back_to_the_uploads(demo):
    app = upload(open_page(), ("film.png", film_bytes()))
    labels = [one.label for one in app.button if one.key.startswith("try-")]
    assert labels[:5] == ["COVID-19, high score", "COVID-19, missed", "Adult without COVID-19", "Child, nothing found",
                          "Child with pneumonia"]  # fmt: skip
    assert len(labels) == 10  # and a row of those that the project brings along
    app.button(key="try-kermany-2").click().run()
    assert app.query_params["film"] == "kermany-2"
    assert [one.value for one in app.text] == ["kermany-2"]
    next(one for one in app.button if one.label == "Back to the films uploaded").click().run()
    assert "film" not in app.query_params
    assert [one.value for one in app.text] == ["film.png"]


def test_film_and_uploads_outlive_a_visit_to_another_page(demo):
    app = upload(open_page(), ("film.png", film_bytes()))
    app.switch_page("covid_model/app/pages/about.py").run()
    app.switch_page("covid_model/app/pages/read.py").run()
    assert score(app) == "0.938"
    assert MockReader.asked == ["fine-tuned"]
    next(one for one in app.button if one.label == "Take these films away").click().run()
    assert not app.metric


def test_films_taken_away_are_forgotten(demo):
    """All of them: the film is decoded and read again when it comes again."""
    app = upload(open_page(), ("film.png", film_bytes()), ("other.png", film_bytes(99)))
    assert MockReader.asked == ["fine-tuned"] * 2
    app.file_uploader[0].set_value([]).run()
    assert app.session_state["uploads"] == [] and app.session_state["read"] == set()
    upload(app, ("film.png", film_bytes()))
    assert MockReader.asked == ["fine-tuned"] * 3


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda folder: (folder / "manifest.csv").unlink(), "has no manifest.csv"),
        (lambda folder: (folder / "manifest.csv").write_text("id,path\na,b\n"), "lacks the columns split, covid"),
    ],
)
def test_37_a_data_folder_that_is_not_one(demo, spoil, says):
    spoil(demo / "data")
    app = upload(open_page(), ("film.png", film_bytes()))
    assert says in app.warning[0].value.replace("\\", "")
    assert score(app) == "0.938"


def test_37_a_film_whose_picture_is_gone(demo):
    (demo / "data/images/cohen-1.png").unlink()
    app = open_page(film="cohen-1")
    assert "cohen-1.png is not there" in app.info[0].value.replace("\\", "")
    assert "try-cohen-1" not in [one.key for one in app.button]


def test_without_a_data_folder(demo, monkeypatch):
    monkeypatch.delenv(settings.DATA_VARIABLE)
    app = open_page(film="cohen-1")
    assert settings.DATA_VARIABLE in app.info[0].value.replace("\\", "")
    offered = [one.key for one in app.button if one.key.startswith("try-")]
    assert len(offered) == 10 and set(offered) <= {f"try-{name}" for name in cache.samples()}
    kinds = {name.partition("-")[0] for name in cache.samples()}
    assert {name.removeprefix("try-").partition("-")[0] for name in offered} == kinds
    app.button(key=offered[0]).click().run()
    assert score(app)
    assert "A simulated film lies outside what the networks were trained on" in text(app)


def test_without_scores_of_the_test_films(demo):
    (demo / "scores.csv").unlink()
    app = upload(open_page(), ("film.png", film_bytes()))
    assert score(app) == "0.938"
    assert "no scores of the test films" in text(app)
