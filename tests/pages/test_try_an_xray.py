"""Try an X-ray, with a mock network."""

from __future__ import annotations

import base64
import re

import cv2
import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from covid_model import config, formatting, imaging
from covid_model.app import cache, films, networks
from covid_model.app.components import viewer
from covid_model.app.text import browse as browse_text
from covid_model.app.text import prediction as prediction_text
from covid_model.imaging import FilmError
from covid_model.model import gradcam, readings, registry
from covid_model.model.predictor import Prediction, PredictionError
from covid_model.model.registry import NetworkError
from covid_model.reports.summary import REFUSED
from covid_model.verdict import OutOfDistribution
from tests.support import mock_networks
from tests.support.app_pages import (
    MockReader,
    demo,  # fmt: skip
    distributions,
    film_bytes,
    holds,
    open_page,
    page_of,
    pictures,
    plain_text,
    text,
    verdict_word,
)

__all__ = ["demo"]
TABLE = "uploaded_films"  # key of the table of several uploads
HOSTILE = "<img src=x onerror=alert(1)> **b** [x](http://evil.example) `c` :red[r]‮gnp.exe" + "A" * 300 + ".png"

SIMULATED = prediction_text.plain(formatting.WHY_OUT[OutOfDistribution.SIMULATED])


def upload(app: AppTest, *files: tuple[str, bytes]) -> AppTest:
    for name, data in files:
        app.file_uploader[0].upload(name, data)
    app.run()
    assert not app.exception, app.exception[0].value
    return app


def refusal(data: bytes) -> str:
    """Why a file is no film."""
    with pytest.raises(FilmError) as why:
        imaging.decode(data)
    return str(why.value)


def neighbors(score: float, film: str | None = None) -> list[str]:
    adult_test = cache.split_scores("fine-tuned", "extra-test")
    return prediction_text.comparison(cache.test_scores("fine-tuned"), adult_test, score, film)


def tries(app: AppTest) -> dict[str, str]:
    """The X-rays to try: the label of each button by its key."""
    return {item.key: item.label.replace("\u2011", "-") for item in app.button if item.key.startswith("try-")}


def score(app: AppTest) -> str:
    return app.metric[0].value


def test_opens_with_the_notice_and_without_a_network(demo):
    app = open_page()
    assert page_of(app) == ""
    assert config.NOTICE in text(app)
    assert not app.metric
    assert MockReader.asked == []


def test_one_film(demo):
    app = upload(open_page(), ("film.png", film_bytes(240)))
    assert score(app) == "0.938"
    assert formatting.verdict(240 / 256, 0.6) in text(app)
    assert [item.value for item in app.text] == ["film.png"]
    (drawn,) = distributions(app)
    assert drawn["mark"] == 240 / 256 and sum(len(part["scores"]) for part in drawn["classes"]) == 5
    adults, adult_test, whole = neighbors(240 / 256)
    assert all(sentence in text(app) for sentence in (adults, adult_test, whole))
    assert text(app).index(adults) < text(app).index(adult_test) < text(app).index(whole)
    assert holds(adults, 2, 3, 67, 1, 1, 100) and holds(adult_test, 0, 1, 0) and holds(whole, 2, 5, 40, 1, 1, 100)


def test_the_viewer_has_the_film_and_its_heatmap(demo):
    (picture,) = pictures(upload(open_page(), ("film.png", film_bytes(240))))
    assert picture["src"].startswith("data:image/jpeg;base64,") and picture["alt"] and "Grad-CAM" in picture["mapAlt"]
    assert all(layer.startswith("data:image/png;base64,") for layer in picture["layers"].values())
    assert picture["layers"]["for"] != picture["layers"]["against"] and picture["box"] == [0.1, 0.1, 0.9, 0.9]
    film = cv2.imdecode(np.frombuffer(film_bytes(240), np.uint8), 0)
    assert (picture["height"], picture["width"]) == film.shape
    sent = np.frombuffer(base64.b64decode(picture["src"].partition(",")[2]), np.uint8)
    assert np.abs(cv2.imdecode(sent, 0).astype(int) - film).mean() < 2


