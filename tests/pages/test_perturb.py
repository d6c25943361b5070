"""The section below a prediction, with a mock network that scores a film by its brightest pixel."""

from __future__ import annotations

import hashlib
import json
import logging

import numpy as np
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from covid_model import config, formatting
from covid_model.app import cache, networks
from covid_model.app.components import common, perturb, score_checks, viewer
from covid_model.app.runtime import log
from covid_model.app.text import browse as browse_text
from covid_model.app.text import perturb as perturb_text
from covid_model.app.text import prediction as prediction_text
from covid_model.config import CELL_NAMES
from covid_model.formatting import MODEL_SCORE, WHY_OUT
from covid_model.imaging import perturb as imaging_perturb
from covid_model.imaging.perturb import Changes
from covid_model.model import robustness as model_robustness
from covid_model.model.predictor import PredictionError
from covid_model.model.registry import NetworkError
from covid_model.verdict import OutOfDistribution
from tests.pages.test_try_an_xray import upload
from tests.support import mock_networks
from tests.support.app_pages import (
    MockReader,
    charts,
    demo,
    film_bytes,
    holds,
    numbers,
    open_page,
    page_of,
    pictures,
    text,
)

NOVEL, TURNED = WHY_OUT[OutOfDistribution.UNFAMILIAR], WHY_OUT[OutOfDistribution.CHANGED]

__all__ = ["demo"]
FIRM, OTHER = score_checks.ROBUSTNESS, score_checks.COMPARISON
BY = {"fine-tuned": perturb_text.score_by("Fine-tuned"), "paper": perturb_text.score_by("Paper")}  # made-up titles


def metrics(app: AppTest) -> dict[str, str]:
    return {item.label: item.value for item in app.metric}


def changed(app: AppTest) -> str | None:
    """The score of the changed film."""
    return metrics(app).get(perturb_text.CHANGED)


def warnings(app: AppTest) -> str:
    return "\n".join(item.value.replace("\\", "") for item in app.warning)


# --- the film changed ----------------------------------------------------------------------------
def test_nothing_runs_before_a_change_is_chosen(demo):
    app = upload(open_page(), ("film.png", film_bytes(160)))
    assert perturb_text.PICK in text(app)
    assert changed(app) is None and app.button(key="reset").disabled
    assert MockReader.asked == ["fine-tuned"]


def test_a_marker_moves_the_score_and_reset_takes_it_back(demo):
    app = upload(open_page(), ("film.png", film_bytes(140)))  # 0.547: negative
    app.pills(key="change").set_value(["marker"]).run()
    assert not app.exception
    assert float(changed(app)) > 0.8
    message = perturb_text.score_change(140 / 256, float(changed(app)), 0.6)
    assert message in text(app) and holds(message, float(changed(app)), round(float(changed(app)) - 0.547, 3))
    assert any(holds(item.value, 0.547) for item in app.markdown if message in item.value)  # beside what it was
    assert metrics(app)[MODEL_SCORE] == "0.547"  # the reading above stays
    app.button(key="reset").click().run()
    assert changed(app) is None and app.pills(key="change").value == []
    assert MockReader.asked == ["fine-tuned"] * 2


def test_every_prediction_has_its_line_in_the_log(demo, caplog):
    caplog.set_level(logging.INFO, logger=log.READINGS.name)
    app = upload(open_page(), ("film.png", film_bytes(140)))
    app.pills(key="change").set_value(["marker"]).run()
    assert not app.exception
    message = [item.getMessage() for item in caplog.records if item.name == log.READINGS.name]
    assert len(message) == 2 and all("network=fine-tuned" in item for item in message)


def test_the_changed_film_is_beside_the_original_in_the_viewer(demo):
    app = upload(open_page(), ("film.png", film_bytes(240)))
    app.pills(key="change").set_value(["mirror"]).run()
    original, mirrored = pictures(app)
    assert original["layers"] and mirrored["layers"] and original["src"] != mirrored["src"]
    assert perturb.describe(Changes(mirror=True)) in mirrored["alt"]
    app.button(key="reset").click().run()
    assert pictures(app) == [original]


