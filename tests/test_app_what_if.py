"""The section below a reading, with a mock network that scores a film by its brightest pixel."""

from __future__ import annotations

import json
import logging

import pytest
from streamlit.testing.v1 import AppTest

from covid_model import audit, log, settings
from covid_model.app import cache
from covid_model.app.what_if import controls
from covid_model.audit import robustness
from covid_model.network import NetworkError
from covid_model.phrases import WHY_OUT
from covid_model.reading import ReadingError
from covid_model.verdict import OutOfDistribution
from tests import mock_networks
from tests.scenes import MockReader, demo, film_bytes, open_page, text
from tests.test_app_read import upload

NOVEL, TURNED = WHY_OUT[OutOfDistribution.UNFAMILIAR], WHY_OUT[OutOfDistribution.CHANGED]

__all__ = ["demo"]
FIRM, OTHER = "How firm is the score?", "Ask another network"


def metrics(app: AppTest) -> dict[str, str]:
    return {one.label: one.value for one in app.metric}


def changed(app: AppTest) -> str | None:
    """The score of the changed film."""
    return metrics(app).get("Score of the changed film")


def warnings(app: AppTest) -> str:
    return "\n".join(one.value.replace("\\", "") for one in app.warning)


# --- the film changed ----------------------------------------------------------------------------
def test_nothing_is_read_before_a_change_is_picked(demo):
    app = upload(open_page(), ("film.png", film_bytes(160)))
    assert "Pick one or several" in text(app)
    assert changed(app) is None and app.button(key="reset").disabled
    assert MockReader.asked == ["fine-tuned"]


def test_a_marker_moves_the_score_and_reset_takes_it_back(demo):
    app = upload(open_page(), ("film.png", film_bytes(140)))  # 0.547: negative
    app.pills(key="change").set_value(["marker"]).run()
    assert not app.exception
    assert float(changed(app)) > 0.8
    assert f"**{changed(app)}, up {float(changed(app)) - 0.547:.3f}; now positive**" in text(app)
    assert "As it came, the film scored 0.547" in text(app)
    assert metrics(app)["Model score"] == "0.547"  # the reading above stays
    app.button(key="reset").click().run()
    assert changed(app) is None and app.pills(key="change").value == []
    assert MockReader.asked == ["fine-tuned"] * 2


def test_every_reading_has_its_line_in_the_log(demo, caplog):
    caplog.set_level(logging.INFO, logger=log.READINGS.name)
    app = upload(open_page(), ("film.png", film_bytes(140)))
    app.pills(key="change").set_value(["marker"]).run()
    assert not app.exception
    said = [one.getMessage() for one in caplog.records if one.name == log.READINGS.name]
    assert len(said) == 2 and all("network=fine-tuned" in one for one in said)


def test_changes_add_up_and_none_is_read_twice(demo):
    app = upload(open_page(), ("film.png", film_bytes(200)))
    for picked in (["invert"], ["invert", "mirror"], ["invert"], ["invert", "mirror"]):
        app.pills(key="change").set_value(picked).run()
    assert not app.exception
    assert len(MockReader.asked) == 3
    app.segmented_control(key="network").set_value("paper").run()
    assert MockReader.asked[3:] == ["paper"] * 2  # the film, and the film as it is changed now
    app.slider(key="threshold").set_value(0.9).run()
    assert len(MockReader.asked) == 5


def test_a_scene_stands_in_the_address(demo):
    app = open_page(film="cohen-1", change=["Crop the border", "Turn"], crop="20", degrees="90")
    assert app.pills(key="change").value == ["crop", "turn"]
    assert app.slider(key="crop").value == 20 and app.slider(key="degrees").value == 90
    assert changed(app) and len(MockReader.asked) == 2


def test_nonsense_in_the_address_is_left_out(demo):
    app = open_page(film="cohen-1", change=["Erase the heart", "Crop the border"], crop="99", tool="Cook")
    assert changed(app) and app.slider(key="crop").value == controls.FIRST["crop"]


