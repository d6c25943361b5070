"""The experiments end to end, on a mock network and a synthetic data folder."""

from __future__ import annotations

import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from covid_model import config, experiments, imaging, records
from covid_model.app.pages.trust_screens.checks import CHECKS
from covid_model.cli import main
from covid_model.data import dataset
from covid_model.experiments import calibration as calibration_experiment
from covid_model.experiments import context, explanations, lung_erasure, robustness
from covid_model.experiments import ood_detection as fitting
from covid_model.formatting import WHY_OUT, remarks
from covid_model.imaging import Film, augment
from covid_model.imaging.preprocessing import prepare, to_input
from covid_model.model import device, ood, registry, vgg19
from covid_model.model.predictor import Predictor
from covid_model.training import features, score_dataset
from covid_model.verdict import OutOfDistribution
from tests.support import mock_networks, synthetic_dataset


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return synthetic_dataset.save(tmp_path_factory.mktemp("data") / "films")


@pytest.fixture(scope="module")
def made(data, tmp_path_factory):
    """An experiment context on a mock network, whose threshold is in the middle of its scores."""
    folder = tmp_path_factory.mktemp("networks")
    case = mock_networks.save(folder)
    with pytest.MonkeyPatch.context() as patch:
        for function, defaults in {
            registry.spec: (folder,),
            vgg19.load: (None, folder, "float32"),
        }.items():
            patch.setattr(function, "__defaults__", defaults)
        pixels = (imaging.read(data.path(film)).pixels for film in data.films.index)
        scores = np.array(list(Predictor("fine-tuned").scores(pixels)))
        replace(case, threshold=float(np.median(scores))).save(folder)
        table = folder / "scores.csv"
        score_dataset.record("fine-tuned", data.films, scores, table)
        patch.setattr(device, "fast_precision", lambda: "float32")
        patch.setattr(explanations, "ATTENTION_STEPS", 4)
        patch.setattr(fitting, "DIRECTIONS", 4)
        yield experiments.ExperimentContext("fine-tuned", data, None, tmp_path_factory.mktemp("work"), table, folder)


@pytest.fixture
def few_pictures(monkeypatch):
    """Pictures of one kind of each way to come by them."""
    kinds = {"painted": [np.tile(np.arange(90, dtype=np.uint8), (90, 1))]}
    monkeypatch.setattr(fitting, "other_pictures", lambda case: (kinds, 1))


QUICK = {"lungs", "calibration"}
EXPERIMENTS = [pytest.param(name, marks=() if name in QUICK else pytest.mark.long) for name in config.AUDIT_EXPERIMENTS]


@pytest.mark.parametrize("experiment", EXPERIMENTS)
def test_an_experiment_leaves_its_record(made, experiment, tmp_path, few_pictures):
    (path,) = experiments.run(made, [experiment], tmp_path)
    assert path.name == f"fine-tuned-{experiment}.json"
    first = json.loads(path.read_text())
    assert first["experiment"] == experiment and first["weights_sha256"] == made.spec.sha256
    experiments.run(made, [experiment], tmp_path)
    second = json.loads(path.read_text())
    assert first | {"seconds": 0} == second | {"seconds": 0}  # the same again
    assert records.load_experiment("fine-tuned", experiment, tmp_path)["experiment"] == experiment
    for check in (item for item in CHECKS if item.experiment == experiment):  # the page draws what experiments leave
        figure, alt, sentence = check.draw(first)
        assert figure.data and alt and sentence


def test_erased_films_score_as_the_network_scores_them(made):
    result = lung_erasure.run(made)
    assert (result["films"], result["covid"], result["patients"]) == (10, 6, 5)
    whole = made.scores.loc[result["films_scores"]["id"], "score"]
    np.testing.assert_allclose(result["films_scores"]["whole"], whole, atol=1e-4)
    assert result["whole"]["change"].value == 0 and result["whole"]["verdict_stays"].value == 1
    assert len(result["erased"]) == 9 and any(abs(item["change"].value) > 0 for item in result["erased"])


def test_an_x_ray_that_is_called_positive_only_when_erased_does_not_stay_so():
    table = pd.DataFrame({"covid": [1, 1, 1, 1, 0], "patient": list("abcde")})
    whole, erased = np.array([0.9, 0.8, 0.7, 0.1, 0.9]), np.array([0.9, 0.1, 0.2, 0.9, 0.9])
    result = lung_erasure._figures(erased, whole, table, 0.6)
    assert (result["covid_positive"].count, result["covid_positive"].total) == (2, 4)
    stay = result["covid_stays_positive"]
    assert (stay.count, stay.total) == (1, 3) and stay.low < stay.value < stay.high
    assert lung_erasure._figures(erased, np.zeros(5), table, 0.6)["covid_stays_positive"].total == 0