def test_changes_add_up_and_none_is_predicted_twice(demo):
    app = upload(open_page(), ("film.png", film_bytes(200)))
    for picked in (["invert"], ["invert", "mirror"], ["invert"], ["invert", "mirror"]):
        app.pills(key="change").set_value(picked).run()
    assert not app.exception
    assert len(MockReader.asked) == 3
    app.segmented_control(key="network").set_value("paper").run()
    assert MockReader.asked[3:] == ["paper"] * 2  # the film, and the film as it is changed now
    app.slider(key="threshold").set_value(0.9).run()
    assert len(MockReader.asked) == 5


def test_the_url_holds_the_changes(demo):
    app = open_page(
        film="cohen-1",
        change=[perturb.LABELS[kind] for kind in ("crop", "turn", "arrow")],
        crop="20",
        degrees="90",
        arrow_at="0.25,0.75",
    )
    assert app.pills(key="change").value == ["crop", "turn", "arrow"]
    assert app.slider(key="crop").value == 20 and app.slider(key="degrees").value == 90
    assert shown_changes(app) == [Changes(crop=0.2, turn=90, arrow=(0.25, 0.75))]
    assert changed(app) and len(MockReader.asked) == 2


def test_invalid_values_in_the_url_are_ignored(demo):
    app = open_page(film="cohen-1", change=["Erase the heart", perturb.LABELS["crop"]], crop="99", tool="Cook")
    assert changed(app) and app.slider(key="crop").value == perturb.FIRST["crop"]


@pytest.mark.parametrize("place", ["here", "0.5", "1.2,0.5", "nan,0.5", "0.1,0.2,0.3"])
def test_a_marker_is_in_its_first_place_if_the_url_is_invalid(demo, place):
    app = open_page(film="cohen-1", change=[perturb.LABELS["marker"]], marker_at=place)
    assert [change.marker_at for change in shown_changes(app)] == [perturb.SPOTS["marker"][1]]


def shown_changes(app: AppTest) -> list[Changes]:
    """The changes that the network has read."""
    return [question[2] for question in app.session_state[networks.ANSWERS]["answers"] if question[0] == "changed"]


def stand_in(pictures, on_place=None, key=viewer.KEY) -> None:
    """A button in place of the viewer, which AppTest cannot click: it places what the session says."""
    st.button("place", key=f"place-{key}", on_click=lambda: on_place(st.session_state["at"]), disabled=on_place is None)


def click(app: AppTest, at: tuple[float, float]) -> None:
    app.session_state["at"] = at
    app.button(key="place-viewer").click().run()
    assert not app.exception


def test_a_click_moves_what_is_drawn(demo, monkeypatch):
    monkeypatch.setattr(viewer, "show", stand_in)
    app = open_page(film="cohen-1", change=[perturb.LABELS["marker"]])
    click(app, (0.25, 0.5))
    assert app.query_params[perturb.MARKER_AT] == "0.25,0.5" and shown_changes(app)[-1].marker_at == (0.25, 0.5)
    app.pills(key="change").set_value(["marker", "arrow"]).run()
    click(app, (0.75, 0.5))  # what was added last
    assert shown_changes(app)[-1] == Changes(marker="L", marker_at=(0.25, 0.5), arrow=(0.75, 0.5))
    app.segmented_control(key="placing").set_value("marker").run()
    click(app, (0.5, 0.5))
    assert shown_changes(app)[-1] == Changes(marker="L", marker_at=(0.5, 0.5), arrow=(0.75, 0.5))
    app.pills(key="change").set_value(["arrow"]).run()
    assert perturb.MARKER_AT not in app.query_params and app.query_params[perturb.ARROW_AT] == "0.75,0.5"
    app.button(key="reset").click().run()
    assert perturb.ARROW_AT not in app.query_params