def test_every_change_has_its_settings(demo):
    app = upload(open_page(), ("film.png", film_bytes(240)))
    for kind in controls.KINDS:
        app.pills(key="change").set_value([kind]).run()
        assert not app.exception and changed(app), kind
    app.pills(key="change").set_value(list(controls.KINDS)).run()
    assert {one.key for one in app.slider} >= {"crop", "degrees"}
    assert {one.key for one in app.segmented_control} >= {"where", "fill", "letters", "corner"}
    app.segmented_control(key="where").set_value("box").run()
    app.slider(key="across").set_value((40, 40)).run()  # both edges in one place: a box all the same
    app.slider(key="down").set_value((100, 100)).run()
    assert not app.exception and changed(app)
    for how in ("noise", "blur"):
        app.segmented_control(key="fill").set_value(how).run()
        assert not app.exception and changed(app)


def test_where_no_lungs_are_found_a_box_is_offered(demo, monkeypatch):
    monkeypatch.setattr("covid_model.what_if.lungs.FIT", 2.0)
    app = upload(open_page(), ("film.png", film_bytes(240)))
    app.pills(key="change").set_value(["erase"]).run()
    assert "by hand" in warnings(app) and changed(app) is None
    app.button(key="draw-box").click().run()
    assert app.segmented_control(key="where").value == "box"
    assert changed(app) and "by hand" not in warnings(app)


def test_a_film_cropped_to_almost_nothing_is_refused(demo):
    app = upload(open_page(), ("film.png", film_bytes(240)))  # 160 pixels wide
    app.pills(key="change").set_value(["crop"]).run()
    app.slider(key="crop").set_value(40).run()
    assert "at least 64" in app.error[0].value.replace("\\", "") and changed(app) is None


def test_a_changed_film_that_is_novel_gets_no_verdict(demo, monkeypatch):
    app = upload(open_page(), ("film.png", film_bytes(240)))
    monkeypatch.setattr(MockReader, "novelty", 1.5)
    monkeypatch.setattr(MockReader, "why_novel", OutOfDistribution.CHANGED)
    app.pills(key="change").set_value(["invert"]).run()
    assert changed(app).startswith(":gray[") and "no verdict" in text(app)
    assert TURNED in warnings(app)
    assert not metrics(app)["Model score"].startswith(":gray[")


def test_a_change_that_the_network_cannot_see(demo):
    mock_networks.save(settings.NETWORKS)  # cuts a tenth off each side
    app = upload(open_page(), ("film.png", film_bytes(240)))
    app.pills(key="change").set_value(["marker"]).run()
    assert "It cuts 10 % off each side of a film before it looks" in text(app)
    app.pills(key="change").set_value(["mirror"]).run()
    assert "sees no difference" not in text(app)


def test_a_changed_film_without_a_score(demo, monkeypatch):
    app = upload(open_page(), ("film.png", film_bytes(240)))
    monkeypatch.setattr(MockReader, "failure", ReadingError("The network gave no score."))
    app.pills(key="change").set_value(["mirror"]).run()
    assert "no score" in app.error[0].value
    monkeypatch.setattr(MockReader, "failure", None)
    app.pills(key="change").set_value(["mirror", "invert"]).run()
    assert not app.error and changed(app)


def test_a_full_queue_offers_another_try(demo, monkeypatch):
    app = upload(open_page(), ("film.png", film_bytes(240)))
    monkeypatch.setattr(cache.desk(), "_places", 0)
    app.pills(key="change").set_value(["mirror"]).run()
    assert "Please try again" in warnings(app) and changed(app) is None
    monkeypatch.setattr(cache.desk(), "_places", 9)
    app.button(key="try-again").click().run()
    assert changed(app) and not app.warning


