"""The Test set page: every figure from the scores, all moved by the threshold, and what stands where they lack."""

from __future__ import annotations

import json
import subprocess
import sys

import pandas as pd
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from covid_model import network, settings
from covid_model.app import outcomes
from tests.scenes import ROWS, MockReader, demo, open_page, score_many, text

__all__ = ["demo"]

# At 0.6 in the made-up test films (2 COVID-19, 1 adult and 2 children without): fine-tuned calls cohen-1 alone
# positive, which is COVID-19; paper calls cohen-1 positive and the adult, cohen-3, too.


def cards(app: AppTest) -> dict[str, str]:
    return {one.label: one.value for one in app.metric}


def listed(app: AppTest) -> list[str]:
    return app.dataframe[0].value["id"].tolist()


def show(app: AppTest, **widgets) -> AppTest:
    for key, value in widgets.items():
        app.get_by_key(key).set_value(value)
    app.run()
    assert not app.exception, app.exception[0].value
    return app


def test_headline_comes_from_the_scores(demo):
    assert cards(open_page("test_set")) == {
        "Adults’ false alarms": "0 of 1",
        "COVID-19 films called positive": "1 of 2",
        "Accuracy": "80.0 %",
        "Accuracy of always “no”": "60.0 %",
    }


def test_threshold_moves_everything(demo):
    app = show(open_page("test_set"), threshold=0.15)
    assert cards(app)["COVID-19 films called positive"] == "2 of 2"
    assert cards(app)["Accuracy"] == "100.0 %"
    assert (
        app.table[0]
        .value.loc["**Sensitivity**  \n:small[COVID-19 films called positive]"]
        .iloc[0]
        .startswith("**100.0")
    )
    app = show(app, threshold=0.0)
    assert cards(app)["Adults’ false alarms"] == "1 of 1"
    app = show(app, threshold=1.0)
    assert cards(app)["Accuracy"] == cards(app)["Accuracy of always “no”"] == "60.0 %"


def test_false_alarms_on_adults_stand_out(demo):
    app = show(open_page("test_set"), network="paper")
    assert app.warning[0].title == "1 of 1 adults without COVID-19 are called positive"
    assert "An accuracy of 60.0 % hides it: 66.7 % of the films without COVID-19" in app.warning[0].value
    assert app.warning[0].value.endswith("in the set “Adult test set” it calls 1 of 1 positive (100.0 %).")
    assert not show(app, network="fine-tuned").warning


def test_both_networks_side_by_side(demo):
    app = show(open_page("test_set"), both=True)
    assert [one.value for one in app.metric if one.label.startswith("Adults")] == ["0 of 1", "1 of 1"]
    assert list(app.table[0].value.columns) == ["Ours: Fine\\-tuned", "Ours: Paper", "Always “no”", "As published"]


def test_the_paper_stands_beside_the_test_films_only(demo):
    app = open_page("test_set")
    assert app.table[0].value["As published"].iloc[0] == "**98.0 %**"
    assert "always “no” would score 93.7 %" in text(app)
    app = show(app, split="extra-test")
    assert "As published" not in app.table[0].value.columns


@pytest.mark.parametrize(
    ("cell", "ids"),
    [("tp", ["cohen-1"]), ("fn", ["cohen-2"]), ("fp", ["cohen-3"]), ("tn", ["kermany-2", "kermany-1"])],
)
def test_a_cell_lists_its_films(demo, cell, ids):
    app = show(open_page("test_set"), network="paper", cell=cell)
    assert listed(app) == ids
    assert app.dataframe[0].value["film"].str.startswith("data:image/jpeg").all()
    assert set(app.dataframe[0].value["source"]) <= set(settings.SOURCE_TITLES.values())
    assert app.dataframe[0].value["finding"].iloc[0] == next(row[4] for row in ROWS if row[0] == ids[0])


