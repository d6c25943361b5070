"""The Test set page: every figure from the scores, all moved by the threshold, and what stands where they lack."""

from __future__ import annotations

import subprocess
import sys

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from covid_model import settings
from covid_model.app import outcomes
from tests.scenes import ROWS, demo, open_page, text

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
    assert not show(app, network="fine-tuned").warning


def test_both_networks_side_by_side(demo):
    app = show(open_page("test_set"), both=True)
    assert [one.value for one in app.metric if one.label.startswith("Adults")] == ["0 of 1", "1 of 1"]
    assert list(app.table[0].value.columns) == ["Ours: Fine\\-tuned", "Ours: Paper", "Always “no”", "The paper"]


def test_the_paper_stands_beside_the_test_films_only(demo):
    app = open_page("test_set")
    assert app.table[0].value["The paper"].iloc[0] == "**98.0 %**"
    assert "always “no” would score 93.7 %" in text(app)
    app = show(app, split="extra-test")
    assert "The paper" not in app.table[0].value.columns


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


def test_a_long_list_has_pages(demo):
    rows = [
        {
            "id": f"kermany-{n}",
            "split": "test",
            "source": "kermany",
            "covid": 0,
            "network": "fine-tuned",
            "score": n / 100,
        }
        for n in range(50)
    ]
    pd.DataFrame(rows).to_csv(demo / "scores.csv", index=False)
    app = show(open_page("test_set"), cell="tn")
    assert "50 true negatives of Fine\\-tuned at 0.60, 1 to 24." in text(app)
    assert listed(app)[0] == "kermany-0" and len(listed(app)) == 24
    app = show(app, **{"list_fine-tuned_tn": 3})
    assert listed(app) == ["kermany-48", "kermany-49"]
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
