"""The arithmetic of the experiments: known answers on tiny arrays."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from covid_model import config, records
from covid_model.evaluation import Estimate, bootstrap, metrics
from covid_model.experiments import (
    EXPERIMENTS,
    baselines,
    explanations,
    external_validation,
    lung_erasure,
    ood_detection,
    robustness,
)
from covid_model.experiments import calibration as calibration_experiment
from covid_model.imaging import perturb
from covid_model.imaging.preprocessing import mean_gray
from covid_model.model import ood, registry


def test_the_settings_name_every_experiment():
    assert tuple(EXPERIMENTS) == config.AUDIT_EXPERIMENTS


# --- figures ---------------------------------------------------------------------------------
def test_a_share_by_patient_is_wider_than_one_by_film():
    hits = np.repeat([True, False], 20)
    alone = bootstrap.share(hits, np.arange(40))
    together = bootstrap.share(hits, np.arange(40) // 10)
    assert alone.value == together.value == 0.5
    assert together.low < alone.low < 0.5 < alone.high < together.high


def test_a_share_of_all_has_an_interval_of_its_patients():
    result = bootstrap.share(np.ones(18), np.repeat(["a", "b"], 9))
    assert (result.value, result.count, result.total, result.high) == (1, 18, 18, 1)
    assert result.low == pytest.approx(0.342, abs=0.001)  # Wilson's for 2 of 2
    assert bootstrap.share(np.zeros(3), ["a", "b", "b"]).high == pytest.approx(0.658, abs=0.001)
    assert bootstrap.share([], []).value is None


def test_rank_correlation():
    x = np.arange(30.0)
    assert metrics.rank_correlation(x, x**3, np.arange(30)).value == pytest.approx(1)
    assert metrics.rank_correlation(x, -x, np.arange(30)).value == pytest.approx(-1)
    assert metrics.rank_correlation(x, np.ones(30), np.arange(30)).value is None
    assert metrics.rank_correlation([1, 2], [1, 2], [1, 2]).value is None


def test_plain_figures_are_json():
    result = metrics.to_json(
        {
            "share": Estimate(0.123456, 0.1, None),
            "none": Estimate(None),
            "array": np.array([[1.23456, np.nan]]),
            "count": np.int64(3),
            "yes": np.True_,
            "word": "x",
        }
    )
    assert result == {
        "share": {"value": 0.1235, "low": 0.1},
        "none": {"value": None},
        "array": [[1.2346, None]],
        "count": 3,
        "yes": True,
        "word": "x",
    }


# --- elsewhere -------------------------------------------------------------------------------
def test_elsewhere_takes_splits_and_sources_apart():
    rows = [  # split, source, covid, score
        ("test", "cohen", 1, 0.9),
        ("test", "cohen", 0, 0.7),
        ("test", "kermany", 0, 0.1),
        ("test", "kermany", 0, 0.6),  # at the threshold is not above it
        ("external", "figure1", 1, 0.2),
    ]
    table = pd.DataFrame(rows, columns=["split", "source", "covid", "score"]).assign(patient=list("abcde"))
    result = external_validation.measure(table, 0.6)
    parts = {(part["split"], part["source"]): part for part in result["parts"]}
    assert list(parts) == [("test", None), ("test", "cohen"), ("test", "kermany"), ("external", "figure1")]
    whole = parts["test", None]
    assert (whole["films"], whole["covid"], whole["patients"]) == (4, 1, 4)
    assert whole["specificity"].count == 2 and whole["auc"].value == 1
    assert parts["external", "figure1"]["sensitivity"].value == 0
    assert parts["external", "figure1"]["auc"].value is None
    adults = {(item["split"], item["source"]): item["called_positive"] for item in result["adults_without_covid"]}
    assert list(adults) == [("test", None), ("test", "cohen")]
    assert (adults["test", None].count, adults["test", None].total) == (1, 1)


# --- lungs -----------------------------------------------------------------------------------
@pytest.fixture
def film():
    """Gray 40 outside, 200 in a square of lungs."""
    pixels = np.full((60, 80), 40, np.uint8)
    inside = np.zeros(pixels.shape, bool)
    inside[20:40, 30:50] = True
    pixels[inside] = 200
    return pixels, inside


def test_border_gray_erases_lungs_and_nothing_else(film):
    pixels, inside = film
    assert (perturb.fill(pixels, inside, "border grey", inside) == 40).all()
    assert pixels[30, 40] == 200  # the film itself is left alone
    only = perturb.fill(pixels, ~inside, "border grey", inside)
    np.testing.assert_array_equal(only, pixels)


@pytest.mark.parametrize("options", perturb.FILLS)
def test_every_fill_leaves_the_rest(film, options):
    pixels, inside = film
    noisy = pixels + np.random.default_rng(0).integers(0, 30, pixels.shape, dtype=np.uint8)
    filled = perturb.fill(noisy, inside, options, inside)
    np.testing.assert_array_equal(filled[~inside], noisy[~inside])
    assert filled[inside].mean() < noisy[inside].mean() - 50
    np.testing.assert_array_equal(filled, perturb.fill(noisy, inside, options, inside))


def test_a_fill_that_is_none():
    with pytest.raises(ValueError, match="Received: 'red'"):
        perturb.fill(np.zeros((9, 9), np.uint8), np.ones((9, 9), bool), "red", np.ones((9, 9), bool))


def test_the_box_around_lungs():
    inside = np.zeros((5, 6), bool)
    inside[1, 2] = inside[3, 4] = True
    result = perturb.box(inside)
    assert result.sum() == 9 and result[1:4, 2:5].all()
    assert not perturb.box(np.zeros((5, 6), bool)).any()


def test_what_each_way_to_erase_fills():
    mask = np.zeros((6, 8), bool)
    mask[1, 2] = mask[4, 5] = True
    assert perturb.erased_region("erased", mask).sum() == 2
    assert perturb.erased_region("erased in a box", mask).sum() == 16
    assert perturb.erased_region("only", mask).sum() == 46
    with pytest.raises(ValueError, match="Received: 'all'"):
        perturb.erased_region("all", mask)


def test_a_blank_middle():
    pixels = np.full((100, 100), 7, np.uint8)
    pixels[40:60, 40:60] = 255
    assert (lung_erasure.Blank()(pixels) == 7).all()
    assert (lung_erasure.Blank(0.5, 0.5, 0.6, 0.6)(pixels) == 255).sum() == 300


# --- rivals ----------------------------------------------------------------------------------
def test_rivals_know_what_they_are_told():
    table = pd.DataFrame(
        {
            "source": ["a", "a", "b", "b", "a", "c"],
            "covid": [1, 1, 0, 1, 1, 0],
            "split": ["train"] * 4 + ["test"] * 2,
        }
    )
    training = table["split"].eq("train").to_numpy()
    small = np.linspace(0, 1, 6)[:, None, None] * np.ones((6, 8, 8))
    assert baselines.source(table, small, training).tolist() == [1, 1, 0.5, 0.5, 1, 0.75]
    assert not baselines.always_no(table, small, training).any()


def test_a_rival_that_sees_grays_tells_bright_from_dark():
    covid = np.tile([0, 1], 20)
    table = pd.DataFrame({"covid": covid})
    small = np.repeat(covid[:, None], 64, 1).reshape(-1, 8, 8) * 0.5 + np.random.default_rng(0).uniform(
        0, 0.1, (40, 8, 8)
    )
    training = np.arange(40) < 30
    for rival in (baselines.mean_gray, baselines.thumbnail):
        assert ((rival(table, small, training) > 0.5) == covid).all()


def test_the_rule_on_brightness_separates_best():
    grays, covid = np.array([0.1, 0.2, 0.3, 0.5, 0.7, 0.8]), np.array([0, 0, 0, 1, 0, 1])
    rule = baselines.brightness_rule(grays, covid)
    assert rule == {"threshold": 0.5 * 255, "brighter": True, "balanced_accuracy": pytest.approx(7 / 8)}
    darker = baselines.brightness_rule(grays, 1 - covid)
    assert darker["brighter"] is False and darker["balanced_accuracy"] == pytest.approx(7 / 8)
    film = np.random.default_rng(0).integers(0, 256, (64, 80)).astype(np.uint8)
    assert mean_gray(film) == pytest.approx(film.mean(), abs=0.6)


def test_measures_of_a_rival():
    table = pd.DataFrame(
        {"covid": [1, 0, 0, 0], "source": ["cohen", "cohen", "kermany", "kermany"], "patient": list("abcd")}
    )
    result = metrics.accuracy_and_auc(table, np.array([0.9, 0.55, 0.1, 0.2]), 0.6)
    assert result["at_0.5"]["accuracy"].value == 0.75 and result["at_0.6"]["accuracy"].value == 1
    assert (result["at_0.5"]["adults_positive"].count, result["at_0.5"]["adults_positive"].total) == (1, 1)
    assert result["auc"].value == 1


# --- attention -------------------------------------------------------------------------------
CELLS = np.array([[1, 0], [0.5, 0]], np.float32)


def test_energy_between_floor_and_ceiling():
    assert explanations.energy_inside(np.array([[1.0, -5], [0, 0]]), CELLS) == 1
    assert explanations.energy_inside(np.array([[1.0, 1], [1, 1]]), CELLS) == explanations.uniform(CELLS) == 0.375
    assert explanations.ceiling(CELLS) == pytest.approx((1 + 0.25) / 1.5)
    assert explanations.energy_inside(-np.ones((2, 2)), CELLS) is None


def test_pointing():
    assert explanations.points_inside(np.array([[0.2, 0.1], [0, 0]]), CELLS)
    assert not explanations.points_inside(np.array([[0.2, 0.3], [0, 0]]), CELLS)


def test_lungs_in_the_cells_of_a_cut_film():
    inside = np.zeros((100, 200), bool)
    inside[:, :100] = True
    np.testing.assert_allclose(explanations.lung_cells(inside, (0, 0, 1, 1), (2, 2)), [[1, 0], [1, 0]])
    np.testing.assert_allclose(explanations.lung_cells(inside, (0.25, 0, 1, 1), (1, 3)), [[1, 0, 0]])


def test_orders_and_steps():
    heatmap = np.array([[0.1, 0.9], [-1, 0.5]])
    rng = np.random.default_rng(0)
    assert explanations.order_of(heatmap, "grad-cam", rng).tolist() == [1, 3, 0, 2]
    assert sorted(explanations.order_of(heatmap, "random", rng)) == [0, 1, 2, 3]
    steps = list(explanations.steps_of(np.array([1, 3, 0, 2]), 2))
    assert [step.tolist() for step in steps] == [[False] * 4, [False, True, False, True], [True] * 4]


def test_blending_cells_within_the_box():
    pixels, other = np.zeros((100, 100), np.uint8), np.full((100, 100), 9, np.uint8)
    result = explanations.blend(pixels, other, np.array([[True, False], [False, False]]), (0.1, 0.1, 0.9, 0.9))
    assert (result[10:50, 10:50] == 9).all() and (result == 9).sum() == 1600
    assert not explanations.blend(pixels, other, np.zeros((2, 2), bool), (0, 0, 1, 1)).any()


def test_area_and_summary():
    assert explanations.area(np.ones(21)) == pytest.approx(1)
    assert explanations.area(np.linspace(1, 0, 21)) == pytest.approx(0.5)
    falls, stays = np.array([1, 0, 0.0]), np.array([1, 1, 0.0])
    item = {("deletion", "grad-cam"): falls, ("deletion", "random"): stays}
    item |= {("insertion", order): stays[::-1] for order in explanations.ORDERS}
    result = explanations.summary([item], np.array(["a"]))
    assert result["deletion"]["gain_over_random"].value == pytest.approx(0.5)
    assert result["insertion"]["gain_over_random"].value == 0
    assert explanations.summary([], np.array([])) == {"deletion": None, "insertion": None}


# --- calibration -----------------------------------------------------------------------------
def test_a_temperature_is_found_again():
    rng = np.random.default_rng(0)
    right = rng.uniform(0.02, 0.98, 20000)
    truth = rng.uniform(size=right.size) < right
    too_sure = calibration_experiment.at(right, 1 / 3)
    assert calibration_experiment.fit(too_sure, truth) == pytest.approx(3, rel=0.05)
    np.testing.assert_allclose(calibration_experiment.at(too_sure, 3), right, atol=2e-2)
    assert (
        calibration_experiment.measure(too_sure, truth)["ece"]
        > 0.1
        > 0.02
        > calibration_experiment.measure(right, truth)["ece"]
    )


def test_errors_by_hand():
    result = calibration_experiment.measure([0.05, 0.15, 0.15, 0.95], [0, 1, 0, 1])
    assert result["ece"] == pytest.approx((0.05 + 2 * 0.35 + 0.05) / 4)
    assert result["brier"] == pytest.approx((0.05**2 + 0.85**2 + 0.15**2 + 0.05**2) / 4)
    assert result["log_loss"] == pytest.approx(-np.log([0.95, 0.15, 0.85, 0.95]).mean())
    assert result["bins"][1] == {"low": 0.1, "high": 0.2, "films": 2, "score": pytest.approx(0.15), "covid": 0.5}
    assert result["bins"][2]["films"] == 0 and result["bins"][2]["covid"] is None


def test_scores_of_nought_and_one_do_not_break_it():
    part = pd.DataFrame({"score": [0.0, 1.0, 0.0, 1.0], "covid": [0, 1, 1, 0], "patient": list("abcd")})
    temperature = calibration_experiment.fit(part["score"], part["covid"])
    assert temperature == pytest.approx(calibration_experiment.LIMITS[1], rel=0.01)
    result = calibration_experiment.compare(part, temperature)
    assert result["after"]["log_loss"] < result["before"]["log_loss"] and np.isfinite(result["before"]["log_loss"])


def test_a_temperature_that_does_harm_does_not_help():
    part = pd.DataFrame({"score": [0.9] * 20 + [0.1] * 20, "covid": [1] * 20 + [0] * 20, "patient": range(40)})
    assert not calibration_experiment.compare(part, 5.0)["helps"]
    assert calibration_experiment.compare(part, 0.5)["helps"]


# --- robustness ------------------------------------------------------------------------------
def test_a_spread_speaks_of_its_copies():
    item = robustness.Spread(0.7, np.linspace(0.5, 0.7, 11), 0.6)
    assert item.stays == pytest.approx(5 / 11)


def test_a_sample_of_groups():
    table = pd.DataFrame({"covid": [1] * 5 + [0] * 10, "source": ["cohen"] * 8 + ["kermany"] * 7})
    result = robustness.sample(table, {"covid": 2, "adults without covid": 9, "children": 4}, 0)
    assert result["group"].value_counts().to_dict() == {"children": 4, "adults without covid": 3, "covid": 2}
    assert result.index.is_monotonic_increasing
    pd.testing.assert_frame_equal(
        result, robustness.sample(table, {"covid": 2, "adults without covid": 9, "children": 4}, 0)
    )


@pytest.mark.parametrize("name", registry.names())
def test_the_committed_counts_of_erased_films_are_those_of_their_scores(name):
    record = records.load_experiment(name, "lungs")
    if record is None:
        pytest.skip(f"no record of erased lungs of {name}")
    kept, threshold = record["films_scores"], record["threshold"]
    called = (np.array(kept["covid"]) == 1) & (np.array(kept["whole"]) > threshold)
    for part in record["erased"]:
        after = np.array(kept[f"{part['variant']} / {part['fill']}"]) > threshold
        stay = part["covid_stays_positive"]
        assert (stay["count"], stay["total"]) == ((called & after).sum(), called.sum())


@pytest.mark.parametrize("name", registry.names())
def test_the_committed_detectors_flag_what_is_no_chest_x_ray(name):
    """And few test films. By source, where some have few films, the page counts those above the target."""
    record = records.load_experiment(name, "novelty")
    if record is None or ood.load_detector(registry.spec(name)) is None:
        pytest.skip(f"no gate of {name}, or no record of it")
    genuine = next(item["flagged"]["value"] for item in record["genuine"] if item["split"] == "test")
    assert genuine <= record["wanted"]["genuine"]
    assert record["wanted"] == ood_detection.GOALS == {"genuine": 0.02, "other": 0.97}
    assert record["every_other"]["value"] >= 0.97 and record["mean_of_kinds"] >= 0.97
    for kind, result in record["other"].items():
        assert result["flagged"]["value"] >= 0.9, kind