def test_a_listed_film_opens_on_the_read_page(demo):
    app = show(open_page("test_set"), network="paper", cell="fp")
    app.session_state["open"] = "cohen-3"  # what a click on its row leaves behind
    app.run()
    assert not app.exception
    assert app.title[0].value == "Read a film" and app.query_params["film"] == "cohen-3"
    assert app.get_by_key("network").value == "paper"


def test_an_empty_cell_says_so(demo):
    app = show(open_page("test_set"), cell="fp")
    assert "No false positives of Fine" in text(app)
    assert not app.dataframe


def test_a_long_list_has_pages(demo, monkeypatch):
    score_many(demo, monkeypatch)
    app = show(open_page("test_set"), cell="tn")
    assert "50 true negatives of Fine\\-tuned at 0.60, 1 to 15." in text(app)
    assert listed(app)[0] == "kermany-0" and len(listed(app)) == 15
    app = show(app, **{"list_fine-tuned_tn": 4})
    assert listed(app) == [f"kermany-{n}" for n in range(45, 50)]
    assert "COVID-19 films called positive" not in cards(app)  # there are none, and nothing breaks


def test_no_pictures_without_a_data_folder(demo, monkeypatch):
    monkeypatch.delenv(settings.DATA_VARIABLE)
    app = show(open_page("test_set"), cell="tp")
    assert "film" not in app.dataframe[0].value.columns and listed(app) == ["cohen-1"]


@pytest.mark.parametrize("broken", ["manifest.csv", "images/cohen-1.png"])
def test_a_damaged_data_folder_still_lists(demo, broken):
    (demo / "data" / broken).unlink()
    assert listed(show(open_page("test_set"), cell="tp")) == ["cohen-1"]


@pytest.mark.parametrize("split", settings.SPLITS)
def test_every_split_stands(demo, split):
    app = show(open_page("test_set"), split=split)
    assert app.metric or app.info[0].title == "Nothing to show"


def test_missing_scores_are_named_and_how_to_make_them(demo):
    (demo / "scores.csv").unlink()
    app = open_page("test_set")
    assert app.info[0].title == "No scores yet"
    assert "assets/results/scores.csv" in app.info[0].value
    assert "python -m covid_model evaluate" in app.info[0].value
    assert not app.metric


@pytest.mark.parametrize("score", [float("nan"), 1.5])
def test_damaged_scores_are_said(demo, score):
    table = pd.read_csv(demo / "scores.csv")
    table.loc[0, "score"] = score
    table.to_csv(demo / "scores.csv", index=False)
    app = open_page("test_set")
    assert app.error[0].title == "Damaged scores" and "Received" in app.error[0].value


def test_one_network_alone_stands_beside_nobody(demo):
    table = pd.read_csv(demo / "scores.csv")
    table[table["network"] == "paper"].to_csv(demo / "scores.csv", index=False)
    app = open_page("test_set")
    assert app.info[0].title == "Nothing to show"
    assert len(show(app, both=True).metric) == 4


def test_scene_from_the_address(demo):
    app = AppTest.from_file(str(settings.ROOT / "covid_model/app/pages/test_set.py"), default_timeout=20)
    for name, value in {"network": "paper", "threshold": "0.3", "cell": "False positives", "split": "Test"}.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception
    assert app.slider(key="threshold").value == 0.3 and listed(app) == ["cohen-3"]


def test_nonsense_in_the_address_changes_nothing(demo):
    app = AppTest.from_file(str(settings.ROOT / "covid_model/app/pages/test_set.py"), default_timeout=20)
    for name, value in {"network": "<b>", "threshold": "nan", "cell": "all", "split": "9", "both": "perhaps"}.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception and not app.dataframe
    assert cards(app)["Accuracy"] == "80.0 %"


# --- The parts below --------------------------------------------------------------------------------


def part(name: str, page: AppTest | None = None) -> AppTest:
    """The page with one of its tabs open."""
    app = page or open_page("test_set")
    app.session_state["part"] = name
    app.run()
    assert not app.exception, app.exception[0].value
    return app


def headings(app: AppTest) -> str:
    return " | ".join(one.value for one in app.subheader).replace("\\", "")


