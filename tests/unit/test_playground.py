"""The playground: the head matches Keras, the right films, stored features are checked, runs are reproducible."""

from __future__ import annotations

import itertools
import json

import numpy as np
import pandas as pd
import pytest

from covid_model import charts, config
from covid_model.data import dataset
from covid_model.evaluation import Confusion
from covid_model.model import device
from covid_model.training import features, playground
from covid_model.training.playground import Head, PlaygroundError, Recipe, counts, training_rows, with_marker
from covid_model.training.playground import features as playground_features
from covid_model.training.playground.recipe import CHOICES, address, label, sentence
from tests.support.app_pages import holds, numbers
from tests.support.synthetic_features import films, made_up_lab

__all__ = ["made_up_lab"]

FAST = {"units": 16, "dropout": 0.2, "rate": 0.01}


def last(recipe: Recipe) -> playground.Epoch:
    return list(playground.train(playground.load(), recipe))[-1]


# --- The head -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("units", [0, 16])
def test_head_is_keras_head(units):
    import keras

    generator = np.random.default_rng(0)
    rows = generator.normal(size=(64, 10)).astype(np.float32)
    truth = (rows[:, 0] > 0.5).astype(np.float32)
    weight = np.where(truth == 1, 5, 1).astype(np.float32)
    head = Head(10, units, 0.0, 0.01, generator)
    inputs = keras.Input((10,))
    hidden = keras.layers.Dense(units, activation="relu")(inputs) if units else inputs
    model = keras.Model(inputs, keras.layers.Dense(1, activation="sigmoid")(hidden))
    model.set_weights(head.weights)
    model.compile(keras.optimizers.Adam(0.01), "binary_crossentropy")
    for start in range(0, 64, 16):
        part = slice(start, start + 16)
        loss = model.train_on_batch(rows[part], truth[part, None], sample_weight=weight[part])
        _, losses = head.step(rows[part], truth[part], weight[part])
    for ours, theirs in zip(head.weights, model.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=2e-4)
    np.testing.assert_allclose(head.scores(rows), model(rows).numpy()[:, 0], atol=1e-3)
    assert np.isfinite(loss) and losses.shape == (16,)


def test_dropout_keeps_the_mean():
    head = Head(50, 400, 0.5, 0.0, np.random.default_rng(0))
    rows = np.random.default_rng(1).normal(size=(200, 50)).astype(np.float32)
    drawn = np.mean([head.step(rows, np.zeros(200), np.ones(200))[0] for _ in range(30)], axis=0)
    np.testing.assert_allclose(drawn.mean(), head.scores(rows).mean(), atol=0.03)


def test_scores_stay_numbers():
    head = Head(1, 0, 0.0, 0.01, np.random.default_rng(0))
    rows = np.array([[-1e6], [1e6]], np.float32)
    with np.errstate(all="raise", under="ignore"):
        scores = head.scores(rows)
        _, losses = head.step(rows, np.array([1.0, 0.0]), np.ones(2))
    assert ((scores >= 0) & (scores <= 1)).all() and np.isfinite(losses).all()


# --- Films ----------------------------------------------------------------------------------------------


def test_no_film_of_a_reported_patient_is_trained_on(made_up_lab):
    table = dataset.committed()
    rows = table.iloc[training_rows(table, Recipe(adults="all"))]
    assert set(rows["split"]) == {"train", "extra"}
    assert "extra-nih-0-0" not in rows.index and "extra-nih-0-1" in rows.index


@pytest.mark.parametrize(("adults", "expected"), [("none", (40, 122)), ("other", (40, 181)), ("all", (82, 181))])
def test_adults_are_added(made_up_lab, adults, expected):
    assert counts(dataset.committed(), Recipe(adults=adults)) == expected


def test_fewer_films_are_among_more(made_up_lab):
    table = dataset.committed()
    few, more, other = (
        set(training_rows(table, Recipe(covid_films=n, seed=s))) for n, s in ((10, 0), (30, 0), (10, 1))
    )
    assert few < more and counts(table, Recipe(covid_films=10)) == (10, 122)
    assert few != other


# --- Runs -----------------------------------------------------------------------------------------------


def test_a_run_learns_and_repeats(made_up_lab):
    recipe = Recipe(epochs=4, **FAST)
    first, again = (list(playground.train(playground.load(), recipe)) for _ in range(2))
    assert [epoch.number for epoch in first] == [1, 2, 3, 4]
    assert first[-1].loss < first[0].loss and first[-1].auc > 0.8
    for item, other in zip(first, again, strict=True):
        assert (item.loss, item.accuracy, item.matrix, item.auc) == (
            other.loss,
            other.accuracy,
            other.matrix,
            other.auc,
        )
    assert first[-1].matrix.total == 88 and first[-1].adults.total == 8 and first[-1].more_adults.total == 30