def test_every_change_has_its_settings(demo):
    app = upload(open_page(), ("film.png", film_bytes(240)))
    for kind in imaging_perturb.KINDS:
        app.pills(key="change").set_value([kind]).run()
        assert not app.exception and changed(app), kind
    app.pills(key="change").set_value(list(imaging_perturb.KINDS)).run()
    assert {item.key for item in app.slider} >= {"crop", "degrees"}
    assert {item.key for item in app.segmented_control} >= {"where", "fill", "letters", "placing"}
    app.segmented_control(key="where").set_value("box").run()
    app.slider(key="across").set_value((40, 40)).run()  # both edges in one place: a box all the same
    app.slider(key="down").set_value((100, 100)).run()
    assert not app.exception and changed(app)
    for options in ("noise", "blur"):
        app.segmented_control(key="fill").set_value(options).run()
        assert not app.exception and changed(app)


def test_where_no_lungs_are_found_a_box_is_offered(demo, monkeypatch):
    monkeypatch.setattr("covid_model.imaging.lung_mask.FIT", 2.0)
    app = upload(open_page(), ("film.png", film_bytes(240)))
    app.pills(key="change").set_value(["erase"]).run()
    assert app.warning and changed(app) is None
    app.button(key="draw-box").click().run()
    assert app.segmented_control(key="where").value == "box"
    assert changed(app) and not app.warning


def test_a_film_cropped_to_almost_nothing_is_refused(demo):
    app = upload(open_page(), ("film.png", film_bytes(240)))  # 160 pixels wide
    app.pills(key="change").set_value(["crop"]).run()
    app.slider(key="crop").set_value(40).run()
    assert holds(app.error[0].value, config.MIN_SIDE) and changed(app) is None


def test_a_changed_film_that_is_out_of_distribution_gets_no_verdict(demo, monkeypatch):
    app = upload(open_page(), ("film.png", film_bytes(240)))
    monkeypatch.setattr(MockReader, "ood_distance", 1.5)
    monkeypatch.setattr(MockReader, "ood_reason", OutOfDistribution.CHANGED)
    app.pills(key="change").set_value(["invert"]).run()
    (score,) = numbers(changed(app))
    assert changed(app).startswith(":gray[") and perturb_text.score_change(240 / 256, score, 0.6, novel=True) in text(
        app
    )
    assert TURNED in warnings(app)
    assert not metrics(app)[MODEL_SCORE].startswith(":gray[")


def test_a_change_that_the_network_cannot_see(demo):
    mock_networks.save(config.NETWORKS)  # cuts a tenth off each side
    app = upload(open_page(), ("film.png", film_bytes(240)))
    app.pills(key="change").set_value(["marker"]).run()
    assert perturb_text.no_visible_change(0.1) in text(app) and holds(perturb_text.no_visible_change(0.1), 10)
    app.pills(key="change").set_value(["mirror"]).run()
    assert perturb_text.no_visible_change(0.1) not in text(app)


def test_a_change_that_the_network_sees_in_part(demo, monkeypatch):
    mock_networks.save(config.NETWORKS)  # cuts a tenth off each side
    monkeypatch.setattr(imaging_perturb, "share_cut", lambda pixels, changes, border: 0.4 if border == 0.1 else 0)
    app = upload(open_page(), ("film.png", film_bytes(240)))
    app.pills(key="change").set_value(["mirror"]).run()
    assert perturb_text.cut_off(0.4, 0.1) in text(app) and holds(perturb_text.cut_off(0.4, 0.1), 40, 10)


def test_a_changed_film_without_a_score(demo, monkeypatch):
    app = upload(open_page(), ("film.png", film_bytes(240)))
    monkeypatch.setattr(MockReader, "failure", PredictionError("nan?"))
    app.pills(key="change").set_value(["mirror"]).run()
    assert "nan" in app.error[0].value
    monkeypatch.setattr(MockReader, "failure", None)
    app.pills(key="change").set_value(["mirror", "invert"]).run()
    assert not app.error and changed(app)


def test_a_full_queue_offers_another_try(demo, monkeypatch):
    app = upload(open_page(), ("film.png", film_bytes(240)))
    monkeypatch.setattr(networks.queue(), "_capacity", 0)
    app.pills(key="change").set_value(["mirror"]).run()
    assert app.button(key=common.AGAIN) and app.warning and changed(app) is None
    monkeypatch.setattr(networks.queue(), "_capacity", 9)
    app.button(key=common.AGAIN).click().run()
    assert changed(app) and not app.warning


