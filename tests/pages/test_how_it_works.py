"""How it works, with a mock forward pass."""

from __future__ import annotations

import json
from dataclasses import asdict

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from covid_model import config, formatting
from covid_model.app import session
from covid_model.app.components import explanation_lab, film_picker
from covid_model.app.text import code_snippets
from covid_model.app.text import how_it_works as story_text
from covid_model.imaging.preprocessing import Preprocessing, preparation
from covid_model.model import attribution, registry
from covid_model.model.registry import NetworkError
from covid_model.training import init_ablation
from tests.support import synthetic_images
from tests.support.app_pages import demo, film_bytes, holds, numbers, open_page, page_of, text
from tests.support.synthetic_trace import made_up_walk

__all__ = ["demo"]
PAGE = "how_it_works"
SECTIONS = ["preparation", "network", "head", "loss", "gradcam"]  # of the first tab, by their anchors
TRAINING = ["pretrained", "run", "compared"]  # of the second
HISTORY = [{"epoch": 1, "loss": 0.5, "accuracy": 0.8}, {"epoch": 2, "loss": 0.3, "accuracy": 0.9}]


@pytest.fixture
def story(demo, monkeypatch):
    """The demo with both networks' JSON and a walk that counts how often it was asked for."""
    for name in registry.names():
        spec = registry.NetworkSpec(
            name, name.capitalize(), "A summary.", 0.6, Preprocessing(size=32, border=0.1), registry.STORED,
            registry.Head("average", 3, 0.0), f"{name}.npz", "0", 155, trained_on=("train",),
            recipe={"optimizer": "Adam"}, history=HISTORY, training={"films": 9},
        )  # fmt: skip
        spec.save(config.NETWORKS)
    monkeypatch.setattr(config, "RESULTS", demo)
    requested: list[str] = []
    monkeypatch.setattr(session, "trace", lambda data, name: requested.append(name) or made_up_walk(name))
    monkeypatch.setattr(session, "known_trace", lambda data, name: False)
    return requested


def sections(app: AppTest) -> list[str]:
    return [item.proto.anchor for item in app.header]


def test_the_network_runs_by_itself(story):
    app = open_page(PAGE)
    assert page_of(app) == PAGE and story == ["fine-tuned"] and app.metric[0].value == "0.881"
    assert sections(app) == SECTIONS and [tab.label for tab in app.tabs] == list(story_text.TABS)
    steps = preparation(synthetic_images.film(), Preprocessing(size=32, border=0.1))
    assert len(steps) > 1 and all(f"**{step.title}.** {step.sentence}" in text(app) for step in steps)
    assert any(holds(item.value, 32, 32, 3, 3072) for item in app.markdown)


def test_run_shows_the_numbers_of_this_film(story):
    app = open_page(PAGE, film="cohen-1")
    assert story == ["fine-tuned"]
    assert app.metric[0].value == "0.881"
    message = {part: text(app.get_by_key(f"story_{part}")) for part in ("network", "head", "loss")}
    assert formatting.verdict(0.880797, 0.6) in message["head"]
    assert holds(message["head"], 16, 3, 2)  # features, units, units that stay on
    assert "y = 1" in message["loss"] and story_text.LISTED in message["loss"]
    assert any("`block1_conv1`" in item.value and holds(item.value, 16, 8, 8) for item in app.markdown)
    (drawing,) = (chart for chart in app.get("plotly_chart") if chart.key == "network_drawing")
    assert len(json.loads(drawing.proto.spec)["layout"]["images"]) == 4  # a map inside each box that has some


def test_the_verdict_is_at_the_threshold_in_the_url(story):
    app = open_page(PAGE, film="cohen-1", threshold="0.95")
    message = text(app.get_by_key("story_head"))
    assert formatting.verdict(0.880797, 0.95) in message and formatting.verdict(0.880797, 0.6) not in message
    assert app.session_state["threshold"] == 0.95  # for the pages that follow


def test_it_follows_network_and_film(story):
    app = open_page(PAGE)
    app.segmented_control(key="network").set_value("paper").run()
    app.selectbox(key="story_film").set_value("schematic").run()
    assert not app.exception, app.exception[0].value
    assert story[0] == "fine-tuned" and story[-1] == "paper" and app.metric[0].value == "0.881"
    assert story_text.SCHEMATIC in text(app)
    message = text(app.get_by_key("story_loss"))
    assert "y = 1" in message and story_text.ASSUMED in message


def test_the_ground_truth_is_what_was_simulated(story):
    message = text(open_page(PAGE, film="clear-average").get_by_key("story_loss"))
    assert "y = 0" in message and story_text.SIMULATED in message


def test_flipping_the_ground_truth(story):
    app = open_page(PAGE, film="cohen-1")
    assert any("= -0.119" in item.value for item in app.latex)
    before = app.get_by_key("story_loss").markdown[-1].value  # which way a step would push the score
    app.toggle(key="flip").set_value(True).run()
    message = text(app.get_by_key("story_loss"))
    assert "y = 0" in message and story_text.FLIPPED in message
    assert any("= 0.881" in item.value for item in app.latex)
    assert app.get_by_key("story_loss").markdown[-1].value != before


def test_blocks_can_be_chosen(story):
    app = open_page(PAGE)
    app.segmented_control(key="block").set_value("block5").run()
    assert story_text.BLOCKS["block5"] in text(app)
    app.segmented_control(key="layer_block5").set_value("block5_pool").run()
    assert "`block5_pool`" in text(app)
    app.segmented_control(key="block").set_value("fc1").run()
    assert not app.exception and story_text.OTHER_LAYERS["fc1"] in text(app)


