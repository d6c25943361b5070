"""Results: every figure is computed from the scores at the threshold; and what is shown without scores."""

from __future__ import annotations

import json
import subprocess
import sys

import pandas as pd
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from covid_model import config, evaluation, formatting
from covid_model.app import cache
from covid_model.app.components import distribution, metrics
from covid_model.app.text import evaluation as evaluation_text
from covid_model.config import SPLIT_LABELS
from covid_model.evaluation import Estimate, threshold_sweep
from covid_model.formatting import MEASURES, intervals
from covid_model.model import registry
from tests.support.app_pages import ROWS, MockReader, charts, demo, holds, numbers, open_page, page_of, score_many, text
from tests.unit.test_text_evaluation import ward as ward_of

__all__ = ["demo"]

# At 0.6 in the made-up test films (2 COVID-19, 1 adult and 2 children without): fine-tuned calls cohen-1 alone
# positive, which is COVID-19; paper calls cohen-1 positive and the adult, cohen-3, too.


NAME_OF = {label.format(evaluation_text.adults_of("test")): name for name, label in evaluation_text.CARDS.items()}
ADULTS = next(label for label, name in NAME_OF.items() if name == "adults")
PARTS = (metrics.TITLE, metrics.PREVALENCE_TITLE, metrics.SOURCES_TITLE, metrics.CALIBRATION_TITLE)


def cards(app: AppTest) -> dict[str, list[float]]:
    """The headline's figures by their names."""
    return {NAME_OF[item.label]: numbers(item.value) for item in app.metric if item.label in NAME_OF}


def called_at(threshold: float, name: str = "fine-tuned") -> threshold_sweep.ThresholdResult:
    """What a network calls of the made-up test films."""
    return threshold_sweep.at_threshold(cache.scored(name, "test"), threshold)


def listed(app: AppTest) -> list[str]:
    return app.dataframe[0].value["id"].tolist()


def show(app: AppTest, **widgets) -> AppTest:
    for key, value in widgets.items():
        app.get_by_key(key).set_value(value)
    app.run()
    assert not app.exception, app.exception[0].value
    return app


def test_headline_comes_from_the_scores(demo):
    app = open_page("results")
    assert cards(app) == {"adults": [0, 1], "sensitivity": [1, 2], "accuracy": [80], "always_no": [60]}
    assert len(app.metric) == 4


def test_threshold_moves_everything(demo):
    app = show(open_page("results", advanced="true"), threshold=0.15)
    assert cards(app)["sensitivity"] == [2, 2]
    assert cards(app)["accuracy"] == [100]
    assert app.table[0].value.iloc[list(MEASURES).index("sensitivity"), 0].startswith("**100.0")
    app = show(app, threshold=0.0)
    assert cards(app)["adults"] == [1, 1]
    app = show(app, threshold=1.0)
    assert cards(app)["accuracy"] == cards(app)["always_no"] == [60]


def test_false_positives_among_adults_are_highlighted(demo):
    app = show(open_page("results"), network="paper")
    title, words_of_it = evaluation_text.adults_note(called_at(0.6, "paper"), "test")
    assert app.warning[0].title == title and holds(title, 1, 1)
    assert formatting.unbroken(words_of_it) in app.warning[0].value and holds(words_of_it, 60.0, 66.7)
    elsewhere = evaluation_text.more_adults(cache.scored("paper", "extra-test"), 0.6, ["cohen"])
    assert formatting.unbroken(elsewhere) in app.warning[0].value and holds(elsewhere, 1, 1, 100.0)
    assert not show(app, network="fine-tuned").warning


def test_both_networks_side_by_side(demo):
    app = show(open_page("results", advanced="true"), both=True)
    adults = [numbers(item.value) for item in app.metric if item.label == ADULTS]
    assert adults == [[0, 1], [1, 1]] and len(app.metric) == 8
    columns = app.table[0].value.columns  # both networks, always "no", the paper
    assert len(columns) == 4 and "Fine\\-tuned" in columns[0] and "Paper" in columns[1]


def test_the_papers_figure_is_shown_for_the_test_set_only(demo):
    app = open_page("results", advanced="true")
    accuracy = app.table[0].value.iloc[list(MEASURES).index("accuracy")]
    assert len(accuracy) == 3 and numbers(accuracy.iloc[-1]) == [98]
    assert evaluation_text.intervals_note(True, with_paper=True) in text(app) and holds(
        evaluation_text.intervals_note(True, with_paper=True), 93.7
    )
    app = show(app, split="extra-test")
    assert len(app.table[0].value.columns) == 2 and config.PAPER_DOI not in text(app)