# --- how firm ------------------------------------------------------------------------------------
def test_copies_are_scored_on_request_and_once(demo):
    app = upload(open_page(tool=FIRM), ("film.png", film_bytes(150)))
    assert holds(app.get_by_key("firm_copies").markdown[0].value, model_robustness.COPIES)
    assert MockReader.asked == ["fine-tuned"]
    app.button(key="firm").click().run()
    assert not app.exception
    assert holds(answer(app), model_robustness.COPIES)
    assert charts(app) == {"strip"}
    before = answer(app)
    app.slider(key="threshold").set_value(0.1).run()
    assert answer(app) != before and holds(
        answer(app), model_robustness.COPIES
    )  # another verdict, and how many keep it
    assert MockReader.asked == ["fine-tuned", "fine-tuned, many"]


def answer(app: AppTest) -> str:
    """What came of the copies."""
    return app.get_by_key("firm_answer").markdown[0].value


def test_another_film_is_computed_anew(demo):
    app = open_page(film="cohen-1", tool=FIRM)
    app.button(key="firm").click().run()
    app.query_params["film"] = "kermany-2"
    app.run()
    assert app.button(key="firm") and "strip" not in charts(app) and not app.get_by_key("firm_answer").markdown


# --- the other network ---------------------------------------------------------------------------
def test_the_other_network_runs_on_request(demo):
    app = upload(open_page(tool=OTHER), ("film.png", film_bytes(200)))
    assert metrics(app).keys() == {MODEL_SCORE, BY["fine-tuned"]}
    assert MockReader.asked == ["fine-tuned"]
    app.button(key="ask-other").click().run()
    assert metrics(app).keys() == {MODEL_SCORE, BY["fine-tuned"], BY["paper"]}
    assert perturb_text.agreement({"fine-tuned": 200 / 256, "paper": 200 / 256}, 0.6) in text(app)
    assert MockReader.asked == ["fine-tuned", "paper"]
    app.segmented_control(key="network").set_value("paper").run()
    assert MockReader.asked == ["fine-tuned", "paper"]  # both predictions are at hand, so both are shown
    assert metrics(app).keys() == {MODEL_SCORE, BY["paper"], BY["fine-tuned"]}


def test_how_to_read_a_disagreement_is_computed(demo):
    for name in ("fine-tuned", "paper"):
        mock_networks.save(config.NETWORKS, name)
    app = upload(open_page(tool=OTHER), ("film.png", film_bytes(200)))
    app.button(key="ask-other").click().run()
    assert disagreement(0.6) in text(app) and holds(disagreement(0.6), 0, 0, 1, 0, 1, 1)
    app.slider(key="threshold").set_value(0.97).run()
    assert disagreement(0.97) in text(app) and disagreement(0.97) != disagreement(0.6)


def disagreement(threshold: float) -> str:
    specs = [networks.spec(name) for name in ("fine-tuned", "paper")]
    return perturb_text.disagreement(specs, cache.films_table(), cache.scores(), threshold)


def test_another_network_that_cannot_be_loaded(demo, monkeypatch):
    def missing(name):
        if name == "paper":
            raise NetworkError("VGG-19?")
        return MockReader(name)

    monkeypatch.setattr(networks, "predictor", missing)
    monkeypatch.setattr("covid_model.model.registry.names", lambda *folder: ["fine-tuned", "paper"])
    app = upload(open_page(tool=OTHER), ("film.png", film_bytes(200)))
    app.button(key="ask-other").click().run()
    assert "VGG-19?" in app.error[0].value.replace("\\", "")
    app.button(key="use-fine-tuned").click().run()
    assert not app.error and app.button(key="ask-other")