def test_only_the_open_part_is_made(demo):
    app = open_page("test_set")
    assert "All measures" in headings(app) and "Where 2 %" not in headings(app)
    app = part("Source by source", app)
    assert "All measures" not in headings(app)


def test_a_ward_where_covid_is_rare(demo):
    # fine-tuned at 0.15: both COVID-19 films found, no false alarm among 3 others; at 0.05: one of 3
    app = show(part("In a ward"), threshold=0.05)
    assert headings(app) == (
        "Where 2 % have COVID-19, 6 of 100 positives would be right; among these films it is 67 | "
        "If a miss costs as much as 1 false alarm, 0.19 is the cheapest threshold: 0.0 against 10.0 at 0.6"
    )
    assert "Of 1,000 people filmed, 20 would have COVID-19: 20 called positive, 0 missed" in text(app)
    assert "**adults** here alone, 2 of 100 positives would be right, not 6" in text(app)
    assert cards(app)["PPV"] == "5.8 %" and cards(app)["NPV"] == "100.0 %"
    app = show(app, prevalence=0.5)
    assert "Where 50 % have COVID-19, 75 of 100" in headings(app)
    app = show(app, **{"alarms-of": "Adults alone"})
    assert "Where 50 % have COVID-19, 50 of 100" in headings(app)  # the one adult is a false alarm
    assert not MockReader.asked


def test_what_errors_cost_moves_the_cheapest_threshold(demo):
    app = show(part("In a ward"), prevalence=0.2, miss=0.1, network="paper")
    assert "If a miss costs as much as 1/10 of a false alarm, 0.95 is the cheapest threshold" in headings(app)
    app = show(app, miss=100.0)
    assert "100 false alarms, 0.39 is the cheapest threshold" in headings(app)
    table = next(one.value for one in app.table if one.value.index[0].startswith("**Cheapest"))
    assert [row.split("**")[1] for row in table.index] == ["Cheapest", "0.50", "0.60", "Always “no”", "Always “yes”"]
    app = show(app, threshold=0.3)
    assert any("set above" in row for one in app.table for row in one.value.index)


def test_a_ward_without_adults_to_compare(demo):
    app = show(part("In a ward"), split="extra-test")  # one adult without COVID-19, nothing else
    assert "nothing can be said" in headings(app) and "Costs take films of both kinds" in text(app)
    assert "alarms-of" not in [one.key for one in app.segmented_control]


def test_every_source_apart(demo):
    app = part("Source by source")
    assert headings(app) == "Within one source, COVID-19 Image Data Collection, Test, the AUC is 1.000"
    table = app.table[0].value
    assert len(table) == 5  # test and its two sources, more adults, training
    assert "3 films, 2 of COVID-19, 3 patients" in table["Films"].iloc[1]
    app = show(app, both=True)
    assert len(app.table) == 2 and "Paper: Within one source" in headings(app)


def test_calibration_with_and_without_a_record(demo, monkeypatch):
    monkeypatch.setattr(settings, "AUDIT", demo)
    app = part("Calibration")
    assert headings(app) == "1 film scores above 0.9, 0.970 on average, and 100.0 % of them are COVID-19 films"
    assert "is not recorded for these films" in text(app)
    bins = [{"low": 0.9, "high": 1.0, "films": 5, "score": 0.95, "covid": 0.4}]
    split = {"films": 5, "covid": 2, "helps": True, "after": {"ece": 0.1234, "brier": 0.2345, "bins": bins}}
    record = {"temperature": 2.5, "fitted_on": {"films": 590, "covid": 41}, "splits": {"test": split}}
    record |= {"weights_sha256": network.spec("fine-tuned").sha256}
    (demo / "fine-tuned-calibration.json").write_text(json.dumps(record))
    app = part("Calibration")
    assert app.table[0].value["At temperature 2.50"].tolist() == ["0.123", "0.234"]
    assert "The temperature 2.50".lower() in text(app) and "Here it helps" in text(app)
    (demo / "fine-tuned-calibration.json").write_text(json.dumps(record | {"weights_sha256": "of others"}))
    assert "is not recorded for these films" in text(part("Calibration"))