@pytest.mark.parametrize(
    ("cell", "ids"),
    [("tp", ["cohen-1"]), ("fn", ["cohen-2"]), ("fp", ["cohen-3"]), ("tn", ["kermany-2", "kermany-1"])],
)
def test_a_cell_lists_its_films(demo, cell, ids):
    app = show(open_page("results"), network="paper", cell=cell)
    assert listed(app) == ids
    assert app.dataframe[0].value["film"].str.startswith("data:image/jpeg").all()
    assert set(app.dataframe[0].value["source"]) <= set(config.SOURCE_TITLES.values())
    assert app.dataframe[0].value["finding"].iloc[0] == next(row[4] for row in ROWS if row[0] == ids[0])


def test_a_listed_film_opens_on_try_an_xray(demo):
    app = show(open_page("results"), network="paper", cell="fp")
    app.session_state["open"] = "cohen-3"  # what a click on its row leaves behind
    app.run()
    assert not app.exception
    assert page_of(app) == "" and app.query_params["film"] == "cohen-3"
    assert app.get_by_key("network").value == "paper"


def test_an_empty_cell_says_so(demo):
    app = show(open_page("results"), cell="fp")
    assert app.get_by_key("cell_count").caption and not app.dataframe


def test_a_long_list_has_pages(demo, monkeypatch):
    score_many(demo, monkeypatch)
    app = show(open_page("results"), cell="tn")
    assert holds(app.get_by_key("cell_count").caption[0].value, 50, 0.6, 1, 15)
    assert listed(app)[0] == "kermany-0" and len(listed(app)) == 15
    app = show(app, **{"list_fine-tuned_tn": 4})
    assert listed(app) == [f"kermany-{n}" for n in range(45, 50)]
    assert "sensitivity" not in cards(app)  # there are none, and nothing breaks


def test_no_pictures_without_a_data_folder(demo, monkeypatch):
    monkeypatch.delenv(config.DATA_VARIABLE)
    app = show(open_page("results"), cell="tp")
    assert "film" not in app.dataframe[0].value.columns and listed(app) == ["cohen-1"]


@pytest.mark.parametrize("broken", ["manifest.csv", "images/cohen-1.png"])
def test_a_damaged_data_folder_still_lists(demo, broken):
    (demo / "data" / broken).unlink()
    assert listed(show(open_page("results"), cell="tp")) == ["cohen-1"]


@pytest.mark.parametrize("split", [name for name in config.SPLITS if name not in config.TRAINING_SPLITS])
def test_every_split_opens(demo, split):
    app = show(open_page("results"), split=split)
    scored = any(row[2] == split for row in ROWS)
    assert bool(app.metric) == scored and (scored or len(app.info) == 1)


def test_missing_scores_are_named_and_how_to_make_them(demo):
    (demo / "scores.csv").unlink()
    app = open_page("results")
    assert len(app.info) == 1
    assert "assets/results/scores.csv" in app.info[0].value
    assert "python -m covid_model evaluate" in app.info[0].value
    assert not app.metric


@pytest.mark.parametrize("score", [float("nan"), 1.5])
def test_damaged_scores_are_reported(demo, score):
    table = pd.read_csv(demo / "scores.csv")
    table.loc[0, "score"] = score
    table.to_csv(demo / "scores.csv", index=False)
    app = open_page("results")
    assert str(score) in app.error[0].value.replace("\\", "").lower() and not app.metric


def test_one_network_alone_has_no_comparison(demo):
    table = pd.read_csv(demo / "scores.csv")
    table[table["network"] == "paper"].to_csv(demo / "scores.csv", index=False)
    app = open_page("results")
    assert len(app.info) == 1 and not app.metric
    assert len(show(app, both=True).metric) == 4


def test_scene_from_the_address(demo):
    address = {"network": "paper", "threshold": "0.3"}
    address |= {"cell": config.CELL_NAMES["fp"], "split": SPLIT_LABELS["test"][0]}
    app = AppTest.from_file(str(config.ROOT / "covid_model/app/pages/results.py"), default_timeout=20)
    for name, value in address.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception
    assert app.slider(key="threshold").value == 0.3 and listed(app) == ["cohen-3"]


def test_invalid_values_in_the_url_change_nothing(demo):
    app = AppTest.from_file(str(config.ROOT / "covid_model/app/pages/results.py"), default_timeout=20)
    for name, value in {"network": "<b>", "threshold": "nan", "cell": "all", "split": "9", "both": "perhaps"}.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception and not app.dataframe
    assert cards(app)["accuracy"] == [80]


# --- The parts below --------------------------------------------------------------------------------


def part(name: str, page: AppTest | None = None) -> AppTest:
    """The page with one of its tabs open."""
    app = page or open_page("results", advanced="true")
    app.session_state["part"] = name
    app.run()
    assert not app.exception, app.exception[0].value
    return app