@pytest.mark.parametrize(
    ("sent", "point"),
    [
        ({"x": 0, "y": 1}, (0.0, 1.0)),
        ({"x": 0.25, "y": 0.5, "more": 1}, (0.25, 0.5)),
        ({"x": 1.01, "y": 0.5}, None),
        ({"x": "0.5", "y": 0.5}, None),
        ({"x": 0.5}, None),
        ([0.5, 0.5], None),
        (None, None),
    ],
)
def test_a_click_from_the_browser_is_checked(sent, point):
    assert viewer.point_of(sent) == point


def test_19_a_color_picture_gets_no_verdict(demo):
    drawn = np.zeros((300, 300, 3), np.uint8)
    drawn[..., 2] = np.linspace(0, 255, 300, dtype=np.uint8)  # black to red
    app = upload(open_page(), ("photo.png", cv2.imencode(".png", drawn)[1].tobytes()))
    page_text = text(app)
    assert score(app).startswith(":gray[") and app.warning[0].value == prediction_text.plain(
        formatting.WHY_OUT[OutOfDistribution.COLOR]
    )
    assert (
        formatting.verdict(1.0, 0.6) not in page_text
        and formatting.verdict(0.0, 0.6) not in page_text
        and not distributions(app)
    )


def test_controls_never_run_the_network_again(demo):
    app = upload(open_page(), ("film.png", film_bytes(160)))
    assert formatting.verdict(160 / 256, 0.6) in text(app)
    app.slider(key="threshold").set_value(0.8).run()
    assert formatting.verdict(160 / 256, 0.8) in text(app)
    assert not app.exception
    assert MockReader.asked == ["fine-tuned"]


def test_each_network_predicts_a_film_once(demo):
    app = upload(open_page(), ("film.png", film_bytes()))
    for name in ("paper", "fine-tuned", "paper"):
        app.segmented_control(key="network").set_value(name).run()
    assert MockReader.asked == ["fine-tuned", "paper"]


def test_33_several_films_including_a_bad_one(demo):
    app = upload(
        open_page(),
        ("one.png", film_bytes(100)),
        ("bad.png", b"<html>"),
        ("empty.png", b""),
        ("two.png", film_bytes(250)),
    )
    table = app.dataframe[0].value
    pictures, names, _, verdicts, remarks = (table.iloc[:, at].tolist() for at in range(5))
    assert [isinstance(picture, str) for picture in pictures] == [True, False, False, True]
    assert names == ["one.png", "bad.png", "empty.png", "two.png"]
    assert verdicts == [verdict_word(0.391), REFUSED, REFUSED, verdict_word(0.977)]
    assert remarks[1:3] == [refusal(b"<html>"), refusal(b"")] and remarks[1] != remarks[2]
    assert score(app) == "0.391"
    app.session_state[TABLE] = {"selection": {"rows": [3], "columns": [], "cells": []}}  # as a click on the row
    assert score(app.run()) == "0.977"
    app.session_state[TABLE] = {"selection": {"rows": [1], "columns": [], "cells": []}}
    app.run()
    assert not app.metric and refusal(b"<html>") in app.error[0].value.replace("\\", "")
    assert MockReader.asked == ["fine-tuned"] * 2


def test_only_bad_films(demo):
    app = upload(open_page(), ("a.png", b"no"), ("b.png", b"no"))
    assert app.dataframe[0].value["Verdict"].tolist() == [REFUSED] * 2
    assert not app.metric and not app.slider


def test_a_refused_film_gets_a_reason_and_the_next_one_works(demo):
    app = upload(open_page(threshold="0.95"), ("film.png", b"GIF89a..."))
    assert "GIF" in app.error[0].value
    assert not app.metric and not app.slider  # a threshold without a score would cut nothing
    app.file_uploader[0].set_value([])
    app = upload(app, ("film.png", film_bytes()))
    assert not app.error
    assert score(app) == "0.938" and app.slider(key="threshold").value == 0.95