def test_no_masks_no_lungs(made, data):
    bare = replace(data, films=data.films.drop(columns="lung_mask"))
    assert dataset.with_mask(bare, "test").empty


def test_a_mask_that_is_missing(data):
    films = data.films.assign(lung_mask="lung_masks/none.png")
    with pytest.raises(dataset.DataError, match="missing or damaged"):
        dataset.read_mask(replace(data, films=films), films.index[0], (9, 9))


def test_a_mask_is_scaled_to_the_film(data):
    film = dataset.with_mask(data, "test").index[0]
    result = dataset.read_mask(data, film, (synthetic_dataset.HEIGHT, synthetic_dataset.WIDTH))
    assert (result == synthetic_dataset.lungs()).mean() > 0.98


def test_films_without_a_score_are_said(made, tmp_path):
    nowhere = replace(made, scores_csv=tmp_path / "scores.csv")
    with pytest.raises(experiments.ExperimentError, match="missing"):
        _ = nowhere.scores
    pd.read_csv(made.scores_csv).iloc[3:].to_csv(tmp_path / "scores.csv", index=False)
    with pytest.raises(experiments.ExperimentError, match=r"\b3\b"):
        _ = replace(made, scores_csv=tmp_path / "scores.csv").scores


def test_an_unknown_experiment(made, tmp_path):
    with pytest.raises(ValueError, match="astrology"):
        experiments.run(made, ["astrology"], tmp_path)


def test_a_record_of_other_weights_is_none(made, tmp_path):
    path = records.experiment_path("fine-tuned", "elsewhere", tmp_path)
    path.write_text(json.dumps({"weights_sha256": "other"}))
    assert records.load_experiment("fine-tuned", "elsewhere", tmp_path) is None
    path.write_text("{")
    assert records.load_experiment("fine-tuned", "elsewhere", tmp_path) is None
    assert records.load_experiment("fine-tuned", "severity", tmp_path) is None


def test_the_temperature_is_kept_with_the_network(made, tmp_path):
    experiments.run(made, ["calibration"], tmp_path)
    record = records.load_experiment("fine-tuned", "calibration", tmp_path)
    kept = registry.spec("fine-tuned", made.networks)
    assert kept.calibration.temperature == record["temperature"]
    assert kept.calibration.helps == {part: result["helps"] for part, result in record["splits"].items()}
    assert replace(kept, calibration=None) == replace(made.spec, calibration=None)  # and nothing else is changed


# --- a network on the frozen base: its head is trained again, on features that stand in for VGG-19's ---------
@pytest.fixture
def frozen(made, monkeypatch):
    """The case as one of a frozen base with a tiny head; features tell the truth, with grain."""

    def extract(data, ids, job, work):
        rng = np.random.default_rng(0)
        truth = data.films.loc[ids, "covid"].to_numpy()[:, None, None, None]
        return (truth + rng.normal(0, 0.1, (len(ids), 2, 2, 8))).astype(np.float16)

    monkeypatch.setattr(features, "extract", extract)
    item = replace(made)
    head = registry.Head("flatten", 4, 0.0)
    recipe = {"ours": {"learning_rate": 0.05, "batch": 8, "epochs": 4}}
    item.__dict__["spec"] = replace(made.spec, base=registry.IMAGENET, trained_on=("train",), head=head, recipe=recipe)
    return item


def test_a_head_trained_on_blanks(frozen):
    result = lung_erasure.train_on_blanks(frozen)
    assert result["blank_middle"]["at_0.5"]["accuracy"].value == 1 and result["blank_middle"]["auc"].value == 1
    assert (result["trained_on"], result["blank_middle"]["films"]) == (42, 16)
    assert result["always_no"]["at_0.5"]["accuracy"].value == pytest.approx(10 / 16)
    assert result["lungs_covered"] == 1


def test_a_frozen_network_is_calibrated_on_films_it_did_not_see(frozen):
    result, options = calibration_experiment.validation_scores(frozen)
    assert "head trained" in options and set(result["split"]) == {"train"}
    assert len(result) == frozen.validation.sum() < len(frozen.training)
    assert ((result["score"] > 0.5) == result["covid"]).all()


def test_the_recipe_is_that_of_the_network(frozen):
    recipe = lung_erasure.recipe_of(frozen.spec)
    assert (recipe.head.units, recipe.learning_rate, recipe.batch, recipe.epochs) == (4, 0.05, 8, 4)


# --- on the film in hand ------------------------------------------------------------------------
def test_spread(made):
    film = Film(mock_networks.film(), (), "PNG")
    item, same = (robustness.spread(made.predictor, film.pixels, 6) for _ in range(2))
    assert item.scores.shape == (6,) and item.score == pytest.approx(made.predictor.predict(film).score, abs=1e-5)
    np.testing.assert_array_equal(item.scores, same.scores)
    assert robustness.spread(made.predictor, film.pixels, 3, augment.Augmentation()).scores == pytest.approx(
        [item.score] * 3
    )
    with pytest.raises(ValueError, match="Received: 0"):
        robustness.spread(made.predictor, film.pixels, 0)