def test_only_the_open_part_is_made(demo):
    assert not {"roc", "ppv_curve"} & charts(open_page("results"))
    app = open_page("results", advanced="true")
    assert {"roc", "precision_recall"} <= charts(app) and "cost_curve" not in charts(app)
    app = part(metrics.PREVALENCE_TITLE, app)
    assert {"ppv_curve", "npv_curve", "cost_curve"} <= charts(app) and "roc" not in charts(app)


def values(app: AppTest) -> str:
    return app.get_by_key("ward_values").subheader[0].value


def costs(app: AppTest) -> str:
    return app.get_by_key("ward_costs").subheader[0].value


def test_a_low_prevalence(demo):
    # fine-tuned at 0.15: both COVID-19 films found, no false alarm among 3 others; at 0.05: one of 3, the only adult
    app = show(part(metrics.PREVALENCE_TITLE), threshold=0.05)
    assert values(app) == evaluation_text.ppv_heading({"": ward_of(0.02)}, {"": Estimate(2 / 3)})  # adults come first
    app = show(app, **{"alarms-of": metrics.ALL})
    assert values(app) == evaluation_text.ppv_heading({"": ward_of(0.058)}, {"": Estimate(2 / 3)})
    assert holds(values(app), 2, 6, 67)
    assert metrics.MISSES[1.0] in costs(app) and holds(costs(app), 0.19, 0.0, 10.0, 0.6)
    page_text = app.get_by_key("ward_values").markdown[0].value
    assert evaluation_text.per_thousand(Estimate(1.0), Estimate(2 / 3), 0.02) in page_text
    assert evaluation_text.adults_alone(ward_of(0.058), ward_of(0.02)) in page_text  # worth 2 of 100 there, not 6
    assert [numbers(item.value) for item in app.get_by_key("ward_values").metric] == [[5.8], [100.0]]
    app = show(app, prevalence=0.5)
    assert holds(values(app), 50, 75)
    app = show(app, **{"alarms-of": metrics.ADULTS})
    assert holds(values(app), 50, 50)  # the one adult is a false alarm
    assert not MockReader.asked


def test_what_errors_cost_moves_the_cheapest_threshold(demo):
    app = show(part(metrics.PREVALENCE_TITLE), prevalence=0.2, miss=0.1, network="paper")
    assert metrics.MISSES[0.1] in costs(app) and holds(costs(app), 0.95)
    app = show(app, miss=100.0)
    assert metrics.MISSES[100.0] in costs(app) and holds(costs(app), 0.39)
    rows = app.get_by_key("ward_costs").table[0].value.index  # the cheapest, two marks, always "no", always "yes"
    assert len(rows) == 5 and "**0.50**" in rows[1] and "**0.60**" in rows[2]
    app = show(app, threshold=0.3)
    rows = app.get_by_key("ward_costs").table[0].value.index
    assert len(rows) == 6 and any("**0.30**" in row for row in rows)


def test_prevalence_without_adults_to_compare(demo):
    app = show(part(metrics.PREVALENCE_TITLE), split="extra-test")  # one adult without COVID-19, nothing else
    assert values(app) == evaluation_text.ppv_heading({"": ward_of(float("nan"))}, {})
    costs_part = app.get_by_key("ward_costs")
    assert costs_part.caption and not costs_part.table and "cost_curve" not in charts(app)
    assert "alarms-of" not in [item.key for item in app.segmented_control]


def test_every_source_apart(demo):
    app = part(metrics.SOURCES_TITLE)
    heading = app.subheader[-1].value
    assert heading == evaluation_text.sources_heading(cache.parts("fine-tuned")) and holds(heading, 1.0)
    table = app.table[0].value
    assert len(table) == 5  # test and its two sources, more adults, training
    assert holds(table.iloc[1, 0], 3, 2, 3)  # films, of COVID-19, patients
    app = show(app, both=True)
    assert len(app.table) == 2
    assert app.subheader[-1].value.endswith(evaluation_text.sources_heading(cache.parts("paper")))
    assert "Paper" in app.subheader[-1].value


def test_calibration_with_and_without_a_record(demo, monkeypatch):
    monkeypatch.setattr(config, "AUDIT", demo)
    app = part(metrics.CALIBRATION_TITLE)
    assert holds(app.subheader[-1].value, 1, 0.9, 0.97, 100.0)
    assert evaluation_text.NO_TEMPERATURE in text(app)
    bins = [{"low": 0.9, "high": 1.0, "films": 5, "score": 0.95, "covid": 0.4}]
    split = {"films": 5, "covid": 2, "helps": True, "after": {"ece": 0.1234, "brier": 0.2345, "bins": bins}}
    record = {"temperature": 2.5, "fitted_on": {"films": 590, "covid": 41}, "splits": {"test": split}}
    record |= {"weights_sha256": registry.spec("fine-tuned").sha256}
    (demo / "fine-tuned-calibration.json").write_text(json.dumps(record))
    app = part(metrics.CALIBRATION_TITLE)
    assert app.table[0].value.iloc[:, 1].tolist() == ["0.123", "0.234"]
    assert holds(app.table[0].value.columns[1], 2.5)
    assert evaluation_text.temperature_note(record, split) in text(app)
    assert evaluation_text.NO_TEMPERATURE not in text(app)
    (demo / "fine-tuned-calibration.json").write_text(json.dumps(record | {"weights_sha256": "of others"}))
    assert evaluation_text.NO_TEMPERATURE in text(part(metrics.CALIBRATION_TITLE))