def test_a_film_over_the_limit(demo, monkeypatch):
    monkeypatch.setattr(config, "MAX_BYTES", 2**20)
    app = upload(open_page(), ("film.png", film_bytes() + bytes(2**20)))
    assert holds(app.error[0].value, 1, 1.0) and not app.metric  # the limit, and what came


def test_31_an_ending_forged_past_the_browser_is_refused_and_the_others_are_read(demo):
    app = upload(open_page(), ("evil.exe", film_bytes()), ("film.png", film_bytes()))
    assert app.dataframe[0].value["Verdict"].tolist() == [REFUSED, verdict_word(0.938)]
    assert ", ".join(films.UPLOAD_TYPES) in app.dataframe[0].value["Remarks"][0]


@pytest.mark.parametrize("data", [film_bytes(), b"<html>"])
def test_30_a_hostile_name_is_plain_text(demo, data):
    app = upload(open_page(), (HOSTILE, data))
    shown = [item.value for item in app.text] + [item.value for item in app.error]
    assert any("<img" in item.replace("\\", "") for item in shown)
    assert all(len(item) < 400 and "‮" not in item for item in shown)
    for rendered in [item.value for item in (*app.markdown, *app.caption, *app.error)]:
        unescaped = re.sub(r"\\.", "", rendered)
        assert "<" not in unescaped and "](http" not in unescaped and "*b*" not in unescaped


def test_35_a_network_that_cannot_be_loaded(demo, monkeypatch):
    def missing(name):
        if name == "fine-tuned":
            raise NetworkError("/a_b/fine-tuned.npz?")
        return MockReader(name)

    monkeypatch.setattr(networks, "predictor", missing)
    monkeypatch.setattr(registry, "names", lambda *folder: ["fine-tuned", "paper"])
    for uploads in ([("film.png", film_bytes())], [("a.png", film_bytes(99)), ("b.png", film_bytes(98))]):
        app = upload(open_page(), *uploads)
        assert "/a_b/fine-tuned.npz?" in app.error[0].value.replace("\\", "")
        assert not app.metric
        if len(uploads) == 1:  # the X-ray itself is shown all the same
            assert [picture["layers"] for picture in pictures(app)] == [None]
        app.button(key="use-paper").click().run()
        assert app.segmented_control(key="network").value == "paper"
        assert not app.error and app.metric


def test_40_a_network_that_gives_no_score(demo, monkeypatch):
    monkeypatch.setattr(MockReader, "failure", PredictionError("nan?"))
    app = upload(open_page(), ("film.png", film_bytes()))
    assert "nan" in app.error[0].value
    assert not app.metric


def test_a_sample_film_by_link(demo):
    app = open_page(film="cohen-2", threshold="0.9")
    row = cache.dataset().films.loc["cohen-2"]
    assert prediction_text.plain(row["finding"]) in text(app) and prediction_text.outcome(False, True) in text(app)
    assert prediction_text.credit(row) in text(app) and "(https://example.org/films)" in text(app)
    assert prediction_text.TRAINED_ON not in text(app)
    adults = prediction_text.adult_false_positives(cache.test_scores("fine-tuned"), 0.9)
    assert adults in text(app) and holds(adults, 1, 0)


def test_a_film_is_not_its_own_neighbor(demo):
    app = open_page(film="kermany-1")  # mock score 0.859
    adults, _, whole = neighbors(220 / 256, "kermany-1")
    assert whole in text(app) and holds(whole, 2, 4, 50) and holds(adults, 2, 3, 67)


def test_a_training_film_says_so(demo):
    assert prediction_text.TRAINED_ON in text(open_page(film="cohen-4"))