# --- how firm ------------------------------------------------------------------------------------
def test_copies_are_read_when_asked_for_and_once(demo):
    app = upload(open_page(tool=FIRM), ("film.png", film_bytes(150)))
    assert f"**{robustness.COPIES} copies**" in text(app)
    assert MockReader.asked == ["fine-tuned"]
    app.button(key="firm").click().run()
    assert not app.exception
    assert f"{robustness.COPIES}** keep its verdict, negative" in text(app) or "copies score" in text(app)
    assert len(app.get("plotly_chart")) == 2  # the place among the test films, and the strip
    app.slider(key="threshold").set_value(0.1).run()
    assert "keep its verdict, positive" in text(app)
    assert MockReader.asked == ["fine-tuned", "fine-tuned, many"]


def test_another_film_is_asked_anew(demo):
    app = open_page(film="cohen-1", tool=FIRM)
    app.button(key="firm").click().run()
    app.button(key="try-kermany-2").click().run()
    assert app.button(key="firm") and "keep its verdict" not in text(app)


# --- the other network ---------------------------------------------------------------------------
def test_the_other_network_reads_when_it_is_asked(demo):
    app = upload(open_page(tool=OTHER), ("film.png", film_bytes(200)))
    assert metrics(app).keys() == {"Model score", "Score by Fine-tuned"}
    assert MockReader.asked == ["fine-tuned"]
    app.button(key="ask-other").click().run()
    assert metrics(app).keys() == {"Model score", "Score by Fine-tuned", "Score by Paper"}
    assert "**Both call this film positive.**" in text(app)
    assert MockReader.asked == ["fine-tuned", "paper"]
    app.segmented_control(key="network").set_value("paper").run()
    assert MockReader.asked == ["fine-tuned", "paper"]  # this one was read before, the other is asked for again
    assert "Score by Fine-tuned" not in metrics(app)


def test_how_to_read_a_disagreement_is_computed(demo):
    for name in ("fine-tuned", "paper"):
        mock_networks.save(settings.NETWORKS, name)
    app = upload(open_page(tool=OTHER), ("film.png", film_bytes(200)))
    app.button(key="ask-other").click().run()
    assert "*Paper* learnt from 0 films of adults without COVID-19 and calls **1 of the 1**" in text(app)
    assert "*Fine-tuned* learnt from 0 films of adults without COVID-19 and calls **0 of the 1**" in text(app)
    app.slider(key="threshold").set_value(0.97).run()
    assert "and calls **0 of the 1** in the test set positive; *Paper*" in text(app)


def test_another_network_that_cannot_be_loaded(demo, monkeypatch):
    def missing(name):
        if name == "paper":
            raise NetworkError("The network 'paper' needs VGG-19's ImageNet weights.")
        return MockReader(name)

    monkeypatch.setattr(cache, "reader", missing)
    monkeypatch.setattr("covid_model.network.available", lambda: ["fine-tuned", "paper"])
    app = upload(open_page(tool=OTHER), ("film.png", film_bytes(200)))
    app.button(key="ask-other").click().run()
    assert "ImageNet weights" in app.error[0].value.replace("\\", "")
    app.button(key="use-fine-tuned").click().run()
    assert not app.error and app.button(key="ask-other")


# --- the reading itself: novelty, calibration, films that scored alike -----------------------------
@pytest.mark.parametrize(
    ("why", "sentence"), [(OutOfDistribution.UNFAMILIAR, NOVEL), (OutOfDistribution.CHANGED, TURNED), (None, NOVEL)]
)
def test_a_novel_film_says_why(demo, monkeypatch, why, sentence):
    monkeypatch.setattr(MockReader, "novelty", 2.0)
    monkeypatch.setattr(MockReader, "why_novel", why)
    app = open_page(film="cohen-1")
    assert sentence in warnings(app) and app.metric[0].value.startswith(":gray[")
    assert "network agrees" not in text(app)
    (button,) = [one for one in app.get("download_button") if one.key == "json-result"]
    assert button is not None


