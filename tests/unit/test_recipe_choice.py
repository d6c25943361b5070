"""What the recipe was aimed at and chosen by: goals beside what came, classes told apart within one source."""

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from covid_model import cli, config
from covid_model.data.dataset import DataError
from covid_model.model import network_spec, registry
from covid_model.reports.model_card import recipe, targets
from covid_model.training import playground, within_source

needs_features = pytest.mark.skipif(
    not (config.LAB / "features.npz").is_file(), reason=f"no {config.LAB / 'features.npz'}"
)


def scores(*rows: tuple[str, str, int, float]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["split", "source", "covid", "score"])


REACHED = scores(
    *[("test", "cohen", 1, 0.9)] * 20,
    *[("test", "cohen", 0, 0.7)] * 6,
    *[("test", "cohen", 0, 0.1)] * 12,
    *[("test", "kermany", 0, 0.1)] * 600,
    *[("extra-test", "radiography", 1, 0.9)] * 10,
    *[("extra-test", "radiography", 0, 0.1)] * 10,
    ("external", "actualmed", 1, 0.9),
    ("external", "actualmed", 0, 0.1),
    ("external", "figure1", 1, 0.9),
    ("external", "figure1", 0, 0.9),
    ("external", "figure1", 0, 0.9),
)


def test_goals_that_are_reached():
    table = targets.table(REACHED, 0.6)
    assert len(table.rows) == len(targets.GOALS)
    assert {row[-1] for row in table.rows} == {"reached"}
    assert table.rows[2][1:3] == ("at most 6 of 18", "6 of 18")


def test_goals_that_are_not_reached_say_by_how_much():
    worse = REACHED.copy()
    worse.loc[worse["covid"] == 1, "score"] = 0.2
    worse.loc[worse["source"] == "cohen", "score"] = 0.7
    rows = targets.table(worse, 0.6).rows
    assert rows[2][2:] == ("18 of 18", "missed by 12")
    assert rows[4][2:] == ("0.0 %", "missed by 93.0 percentage points")
    assert rows[7][2:] == ("0.0 %", "missed by 85.0 percentage points") and rows[8][3] == "reached"


def test_an_area_falls_short_in_its_own_unit():
    worse = REACHED.copy()
    worse.loc[worse["source"] == "actualmed", "score"] = 0.5
    assert targets.table(worse, 0.6).rows[6][2:] == ("0.500", "missed by 0.350")


def test_no_goals_without_their_films():
    assert targets.table(REACHED[REACHED["split"] != "external"], 0.6) is None


def test_features_that_tell_and_features_that_do_not():
    rng = np.random.default_rng(0)
    truth = np.repeat([0, 1], 60)
    patients = np.arange(120) // 2
    telling = rng.normal(size=(120, 5)) + 3 * truth[:, None]
    assert within_source.area(telling, truth, patients, 1e-2)["auc"] > 0.95
    nothing = within_source.area(rng.normal(size=(120, 5)), truth, patients, 1e-2)
    assert abs(nothing["auc"] - 0.5) < 0.2 and nothing["spread"] > 0


def test_a_patient_is_not_known_again():
    """Features that name the patient and nothing else tell films apart, but not films of other patients."""
    rng = np.random.default_rng(0)
    patients = np.arange(200) // 5
    truth = (patients % 2).astype(int)
    named = rng.normal(size=(40, 30))[patients] + rng.normal(scale=0.01, size=(200, 30))
    assert abs(within_source.area(named, truth, patients, 1e-1)["auc"] - 0.5) < 0.25


@needs_features
def test_what_was_recorded_comes_out_again():
    kept = json.loads(config.WITHIN_JSON.read_text())
    store = playground.load()
    rows = store.films["split"].isin(config.TRAINING_SPLITS) & (store.films["source"] == kept["source"])
    films = store.films[rows]
    assert (len(films), films["covid"].sum()) == (kept["films"], kept["covid"])
    for base, found in kept["bases"].items():
        one = found[2]
        again = within_source.area(
            store.features[base][rows.to_numpy()],
            films["covid"].to_numpy(),
            films["patient"].to_numpy(),
            one["penalty"],
        )
        assert again["auc"] == pytest.approx(one["auc"], abs=0.01)