def test_films_to_try_and_back_to_the_uploads(demo):
    app = upload(open_page(), ("film.png", film_bytes()))
    assert tries(app) == {
        "try-cohen-1": browse_text.LABELS["tp"],
        "try-nih-1": browse_text.LABELS["tn"],  # the other network calls it positive, and its score is the lowest
        "try-cohen-2": browse_text.LABELS["fn"],
    }
    app.button(key="try-cohen-2").click().run()
    assert app.query_params["film"] == "cohen-2"
    assert not app.text and "X-ray cohen-2." in plain_text(app.get_by_key("about_film"))
    app.button(key="back-to-uploads").click().run()
    assert "film" not in app.query_params
    assert [item.value for item in app.text] == ["film.png"]


def test_a_stored_prediction_is_shown_without_the_network(demo, monkeypatch):
    """The same network on another file runs, and so does one whose weights are not those of the stored prediction."""
    monkeypatch.setattr(config, "READINGS_NPZ", demo / "readings.npz")
    mock_networks.describe(demo / "networks", "paper", "Paper", 1, sha256="2" * 64)
    sample = next(iter(cache.samples().values()))
    film, spec = imaging.read(sample.path), registry.spec("paper")
    made = Prediction("paper", 0.75, float(np.log(3)), np.eye(14, dtype=np.float32), spec.preprocessing.box, (), 1.0)
    row = (sample.id, registry.sha256(sample.path), film.pixels)
    readings.save([row], {readings.key(spec): [made]})
    app = open_page(film=sample.id, network="paper")
    assert score(app) == ":gray[0.750]" and not MockReader.asked  # gray, as the film is simulated
    app = open_page(film=sample.id, network="fine-tuned", tool="Compare models")  # stored for the other network only
    assert MockReader.asked == ["fine-tuned"] and any("0.750" in item.value for item in app.metric)
    upload(open_page(network="paper"), ("film.jpg", sample.path.read_bytes()))  # the same file, uploaded
    assert MockReader.asked == ["fine-tuned"]
    mock_networks.describe(demo / "networks", "paper", "Paper", 1, sha256="1" * 64)
    app = open_page(film=sample.id, network="paper")
    assert "0.750" not in score(app) and MockReader.asked == ["fine-tuned", "paper"]


def test_film_and_uploads_survive_a_visit_to_another_page(demo):
    app = upload(open_page(), ("film.png", film_bytes()))
    app.switch_page("covid_model/app/pages/about.py").run()
    app.switch_page("covid_model/app/pages/try_an_xray.py").run()
    assert score(app) == "0.938"
    assert MockReader.asked == ["fine-tuned"]
    app.button(key="drop-uploads").click().run()
    assert not app.metric


def test_removed_films_are_forgotten(demo):
    """All of them: the film is decoded and read again when it comes again."""
    app = upload(open_page(), ("film.png", film_bytes()), ("other.png", film_bytes(99)))
    assert MockReader.asked == ["fine-tuned"] * 2
    app.file_uploader[0].set_value([]).run()
    assert app.session_state["uploads"] == [] and app.session_state["read"] == set()
    upload(app, ("film.png", film_bytes()))
    assert MockReader.asked == ["fine-tuned"] * 3


@pytest.mark.parametrize(
    ("spoil", "names"),
    [
        (lambda folder: (folder / "manifest.csv").unlink(), ["manifest.csv"]),
        (lambda folder: (folder / "manifest.csv").write_text("id,path\na,b\n"), ["split", "covid"]),
    ],
)
def test_37_an_invalid_data_folder(demo, spoil, names):
    spoil(demo / "data")
    app = upload(open_page(), ("film.png", film_bytes()))
    assert all(name in app.warning[0].value.replace("\\", "") for name in names)
    assert score(app) == "0.938"


def test_37_a_film_whose_file_is_missing(demo):
    (demo / "data/images/cohen-1.png").unlink()
    app = open_page(film="cohen-1")
    assert "cohen-1.png" in app.info[0].value.replace("\\", "") and not app.slider
    assert "try-cohen-1" not in [item.key for item in app.button]