@pytest.mark.parametrize("name", ["All measures", "In a ward", "Source by source", "Calibration"])
def test_every_part_says_whose_intervals_they_are(demo, name):
    assert "by patient: films of one patient look alike" in text(part(name))
    (demo / "data" / "manifest.csv").unlink()  # here the list of films, too
    assert "by film, as the list of films" in text(part(name))


@pytest.mark.parametrize("name", ["All measures", "In a ward", "Source by source", "Calibration"])
def test_every_part_stands_on_every_split(demo, name):
    app = show(part(name), both=True)
    for split in settings.SPLITS:
        show(app, split=split)


def test_films_of_one_patient_count_as_one(demo):
    manifest = pd.read_csv(demo / "data" / "manifest.csv")
    apart = interval_of(open_page("test_set"), "COVID-19 films called positive")
    manifest.assign(patient="somebody").to_csv(demo / "data" / "manifest.csv", index=False)
    st.cache_data.clear()
    st.cache_resource.clear()
    together = interval_of(open_page("test_set"), "COVID-19 films called positive")
    assert apart == "95 %: 0.0 to 100.0 %" and together == "95 %: 50.0 to 50.0 %"  # one patient alone is always drawn


def interval_of(app: AppTest, label: str) -> str:
    return next(one.proto.delta_description for one in app.metric if one.label == label)


def test_the_better_network_is_told_apart_in_a_sentence(demo):
    app = open_page("test_set")
    assert "simply better" not in text(app)
    app = show(app, both=True)
    said = next(one.value for one in app.markdown if "simply better" in one.value)
    assert "calls fewer adults without COVID-19 positive (0 of 1 against 1 of 1)" in said
    assert "both find as many COVID-19 films (1 of 2 and 1 of 2)" in said
    app = show(app, threshold=0.3)
    assert "**Paper** finds more COVID-19 films (2 of 2 against 1 of 2)" in text(app)


def test_page_imports_no_tensorflow():
    code = "import sys, covid_model.app.outcomes, covid_model.app.cache; print('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "False"


# --- outcomes ---------------------------------------------------------------------------------------


def called(rows: list[tuple[str, int, float]], threshold: float = 0.6) -> outcomes.Called:
    films = pd.DataFrame(rows, columns=["source", "covid", "score"], index=[f"film-{n}" for n in range(len(rows))])
    return outcomes.called(outcomes.scored("paper", "Paper", films), threshold)


def test_note_only_where_children_hide_adults():
    assert outcomes.adults_note(called([("nih", 0, 0.9), ("cohen", 1, 0.9)])) is None  # no children
    assert outcomes.adults_note(called([("kermany", 0, 0.9), ("cohen", 1, 0.9)])) is None  # no adults
    title, words = outcomes.adults_note(called([("kermany", 0, 0.1), ("cohen", 0, 0.9), ("cohen", 1, 0.9)]))
    assert title.startswith("1 of 1") and "50.0 % of the films" in words


def test_films_of_a_cell_start_with_the_plainest():
    of = called([("cohen", 1, 0.7), ("cohen", 1, 0.9), ("cohen", 1, 0.5), ("cohen", 1, 0.1), ("nih", 0, 0.2)])
    assert outcomes.films_of("tp", of, [of.scored]).index.tolist() == ["film-1", "film-0"]
    assert outcomes.films_of("fn", of, [of.scored])["paper"].tolist() == [0.1, 0.5]
    assert outcomes.films_of("fp", of, [of.scored]).empty


def test_intervals_in_words():
    of = called([("cohen", 1, 0.9), ("kermany", 0, 0.1)])
    assert outcomes.interval(of.rates["accuracy"]) == "34.2 to 100.0 %"
    assert outcomes.interval(of.scored.floor["auc"]) == ""
    assert of.scored.floor["average_precision"].value == 0.5
    assert of.scored.floor["accuracy"].count == 1
