"""How the recipe was chosen: targets beside results, and classes separated within one source."""

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from covid_model import cli, config
from covid_model.data.dataset import DataError
from covid_model.experiments import features
from covid_model.reports.model_card import figures, recipe
from covid_model.training import playground

needs_features = pytest.mark.skipif(
    not (config.LAB / "features.npz").is_file(), reason=f"no {config.LAB / 'features.npz'}"
)


def scores(*rows: tuple[str, str, int, float]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["split", "source", "covid", "score"])


REACHED = scores(
    *[("test", "cohen", 1, 0.9)] * 20,
    *[("test", "cohen", 0, 0.7)] * 4,
    *[("test", "cohen", 0, 0.1)] * 12,
    *[("test", "kermany", 0, 0.1)] * 600,
    *[("extra-test", source, covid, 0.1 + 0.8 * covid) for source in ("siim", "radiography") for covid in (0, 1)] * 10,
    *[("extra-test", "nih", 0, 0.1)] * 10,
    ("external", "actualmed", 1, 0.9),
    ("external", "actualmed", 0, 0.1),
    ("external", "figure1", 1, 0.9),
    ("external", "figure1", 0, 0.9),
    ("external", "figure1", 0, 0.9),
)


@pytest.mark.parametrize("name", figures.GOALS)
def test_goals_that_are_reached(name):
    table = figures.table(name, REACHED, 0.6)
    assert len(table.rows) == len(figures.GOALS[name])
    assert {row[-1] for row in table.rows} == {"reached"}
    assert name == "paper" or any(row[2] == "4 of 16" for row in table.rows)


def test_goals_that_are_not_reached_say_by_how_much():
    worse = REACHED.copy()
    worse.loc[worse["covid"] == 1, "score"] = 0.2
    worse.loc[worse["source"] == "cohen", "score"] = 0.7
    rows = figures.table("fine-tuned", worse, 0.6).rows
    assert rows[2][1:] == ("at most 4 of 16", "16 of 16", "missed by 12")
    assert rows[8][2:] == ("0.0 %", "missed by 85.0 percentage points") and rows[9][3] == "reached"


def test_an_area_falls_short_in_its_own_unit():
    worse = REACHED.copy()
    worse.loc[worse["source"] == "actualmed", "score"] = 0.5
    assert figures.table("fine-tuned", worse, 0.6).rows[7][2:] == ("0.500", "missed by 0.430")


def test_no_goals_without_their_films_or_of_another_network():
    assert figures.table("fine-tuned", REACHED[REACHED["split"] != "external"], 0.6) is None
    assert figures.table("one of somebody else", REACHED, 0.6) is None


def test_features_that_tell_and_features_that_do_not():
    rng = np.random.default_rng(0)
    truth = np.repeat([0, 1], 60)
    patients = np.arange(120) // 2
    telling = rng.normal(size=(120, 5)) + 3 * truth[:, None]
    assert features.separability(telling, truth, patients, 1e-2)["auc"] > 0.95
    nothing = features.separability(rng.normal(size=(120, 5)), truth, patients, 1e-2)
    assert abs(nothing["auc"] - 0.5) < 0.2 and nothing["spread"] > 0


def test_patients_are_not_shared_between_folds():
    """Features that name the patient and nothing else tell films apart, but not films of other patients."""
    rng = np.random.default_rng(0)
    patients = np.arange(200) // 5
    truth = (patients % 2).astype(int)
    named = rng.normal(size=(40, 30))[patients] + rng.normal(scale=0.01, size=(200, 30))
    assert abs(features.separability(named, truth, patients, 1e-1)["auc"] - 0.5) < 0.25


@needs_features
def test_the_record_is_reproduced():
    kept = json.loads(config.WITHIN_JSON.read_text())
    store = playground.load()
    rows = store.films["split"].isin(config.TRAINING_SPLITS) & (store.films["source"] == kept["source"])
    films = store.films[rows]
    assert (len(films), films["covid"].sum()) == (kept["films"], kept["covid"])
    for base, result in kept["bases"].items():
        item = result[2]
        again = features.separability(
            store.features[base][rows.to_numpy()],
            films["covid"].to_numpy(),
            films["patient"].to_numpy(),
            item["penalty"],
        )
        assert again["auc"] == pytest.approx(item["auc"], abs=0.01)


@needs_features
def test_a_source_of_one_class_is_refused(capsys):
    with pytest.raises(DataError, match="both classes"):
        features.within("kermany")
    with pytest.raises(SystemExit, match="2"):
        cli.main(["train", "--recipe", "paper", "--within", "cohen"])
    assert "--recipe fine-tuned" in capsys.readouterr().err


def trial(title: str, siim: float, radiography: float, compared_with: str | None = None) -> dict:
    sources = {"siim": {"films": 500, "auc": siim}, "radiography": {"films": 400, "auc": radiography}}
    return {"title": title, "compared_with": compared_with, "sources": sources, "seconds": 60.0}


def test_trials_and_classes_within_a_source_in_words():
    rows = [trial("baseline", 0.8, 0.9), trial("adversary", 0.9, 0.92, "baseline")]
    about = {"films": 2000, "size": 160, "batch": 32, "machine": {"cores": 4}}
    note, table = recipe.tried({"about": about, "trials": rows})
    assert table.rows == (
        ("baseline", "0.800", "0.900", "0.850", "–"),
        ("adversary", "0.900", "0.920", "0.910", "+0.060"),
    )
    assert "2,000 X-rays" in note and "160 pixels" in note
    record = {"source": "cohen", "films": 9, "covid": 6, "ill_otherwise": 2, "patients": 5, "folds": 5, "repeats": 2}
    bases = {"imagenet": [{"penalty": 0.1, "auc": 0.66, "spread": 0.02}]}
    bases["random"] = [{"penalty": 0.1, "auc": 0.65, "spread": 0.01}]
    table, note = recipe.within(record | {"bases": bases})
    assert table.rows[0][1] == "0.660 ± 0.020" and "6 with COVID-19 and 3 others (2 of which" in note
    assert "0.660 with ImageNet weights and 0.650" in note and note.endswith("adds nothing there.")
    bases["imagenet"][0]["auc"] = 0.9
    assert "adds nothing" not in recipe.within(record | {"bases": bases})[1]
    assert recipe.tried(None) == () and recipe.within(None) == ()


def test_time_of_trials_is_counted():
    own = SimpleNamespace(training={"seconds": 3600, "machine": {"cores": 2}})
    assert [step.title for step in recipe.spent(own)] == ["Training"]
    record = {"about": {"machine": {"cores": 4}}, "trials": [trial("a", 1, 1), trial("b", 1, 1)]}
    last = recipe.spent(own, record)[-1]
    assert (last.seconds, last.cores, last.title) == (120, 4, "2 trials")