# --- the command -------------------------------------------------------------------------------
def test_the_command(made, data, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(
        context.ExperimentContext.__init__, "__defaults__", (None, made.work, made.scores_csv, made.networks, 0)
    )
    monkeypatch.setattr(experiments.run, "__defaults__", ((), tmp_path))
    monkeypatch.setattr(registry.names, "__defaults__", (made.networks,))
    given = ["audit", "--data", str(data.folder), "--only", "elsewhere", "--only", "calibration"]
    assert main(given) == 0
    written = capsys.readouterr().out.split()
    assert written == [str(tmp_path / f"fine-tuned-{name}.json") for name in ("elsewhere", "calibration")]


def test_the_command_without_scores(made, data, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(
        context.ExperimentContext.__init__, "__defaults__", (None, made.work, tmp_path / "none", made.networks, 0)
    )
    monkeypatch.setattr(registry.names, "__defaults__", (made.networks,))
    assert main(["audit", "--data", str(data.folder), "--only", "elsewhere"]) == 1
    assert "python -m covid_model evaluate" in capsys.readouterr().err


def test_the_command_and_experiments_that_are_none(capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["audit", "--only", "astrology"])
    assert "astrology" in capsys.readouterr().err


# --- novelty -----------------------------------------------------------------------------------
@pytest.fixture
def films_and_gate(monkeypatch):
    """Features that differ in three directions, copies that are moved along a fourth, and the gate of them."""
    rng = np.random.default_rng(0)
    monkeypatch.setattr(fitting, "DIRECTIONS", 3)
    films = 5 + rng.normal(size=(1200, 3)) @ rng.normal(size=(3, 16)) * 2 + rng.normal(0, 0.1, (1200, 16))
    moved = films[:200] + np.eye(16)[5] * 2
    films, moved = films.astype(np.float32), moved.astype(np.float32)
    return films, moved, fitting.fit(films[:800], moved, films[800:], ["one"] * 400)


def test_a_gate_tells_far_from_near(films_and_gate):
    films, moved, gate = films_and_gate
    assert np.mean(gate.distances(films[800:]).max(axis=1) > 1) == pytest.approx(0.01, abs=0.005)
    assert np.mean(gate.distances(moved)[:, 1] > 1) > 0.98
    assert replace(gate, cut=np.float32(1e6)).reason(moved[0]) == OutOfDistribution.CHANGED
    far = films[:800].mean(0) + 400 * gate.directions[0]  # along a known direction, but too far
    assert gate.is_outlier(far) and gate.distance(far) > 2
    assert replace(gate, slope=0 * gate.slope).reason(far) == OutOfDistribution.UNFAMILIAR
    usual = films[:800].mean(0)
    assert not gate.is_outlier(usual) and gate.reason(usual) is None


def test_a_gate_survives_its_file(films_and_gate, tmp_path):
    films, _, gate = films_and_gate
    replace(gate, network=np.array("a" * 64)).save("fine-tuned", tmp_path)
    again = ood.OodDetector.load("fine-tuned", tmp_path)
    np.testing.assert_array_equal(again.distances(films), gate.distances(films))
    assert str(again.network) == "a" * 64


def test_a_gate_of_other_weights_is_none(made, films_and_gate, tmp_path):
    *_, gate = films_and_gate
    assert ood.load_detector(made.spec, tmp_path) is None
    replace(gate, network=np.array("other")).save("fine-tuned", tmp_path)
    assert ood.load_detector(made.spec, tmp_path) is None
    replace(gate, network=np.array(made.spec.sha256)).save("fine-tuned", tmp_path)
    assert ood.load_detector(made.spec, tmp_path) is not None


def test_a_reading_says_how_novel_a_film_is(made, monkeypatch):
    film = Film(mock_networks.film(), (), "PNG")
    assert made.predictor.predict(film).ood_distance is None  # no gate
    told = []
    gate = SimpleNamespace(
        distance=lambda features: told.append(features.shape) or 1.5,
        reason=lambda features: OutOfDistribution.CHANGED,
        is_outlier=lambda features: len(features) != 1024,  # familiar once a change is undone
    )
    monkeypatch.setattr(made.predictor, "_detector", gate)
    result = made.predictor.predict(film)
    assert result.ood_distance == 1.5 and told == [(1024,)]
    assert result.out_of_distribution and remarks(result) == (WHY_OUT[OutOfDistribution.CHANGED],)
    monkeypatch.setattr(gate, "is_outlier", lambda features: True)
    assert made.predictor.predict(film).reason is OutOfDistribution.UNFAMILIAR  # no change to undo makes it familiar
    strange = replace(result, ood_reason=OutOfDistribution.UNFAMILIAR)
    assert remarks(strange) == (WHY_OUT[OutOfDistribution.UNFAMILIAR],)
    usual = replace(result, ood_distance=1.0, ood_reason=None)
    assert not usual.out_of_distribution and remarks(usual) == ()
    colored = replace(usual, in_color=True, warnings=("Small.",))
    assert colored.reason is OutOfDistribution.COLOR
    assert remarks(colored) == (WHY_OUT[OutOfDistribution.COLOR], "Small.")
    assert len(remarks(replace(strange, in_color=True))) == 2
    same_words = replace(usual, warnings=(WHY_OUT[OutOfDistribution.COLOR],))
    assert not same_words.out_of_distribution  # decided by the flag, whatever the sentences say


def test_a_cut_counts_groups_alike():
    values, groups = np.arange(100.0), np.array(["many"] * 98 + ["few"] * 2)
    assert fitting.cut_of(values, np.array(["one"] * 100), 0.01) == 98
    assert fitting.cut_of(values, groups, 0.01) == 99  # one of the few films is a quarter of all
    assert fitting.cut_of(values, groups, 0.25) == 98
    assert fitting.cut_of(values, groups, 0.6) == pytest.approx(97 - 19, abs=1)


def test_far_is_the_probabilistic_pcas_distance(monkeypatch):
    from sklearn.decomposition import PCA

    monkeypatch.setattr(fitting, "DIRECTIONS", 2)
    x = np.random.default_rng(0).normal(size=(300, 6)) * [3, 2, 1, 0.5, 0.5, 0.5]
    gate = fitting.fit(x, x[::-1] + 9, x, ["one"] * 300)
    off = x - x.mean(0)
    expected = np.sqrt(np.einsum("ij,jk,ik->i", off, PCA(2).fit(x).get_precision(), off))
    np.testing.assert_allclose(gate.mahalanobis(x), expected, rtol=1e-3)


def test_maps_are_pooled_to_square_roots_of_their_means(films_and_gate):
    *_, gate = films_and_gate
    rng = np.random.default_rng(0)
    maps = [rng.uniform(0, 4, shape).astype(np.float32) for shape in ((2, 14, 14, 6), (2, 7, 7, 10))]
    pooled = ood.pool(maps).numpy()
    expected = np.concatenate([np.sqrt(item.mean((1, 2))) for item in maps], axis=1)
    np.testing.assert_allclose(pooled, expected, rtol=1e-5)
    assert gate.distance(pooled[0]) == pytest.approx(gate.distances(pooled).max(axis=1)[0])
    with pytest.raises(ValueError, match="Received"):
        gate.distance(pooled[0, :5])


def test_the_audit_pools_as_a_reading_does(made):
    pixels = mock_networks.film()
    reader = made.predictor
    *_, pooled = reader.explain(to_input(prepare(pixels, made.spec.preprocessing)[None]))
    result = fitting.Features(made, "float32").of_pictures([pixels], "one")
    np.testing.assert_allclose(result, pooled.numpy(), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("damage", ["missing", "cut", "nonsense"])
def test_a_damaged_gate(tmp_path, damage):
    path = ood.detector_path("paper", tmp_path)
    if damage == "cut":
        np.savez(path, mean=np.zeros(3))
    elif damage == "nonsense":
        path.write_bytes(b"PK\x03\x04 nothing")
    with pytest.raises(registry.NetworkError, match="audit --only novelty"):
        ood.OodDetector.load("paper", tmp_path)


def test_pictures_that_are_no_films():
    from covid_model.experiments import ood_detection

    rng = np.random.default_rng(0)
    for name, paint in ood_detection.PAINTED.items():
        item, other = paint(rng), paint(rng)
        assert item.dtype == np.uint8 and item.ndim == 2 and min(item.shape) >= config.MIN_SIDE, name
        assert np.ptp(item) > 20 and (item.shape != other.shape or (item != other).any()), name
    film = mock_networks.film()
    for name, change in ood.CHANGES.items():
        assert change(film).shape in (film.shape, film.shape[::-1]) and (change(film) != film[:1, :1]).any(), name


def test_pictures_of_packages():
    pytest.importorskip("skimage")
    pytest.importorskip("data_store")
    from covid_model.experiments import ood_detection

    photographs = list(ood_detection.photographs())
    assert len(photographs) == 2 * len(ood_detection.PHOTOGRAPHS)
    assert all(item.dtype == np.uint8 and item.ndim == 2 for item in photographs)
    parts, refused = ood_detection.body_parts()
    assert len(parts) + refused == len(ood_detection.OTHER_BODY_PARTS) and len(parts) > 4
