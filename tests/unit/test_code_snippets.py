"""The code that the pages offer runs, on a tiny data set, and computes what the pages show."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import cv2
import keras
import numpy as np
import pytest

from covid_model import config, records
from covid_model.app.text import code_snippets
from covid_model.imaging import Film
from covid_model.imaging.preprocessing import Preprocessing, prepare, to_input
from covid_model.model import activations, registry, vgg19
from covid_model.model.activations import binary_crossentropy, crossentropy_slope
from covid_model.model.predictor import Predictor
from covid_model.training import playground
from covid_model.training.playground.recipe import BASES, MARKERS, Recipe
from tests.support import mock_networks
from tests.support.mock_networks import SIZE

NAME = "fine-tuned"  # of the mock network
CHANGED = Preprocessing(SIZE, border=0.1, blur=0.8, equalize=True)
STAGES = [{"frozen_blocks": frozen, "learning_rate": 1e-4, "epochs": 1, "steps": 1, "size": SIZE} for frozen in (5, 3)]
ABOUT = {
    "preprocessing": {"size": SIZE},
    "head": {"pooling": "flatten", "units": 4, "dropout": 0.5},
    "learning_rate": 1e-4,
    "epochs": 1,
    "seed": 3,
}


@pytest.fixture
def lesson(tmp_path, monkeypatch) -> dict:
    """The names that snippets share, in a folder with X-rays, VGG-19 with random weights, and an exported network."""
    monkeypatch.chdir(tmp_path)
    imagenet = keras.applications.VGG19

    def untrained(weights, **more):
        assert weights in ("imagenet", None)
        return imagenet(weights=None, **more)

    monkeypatch.setattr(keras.applications, "VGG19", untrained)
    for number, name in enumerate(["xray", *(f"{s}/{c}/{n}" for s in SPLITS for c in CLASSES for n in range(2))]):
        path = Path(f"{name}.png")
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), mock_networks.film(number))
    return {}


SPLITS, CLASSES = ("train", "validation", "test"), ("covid", "other")


@pytest.fixture
def spec(lesson, tmp_path, monkeypatch) -> registry.NetworkSpec:
    """The mock network, also as a file of plain Keras."""
    monkeypatch.setattr(config, "NETWORKS", tmp_path)
    made = mock_networks.save(tmp_path, NAME)
    vgg19.load(NAME).save(f"{NAME}.keras")
    return made


def step_1(names: dict, settings: Preprocessing) -> np.ndarray:
    """Run the first snippet, and return our own input of the same X-ray."""
    exec(code_snippets.preprocessing(settings), names)
    return to_input(prepare(mock_networks.film(0), settings)[None])


@pytest.mark.parametrize("settings", [Preprocessing(SIZE), Preprocessing(96), CHANGED], ids=["paper", "96", "all"])
def test_preprocessing_is_ours(lesson, settings):
    ours = step_1(lesson, settings)
    np.testing.assert_allclose(lesson["x"], ours, atol=1e-4)


def test_feature_maps_and_gradcam_are_ours(lesson, spec):
    step_1(lesson, spec.preprocessing)
    predictor, film = Predictor(NAME), Film(mock_networks.film(0), (), "PNG")
    trace = activations.trace(predictor, film)
    for layer in ("block1_conv1", "block5_conv4"):
        exec(code_snippets.feature_maps(NAME, layer), lesson)
        np.testing.assert_array_equal(lesson["brightest"], trace.maps[layer].channels)
    exec(code_snippets.gradcam(NAME), lesson)
    ours = predictor.predict(film).heatmap
    np.testing.assert_allclose(lesson["heatmap"], ours, atol=1e-4)
    np.testing.assert_allclose(lesson["gradcam"], np.maximum(ours, 0), atol=1e-4)
    assert np.abs(ours).max() == 1


@pytest.mark.parametrize(("logit", "truth"), [(2.0, True), (2.0, False), (-7.5, True), (0.0, False)])
def test_loss_is_ours(logit, truth):
    names = {}
    exec(code_snippets.loss(logit, truth), names)
    assert float(names["loss"]) == pytest.approx(binary_crossentropy(logit, truth), abs=1e-4)
    assert float(names["slope"]) == pytest.approx(crossentropy_slope(logit, truth), abs=1e-4)


@pytest.mark.parametrize(("frozen", "thawed"), [(True, set()), (False, {"block4", "block5"})])
def test_from_the_pretrained_network_to_the_metrics(lesson, spec, frozen, thawed):
    """The steps of a training run, with a frozen base in one call of fit, and in two stages."""
    recipe = {"ours": {"learning_rate": 1e-3, "batch": 3, "epochs": 2}} if frozen else {"stages": STAGES, "batch": 2}
    head = registry.Head("flatten" if frozen else "average", 5, 0.5)
    base = registry.IMAGENET if frozen else registry.STORED
    spec = replace(spec, recipe=recipe, head=head, base=base)
    step_1(lesson, spec.preprocessing)
    exec(code_snippets.pretrained(SIZE), lesson)
    assert not lesson["base"].trainable_weights and lesson["features"].shape == (1, 1, 1, 512)
    exec(code_snippets.head(spec, 0.6), lesson)
    model = lesson["model"]
    assert 0 < lesson["score"] < 1 and model.get_layer("logit").kernel.shape == (5, 1)
    before = {layer.name: layer.get_weights() for layer in model.layers if layer.get_weights()}
    exec(code_snippets.training_run(spec), lesson)
    changed = {
        name for name, old in before.items() if not np.array_equal(old[0], model.get_layer(name).get_weights()[0])
    }
    assert {"logit"} <= changed and {name[:6] for name in changed if name.startswith("block")} == thawed
    exec(code_snippets.metrics(0.6), lesson)
    assert lesson["truth"].tolist() == [True, True, False, False]
    assert sum(lesson[name] for name in ("tp", "fn", "fp", "tn")) == 4
    scores = model.predict(lesson["load"]("test"))[:, 0]
    assert lesson["positive"].tolist() == (scores > 0.6).tolist()


def test_the_runs_compared(lesson, capsys):
    step_1(lesson, Preprocessing(SIZE))
    spec = registry.NetworkSpec("a", "A", "", 0.6, Preprocessing(SIZE), registry.STORED, mock_networks.HEAD, "", "", 1)
    exec(code_snippets.head(spec, 0.6), lesson)
    exec(code_snippets.training_run(replace(spec, recipe={"epochs": 1})), lesson)
    capsys.readouterr()
    exec(code_snippets.compared(ABOUT), lesson)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(" [")[0] for line in lines] == ["imagenet False", "imagenet True", "None True"]
    assert code_snippets.compared({}) is None


@pytest.mark.parametrize(
    "recipe",
    [
        Recipe(epochs=1),
        Recipe(epochs=2, units=0, dropout=0.0, weight=5, marker="swapped", base="random", rate=0.01, seed=4),
    ],
    ids=["default", "changed"],
)
def test_a_run_of_the_playground(lesson, recipe):
    rng = np.random.default_rng(0)
    for name, count in (("train", 6), ("test", 4)):
        lesson |= {f"{name}_x": rng.random((count, SIZE, SIZE, 3)) * 255, f"{name}_y": np.arange(count) % 2}
    exec(code_snippets.playground_run(recipe, 3, 3, 0.6), lesson)
    assert np.sum(lesson["matrix"], axis=1).tolist() == [2, 2]
    kinds = [type(layer).__name__ for layer in lesson["head"].layers]
    assert kinds == ["Dense"] if recipe.units == 0 else ["Dense", "Dropout", "Dense"]
    assert lesson["train"].shape == (6, 512 + (recipe.marker != "none"))
    assert float(lesson["head"].optimizer.learning_rate) == pytest.approx(recipe.rate)
    if recipe.marker == "swapped":
        assert lesson["test"][:, -1].tolist() == [1, 0, 1, 0] and lesson["train"][:, -1].tolist() == [0, 1] * 3


def committed() -> dict[str, str]:
    """Every snippet, with the settings of the networks, the record and the scenes that ship."""
    curves = json.loads(records.learning_curves_path().read_text())["about"]
    snippets = {"loss": code_snippets.loss(-2.2, False), "compared": code_snippets.compared(curves)}
    for name in registry.names():
        spec = registry.spec(name)
        snippets |= {
            f"{name} preprocessing": code_snippets.preprocessing(spec.preprocessing),
            f"{name} maps": code_snippets.feature_maps(name, "block5_conv4"),
            f"{name} head": code_snippets.head(spec, 0.6),
            f"{name} gradcam": code_snippets.gradcam(name),
            f"{name} pretrained": code_snippets.pretrained(spec.preprocessing.size),
            f"{name} run": code_snippets.training_run(spec),
            f"{name} metrics": code_snippets.metrics(0.6),
        }
    recipes = [preset.recipe for preset in playground.PRESETS.values()]
    recipes += [Recipe(base=base, marker=marker) for base in BASES for marker in MARKERS]
    return snippets | {str(recipe): code_snippets.playground_run(recipe, 330, 4388, 0.6) for recipe in recipes}


def test_snippets_are_5_to_25_lines_of_python():
    for name, code in committed().items():
        assert 5 <= len(code.splitlines()) <= 25, name
        assert max(map(len, code.splitlines())) <= 95 and "$" not in code, name
        compile(code, name, "exec")


def test_the_settings_of_our_networks_are_in_the_code():
    for name in registry.names():
        spec = registry.spec(name)
        code = code_snippets.training_run(spec)
        own = spec.recipe.get("ours", spec.recipe)
        for stage in own.get("stages", [own]):
            assert f"{stage['learning_rate']:g}" in code, name
        assert f".batch({own['batch']})" in code
        assert (code_snippets.left_out(spec) is None) == (not any(own.get(key) for key in code_snippets.LEFT_OUT))


def test_a_line_without_value_is_left_out():
    assert code_snippets.fill("a\n  $b\nc $d", b=None, d=1) == "a\nc 1"
    assert code_snippets.fill("a\n  $b", b="x\ny") == "a\n  x\n  y"