def test_the_drawing_is_there_without_any_film(story, monkeypatch):
    monkeypatch.delenv(config.DATA_VARIABLE)
    monkeypatch.setattr(config, "FILMS_JSON", config.RESULTS / "none.json")
    app = open_page(PAGE)
    assert app.selectbox(key="story_film").options == [film_picker.SCHEMATIC_TITLE]
    assert story_text.SCHEMATIC in text(app)


def test_a_film_that_cannot_be_shown_is_reported(story, monkeypatch):
    monkeypatch.delenv(config.DATA_VARIABLE)
    app = open_page(PAGE)
    app.query_params["film"] = "cohen-1"
    app.run()
    message = app.info[0].value.replace("\\", "")
    assert "cohen-1" in message and config.DATA_VARIABLE in message
    assert not app.exception


def test_an_upload_is_followed(story):
    app = open_page()
    app.file_uploader[0].upload("mine.png", film_bytes()).run()
    app.switch_page(f"covid_model/app/pages/{PAGE}.py").run()
    assert "mine.png" in text(app) and app.selectbox(key="story_film").value == "upload-0"


def test_a_network_that_cannot_be_loaded(story, monkeypatch):
    def fail(data, name):
        raise NetworkError("weights?")

    monkeypatch.setattr(session, "trace", fail)
    app = open_page(PAGE)
    assert "weights?" in app.error[0].value.replace("\\", "")
    assert sections(app) == SECTIONS and not app.metric


def test_no_network_at_all(story):
    for file in config.NETWORKS.iterdir():
        file.unlink()
    assert sections(open_page(PAGE)) == SECTIONS
    assert sections(open_page(PAGE, half=story_text.TABS[1])) == TRAINING[:1]


def test_curves_to_compare_only_where_they_are_stored(story):
    assert sections(open_page(PAGE, half=story_text.TABS[1])) == TRAINING[:-1]
    init_ablation.save_runs({name: {"history": HISTORY} for name in ("frozen", "fine-tuned", "random")}, {})
    app = open_page(PAGE, half=story_text.TABS[1])
    assert sections(app) == TRAINING
    assert [numbers(item) for item in app.table[-1].value.iloc[:, 0]] == [[90]] * 3


def code(app: AppTest, step: str) -> list[str]:
    """The snippets behind a step's "Show the code"."""
    app.button(key=f"code_{step}").click().run()
    assert not app.exception, app.exception[0].value
    return [item.value for item in app.code]


def test_every_step_has_its_code_with_the_settings_on_screen(story):
    app = open_page(PAGE, film="cohen-1", threshold="0.95")
    spec = registry.spec("fine-tuned")
    assert code(app, "preparation") == [code_snippets.preprocessing(spec.preprocessing)]
    assert code(app, "network") == [code_snippets.feature_maps("fine-tuned", "block1_conv1")]
    assert code(app, "head") == [code_snippets.head(spec, 0.95)]
    assert code(app, "loss") == [code_snippets.loss(2.0, True)]
    assert code(app, "gradcam") == [code_snippets.gradcam("fine-tuned")]
    app.toggle(key="flip").set_value(True).run()
    assert code(app, "loss") == [code_snippets.loss(2.0, False)]
    app.segmented_control(key="block").set_value("block5").run()
    app.segmented_control(key="layer_block5").set_value("block5_pool").run()
    assert code(app, "network") == [code_snippets.feature_maps("fine-tuned", "block5_pool")]
    app = open_page(PAGE, half=story_text.TABS[1], threshold="0.95")
    assert code(app, "pretrained") == [code_snippets.pretrained(32)]
    assert code(app, "run") == [code_snippets.training_run(spec), code_snippets.metrics(0.95)]


def test_only_the_open_tab_is_drawn_and_the_network_runs_for_the_first_alone(story):
    app = open_page(PAGE, half=story_text.TABS[1])
    assert sections(app) == TRAINING[:-1] and not story


def test_the_runs_compared_have_their_code_where_their_record_has_their_settings(story):
    runs = {name: {"history": HISTORY} for name in ("frozen", "fine-tuned", "random")}
    init_ablation.save_runs(runs, {})
    training = {"half": story_text.TABS[1]}
    assert "code_compared" not in [button.key for button in open_page(PAGE, **training).button]
    about = json.loads(json.dumps(asdict(init_ablation.RECIPE)))
    init_ablation.save_runs(runs, about)
    assert code(open_page(PAGE, **training), "compared") == [code_snippets.compared(about)]


def test_the_explanation_lab(demo, monkeypatch):
    heat = np.linspace(-1, 1, 49, dtype=np.float32).reshape(7, 7)
    monkeypatch.setattr(attribution, "explain", lambda reader, pixels, methods: dict.fromkeys(methods, heat))
    monkeypatch.setattr(attribution, "randomized", lambda reader, pixels: [dict.fromkeys(attribution.FAST, heat)] * 7)
    app = open_page(PAGE, half=story_text.TABS[2])
    assert not app.exception
    titles = {method.title for method in attribution.METHODS.values()}

    def shown() -> set[str]:
        return {title for title in titles if any(item.value.startswith(f"**{title}**") for item in app.markdown)}

    assert len(shown()) == len(attribution.FAST)
    app.button(key="lab_slow").click().run()
    assert shown() == titles and not app.exception
    app.button(key="lab_shuffle").click().run()
    app.select_slider(key=explanation_lab.STAGE).set_value("block1").run()
    assert not app.exception and any(story_text.STAGE_NAMES["block1"] in item.value for item in app.markdown)
