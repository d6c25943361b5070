"""Perturbations of films, by hand on tiny arrays; and lung masks found on films."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from covid_model import config, records
from covid_model.cli import main
from covid_model.data import dataset
from covid_model.experiments import lung_erasure, ood_detection
from covid_model.imaging import lung_mask, perturb
from covid_model.imaging.lung_mask import NoLungs
from covid_model.imaging.perturb import Changes, apply
from tests.support import synthetic_dataset, synthetic_images

# Dice with experts' masks; V7's 255 of the 437 cover more than the lungs
FLOOR = {"median": 0.85, "lower_decile": 0.75}
FOUND = 0.97  # the least share of films on which lungs are found


@pytest.fixture
def ramp() -> np.ndarray:
    """(4, 6) uint8, no two pixels alike."""
    return np.arange(24, dtype=np.uint8).reshape(4, 6)


# --- one by one ----------------------------------------------------------------------------------
def test_crop_takes_the_same_share_off_each_side(ramp):
    np.testing.assert_array_equal(perturb.crop(ramp, 0.25), ramp[1:3, 2:4])  # 1 of 4 rows, 1.5 of 6 columns: 2
    np.testing.assert_array_equal(perturb.crop(ramp, 0), ramp)
    for wrong in (-0.1, 0.41, float("nan")):
        with pytest.raises(ValueError, match="Received"):
            perturb.crop(ramp, wrong)


@pytest.mark.parametrize(("degrees", "quarters"), [(0, 0), (90, 1), (180, 2), (-90, 3), (270, 3), (-180, 2)])
def test_a_turn_by_quarters_keeps_every_pixel(ramp, degrees, quarters):
    np.testing.assert_array_equal(perturb.turn(ramp, degrees), np.rot90(ramp, quarters))


def test_a_turn_is_anticlockwise_and_fills_with_the_border():
    pixels = np.full((101, 101), 30, np.uint8)
    pixels[50, 90] = 200  # to the right of the middle
    turned = perturb.turn(pixels, 45)
    row, column = np.unravel_index(turned.argmax(), turned.shape)
    assert (row, column) == pytest.approx((50 - 40 * np.sin(np.pi / 4), 50 + 40 * np.cos(np.pi / 4)), abs=1)
    pixels[30:70, 30:70] = 250
    assert perturb.turn(pixels, 10)[0, 0] == 30  # a corner that was never on the film


def test_mirror(ramp):
    np.testing.assert_array_equal(perturb.mirror(ramp)[:, 0], ramp[:, 5])
    np.testing.assert_array_equal(perturb.mirror(perturb.mirror(ramp)), ramp)


@pytest.mark.parametrize("text", perturb.TEXTS)
@pytest.mark.parametrize("at", [(0, 0), (1, 0), (0, 1), (1, 1)])
def test_a_marker_is_white_and_kept_on_the_film(text, at):
    pixels = np.full((200, 160), 40, np.uint8)
    marked = perturb.mark(pixels, text, at)
    rows, columns = np.nonzero(marked != 40)
    assert marked.max() > 240 and marked.min() == 40 and (pixels == 40).all()
    assert (rows.min() > 160) if at[1] else (rows.min() > 0 and rows.max() < 40)
    assert columns.max() - columns.min() < 0.6 * 160
    assert (148 < columns.max() < 159) if at[0] else (0 < columns.min() < 12)


@pytest.mark.parametrize("at", [(0.3, 0.6), (0.5, 0.5), (0.8, 0.4)])
def test_a_marker_is_where_it_is_put(at):
    marked = perturb.mark(np.full((300, 400), 40, np.uint8), "R", at)
    rows, columns = np.nonzero(marked != 40)
    assert (columns.mean() / 400, rows.mean() / 300) == pytest.approx(at, abs=0.02)


@pytest.mark.parametrize("at", [(0.3, 0.6), (0.8, 0.4), (0, 0), (1, 1)])
def test_an_arrow_points_where_it_is_put(at):
    pixels = np.full((300, 400), 40, np.uint8)
    drawn = perturb.arrow(pixels, at)
    rows, columns = np.nonzero(drawn != 40)
    assert (pixels == 40).all() and drawn.max() > 240
    tip = columns.max() if at[0] < 0.5 else columns.min()  # it comes from the nearer side, and from above
    assert (tip / 399, rows.max() / 299) == pytest.approx(at, abs=0.02)


@pytest.mark.parametrize(
    ("changes", "share"),
    [
        (Changes(), 0),
        (Changes(mirror=True, invert=True), 0),
        (Changes(marker="L", marker_at=(0, 0)), 1),
        (Changes(marker="L", marker_at=(0.5, 0.5), invert=True), 0),
        (Changes(erase="box", box=(0.1, 0.1, 0.4, 0.9)), 1 - 0.2 * 0.6 / (0.3 * 0.8)),
    ],
)
def test_what_preprocessing_cuts_of_a_change(changes, share):
    pixels = np.full((200, 200), 200, np.uint8)
    pixels[10:190, 10:190] = 40
    assert perturb.share_cut(pixels, changes, 0.2) == pytest.approx(share, abs=0.02)
    assert perturb.share_cut(pixels, changes, 0.0) == 0


def test_a_text_that_is_no_marker():
    with pytest.raises(ValueError, match="Received: 'Q'"):
        perturb.mark(np.zeros((99, 99), np.uint8), "Q", (0, 0))


def test_a_rectangle_of_fractions():
    result = perturb.rectangle((10, 20), 0.1, 0.2, 0.5, 0.6)
    assert result.sum() == 4 * 8 and result[2:6, 2:10].all()


def test_border_gray():
    pixels = np.full((100, 100), 200, np.uint8)
    pixels[:2] = pixels[-2:] = pixels[:, :2] = pixels[:, -2:] = 17
    assert perturb.border_gray(pixels) == 17


# --- together ------------------------------------------------------------------------------------
def test_no_change_is_none_and_leaves_a_copy(ramp):
    assert not Changes()
    same = apply(ramp, Changes())
    np.testing.assert_array_equal(same, ramp)
    assert same is not ramp
    for field in (
        {"invert": True},
        {"mirror": True},
        {"turn": 5},
        {"crop": 0.1},
        {"erase": "box"},
        {"marker": "L"},
        {"arrow": (0, 0)},
    ):
        assert Changes(**field)


def test_changes_are_done_in_their_order(ramp):
    changes = Changes(crop=0.25, invert=True, mirror=True, turn=90)
    np.testing.assert_array_equal(apply(ramp, changes), np.rot90((255 - ramp[1:3, 2:4])[:, ::-1]))


def test_a_box_is_filled_and_nothing_else():
    pixels = np.full((100, 100), 9, np.uint8)
    pixels[10:90, 10:90] = 200
    out = apply(pixels, Changes(erase="box", box=(0.2, 0.3, 0.4, 0.5)))
    assert (out[30:50, 20:40] == 9).all() and (out == 9).sum() == (pixels == 9).sum() + 400


def test_a_marker_survives_a_crop_but_is_inverted():
    pixels = np.full((200, 200), 60, np.uint8)
    assert apply(pixels, Changes(crop=0.2, marker="R")).max() > 200
    assert apply(pixels, Changes(marker="R", invert=True)).min() < 40


@pytest.mark.parametrize("more", [{"mirror": True}, {"turn": 180.0}, {"turn": 15.0}])
def test_a_marker_is_seen_in_its_corner_and_reads_as_it_should(more):
    pixels = np.full((200, 160), 60, np.uint8)
    marked = apply(pixels, Changes(marker="R", marker_at=(1, 1), **more))
    np.testing.assert_array_equal(marked, perturb.mark(pixels, "R", (1, 1)))


@pytest.mark.parametrize(
    "wrong", [{"box": (0.5, 0, 0.4, 1)}, {"box": (0, 0, 1, 1.2)}, {"erase": "heart"}, {"arrow": (0.5, 1.1)}]
)
def test_changes_that_are_none(wrong):
    with pytest.raises(ValueError, match="Received"):
        Changes(**wrong)


# --- lungs ---------------------------------------------------------------------------------------
def test_lungs_of_a_drawing():
    result = lung_mask.find(synthetic_images.film(256, 300))
    assert lung_erasure.dice(result, synthetic_dataset.lungs(256, 300)) > 0.8


def test_lungs_are_the_same_again_and_erased():
    pixels = synthetic_images.film(256, 300)
    result = lung_mask.find(pixels)
    np.testing.assert_array_equal(result, lung_mask.find(pixels))
    out = apply(pixels, Changes(erase="lungs"))
    assert (out[result] == perturb.border_gray(pixels)).all()
    np.testing.assert_array_equal(out[~result], pixels[~result])


def test_a_black_border_is_left_out():
    pixels = synthetic_images.film(256, 300)
    framed = np.zeros((400, 400), np.uint8)
    framed[60:360, 70:326] = pixels
    rows, columns = lung_mask.field(framed)
    assert (rows.start, rows.stop, columns.start, columns.stop) == pytest.approx((60, 360, 70, 326), abs=12)
    assert lung_erasure.dice(lung_mask.find(framed)[60:360, 70:326], lung_mask.find(pixels)) > 0.9


def test_most_of_what_is_no_film_has_no_lungs():
    refused = []
    for seed in range(10):
        for paint in ood_detection.PAINTED.values():
            try:
                lung_mask.find(paint(np.random.default_rng(seed)))
            except NoLungs as reason:
                refused.append(str(reason))
    assert len(refused) > 15 and all(lung_mask.REMEDY in reason for reason in refused)


def test_an_inverted_drawing_has_no_lungs():
    with pytest.raises(NoLungs, match="outline of two lungs"):
        lung_mask.find(255 - synthetic_images.film(256, 300))


def test_masks_that_are_no_pair_of_lungs():
    mask = np.zeros((100, 100), bool)
    mask[40:50, 40:60] = True
    with pytest.raises(NoLungs, match=r"2 %.*10 to 60 %"):
        lung_mask.check(mask)
    mask[:, :80] = True
    with pytest.raises(NoLungs, match="80 %"):
        lung_mask.check(mask)
    mask[:], mask[20:80, 5:45], mask[20:30, 60:80] = False, True, True
    with pytest.raises(NoLungs, match="one lung"):
        lung_mask.check(mask)
    mask[20:80, 55:90] = True
    lung_mask.check(mask)


def test_dice_by_hand():
    item = np.array([1, 1, 1, 0], bool)
    assert lung_erasure.dice(item, item) == 1 and lung_erasure.dice(item, ~item) == 0
    assert lung_erasure.dice(item, np.array([1, 0, 0, 1], bool)) == pytest.approx(2 / 5)
    assert lung_erasure.dice(item & False, item & False) == 1


def test_lungs_of_our_simulated_films_lie_within_those_of_the_ct():
    result = lung_erasure.inside(lung_erasure._sample_masks())
    assert result["found"] == result["films"] > 10
    assert result["lowest_share_inside"] > 0.9


def test_the_record_of_a_data_folder(tmp_path):
    result = lung_erasure.mask_accuracy(synthetic_dataset.save(tmp_path / "data"))
    assert set(result["splits"]) == {"train", "test"} and result["splits"]["test"]["films"] == 10
    assert result["every"]["films"] == 36 and result["every"]["dice"]["median"] > 0.8
    path = lung_erasure.write_mask_accuracy(dataset.load(tmp_path / "data"), tmp_path / "segmentation.json")
    assert records.load_segmentation(path)["every"]["films"] == 36
    assert records.load_segmentation(tmp_path / "none.json") is None


def test_the_command_measures_masks_and_loads_no_network(tmp_path, monkeypatch, capsys):
    data = synthetic_dataset.save(tmp_path / "data")
    record = tmp_path / "segmentation.json"
    monkeypatch.setattr(lung_erasure.write_mask_accuracy, "__defaults__", (record,))
    monkeypatch.setattr("covid_model.experiments.ExperimentContext", lambda *given: pytest.fail("a network is loaded"))
    given = ["audit", "--data", str(data.folder), "--only", "segmentation"]
    assert main(given) == 0 and capsys.readouterr().out.strip() == str(record)
    table = pd.read_csv(data.folder / "manifest.csv").assign(lung_mask=None)
    table.to_csv(data.folder / "manifest.csv", index=False)
    assert main(given) == 1 and str(data.folder) in capsys.readouterr().err


@pytest.mark.films
def test_lungs_agree_with_the_experts(data_folder):
    """All films with a mask, and the committed record of them."""
    result = lung_erasure.mask_accuracy(dataset.load(data_folder))
    assert result["every"]["films"] == 437 and result["every"]["found"] >= FOUND * 437
    for part in (result["every"], result["splits"]["test"]):
        assert all(part["dice"][name] >= floor for name, floor in FLOOR.items()), part
    kept = records.load_segmentation()
    for part in ("median", "lower_decile"):
        assert kept["every"]["dice"][part] == pytest.approx(result["every"]["dice"][part], abs=0.005)


def test_the_docstring_and_the_record_agree():
    record = records.load_segmentation(config.SEGMENTATION_JSON)
    every, test = record["every"], record["splits"]["test"]
    text = " ".join(lung_mask.__doc__.split())
    assert f"all {every['films']} films with an expert's mask: lungs found on {every['found']}" in text
    assert f"median Dice {every['dice']['median']:.2f}, nine in ten at {every['dice']['lower_decile']:.2f}" in text
    assert f"{test['dice']['median']:.2f} and {test['dice']['lower_decile']:.2f}; outline" in text


def test_the_room_names_what_pages_offer():
    assert set(perturb.FILLS) == {"border grey", "noise", "blur"} and perturb.KINDS[0] == "erase"