def test_another_seed_is_another_run(made_up_lab):
    assert last(Recipe(epochs=1, seed=1, **FAST)).loss != last(Recipe(epochs=1, **FAST)).loss


def test_epochs_come_one_by_one(made_up_lab):
    run = playground.train(playground.load(), Recipe(epochs=30, **FAST))
    assert [epoch.number for epoch in itertools.islice(run, 2)] == [1, 2]
    run.close()


def test_adults_of_training_end_the_false_alarms(made_up_lab):
    without, with_them = (last(Recipe(epochs=10, adults=adults, **FAST)) for adults in ("none", "other"))
    assert without.more_adults.value > with_them.more_adults.value


def test_a_random_base_learns_little(made_up_lab):
    assert last(Recipe(epochs=5, base="random", **FAST)).auc < 0.75


def test_a_marker_is_learned_instead_of_the_films(made_up_lab):
    result = {where: last(Recipe(epochs=10, marker=where, **FAST)) for where in ("same", "absent", "swapped")}
    assert result["same"].test_accuracy > 0.97
    assert result["absent"].sensitivity < result["same"].sensitivity
    assert result["swapped"].matrix.fp > result["absent"].matrix.fp
    assert result["swapped"].sensitivity == result["absent"].sensitivity


@pytest.mark.parametrize(("where", "expected"), [("same", [1, 0]), ("absent", [0, 0]), ("swapped", [0, 1])])
def test_films_with_the_marker(where, expected):
    made = with_marker(np.zeros((2, 3), np.float32), np.array([1.0, 0.0], np.float32), where)
    assert made.shape == (2, 4) and made[:, 3].tolist() == expected


def test_weight_makes_it_call_more_films_positive(made_up_lab):
    light, heavy = (last(Recipe(epochs=3, covid_films=10, weight=weight, **FAST)) for weight in (1, 50))
    assert heavy.matrix.positive > light.matrix.positive


def test_one_source_is_a_pool_of_its_own():
    splits = [("train", "cohen", 1), ("train", "kermany", 0), ("extra", "nih", 0)]
    splits += [("extra", "siim", covid) for covid in (0, 1)] + [("extra-test", "siim", 0)]
    films = pd.DataFrame(splits, columns=["split", "source", "covid"], index=[f"film-{at}" for at in range(6)])
    films["patient"] = films.index
    assert training_rows(films, Recipe(pool="siim")).tolist() == [3, 4]
    assert training_rows(films, Recipe(pool="siim", adults="all")).tolist() == [2, 3, 4]  # none of them twice
    assert training_rows(films, Recipe(adults="all")).tolist() == [0, 1, 2, 3, 4]


# --- Recipes and scenes -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "nonsense",
    [
        {"covid_films": 31, "epochs": 31, "seed": -1, "dropout": 0.9},
        {"covid_films": "30", "epochs": None, "base": 3, "marker": "NONE", "adults": ["all"]},
        {"weight": True, "rate": float("nan"), "dropout": float("inf"), "units": 1e9, "seed": "x", "other": 1},
    ],
)
def test_invalid_values_become_the_default(nonsense):
    assert Recipe.from_values(nonsense) == Recipe()


def test_a_recipe_survives_the_url():
    recipe = Recipe(30, 1000, "all", 5, 0, 0.3, 0.003, 20, 7, "random", "absent")
    assert Recipe.from_values(recipe.__dict__) == recipe
    assert type(Recipe.from_values({"seed": 3.0, "epochs": 4.0}).epochs) is int
    assert holds(sentence(recipe), 30, 1000, 5, 0.3, 0.003, 20, 7)


def test_presets():
    assert len(playground.PRESETS) == 6 and len({scene.recipe for scene in playground.PRESETS.values()}) == 6
    for scene in playground.PRESETS.values():
        assert scene.sentence.endswith(".") and scene.sentence.count(". ") == 0
        assert Recipe.from_values(scene.recipe.__dict__) == scene.recipe
    assert address(playground.PRESETS["thirty"].recipe) == {"covid_films": "30"}
    one_group = playground.PRESETS["one-hospital-group"]
    assert one_group.title == "One hospital group, both classes" and "one group of hospitals" in one_group.sentence
    assert address(Recipe(adults="other", rate=0.0001)) == {"adults": "Without COVID-19", "rate": "0.0001"}


def test_labels_are_told_apart():
    for name, values in CHOICES.items():
        assert len({label(name, value) for value in values}) == len(values)


# --- Stored features --------------------------------------------------------------------------------------


def test_a_saved_store_is_loaded_unchanged(made_up_lab):
    from tests.support.synthetic_features import features as made

    table, read = films(), playground.load()
    assert read.films.index.tolist() == table["id"].tolist()
    step = np.ptp(made(table), axis=0) / 255
    assert (np.abs(read.features["imagenet"] - made(table)) <= step / 2 * 1.01 + 1e-6).all()
    assert read.features["random"].shape == (len(table), 5)