def test_without_a_data_folder(demo, monkeypatch):
    monkeypatch.delenv(config.DATA_VARIABLE)
    app = open_page(film="cohen-1")
    assert config.DATA_VARIABLE in app.info[0].value.replace("\\", "")
    own = {f"try-{name}" for name in cache.samples()}
    assert set(tries(app)) <= own and app.button(key="fetch_films")
    app.button(key="try-rg1").click().run()
    assert score(app) and SIMULATED not in [warning.value for warning in app.warning]


def test_the_strip_shows_what_the_chosen_network_does(demo):
    app = open_page(network="paper", threshold=0.3)
    assert tries(app) == {
        "try-cohen-1": browse_text.LABELS["tp"],
        "try-cohen-3": browse_text.LABELS["fp"],
    }
    assert text(app).count(browse_text.ground_truth(True)) == text(app).count(browse_text.ground_truth(False)) == 1
    assert "Film cohen" in text(app).replace("\\", "")  # its own sentence
    app.button(key="try-cohen-3").click().run()
    assert browse_text.ground_truth(True) not in text(app)  # the tiles are small while a film is shown
    assert set(tries(app)) == {"try-cohen-1", "try-cohen-3"}


def test_the_stress_test_shows_scores_and_heat_and_no_verdict(demo, monkeypatch):
    monkeypatch.setattr(config, "READINGS_NPZ", demo / "readings.npz")
    simulated = [film for film in cache.samples().values() if film.simulated]
    lesion = next(film for film in simulated if film.mask)
    film = imaging.read(lesion.path)
    rows = [(lesion.id, registry.sha256(lesion.path), film.pixels)]
    mock_networks.describe(demo / "networks", "paper", "Paper", 1, sha256="2" * 64)
    made = {}
    for name, logit in (("fine-tuned", 0.0), ("paper", 3.0)):
        spec = registry.spec(name)
        heat = np.eye(14, dtype=np.float32)
        made[readings.key(spec)] = [Prediction(name, 0.5, logit, heat, spec.preprocessing.box, (), 1.0)]
    readings.save(rows, made)
    app = open_page()
    assert not app.dataframe  # closed: nothing is drawn
    app.session_state["stress_test"] = True
    app.run()
    assert not app.exception, app.exception[0].value
    table = app.dataframe[0].value
    assert len(table) == len(simulated)
    at = [film.id for film in simulated].index(lesion.id)
    assert table.loc[at, ["Fine-tuned", "Paper"]].tolist() == pytest.approx([0.5, 0.953], abs=1e-3)
    assert app.selectbox(key="stress_film").value == lesion.id
    mask = cv2.imread(str(lesion.mask), cv2.IMREAD_GRAYSCALE) > 0
    share = gradcam.heat_in_mask(np.eye(14), spec.preprocessing.box, mask)
    assert text(app).count(browse_text.in_lesion(*share)) == 2 and share[1] > 0
    drawer = [item.value for item in app.expander[0].markdown]
    assert browse_text.STRESS in drawer
    assert not any(word in item.lower() for item in drawer for word in ("positive", "negative"))
    assert not MockReader.asked
    app.button(key="stress-open").click().run()
    assert app.query_params["film"] in (lesion.id, [lesion.id])
    assert score(app) and SIMULATED in [warning.value for warning in app.warning]
    assert prediction_text.score_of("Paper", 1 / (1 + np.exp(-3.0))) in text(app)  # the other network's
    assert not distributions(app)
    assert not any(formatting.verdict(shown, 0.6) in text(app) for shown in (0.0, 1.0))


def test_without_scores_of_the_test_films(demo):
    (demo / "scores.csv").unlink()
    app = upload(open_page(), ("film.png", film_bytes()))
    assert score(app) == "0.938"
    assert app.get_by_key("place_section").markdown and not distributions(app)