# --- the reading itself: novelty, calibration, films that scored alike -----------------------------
@pytest.mark.parametrize(
    ("why", "sentence"), [(OutOfDistribution.UNFAMILIAR, NOVEL), (OutOfDistribution.CHANGED, TURNED), (None, NOVEL)]
)
def test_an_out_of_distribution_film_says_why(demo, monkeypatch, why, sentence):
    monkeypatch.setattr(MockReader, "ood_distance", 2.0)
    monkeypatch.setattr(MockReader, "ood_reason", why)
    app = open_page(film="cohen-1")
    assert sentence in warnings(app) and app.metric[0].value.startswith(":gray[")
    assert prediction_text.outcome(True, True) not in text(app) and formatting.verdict(0.7, 0.6) not in text(app)
    (button,) = [item for item in app.get("download_button") if item.key == "json-result"]
    assert button is not None


@pytest.mark.parametrize(("helps", "shown"), [(True, True), (False, False)])
def test_a_calibrated_score_is_shown_where_it_helped(demo, helps, shown):
    case = mock_networks.save(config.NETWORKS)
    path = config.NETWORKS / f"{case.name}.json"
    kept = {"temperature": 2.0, "fitted_on": 3, "helps": {"test": helps, "external": True}}
    path.write_text(json.dumps(json.loads(path.read_text()) | {"calibration": kept}))
    app = upload(open_page(), ("film.png", film_bytes(160)))  # 0.625: its logit halved gives 0.564
    calibrated = prediction_text.calibrated(160 / 256, 0.5635, 0.6)
    assert (calibrated in text(app)) == shown and holds(calibrated, 0.564)
    assert formatting.verdict(160 / 256, 0.6) in text(app)


def test_similar_scores_are_one_click_away(demo):
    app = open_page("browse", network="paper", verdict=CELL_NAMES["tp"])
    app.switch_page("covid_model/app/pages/try_an_xray.py").run()
    app.query_params["film"] = "kermany-1"
    app.run()
    app.button(key="alike").click().run()
    assert not app.exception and page_of(app) == "browse"
    assert not app.pills(key="verdict").value  # what was picked on an earlier visit is forgotten
    films = browse_text.select_set(cache.gallery_table("paper"), "test", 0.6)
    score = float(app.query_params[browse_text.NEAR])
    assert app.query_params[browse_text.MARKED] == "kermany-1"
    assert ((films["score"] - score).abs() > prediction_text.NEIGHBOR_BAND).all()  # the mock network's own
    assert app.info[0].value == browse_text.no_match({browse_text.NEAR: browse_text.similar(score)}, {"near": 5})


def test_results_of_a_film_are_dropped_with_it(demo):
    data = film_bytes(150)
    app = upload(open_page(), ("film.png", data))
    app.pills(key="change").set_value(["mirror"]).run()
    assert app.session_state[networks.ANSWERS]["answers"]
    app.file_uploader[0].set_value([])
    app = upload(app, ("other.png", film_bytes(160)))
    assert app.session_state[networks.ANSWERS]["film"] == hashlib.sha256(film_bytes(160)).hexdigest()


def test_the_score_strip_uses_the_film_as_shown():
    assert model_robustness.ALL.each == 0.5  # the words on the page name what these copies undergo
    assert {name for name, on in vars(model_robustness.ALL).items() if on} == {
        "rotation", "shift", "contrast", "gamma", "jpeg", "each",
    }  # fmt: skip


def test_another_method_explains_the_same_score(demo, monkeypatch):
    heat = np.full((7, 7), 0.5, np.float32)
    asked = []
    monkeypatch.setattr(
        "covid_model.model.attribution.explain",
        lambda reader, pixels, methods: asked.append((reader.name, methods)) or dict.fromkeys(methods, heat),
    )
    app = upload(open_page(), ("film.png", film_bytes(160)))
    assert pictures(app)[0]["method"] == "Grad-CAM" and not asked
    app.selectbox(key=perturb.METHOD).set_value("rise").run()
    assert not app.exception and asked == [("fine-tuned", ("rise",))]
    picture = pictures(app)[0]
    assert picture["method"] == "RISE" and "RISE" in picture["mapAlt"]
    app.selectbox(key=perturb.METHOD).set_value("layercam").run()
    app.selectbox(key=perturb.METHOD).set_value("hirescam").run()
    assert len(asked) == 2  # one pass gives all that need no further one
