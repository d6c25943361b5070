"""The recipes: batches, stages on every backend, resuming, stored weights, heads on frozen features."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from covid_model import config, records, training
from covid_model.data import dataset
from covid_model.imaging.augment import Augmentation
from covid_model.imaging.preprocessing import Preprocessing, prepare
from covid_model.model import registry
from covid_model.model import vgg19 as model_vgg19
from covid_model.training import (
    features,
    fine_tune,
    frozen_head,
    init_ablation,
    playground,
    score_dataset,
    trainer,
    trials,
)
from covid_model.training.trainer import RECIPE, FilmSampler, Stage, targets
from tests.support import mock_networks, synthetic_dataset

TABLE = pd.DataFrame(
    {
        "source": ["siim", "cohen", "nih", "siim"] * 4,
        "covid": [1, 0, 0, np.nan] * 4,
        "finding": ["COVID-19", "Influenza", "No finding", "Pneumonia"] * 4,
        "panel": ["typical", None, None, "indeterminate"] * 4,
    },
    index=[f"film-{number}" for number in range(16)],
)
PIXELS = [mock_networks.film(number) for number in range(16)]


# --- Batches ------------------------------------------------------------------------------------------


def sampler(table: pd.DataFrame = TABLE, shares: dict[str, float] | None = None, **options) -> FilmSampler:
    shares = {"siim 1": 0.5, "nih 0": 0.5} if shares is None else shares
    settings = {"batch": 4, "seed": 1} | options
    return FilmSampler(PIXELS, table, shares, Augmentation(flip=0.5), Preprocessing(size=32), **settings)


def test_groups_are_drawn_by_their_shares():
    rows = sampler(shares={"siim 1": 1.0, "siim": 3.0, "absent 1": 9.0}, batch=4000).draw(np.random.default_rng(0))
    assert TABLE["covid"].isna().to_numpy()[rows].mean() == pytest.approx(0.75, abs=0.03)
    assert len(set(rows)) == 8


def test_targets_are_covid_and_anything_abnormal():
    table = pd.concat([TABLE.iloc[:4], TABLE.iloc[:1].assign(panel="negative")])
    truth, weights = targets(table)
    assert truth["covid"].tolist() == [1, 0, 0, 0, 1] and weights["covid"].tolist() == [1, 1, 1, 0, 0]
    assert truth["abnormal"].tolist() == [1, 1, 0, 1, 1] and weights["abnormal"].tolist() == [1, 1, 1, 1, 0]


def test_a_batch_is_the_same_in_every_run_and_another_at_every_step():
    first, again = sampler(), sampler()
    batches = [first.make_batch(index) for index in range(3)]
    inputs, truth, weights = batches[0]
    assert inputs.shape == (4, 32, 32, 3)
    assert all(part[name].shape == (4,) for part in (truth, weights) for name in ("covid", "abnormal"))
    for index, (inputs, truth, _) in enumerate(batches):
        same = again.make_batch(index)
        np.testing.assert_array_equal(inputs, same[0])
        np.testing.assert_array_equal(truth["covid"], same[1]["covid"])
    assert (batches[0][0] != batches[1][0]).any()
    again.epoch = 1
    assert (again.make_batch(0)[0] != batches[0][0]).any()


def test_every_share_of_the_recipe_is_a_group_of_the_training_set():
    films = dataset.training_films(dataset.committed(), *config.TRAINING_SPLITS)
    assert set(RECIPE.shares) == set(dataset.group_names(films))
    assert sum(RECIPE.shares.values()) == pytest.approx(1)


# --- Fine-tuning --------------------------------------------------------------------------------------

SHORT = replace(
    RECIPE,
    head=registry.Head("average", 4, 0.0),
    stages=(
        Stage(size=32, frozen_blocks=5, learning_rate=1e-3, epochs=1, steps=1),
        Stage(size=48, frozen_blocks=4, learning_rate=1e-4, epochs=2, steps=2, warmup=1),
    ),
    batch=4,
)
RUN = """
import sys, keras
from tests.unit import test_training
model, history = test_training.train_briefly(sys.argv[1])
print(keras.backend.backend(), test_training.stored_logits(model).shape, history)
"""


def train_briefly(work, evaluate=lambda scores: {"val_mean": float(scores.mean())}):
    """Train SHORT into `work`; returns the model and its history."""
    from pathlib import Path

    return trainer.train(TABLE, PIXELS, PIXELS[:3], evaluate, SHORT, None, Path(work))


def stored_logits(model) -> np.ndarray:
    """Return the logits (n,) of the model as it will be loaded, shifted as `fine_tune.run` does."""
    size = SHORT.stages[-1].size
    copy = fine_tune.rounded_copy(model, SHORT.head, size)
    films = [prepare(film, replace(SHORT.preprocessing, size=size)) for film in PIXELS[:5]]
    before = fine_tune.logits(copy, films)
    fine_tune.add_to_logit(copy, 0.5)
    np.testing.assert_allclose(fine_tune.logits(copy, films), before + 0.5, atol=1e-4)
    return before


@pytest.mark.long
@pytest.mark.parametrize("backend", ["tensorflow", "torch", "jax"])
def test_every_backend_trains(tmp_path, backend):
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")
    environment = os.environ | {"KERAS_BACKEND": backend}
    done = subprocess.run(
        [sys.executable, "-c", RUN, str(tmp_path)],
        cwd=config.ROOT, env=environment, capture_output=True, text=True, timeout=600,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.strip().splitlines()[-1].startswith(f"{backend} (5,)")
    for number in (1, 2):
        rows = trainer.read_log(tmp_path / f"stage-{number}" / trainer.LOG)
        assert len(rows) == SHORT.stages[number - 1].epochs
        assert all({"loss", "covid_loss", "abnormal_loss", "val_mean", "seconds"} <= set(row) for row in rows)
    with (
        np.load(tmp_path / "stage-1" / trainer.WEIGHTS) as first,
        np.load(tmp_path / "stage-2" / trainer.WEIGHTS) as last,
    ):
        moved = {name for name in first.files if (first[name] != last[name]).any()}
    assert {name[:6] for name in moved if name.startswith("block")} == {"block5"}
    assert {"fc1/kernel", "logit/kernel", "abnormal/kernel"} <= moved


@pytest.mark.long
def test_an_interrupted_run_resumes_to_the_same_end(tmp_path):
    whole, history = train_briefly(tmp_path / "whole")
    assert [(row["stage"], row["epoch"], row["step"]) for row in history] == [(1, 1, 1), (2, 2, 3), (2, 3, 5)]
    assert history[0]["seconds"] < history[1]["seconds"] < history[2]["seconds"]

    calls = []

    def interrupted(scores):
        calls.append(scores)
        if len(calls) == 3:  # in the second epoch of the second stage
            raise KeyboardInterrupt
        return {"val_mean": float(scores.mean())}

    with pytest.raises(KeyboardInterrupt):
        train_briefly(tmp_path / "cut", interrupted)
    resumed, again = train_briefly(tmp_path / "cut", lambda scores: calls.append(scores) or {"val_mean": 0.0})
    assert len(calls) == 4  # only the interrupted epoch was run again
    assert [row["epoch"] for row in again] == [1, 2, 3]
    assert again[-1]["loss"] == pytest.approx(history[-1]["loss"], rel=0.02)
    for item, other in zip(whole.get_weights(), resumed.get_weights(), strict=True):
        np.testing.assert_allclose(item, other, atol=2e-3)


def test_stages_keep_counting():
    history = trainer.add_stage([], [{"epoch": 0.0, "seconds": 9.0, "loss": 0.5}], 4)
    assert history == [{"stage": 1, "epoch": 1, "step": 4, "seconds": 9.0, "loss": 0.5}]
    history = trainer.add_stage(history, [{"epoch": 0.0, "seconds": 1.0}, {"epoch": 1.0, "seconds": 1.0}], 2)
    assert history[1:] == [
        {"stage": 2, "epoch": 2, "step": 6, "seconds": 10.0},
        {"stage": 2, "epoch": 3, "step": 8, "seconds": 11.0},
    ]


def test_of_an_epoch_that_was_run_twice_the_later_row_counts(tmp_path):
    (tmp_path / "log.csv").write_text("epoch,loss\n0,0.5\n1,0.4\n1,0.3\n")
    assert trainer.read_log(tmp_path / "log.csv") == [{"epoch": 0, "loss": 0.5}, {"epoch": 1, "loss": 0.3}]


def test_the_threshold_is_moved_to_where_enough_films_without_covid_are_negative():
    logits = np.random.default_rng(0).normal(3, 2, 200)
    mark = np.log(0.6 / 0.4)
    for specificity, positive in ((0.95, 10), (0.5, 100), (1.0, 0)):
        moved = logits + fine_tune.shift_for(logits, specificity)
        assert (moved > mark).sum() == positive
    assert (np.array([1.0, 2.0]) + fine_tune.shift_for(np.array([1.0, 2.0]), 0.5)).tolist() == pytest.approx(
        [mark - 0.5, mark + 0.5]
    )


def test_figures_include_what_a_source_cannot_reveal():
    table = pd.DataFrame({"source": ["a", "a", "b", "b", "c"], "covid": [1, 0, 1, 0, 0]})
    result = fine_tune.figures(table, np.array([0.9, 0.8, 0.2, 0.1, 0.7]))
    assert result["within"] == 1.0 and result["auc a"] == result["auc b"] == 1.0 and "auc c" not in result
    assert [result[f"false positives {source}"] for source in "abc"] == [1.0, 0.0, 1.0]
    assert result["sensitivity a"] == 1.0 and result["sensitivity b"] == 0.0 and "sensitivity c" not in result


@pytest.fixture
def assets(tmp_path, monkeypatch):
    """Folders of networks and results of their own, and no film of the data set to be scored."""
    for name in ("NETWORKS", "RESULTS"):
        (tmp_path / name).mkdir()
        monkeypatch.setattr(config, name, tmp_path / name)
    for name in ("TRIALS_JSON", "SEEDS_JSON", "SCORES_CSV"):
        monkeypatch.setattr(config, name, tmp_path / "RESULTS" / name.lower())
    return tmp_path


@pytest.mark.long
def test_the_recipe_ends_in_a_network_that_loads(assets, monkeypatch, vgg19):
    data = synthetic_dataset.save(assets / "data")
    scored = []
    monkeypatch.setattr(score_dataset, "run", lambda name, *_, **options: scored.append((name, options)))
    monkeypatch.setattr(fine_tune, "CHILDREN_SCORED", 1)
    short = replace(SHORT, stages=(SHORT.stages[0],))
    spec = fine_tune.run(data, vgg19, assets / "work", short)
    assert scored == [("fine-tuned", {"work": assets / "work"})]
    again = registry.spec("fine-tuned", config.NETWORKS)
    assert again.trained_on == ("train", "extra") and again.preprocessing == Preprocessing(size=32, border=0.08)
    held_out = dataset.validation_films(data.films, "train", "extra")
    assert again.training["validation"] == held_out.sum() and again.holds_out
    assert again.recipe["stages"][0]["size"] == 32 and again.history[-1]["epoch"] == 1
    model = model_vgg19.load("fine-tuned", folder=config.NETWORKS)
    weights = trainer.weights_by_name(model)
    cut = {name: array for name, array in weights.items() if name != "logit/bias"}  # to which the shift was added
    assert all((model_vgg19.rounded(array) == array).all() for array in cut.values())
    table = dataset.labeled_training_films(data.films, "train", "extra")[held_out]
    adults = table[table["covid"].eq(0) & table["source"].ne("kermany")]
    pixels = fine_tune.read_all(data, adults)
    prepared = [fine_tune.prepare(film, again.preprocessing) for film in pixels.values()]
    assert (fine_tune.logits(model, prepared) < np.log(0.6 / 0.4)).all()  # 98 % of so few are all of them
    assert spec.sha256 == again.sha256


@pytest.mark.long
def test_every_trial_is_measured_on_the_source_that_it_was_not_trained_on(assets, monkeypatch, vgg19):
    data = synthetic_dataset.save(assets / "data")
    monkeypatch.setattr(trials, "SIZE", 32)
    monkeypatch.setattr(trials, "GROUP", 6)
    monkeypatch.setattr(trials, "LEFT_OUT", ("siim", "cohen"))
    ladder = [replace(trial, steps=1) for trial in trials.TRIALS]
    trials.run(data, vgg19, assets / "work", ladder)
    record = json.loads(config.TRIALS_JSON.read_text())
    assert [row["title"] for row in record["trials"]] == [trial.title for trial in ladder]
    for row in record["trials"]:
        assert set(row["sources"]) == set(trials.LEFT_OUT)
        assert all(
            0 <= source["auc"] <= 1 and 0 < source["covid"] < source["films"] <= 12
            for source in row["sources"].values()
        )
    assert 0 < record["about"]["films"] < len(dataset.training_films(data.films, *config.TRAINING_SPLITS))


def test_the_adversarys_gradient_is_reversed():
    import tensorflow as tf

    x = tf.constant([[1.0, -2.0]])
    with tf.GradientTape() as tape:
        tape.watch(x)
        passed = trials.partial_reversal(0.5)(x)
        loss = tf.reduce_sum(passed * passed)
    np.testing.assert_allclose(passed, x)
    np.testing.assert_allclose(tape.gradient(loss, x), -0.5 * 2 * x)


@pytest.fixture(scope="module")
def vgg19(tmp_path_factory):
    """A weights file without its top, of random weights."""
    import keras

    keras.utils.set_random_seed(0)
    file = tmp_path_factory.mktemp("vgg19") / "base.weights.h5"
    keras.applications.VGG19(include_top=False, weights=None, input_shape=(32, 32, 3)).save_weights(file)
    return str(file)


# --- Heads on frozen features -------------------------------------------------------------------------


@pytest.mark.parametrize("network", [frozen_head.PAPER, frozen_head.FROZEN], ids=lambda network: network.name)
def test_the_papers_recipe_trains_both_networks(assets, monkeypatch, network):
    data = synthetic_dataset.save(assets / "data")

    def extract(data, ids, job, work):
        truth = data.films.loc[ids, "covid"].fillna(0).to_numpy()[:, None, None, None]
        grain = np.random.default_rng(job.seed).normal(0, 0.1, (len(ids), 7, 7, 8))
        return (truth + grain).astype(np.float16)

    def load():
        ids = list(data.films.index)
        job = features.FeatureJob("imagenet")
        return playground.Store(data.films, {"imagenet": extract(data, ids, job, None).mean(axis=(1, 2))})

    monkeypatch.setattr(features, "extract", extract)
    monkeypatch.setattr(playground, "load", load)
    monkeypatch.setattr(frozen_head, "UNITS", (8,))
    monkeypatch.setattr(frozen_head, "LEARNING_RATES", (1e-2,))
    spec = frozen_head.run(replace(network, seeds=network.seeds[:1]), data, "imagenet", assets / "work")
    again = registry.spec(network.name, config.NETWORKS)
    assert (again.title, again.trained_on, again.order) == (network.title, network.splits, network.order)
    assert again.base == registry.IMAGENET and not again.holds_out and len(again.history) == config.PAPER_EPOCHS
    assert again.head.pooling == network.pooling and spec.sha256 == again.sha256
    films = dataset.labeled_training_films(data.films, *network.splits)
    assert (again.training["films"], again.training["covid"]) == (len(films), films["covid"].sum())
    scores = pd.read_csv(config.SCORES_CSV)
    reported = data.films.index[~data.films["split"].isin(config.TRAINING_SPLITS)]
    assert sorted(scores["id"]) == sorted(reported) and set(scores["network"]) == {network.name}
    assert config.SEEDS_JSON.exists() == network.recorded
    assert again.parameters < 5000 if network.pooling == "average" else again.parameters == 7 * 7 * 8 * 8 + 8 + 8 + 1


def test_a_head_learns_what_can_be_learned_and_comes_back_rounded():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 200)
    features = rng.normal(size=(200, 2, 2, 8)).astype(np.float16)
    features[:, 0, 0, 0] += 6 * labels
    recipe = frozen_head.HeadRecipe(registry.Head("flatten", 16, 0.0), learning_rate=1e-2)
    copies = [features, features + np.float16(0.01)]
    head, history = frozen_head.fit(copies, labels, recipe, 0, (features[:50], labels[:50]))
    assert len(history) == 10 and history[-1]["loss"] < history[0]["loss"]
    assert history[-1]["val_accuracy"] > 0.95
    stored = frozen_head.rounded(head)
    assert all((model_vgg19.rounded(array) == array).all() for array in stored.values())
    result = frozen_head.scores(head, features)
    assert result.shape == (200,)
    assert ((result > 0.5) == labels).mean() > 0.95


# --- Frozen, fine-tuned, random ----------------------------------------------------------------------


def test_films_to_compare_on_are_half_covid_and_evenly_of_their_sources():
    table = pd.DataFrame(
        [("cohen", 1)] * 40 + [("radiography", 1)] * 400 + [("nih", 0)] * 10 + [("kermany", 0)] * 900 + [("x", 0)] * 90,
        columns=["source", "covid"],
    )
    result = init_ablation.balanced(table, 120, seed=0)
    assert not result.index.duplicated().any() and len(result) == 120
    counts = result.groupby(["covid", "source"]).size()
    assert counts[1].to_dict() == {"cohen": 30, "radiography": 30}
    assert counts[0].to_dict() == {"kermany": 25, "nih": 10, "x": 25}  # what nih lacks, the others give
    assert result.index.equals(init_ablation.balanced(table, 120, seed=0).index)
    assert len(init_ablation.balanced(table.iloc[:45], 120, seed=0)) == 45  # as many as there are


@pytest.mark.long
def test_three_runs_that_differ_in_their_start_alone(tmp_path, vgg19):
    data = synthetic_dataset.save(tmp_path / "data")
    recipe = init_ablation.Recipe(16, 6, Preprocessing(size=32), registry.Head("flatten", 4, 0.0), batch=8, epochs=2)
    path = init_ablation.run(data, vgg19, tmp_path / "curves.json", recipe)
    made = records.load_learning_curves(path)
    assert list(made.runs) == [start.title for start in init_ablation.STARTS.values()]
    assert made.measure == "val_accuracy" and all(seconds > 0 for seconds in made.processor_seconds.values())
    assert all([row["epoch"] for row in history] == [1, 2] for history in made.runs.values())
    assert (made.about["films"], made.about["covid"], made.about["validation"]) == (16, 8, 6)
    trained = {name: item["trained"] for name, item in json.loads(path.read_text())["runs"].items()}
    assert trained["frozen"] == 512 * 4 + 4 + 4 + 1  # the head's weights and biases
    assert trained["fine-tuned"] == trained["random"] > 20_000_000


def test_an_unknown_recipe_is_refused():
    with pytest.raises(ValueError, match="Received: 'other'"):
        training.run("other", None, "imagenet")