def test_steps_are_fine_enough():
    rows = np.random.default_rng(0).normal(size=(300, 4)).astype(np.float32)
    rows[:, 3] = 2.5
    back = playground_features.from_steps(*playground_features.to_steps(rows))
    assert np.abs(back - rows).max() <= (np.ptp(rows, axis=0) / 255 / 2).max() * 1.01
    assert (back[:, 3] == 2.5).all()


def test_missing_features_name_their_command(made_up_lab):
    (made_up_lab / playground_features.FEATURES).unlink()
    with pytest.raises(PlaygroundError, match=r"features\.npz.*python -m covid_model lab-features"):
        playground.load()


@pytest.mark.parametrize(
    ("file", "content", "says"),
    [
        (playground_features.FEATURES, b"cut", "SHA-256"),
        (playground_features.FACTS, b"{", "damaged"),
        (playground_features.FACTS, b"[]", "damaged"),
        (playground_features.FACTS, b"{}", "damaged"),
    ],
)
def test_damaged_features_are_refused(made_up_lab, file, content, says):
    (made_up_lab / file).write_bytes(content)
    with pytest.raises(PlaygroundError, match=says):
        playground.load()


def test_pickles_are_refused(made_up_lab):
    from covid_model.model.registry import sha256

    path, facts = made_up_lab / playground_features.FEATURES, made_up_lab / playground_features.FACTS
    np.savez(path, imagenet=np.array([{}], dtype=object))
    facts.write_text(json.dumps(json.loads(facts.read_text()) | {"sha256": sha256(path)}))
    with pytest.raises(PlaygroundError, match="cannot be read"):
        playground.load()


def test_features_of_another_list_are_refused(made_up_lab):
    films().iloc[::-1].to_csv(config.DATASET_CSV, index=False)
    with pytest.raises(PlaygroundError, match="a different list of X-rays"):
        playground.load()


def test_make_pools_the_extracted_features(made_up_lab, tmp_path, monkeypatch):
    table = films()
    table.to_csv(tmp_path / "manifest.csv", index=False)
    requested = []

    def extract(data, ids, job, work):
        requested.append((job.vgg19, job.precision, len(ids)))
        full = np.zeros((len(ids), 7, 7, features.CHANNELS), np.float16)
        full[:, 0, 0, 0] = [49 * table.index[table["id"] == film][0] for film in ids]
        return full

    monkeypatch.setattr(features, "extract", extract)
    monkeypatch.setattr(playground_features, "random_base", lambda work: "untrained")
    monkeypatch.setattr(device, "fast_precision", lambda: "mixed_bfloat16")
    playground_features.make(dataset.load(tmp_path), "weights", tmp_path, tmp_path / "out")
    reported = int(table["split"].isin(["test", "extra-test", "external", "graded"]).sum())
    others = len(table) - reported
    assert requested == [
        ("weights", "float32", reported),
        ("weights", "mixed_bfloat16", others),
        ("untrained", "mixed_bfloat16", reported),
        ("untrained", "mixed_bfloat16", others),
    ]
    read = playground.load(tmp_path / "out")
    step = (len(table) - 1) / 255
    np.testing.assert_allclose(read.features["imagenet"][:, 0], range(len(table)), rtol=1e-3, atol=step / 2)


def test_committed_features_if_they_are_there():
    if not (config.LAB / playground_features.FEATURES).is_file():
        pytest.skip("assets/lab is not made")
    read = playground.load()
    assert read.features["imagenet"].shape == (len(read.films), 512)
    assert sum(file.stat().st_size for file in config.LAB.iterdir()) < 17_000_000


# --- Charts -----------------------------------------------------------------------------------------------


def test_a_learning_curve_ends_with_its_run():
    figure = charts.learning_curve({1: [0.95, 0.97], 2: []}, 10, (0.9, 1), (0.937, "always no"))
    assert len(figure.data) == 1 and list(figure.data[0].y) == [0.95, 0.97]
    assert figure.layout.xaxis.range[1] > 10
    low = charts.learning_curve({1: [0.42]}, 10, (0.9, 1)).layout.yaxis.range[0]
    assert low < 0.42
    text = charts.learning_curve_alt("Accuracy", {1: [0.95, 0.97], 2: []})
    assert "Accuracy" in text and numbers(text) == [1, 97.0, 2]


def test_runs_shown_together_look_different():
    for first in range(1, 9):
        assert len({charts.run_look(first + n) for n in range(3)}) == 3


def test_the_small_matrix_has_no_clicks():
    figure = charts.small_confusion_matrix(Confusion(1, 2, 3, 4))
    assert figure.data[0].hoverinfo == "skip" and figure.data[0].hovertext is None