@pytest.mark.parametrize("name", PARTS)
def test_every_part_says_what_its_intervals_are_by(demo, name):
    assert intervals(True, evaluation.DRAWS) in text(part(name))
    (demo / "data" / "manifest.csv").unlink()  # here the list of films, too
    assert intervals(False, evaluation.DRAWS) in text(part(name))


@pytest.mark.parametrize("name", PARTS)
def test_every_part_opens_on_every_split(demo, name):
    app = show(part(name), both=True)
    for split in config.SPLITS:
        show(app, split=split)


def test_the_adults_of_both_test_sets_have_names_of_their_own(demo):
    labels = [
        evaluation_text.CARDS["adults"].format(evaluation_text.adults_of(split)) for split in ("test", "extra-test")
    ]
    assert labels[0] != labels[1]
    app = open_page("results")
    assert labels[0] in [item.label for item in app.metric]
    assert labels[1] in [item.label for item in show(app, split="extra-test").metric]


def test_x_rays_of_sources_trained_on_are_counted(demo):
    manifest = pd.read_csv(demo / "data" / "manifest.csv")
    manifest.loc[manifest["id"] == "cohen-4", "source"] = "nih"  # a training X-ray, of the adults-only set's source
    manifest.to_csv(demo / "data" / "manifest.csv", index=False)
    films = cache.scored("paper", "extra-test").films
    sentence = evaluation_text.same_sources(films, cache.training_sources("paper"))
    assert sentence and sentence in text(show(open_page("results"), split="extra-test"))
    assert evaluation_text.same_sources(films, ["kermany"]) is None


def test_the_published_accuracy_is_shown_beside_ours(demo):
    sentence = evaluation_text.accuracies([called_at(0.6), called_at(0.6, "paper")])
    assert holds(sentence, 98, 80.0, 60.0) and sentence in text(open_page("results"))
    assert sentence not in text(show(open_page("results"), split="extra-test"))


def test_the_line_of_the_distribution_moves_the_threshold(demo, monkeypatch):
    def stand_in(films, threshold, key, mark=None):
        """Two buttons in place of the component, which AppTest cannot drag."""
        st.button("drag", on_click=lambda: st.session_state.update(threshold=0.15))
        return "cohen-2" if st.button("click") else None

    monkeypatch.setattr(distribution, "show", stand_in)
    app = open_page("results")
    next(button for button in app.button if button.label == "drag").click().run()
    assert app.slider(key="threshold").value == 0.15 and cards(app)["sensitivity"] == [2, 2]
    next(button for button in app.button if button.label == "click").click().run()
    assert not app.exception and page_of(app) == "" and app.query_params["film"] in ("cohen-2", ["cohen-2"])


def test_films_of_one_patient_count_as_one(demo):
    manifest = pd.read_csv(demo / "data" / "manifest.csv")
    apart = interval_of(open_page("results"), "sensitivity")
    manifest.assign(patient="somebody").to_csv(demo / "data" / "manifest.csv", index=False)
    st.cache_data.clear()
    st.cache_resource.clear()
    together = interval_of(open_page("results"), "sensitivity")
    assert apart == [95, 0, 100] and together == [95, 50, 50]  # one patient alone is always drawn


def interval_of(app: AppTest, name: str) -> list[float]:
    return next(numbers(item.proto.delta_description) for item in app.metric if NAME_OF.get(item.label) == name)


def test_a_sentence_says_which_network_is_better_at_what(demo):
    app = open_page("results")
    better = evaluation_text.network_comparison(called_at(0.6), called_at(0.6, "paper"))
    assert better not in text(app)
    app = show(app, both=True)
    assert better in text(app) and holds(better, 0, 1, 1, 1, 1, 2, 1, 2)
    app = show(app, threshold=0.3)
    better = evaluation_text.network_comparison(called_at(0.3), called_at(0.3, "paper"))
    assert better in text(app) and holds(better, 2, 2, 1, 2)


def test_the_page_imports_no_tensorflow():
    code = "import sys, covid_model.app.text.evaluation, covid_model.app.cache; print('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "False"