@pytest.mark.parametrize(("helps", "shown"), [(True, True), (False, False)])
def test_a_calibrated_score_is_shown_where_it_helped(demo, helps, shown):
    what = mock_networks.save(settings.NETWORKS)
    path = settings.NETWORKS / f"{what.name}.json"
    kept = {"temperature": 2.0, "fitted_on": 3, "helps": {"test": helps, "external": True}}
    path.write_text(json.dumps(json.loads(path.read_text()) | {"calibration": kept}))
    app = upload(open_page(), ("film.png", film_bytes(160)))  # 0.625: its logit halved gives 0.564
    assert ("Calibrated: **0.564**. That is not above the threshold; the verdict goes by" in text(app)) == shown
    assert "Above the threshold of 0.60: the network calls this film positive." in text(app)


def test_films_that_scored_alike_are_a_click_away(demo, monkeypatch):
    monkeypatch.setattr("covid_model.app.gallery.settings.SHEET", 2)
    monkeypatch.setattr("covid_model.app.gallery.sheet_of.__defaults__", (2,))
    monkeypatch.setattr("covid_model.app.gallery.sheet.__defaults__", (2,))
    app = open_page("films", network="paper", verdict="True positives")
    app.switch_page("covid_model/app/pages/read.py").run()
    app.button(key="try-kermany-1").click().run()
    app.button(key="alike").click().run()
    assert not app.exception and app.title[0].value == "Films"
    assert not app.pills(key="verdict").value  # what was picked on an earlier visit is forgotten
    assert "5 films, 3 to 4 shown" in text(app)  # two score above this film's 0.859


def test_films_held_out_count_as_neighbours_where_the_network_never_saw_them(demo, monkeypatch):
    held_out = cache.scores().query("network == 'fine-tuned' and split == 'train'").set_index("id")
    monkeypatch.setattr(cache, "held_out_scores", lambda name: held_out if name == "fine-tuned" else None)
    app = upload(open_page(), ("film.png", film_bytes(240)))  # 0.938
    assert (
        "Of the 5 test films and 1 validation film (held out of its training; not in the chart), 2 scored within "
        "±0.05 of this one; "
        "**2 of these 2** are COVID-19 films. That is 100 %" in text(app)
    )
    app.segmented_control(key="network").set_value("paper").run()
    assert "Of the 5 test films, " in text(app)


def test_held_out_films_are_those_of_the_training(demo, monkeypatch):
    what = mock_networks.save(settings.NETWORKS)
    assert cache.held_out_scores("fine-tuned") is None  # it says of no film that it was held out
    path = settings.NETWORKS / f"{what.name}.json"
    monkeypatch.setattr("covid_model.dataset.hold_out", lambda films: films.index == "cohen-4")
    path.write_text(json.dumps(json.loads(path.read_text()) | {"training": {"validation": 1}}))
    assert list(cache.held_out_scores("fine-tuned").index) == ["cohen-4"]
    path.write_text(json.dumps(json.loads(path.read_text()) | {"training": {"validation": 2}, "sha256": "other"}))
    assert cache.held_out_scores("fine-tuned") is None  # not the list of films that it was trained by


def test_what_is_kept_of_a_film_goes_with_it(demo):
    data = film_bytes(150)
    app = upload(open_page(), ("film.png", data))
    app.pills(key="change").set_value(["mirror"]).run()
    assert app.session_state[cache.ANSWERS]["answers"]
    app.file_uploader[0].set_value([])
    app = upload(app, ("other.png", film_bytes(160)))
    assert app.session_state[cache.ANSWERS]["film"] == cache.digest(film_bytes(160))


def test_the_strip_reads_the_film_as_it_is_shown():
    assert audit.robustness.ALL.each == 0.5  # the words on the page name what these copies undergo
    assert {name for name, on in vars(audit.robustness.ALL).items() if on} == {
        "rotation", "shift", "contrast", "gamma", "jpeg", "each",
    }  # fmt: skip
