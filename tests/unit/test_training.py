import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from covid_model import records, training
from covid_model.imaging.augment import Augmentation
from covid_model.imaging.preprocessing import Preprocessing
from covid_model.model import network_spec
from covid_model.model import vgg19 as model_vgg19
from covid_model.training import fine_tune, heads, init_ablation, recipe
from covid_model.training.sampler import Stream, draw, truths
from tests.support import mock_networks, synthetic_dataset

TABLE = pd.DataFrame(
    {
        "source": ["cohen", "cohen", "nih", "nih"] * 4,
        "covid": [1, 0, 0, 0] * 4,
        "finding": ["COVID-19", "Influenza", "No finding", "Pneumonia"] * 4,
    },
    index=[f"film-{number}" for number in range(16)],
)


def test_groups_are_drawn_by_their_shares():
    groups = np.array(["a"] * 90 + ["b"] * 10)
    rows = draw(groups, {"a": 1.0, "b": 3.0, "absent": 9.0}, 4000, np.random.default_rng(0))
    assert (groups[rows] == "b").mean() == pytest.approx(0.75, abs=0.03)
    assert len(set(rows)) == 100


def test_truths_are_covid_and_any_finding():
    assert truths(TABLE.iloc[:4]).tolist() == [[1, 1, 0], [0, 1, 0], [0, 0, 1], [0, 1, 1]]


def stream(**options):
    pixels = [mock_networks.film(number) for number in range(16)]
    return Stream(
        pixels, TABLE, {"cohen 1": 0.5, "nih 0": 0.5}, Augmentation(flip=0.5), Preprocessing(size=32), **options
    )


def test_a_batch_is_the_same_in_every_run_and_another_at_every_step():
    first, again = stream(seed=1, size=4), stream(seed=1, size=4)
    made = list(first.batches(3, 9))
    assert len(made) == 6
    assert made[0][0].shape == (4, 32, 32, 3) and made[0][1].shape == (4, 3)
    for step, (inputs, truth) in enumerate(made, 3):
        np.testing.assert_array_equal(inputs, again.batch(step)[0])
        np.testing.assert_array_equal(truth, again.batch(step)[1])
    assert (made[0][0] != made[1][0]).any()


def test_the_threshold_is_moved_to_where_enough_films_without_covid_are_negative():
    logits = np.random.default_rng(0).normal(3, 2, 200)
    mark = np.log(0.6 / 0.4)
    for specificity, positive in ((0.95, 10), (0.5, 100), (1.0, 0)):
        moved = logits + fine_tune.shift_for(logits, specificity)
        assert (moved > mark).sum() == positive
    assert (np.array([1.0, 2.0]) + fine_tune.shift_for(np.array([1.0, 2.0]), 0.5)).tolist() == pytest.approx(
        [mark - 0.5, mark + 0.5]
    )


def test_a_look_finds_what_a_source_cannot_tell():
    table = pd.DataFrame({"source": ["a", "a", "b", "b", "c"], "covid": [1, 0, 1, 0, 0]})
    found = fine_tune.look(table, np.array([0.9, 0.8, 0.2, 0.1, 0.7]))
    assert found["within"] == 1.0
    assert found["val_auc"] < 1.0
    assert found["alarms a"] == 1.0 and found["alarms b"] == 0.0 and found["alarms c"] == 1.0
    assert found["found a"] == 1.0 and found["found b"] == 0.0


SHORT = replace(
    recipe.RECIPE,
    preprocessing=Preprocessing(size=32),
    head=network_spec.Head("average", 4, 0.0),
    steps=4,
    look=2,
    head_steps=1,
    warmup=1,
)


@pytest.fixture(scope="module")
def vgg19(tmp_path_factory):
    """A weights file without its top, of random weights."""
    import keras

    keras.utils.set_random_seed(0)
    file = tmp_path_factory.mktemp("vgg19") / "base.weights.h5"
    keras.applications.VGG19(include_top=False, weights=None, input_shape=(32, 32, 3)).save_weights(file)
    return str(file)


@pytest.mark.long
def test_a_cut_run_goes_on_to_the_same_end(tmp_path, monkeypatch, vgg19):
    import keras

    from covid_model.training.trainer import Trainer

    pixels = {film: mock_networks.film(number) for number, film in enumerate(TABLE.index)}
    held_out = pd.Series([False] * 12 + [True] * 4, index=TABLE.index)

    def run(work):
        keras.utils.set_random_seed(1)
        (tmp_path / work).mkdir(exist_ok=True)
        model, history = fine_tune.train(TABLE, pixels, held_out, vgg19, tmp_path / work, SHORT)
        return model.get_weights(), [{key: row[key] for key in ("step", "loss", "val_loss")} for row in history]

    whole, history = run("whole")
    assert [row["step"] for row in history] == [2, 4]

    take_step = Trainer.step

    def cut_at_three(self, inputs, truth, number):
        if number == 3:
            raise KeyboardInterrupt
        return take_step(self, inputs, truth, number)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Trainer, "step", cut_at_three)
        run("cut")
    steps = []
    monkeypatch.setattr(
        Trainer,
        "step",
        lambda self, inputs, truth, number: steps.append(number) or take_step(self, inputs, truth, number),
    )
    resumed, again = run("cut")
    assert steps == [3, 4]  # the first two were not taken again
    for row, wanted in zip(again, history, strict=True):
        assert row == pytest.approx(wanted, rel=0.05)
    for one, other in zip(whole, resumed, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-3)