@needs_features
def test_a_source_of_one_class_is_refused(capsys):
    with pytest.raises(DataError, match="both classes"):
        within_source.run("kermany")
    with pytest.raises(SystemExit, match="2"):
        cli.main(["train", "--recipe", "paper", "--within", "cohen"])
    assert "--recipe fine-tuned" in capsys.readouterr().err


def test_trials_and_classes_within_a_source_in_words():
    history = [{"step": 300, "auc nih": 0.7}]
    trials = [{"left out": "nih", "films": 1000, "learning_rate": 2e-5, "size": 160, "history": history}]
    trials.append(trials[0] | {"auxiliary": 0.0, "stopped": "after the first look"})
    rows = recipe.left_out(trials).rows
    assert rows[0][1:] == ("learning rate 2e-05, 300 steps at 160 px", "1,000", "0.700")
    assert rows[1][1].endswith("without the auxiliary task, 300 steps at 160 px, stopped after the first look")
    record = {"source": "cohen", "films": 9, "covid": 6, "ill_otherwise": 2, "patients": 5, "folds": 5, "repeats": 2}
    bases = {"imagenet": [{"penalty": 0.1, "auc": 0.66, "spread": 0.02}]}
    bases["random"] = [{"penalty": 0.1, "auc": 0.65, "spread": 0.01}]
    table, note = recipe.within(record | {"bases": bases})
    assert table.rows[0][1] == "0.660 ± 0.020" and "6 with COVID-19 and 3 others (2 of which" in note
    assert "0.660 with ImageNet weights and 0.650" in note and note.endswith("adds nothing there.")
    bases["imagenet"][0]["auc"] = 0.9
    assert "adds nothing" not in recipe.within(record | {"bases": bases})[1]
    assert recipe.left_out([]) is None and recipe.within(None) == ()


def put_aside(scored: pd.DataFrame, **last: float) -> dict:
    recipe = {"steps": 640, "frozen_blocks": 3, "shares": {"cohen 1": 0.94, "cohen 0": 0.06}}
    return {"recipe": recipe, "history": [last], "scores": dict(scored["score"])}


def test_a_stage_put_aside_stands_beside_the_network_that_ships():
    films = REACHED.set_index(REACHED.index.map("film-{}".format))
    worse = films.assign(score=films["score"].where(films["source"] != "actualmed", 0.5))
    own = SimpleNamespace(threshold=0.6, history=[{"val_loss": 0.1, "val_auc": 0.9}])
    text, looked, reached = targets.further_stage(own, put_aside(worse, val_loss=0.2, val_auc=0.8), films)
    assert "another 640 batches" in text and "6 % of each batch" in text.replace("\n", " ")
    assert looked.rows == (("Loss", "0.100", "0.200"), ("AUC over all sources", "0.900", "0.800"))
    assert reached.rows[6][2:] == ("1.000", "0.500") and reached.rows[0][2] == reached.rows[0][3]
    text, _ = targets.further_stage(own, put_aside(worse, val_loss=0.2), None)  # no scores: no goals
    assert len(targets.further_stage(own, put_aside(worse.head(0)), films)) == 1


def test_what_was_put_aside_lost_on_validation_films_and_scored_every_reported_film():
    kept = json.loads(config.PUT_ASIDE_JSON.read_text())
    own, last = network_spec.spec(registry.default()).history[-1], kept["history"][-1]
    assert last["val_loss"] > own["val_loss"] and last["val_auc"] <= own["val_auc"]  # as the card says
    assert last["within"] > own["within"]
    scored = pd.read_csv(config.SCORES_CSV, dtype={"id": str})
    reported = scored[~scored["split"].isin(config.TRAINING_SPLITS) & (scored["network"] == kept["network"])]
    new = {
        "cohen-0493",
        "cohen-0494",
        "cohen-0495",
        "cohen-0496",
        "cohen-0497",
        "cohen-0498",
        "kermany-5379",
        "kermany-5380",
    }
    assert set(reported["id"]) - set(kept["scores"]) == new  # in the test set since the second edition
    assert all(0 <= score <= 1 for score in kept["scores"].values())


def test_time_of_a_stage_put_aside_is_counted():
    own = SimpleNamespace(training={"seconds": 3600, "machine": {"cores": 2}})
    put = {"training": {"machine": {"cores": 4}}, "history": [{"seconds": 1800}]}
    assert [step.title for step in recipe.spent(own)] == ["Training"]
    further = recipe.spent(own, (), put)[-1]
    assert further.seconds * further.cores == 7200 and further.title == "A further training stage, not used"
