"""Train it yourself: presets, runs side by side, the URL, and the page without features."""

from __future__ import annotations

from urllib.parse import parse_qsl

import pytest
from streamlit.testing.v1 import AppTest

from covid_model import config
from covid_model.app.text import code_snippets
from covid_model.app.text import prediction as prediction_text
from covid_model.app.text import training as training_text
from covid_model.training import playground
from covid_model.training.playground.recipe import address, label, link
from tests.support.app_pages import ENTRY, holds, page_of, text
from tests.support.synthetic_features import made_up_lab

__all__ = ["made_up_lab"]


def open_page(**query: str) -> AppTest:
    app = AppTest.from_file(ENTRY, default_timeout=180)
    app.switch_page("covid_model/app/pages/train_it_yourself.py")
    for name, value in query.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception, app.exception[0].value
    assert page_of(app) == "train_it_yourself"
    return app


def train(app: AppTest) -> AppTest:
    app.get_by_key("lab_train").click().run()
    assert not app.exception, app.exception[0].value
    return app


def card(app: AppTest, number: int) -> str:
    """What the page says of one run."""
    return text(next(part for part in app.container if (part.key or "").startswith(f"lab_run_{number}_")))


def recipes(app: AppTest) -> list[playground.Recipe]:
    return [run.recipe for run in app.session_state["lab_runs"]]


def test_missing_features_name_their_command(tmp_path, monkeypatch):
    monkeypatch.setattr(config, "LAB", tmp_path)
    app = open_page()
    assert len(app.info) == 1
    assert "python -m covid_model lab-features --data" in app.info[0].value.replace("\\", "")
    assert not [button for button in app.button if button.key.startswith("lab_")]


def test_a_run_and_its_figures(made_up_lab):
    app = train(open_page(epochs="2"))
    (run,) = app.session_state["lab_runs"]
    assert run.finished and len(run.epochs) == 2
    message, last = card(app, 1), run.epochs[-1]
    assert holds(message, 1, 2, 2) and prediction_text.STOPPED not in message
    assert holds(message, round(100 * last.test_accuracy, 1), last.more_adults.count, 30)
    assert holds(text(app.get_by_key("lab_counts")), 40, 122)
    headline = training_text.headline(last)
    assert headline in [item.value for item in app.subheader]
    assert holds(headline, round(100 * last.test_accuracy), round(100 * last.more_adults.value))
    assert len(app.get("plotly_chart")) == 3  # two curves, and the run's matrix


def test_three_runs_are_kept_and_the_oldest_is_replaced(made_up_lab):
    app = open_page(epochs="1")
    for _ in range(4):
        train(app)
    assert [run.number for run in app.session_state["lab_runs"]] == [2, 3, 4]
    assert any(holds(item.value, 3) for item in app.caption) and holds(card(app, 4), 4)
    app.get_by_key("lab_clear").click().run()
    assert app.session_state["lab_runs"] == [] and app.get_by_key("lab_empty").caption
    assert not [part for part in app.container if (part.key or "").startswith("lab_run_")]


def test_a_pinned_run_stays_and_one_place_stays_free(made_up_lab):
    app = open_page(epochs="1")
    for _ in range(3):
        train(app)
    for number in (1, 3):
        app.get_by_key(f"lab_pin_{number}").click().run()
    assert app.get_by_key("lab_pin_2").disabled and not app.get_by_key("lab_pin_1").disabled
    train(train(app))
    assert [run.number for run in app.session_state["lab_runs"]] == [1, 3, 5]
    app.get_by_key("lab_pin_1").click().run()
    train(app)
    assert [run.number for run in app.session_state["lab_runs"]] == [3, 5, 6]


def test_an_interrupted_run_says_so(made_up_lab):
    app = train(open_page(epochs="3"))
    del app.session_state["lab_runs"][0].epochs[2:]  # as a press on Stop leaves it
    app.run()
    assert prediction_text.STOPPED in card(app, 1) and holds(card(app, 1), 1, 2, 3)


@pytest.mark.parametrize("scene", playground.PRESETS.values(), ids=list(playground.PRESETS))
def test_a_link_to_a_preset_sets_the_panel(made_up_lab, scene):
    app = train(open_page(**(address(scene.recipe) | {"epochs": "1"})))
    assert recipes(app) == [playground.Recipe(**(scene.recipe.__dict__ | {"epochs": 1}))]


@pytest.mark.parametrize("scene", playground.PRESETS.values(), ids=list(playground.PRESETS))
def test_the_link_of_a_preset_trains_it_immediately_and_once(made_up_lab, scene):
    address = dict(parse_qsl(link(scene.recipe).removeprefix("?")))
    app = open_page(**(address | {"epochs": "1"}))
    recipe = playground.Recipe(**(scene.recipe.__dict__ | {"epochs": 1}))
    assert recipes(app) == [recipe]
    assert f"]({link(recipe)})" in text(app) and "play" not in app.query_params
    assert len(recipes(app.run())) == 1


def test_invalid_values_in_the_url_fall_back(made_up_lab):
    query = {
        "covid_films": "31",
        "adults": "x",
        "rate": "-1",
        "units": "",
        "dropout": "9",
        "seed": "abc",
        "base": "<b>",
    }
    app = train(open_page(**query, play="x", marker="?", weight="nan", other_films="1e99", epochs="1"))
    assert recipes(app) == [playground.Recipe(epochs=1)]


def test_two_visitors_do_not_share_runs(made_up_lab):
    first, second = open_page(epochs="1"), open_page(epochs="2", seed="5")
    train(first)
    assert not second.run().session_state["lab_runs"] if "lab_runs" in second.session_state else True
    train(second)
    assert recipes(first) == [playground.Recipe(epochs=1)] and recipes(second) == [playground.Recipe(epochs=2, seed=5)]


def test_a_preset_sets_the_panel_and_the_url(made_up_lab):
    app = open_page(covid_films="100", epochs="7")
    for name, scene in playground.PRESETS.items():
        app.get_by_key(f"scene_{name}").click().run()
        assert not app.exception, app.exception[0].value
        assert scene.sentence in text(app.get_by_key("lab_scene"))
        assert {key: app.query_params[key] for key in address(scene.recipe)} == address(scene.recipe)
        assert "epochs" not in app.query_params
    assert (
        recipes(app) == [scene.recipe for scene in playground.PRESETS.values()][-3:]
    )  # each was trained when it was chosen


def test_a_run_has_its_code(made_up_lab):
    app = train(open_page(epochs="1", units="16", marker=label("marker", "swapped")))
    (run,) = app.session_state["lab_runs"]
    assert not app.code
    (code,) = app.button(key="code_run_1").click().run().code
    assert code.value == code_snippets.playground_run(run.recipe, run.covid, run.other, config.THRESHOLD)
    assert "epochs=1" in code.value and "Dense(16" in code.value and "1 - test_y" in code.value