@pytest.mark.long
def test_a_second_stage_goes_on_from_the_first_and_leaves_the_frozen_blocks_alone(tmp_path):
    pixels = {film: mock_networks.film(number) for number, film in enumerate(TABLE.index)}
    held_out = pd.Series([False] * 12 + [True] * 4, index=TABLE.index)
    first = model_vgg19.get_weights(model_vgg19.build(SHORT.head, SHORT.preprocessing.size), network_spec.STORED)
    kept = tmp_path / fine_tune.KEPT
    model_vgg19.save_weights(first, kept)
    second = replace(SHORT, frozen_blocks=3, ranking=0.5)
    model, _ = fine_tune.train(TABLE, pixels, held_out, str(kept), tmp_path / "second", second)
    last = model_vgg19.get_weights(model, network_spec.STORED)
    moved = {name for name in first if (first[name] != last[name]).any()}
    assert {name[:6] for name in moved if name.startswith("block")} == {"block4", "block5"}
    assert {"fc1/kernel", "logit/kernel"} <= moved


def test_the_ranking_compares_films_of_one_source_alone():
    from covid_model.training.trainer import ranking

    logits, covid, source = np.float32([[2, 1, -1, 5], [1, 0, 1, 0], [0, 0, 0, 1]])
    pairs = [np.log1p(np.exp(-(2 - 1))), np.log1p(np.exp(-(-1 - 1)))]  # the film of source 1 has no counterpart
    assert float(ranking(logits, covid, source)) == pytest.approx(np.mean(pairs), rel=1e-6)
    assert float(ranking(logits, covid, np.float32([0, 1, 0, 1]))) == 0


def test_the_history_of_two_stages_goes_on_counting():
    whole = fine_tune.joined(fine_tune.joined([], [{"step": 4, "seconds": 9.0}]), [{"step": 2, "seconds": 1.0}])
    assert whole == [{"step": 4, "seconds": 9.0, "stage": 1}, {"step": 6, "seconds": 10.0, "stage": 2}]


def test_a_head_learns_what_can_be_learnt_and_comes_back_rounded():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 200)
    features = rng.normal(size=(200, 2, 2, 8)).astype(np.float16)
    features[:, 0, 0, 0] += 6 * labels
    recipe = heads.HeadRecipe(network_spec.Head("flatten", 16, 0.0), learning_rate=1e-2)
    copies = [features, features + np.float16(0.01)]
    head, history = heads.fit(copies, labels, recipe, 0, (features[:50], labels[:50]))
    assert len(history) == 10 and history[-1]["loss"] < history[0]["loss"]
    assert history[-1]["val_accuracy"] > 0.95
    stored = heads.rounded(head)
    assert {array.dtype for array in stored.values()} == {np.dtype(np.float16)}
    found = heads.scores(head, features)
    assert found.shape == (200,)
    assert ((found > 0.5) == labels).mean() > 0.95


# --- Frozen, fine-tuned, random ----------------------------------------------------------------------


def test_films_to_compare_on_are_half_covid_and_evenly_of_their_sources():
    table = pd.DataFrame(
        [("cohen", 1)] * 40 + [("radiography", 1)] * 400 + [("nih", 0)] * 10 + [("kermany", 0)] * 900 + [("x", 0)] * 90,
        columns=["source", "covid"],
    )
    found = init_ablation.balanced(table, 120, seed=0)
    assert not found.index.duplicated().any() and len(found) == 120
    counts = found.groupby(["covid", "source"]).size()
    assert counts[1].to_dict() == {"cohen": 30, "radiography": 30}
    assert counts[0].to_dict() == {"kermany": 25, "nih": 10, "x": 25}  # what nih lacks, the others give
    assert found.index.equals(init_ablation.balanced(table, 120, seed=0).index)
    assert len(init_ablation.balanced(table.iloc[:45], 120, seed=0)) == 45  # as many as there are


@pytest.mark.long
def test_three_runs_that_differ_in_their_start_alone(tmp_path, vgg19):
    data = synthetic_dataset.save(tmp_path / "data")
    recipe = init_ablation.Recipe(
        16, 6, Preprocessing(size=32), network_spec.Head("flatten", 4, 0.0), batch=8, epochs=2
    )
    path = init_ablation.run(data, vgg19, tmp_path / "curves.json", recipe)
    made = records.load_learning_curves(path)
    assert list(made.runs) == [start.title for start in init_ablation.STARTS.values()]
    assert made.measure == "val_accuracy" and all(seconds > 0 for seconds in made.processor_seconds.values())
    assert all([row["epoch"] for row in history] == [1, 2] for history in made.runs.values())
    assert (made.about["films"], made.about["covid"], made.about["validation"]) == (16, 8, 6)
    trained = {name: one["trained"] for name, one in json.loads(path.read_text())["runs"].items()}
    assert trained["frozen"] == 512 * 4 + 4 + 4 + 1  # the head's weights and biases
    assert trained["fine-tuned"] == trained["random"] > 20_000_000


def test_an_unknown_recipe_is_refused():
    with pytest.raises(ValueError, match="Received: 'other'"):
        training.run("other", None, "imagenet")
