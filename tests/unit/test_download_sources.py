"""Original files from a local folder and from Kaggle, which is mocked."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from covid_model import config
from covid_model.data.download import Failure
from tests.support.film_server import (
    drawn,
    listed,
    row,
    run,
    server,
    stored,
)

__all__ = ["listed", "server"]
GOOD = stored(drawn(600, 450))


# --- From a folder -------------------------------------------------------------------------------------------


def put(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


@pytest.mark.parametrize("source", config.SOURCE_TITLES)
def test_every_source_can_come_from_a_folder(listed, tmp_path, source):
    given, to = tmp_path / "given", tmp_path / "films"
    put(given / "some" / "where" / "a.png", stored(drawn(600, 450)))
    report = run(to, listed(row(f"{source}-0001", "a.png")), sources=[source], folders={source: given})
    assert report.complete, report.summary()
    side = {"kermany": 224, "radiography": 224, "siim": 256}.get(source)
    assert Image.open(to / f"images/{source}/{source}-0001.jpg").size == ((side, side) if side else (512, 384))


def test_masks_under_the_same_name_are_passed_over(listed, tmp_path):
    given, to = tmp_path / "given", tmp_path / "films"
    put(given / "COVID/images/COVID-1.png", stored(drawn(299, 299)))
    put(given / "COVID/masks/COVID-1.png", stored(np.uint8(drawn(256, 256) < 120) * 255))
    listing = listed(row("radiography-0001", "COVID-1.png", 224, 224))
    assert run(to, listing, folders={"radiography": given}).complete
    assert np.asarray(Image.open(to / "images/radiography/radiography-0001.jpg")).mean() > 140


def test_a_squashed_film_as_found_stays_as_it_is(listed, tmp_path):
    given, to = tmp_path / "given", tmp_path / "films"
    content = stored(drawn(224, 224), "JPEG", quality=70)
    put(given / "a.jpeg", content)
    run(to, listed(row("kermany-0001", "a.jpeg", 224, 224)), folders={"kermany": given})
    assert (to / "images/kermany/kermany-0001.jpg").read_bytes() == content


def test_files_of_one_name_must_be_one_film(listed, tmp_path):
    given, to = tmp_path / "given", tmp_path / "films"
    for folder, seed in (("x", 0), ("y", 0), ("z", 1)):
        put(given / folder / "same.png", stored(drawn(600, 450)))
        put(given / folder / "other.png", stored(drawn(600, 450, seed)))
    listing = listed(row("cohen-0001", "same.png"), row("cohen-0002", "other.png"), row("cohen-0003", "none.png"))
    report = run(to, listing, folders={"cohen": given})
    assert {missing.id: missing.code for missing in report.missing} == {
        "cohen-0002": Failure.AMBIGUOUS,
        "cohen-0003": Failure.NOT_FOUND,
    }


# --- Kaggle --------------------------------------------------------------------------------------------------


def test_kaggle_sets_are_fetched_whole(listed, tmp_path, monkeypatch):
    cache = tmp_path / "cache"
    put(cache / "deep" / "train" / "person1.jpeg", stored(drawn(900, 700), "JPEG"))
    handles = []

    def download(handle: str) -> str:
        handles.append(handle)
        return str(cache)

    monkeypatch.setitem(sys.modules, "kagglehub", SimpleNamespace(dataset_download=download))
    listing = listed(row("kermany-0001", "person1.jpeg", 224, 224))
    assert run(tmp_path / "films", listing).complete
    assert run(tmp_path / "films", listing).complete
    assert handles == ["praveengovi/coronahack-chest-xraydataset"]  # not asked again once the films are there


def test_nih_is_fetched_film_by_film(listed, tmp_path, monkeypatch):
    requested = []

    def download(handle: str, path: str) -> str:
        requested.append(path)
        if path.endswith("00000061_013.png"):
            error = RuntimeError("no such file")
            error.error_code = 404
            raise error
        put(tmp_path / "cache" / path, stored(drawn(1024, 1024)))
        return str(tmp_path / "cache" / path)

    monkeypatch.setitem(sys.modules, "kagglehub", SimpleNamespace(dataset_download=download))
    names = ("00001335_006.png", "00001336_000.png", "00012229_003.png", "00000061_013.png")
    rows = [row(f"nih-{number:04}", name, 1024, 1024) for number, name in enumerate(names)]
    report = run(tmp_path / "films", listed(*rows))
    assert sorted(requested) == [
        "images_001/images/00000061_013.png",
        "images_001/images/00001335_006.png",
        "images_002/images/00001336_000.png",
        "images_006/images/00012229_003.png",
    ]
    assert [missing.code for missing in report.missing] == [Failure.NOT_FOUND]


def test_kaggle_refusing_more_is_said(listed, tmp_path, monkeypatch):
    def refuse(handle: str, path: str = "") -> str:
        error = RuntimeError("Too many requests")
        error.response = SimpleNamespace(status_code=429)
        raise error

    monkeypatch.setitem(sys.modules, "kagglehub", SimpleNamespace(dataset_download=refuse))
    rows = [row("radiography-0001", "COVID-1.png"), row("nih-0001", "00000061_012.png", 1024, 1024)]
    report = run(tmp_path / "films", listed(*rows))
    assert {missing.id: missing.code for missing in report.missing} == {
        "radiography-0001": Failure.SERVER,
        "nih-0001": Failure.SERVER,
    }
    assert all("429" in missing.reason and missing.host for missing in report.missing)


@pytest.mark.parametrize("source", ["kermany", "radiography", "nih", "siim"])
def test_without_kagglehub_it_says_what_to_do(listed, tmp_path, monkeypatch, source):
    monkeypatch.setitem(sys.modules, "kagglehub", None)  # importing it fails
    report = run(tmp_path / "films", listed(row(f"{source}-0001", "a.png")))
    summary = report.summary()
    assert [missing.code for missing in report.missing] == [Failure.NO_KAGGLEHUB]
    assert "pip install kagglehub" in summary
    assert "To do it manually: " in summary and "download" in summary and f"--from-folder {source}=DIR." in summary


def test_kagglehub_is_imported_only_when_asked_for(server, listed, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "kagglehub", None)
    server.files = {"a.png": GOOD}
    listing = listed(row("cohen-0001", "a.png"), row("kermany-0001", "b.jpeg"))
    assert run(tmp_path / "films", listing, sources=["cohen"]).complete
