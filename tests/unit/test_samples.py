"""The committed films: complete list, labels, plausible masks, gray levels like those of real films."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from covid_model import config, imaging
from covid_model.data.samples import Sample, SampleError, sample, samples
from tests.support import real_grays

FILMS = samples()
SIMULATED = [film for film in FILMS if film.simulated]
ENTRIES = {film.id: film for film in FILMS}
GRADES = [f"ground-glass-{grade}" for grade in (1, 2, 3)]


def bits(film: Sample, part: str) -> np.ndarray:
    """A mask of a film, (height, width) bool."""
    mask = cv2.imread(str(getattr(film, part)), cv2.IMREAD_GRAYSCALE)
    assert set(np.unique(mask)) <= {0, 255}
    return mask > 0


def gray(film: Sample) -> np.ndarray:
    return imaging.read(film.path).pixels


def test_there_are_enough_samples_of_each_kind():
    assert 12 <= len(SIMULATED) <= 16
    assert all(film.title.startswith("Simulated: ") and film.credit.startswith("Simulated.") for film in SIMULATED)
    assert sum(film.covid == 1 for film in SIMULATED) >= 3 and sum(film.covid == 0 for film in SIMULATED) >= 6
    assert set(GRADES) <= set(ENTRIES)


def test_the_samples_are_small():
    assert sum(file.stat().st_size for file in config.FILMS.iterdir() if file.suffix != ".dcm") < 4_000_000
    assert sum(file.stat().st_size for file in config.FILMS.glob("*.dcm")) < 8_000_000


def test_every_file_is_listed():
    listed = {path.name for film in FILMS for path in (film.path, film.mask, film.lungs, film.thumbnail) if path}
    assert {file.name for file in config.FILMS.iterdir()} == listed | {config.FILMS_JSON.name}


@pytest.mark.parametrize("film", SIMULATED, ids=lambda film: film.id)
def test_a_sample_has_all_its_fields(film: Sample):
    read = imaging.read(film.path)
    assert max(read.pixels.shape) >= 512 and not read.warnings
    assert film.lungs is not None and bits(film, "lungs").shape == read.pixels.shape
    lungs = bits(film, "lungs")
    assert 0.25 < lungs.mean() < 0.7
    sides = [lungs[:, : lungs.shape[1] // 2], lungs[:, lungs.shape[1] // 2 :]]
    assert all(side.mean() > 0.2 for side in sides), "two lungs"
    assert not lungs[:5].any(), "the tips of the lungs are on the film"


@pytest.mark.parametrize("film", [film for film in SIMULATED if film.mask], ids=lambda film: film.id)
def test_a_lesion_is_where_it_should_be(film: Sample):
    lesion, lungs = bits(film, "mask"), bits(film, "lungs")
    assert lesion.shape == lungs.shape and lesion.any()
    if film.id == "shadow-outside":
        assert not (lesion & lungs).any()
    else:
        assert not (lesion & ~lungs).any()


@pytest.mark.parametrize("film", [film for film in SIMULATED if film.covid], ids=lambda film: film.id)
def test_ground_glass_is_on_both_sides(film: Sample):
    lesion, lungs = bits(film, "mask"), bits(film, "lungs")
    middle = lungs.shape[1] // 2
    for side in (np.s_[:, :middle], np.s_[:, middle:]):
        assert lesion[side].sum() > 0.05 * lungs[side].sum()


def test_an_effusion_is_low_on_the_patients_left():
    rows, columns = np.nonzero(bits(ENTRIES["effusion-left"], "mask"))
    height, width = bits(ENTRIES["effusion-left"], "lungs").shape
    assert columns.min() > 0.4 * width and np.median(rows) > 0.5 * height


def test_the_grades_grow_denser():
    clear = gray(ENTRIES["clear-average"]).astype(float)
    lesion = bits(ENTRIES[GRADES[-1]], "mask")
    means = [gray(ENTRIES[name])[lesion].mean() for name in GRADES]
    assert clear[lesion].mean() < means[0] < means[1] < means[2]


@pytest.mark.parametrize("film", SIMULATED, ids=lambda film: film.id)
def test_lungs_are_darker_than_the_body_around_them(film: Sample):
    pixels = gray(film)
    assert np.percentile(pixels[bits(film, "lungs")], 15) + 60 < np.percentile(pixels, 85)


@pytest.mark.parametrize("film", SIMULATED, ids=lambda film: film.id)
def test_grays_are_near_those_of_real_films(film: Sample):
    for (name, (low, high)), ours in zip(real_grays.kept().items(), real_grays.statistics(gray(film)), strict=True):
        assert low <= ours <= high, name


@pytest.mark.films
def test_those_grays_are_still_those_of_real_films():
    measured = real_grays.measure()
    assert list(measured) == list(real_grays.kept())
    for name, limits in real_grays.kept().items():
        assert measured[name] == pytest.approx(limits, abs=0.2), name


def test_the_real_film_has_no_personal_data():
    import pydicom

    real = [film for film in FILMS if not film.simulated]
    assert [film.id for film in real] == ["rg1"] and "MIT" in real[0].credit and real[0].covid is None
    header = pydicom.dcmread(real[0].path)
    for tag in ("PatientBirthDate", "StudyDate", "SeriesDate", "ContentDate", "OtherPatientIDs", "AccessionNumber"):
        assert not header.get(tag), tag
    read = imaging.read(real[0].path)
    assert read.kind == "DICOM" and read.pixels.shape == (1955, 1841)
    assert read.pixels[300:900, 850:950].mean() > read.pixels[300:500, 350:500].mean(), "the spine is bright"


def test_samples_by_name_and_errors(tmp_path):
    assert sample("rg1").id == "rg1"
    with pytest.raises(SampleError, match="'nothing'"):
        sample("nothing")
    listing = tmp_path / "films.json"
    with pytest.raises(SampleError, match="no list of films"):
        samples(listing)
    entry = '{"id": "a", "file": "a.jpg", "title": "A", "shows": "A.", "simulated": true, "credit": "C", "covid": %s}'
    for text, message in (
        ("{", "could not be read"),
        ("[]", "could not be read"),
        ('{"films": 3}', "Received: int"),
        ('{"films": [3]}', "Received: 3"),
        ('{"films": [{"id": "a"}]}', "lacks file"),
        ('{"films": [%s]}' % (entry % 2), "Received: 2"),
        ('{"films": [%s]}' % (entry % 1), "is not in"),
    ):
        listing.write_text(text)
        with pytest.raises(SampleError, match=message):
            samples(listing)
    (tmp_path / "a.jpg").write_bytes(b"x")
    listing.write_text('{"films": [' + entry % 1 + "," + entry % "null" + "]}")
    with pytest.raises(SampleError, match="more than once"):
        samples(listing)
