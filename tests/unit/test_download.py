"""Fetching: the committed list of films, and a data folder built from made-up films on a server of this machine."""

from __future__ import annotations

import hashlib
import sys
import time
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from covid_model import config
from covid_model.data import dataset
from covid_model.data.download import DownloadError, Patience, download, http, sources, write_list
from covid_model.data.download import run as download_run
from covid_model.data.download.http import NotAvailable, Web
from covid_model.data.download.images import write_file
from covid_model.data.download.manifest import LIST_COLUMNS, MANIFEST_COLUMNS
from tests.support.film_server import (
    QUICK,
    cut,
    drawn,
    flooding,
    listed,
    row,
    server,
    silent,
    stored,
    trickle_on,
    trickling,
)

__all__ = ["listed", "server"]
PAGE = b"<!DOCTYPE html><html><body>Please sign in</body></html>"


def run(to: Path, listing: Path, **options):
    return download(to, listing=listing, patience=QUICK, progress=False, **options)


def manifest_of(folder: Path) -> pd.DataFrame:
    return pd.read_csv(folder / "manifest.csv", dtype=str, keep_default_na=False).set_index("id")


def no_half_files(folder: Path) -> bool:
    return not list(folder.rglob("*.part"))


# --- The committed list --------------------------------------------------------------------------------------


def test_list_carries_the_manifest_over(tmp_path):
    rows = [
        row("cohen-0001", "a.png", lung_mask="lung_masks/cohen-0001.png", geographic_mean=3.5, sex="F"),
        row("nih-0001", "00000061_012.png", split="extra-test", covid=0, finding="No Finding"),
    ]
    manifest, to = tmp_path / "manifest.csv", tmp_path / "deep" / "list.csv"
    pd.DataFrame(rows).to_csv(manifest, index=False)
    assert write_list(manifest, to) == 2
    listing = pd.read_csv(to, dtype=str, keep_default_na=False)
    assert tuple(listing.columns) == LIST_COLUMNS
    assert listing["lung_mask"].tolist() == ["1", "0"]
    for column in set(LIST_COLUMNS) - {"lung_mask"}:
        assert listing[column].tolist() == [str(film[column]) for film in rows], column
    assert dataset.read_list(to).loc["nih-0001", "split"] == "extra-test"


def test_list_needs_every_column(tmp_path):
    manifest = tmp_path / "manifest.csv"
    pd.DataFrame([row("cohen-0001", "a.png")]).drop(columns=["patient"]).to_csv(manifest, index=False)
    with pytest.raises(DownloadError, match="lacks the columns patient"):
        write_list(manifest, tmp_path / "list.csv")


def test_committed_list_has_the_films_of_the_paper():
    films = dataset.committed()
    for split, (count, covid) in {"train": config.PAPER_TRAIN, "test": config.PAPER_TEST}.items():
        chosen = films[films["split"] == split]
        assert (len(chosen), chosen["covid"].sum()) == (count, covid)
    assert set(films["source"]) == set(config.SOURCE_TITLES)
    assert films["sha256"].str.fullmatch("[0-9a-f]{64}").all()
    assert not films.duplicated(["source", "original_file"]).any()


@pytest.mark.films
def test_committed_list_agrees_with_the_data_folder(data_folder, tmp_path):
    write_list(data_folder / "manifest.csv", tmp_path / "list.csv")
    assert (tmp_path / "list.csv").read_bytes() == config.DATASET_CSV.read_bytes()


@pytest.mark.films
def test_real_films_count_as_whole(data_folder):
    from covid_model.data.download.images import complete_film
    from covid_model.data.download.manifest import read_films

    listing = read_films(config.DATASET_CSV)
    odd = [film for film in listing if film.id in ("cohen-0221", "cohen-0253", "cohen-0366")]  # halves, rounded down
    for film in listing[::150] + odd:
        assert complete_film(data_folder / film.path, film) == film.sha256, film.id


# --- Building a folder ---------------------------------------------------------------------------------------


def test_builds_a_data_folder(server, listed, tmp_path):
    server.files = {
        "a%20b%23.png": stored(drawn(1200, 900)),
        "b.jpg": stored(np.dstack([drawn(300, 400)] * 3), "JPEG"),
        "COVID-1.png": stored(drawn(600, 450)),
        "CR.1.png": stored(drawn(600, 450).astype(np.uint16) * 16),  # 12 bits in 16
    }
    listing = listed(
        row("cohen-0001", "a b#.png", 1200, 900),
        row("cohen-0002", "b.jpg", 300, 400),
        row("figure1-0001", "COVID-1.png"),
        row("actualmed-0001", "CR.1.png", split="external"),
    )
    to = tmp_path / "new" / "films"
    report = run(to, listing)
    assert report.complete, report.summary()
    assert report.fetched == {"cohen": 2, "figure1": 1, "actualmed": 1}
    assert "/ieee8023/covid-chestxray-dataset/HEAD/images/a%20b%23.png" in server.paths
    sizes = {}
    for film_id, path in manifest_of(to)["path"].items():
        picture = Image.open(to / path)
        assert (picture.format, picture.mode) == ("JPEG", "L")
        sizes[film_id] = picture.size
    assert sizes == {
        "cohen-0001": (512, 384), "cohen-0002": (300, 400), "figure1-0001": (512, 384), "actualmed-0001": (512, 384),
    }  # fmt: skip
    twelve_bits = np.asarray(Image.open(to / "images/actualmed/actualmed-0001.jpg"))
    assert twelve_bits.max() > 230 and twelve_bits.std() > 20  # scaled, not saturated
    assert no_half_files(to)


def test_manifest_is_that_of_a_data_folder(server, listed, tmp_path):
    server.files = {"a.png": stored(drawn(600, 450))}
    run(tmp_path / "films", listed(row("cohen-0001", "a.png"), row("cohen-0002", "gone.png")))
    films = dataset.load(tmp_path / "films")
    assert list(films.films.index) == ["cohen-0001"] and not films.missing()  # only what is there
    manifest = manifest_of(tmp_path / "films")
    assert tuple(manifest.reset_index().columns) == MANIFEST_COLUMNS
    content = films.path("cohen-0001").read_bytes()
    assert manifest.at["cohen-0001", "sha256"] == hashlib.sha256(content).hexdigest()
    assert manifest.at["cohen-0001", "url"] == "https://example.org/a,b"


def test_goes_on_where_it_stopped(server, listed, tmp_path):
    server.files = {name: stored(drawn(600, 450, seed)) for seed, name in enumerate(("a.png", "b.png", "c.png"))}
    listing = listed(row("cohen-0001", "a.png"), row("cohen-0002", "b.png"), row("cohen-0003", "c.png"))
    to = tmp_path / "films"
    run(to, listing)
    folder = to / "images/cohen"
    whole = (folder / "cohen-0001.jpg").read_bytes()
    (folder / "cohen-0002.jpg").write_bytes(whole[: len(whole) // 2])  # cut short
    (folder / "cohen-0003.jpg").write_bytes(stored(drawn(100, 100), "JPEG"))  # another film
    (folder / "cohen-0009.jpg.part").write_bytes(b"half")
    report = run(to, listing)
    assert report.present == {"cohen": 1} and report.fetched == {"cohen": 2}
    assert server.asked == {"a.png": 1, "b.png": 2, "c.png": 2}
    assert len(manifest_of(to)) == 3 and no_half_files(to)


def test_other_sources_stay_in_the_manifest(server, listed, tmp_path):
    server.files = {"a.png": stored(drawn(600, 450)), "b.png": stored(drawn(600, 450))}
    listing = listed(row("cohen-0001", "a.png"), row("figure1-0001", "b.png"))
    run(tmp_path / "films", listing, sources=["cohen"])
    report = run(tmp_path / "films", listing, sources=["figure1"])
    assert report.complete and report.requested == {"figure1": 1}
    assert list(manifest_of(tmp_path / "films").index) == ["cohen-0001", "figure1-0001"]


def test_knows_the_very_same_film(server, listed, tmp_path):
    server.files = {"a.png": stored(drawn(600, 450))}
    run(tmp_path / "films", listed(row("cohen-0001", "a.png")))
    sha256 = manifest_of(tmp_path / "films").at["cohen-0001", "sha256"]
    assert run(tmp_path / "films", listed(row("cohen-0001", "a.png", sha256=sha256))).identical == 1


def test_lung_masks_come_with_the_films(server, listed, tmp_path):
    mask = np.uint8(drawn(300, 225) < 120) * 255
    server.files = {"a.png": stored(drawn(600, 450)), "a_mask.png": stored(mask), "b.png": stored(drawn(600, 450))}
    server.files["gone_mask.png"] = stored(mask)  # of a film that is not to be had: not asked for
    names = ("a.png", "b.png", "gone.png")
    listing = listed(*(row(f"cohen-000{number}", name, lung_mask="x") for number, name in enumerate(names, 1)))
    to = tmp_path / "films"
    report = run(to, listing)
    assert manifest_of(to)["lung_mask"].tolist() == ["lung_masks/cohen-0001.png", ""]
    kept = Image.open(to / "lung_masks/cohen-0001.png")
    assert kept.mode == "1" and (np.asarray(kept) == (mask > 0)).all()
    missing = sorted((missing.id, missing.item) for missing in report.missing)
    assert missing == [("cohen-0002", "lung mask"), ("cohen-0003", "film")]
    assert "gone_mask.png" not in server.asked
    assert "1 lung mask missing, not found at the source (404): cohen-0002 (b.png)" in report.summary()


def test_a_turned_film_is_put_upright_where_the_list_says_so(server, listed, tmp_path):
    turned = Image.Exif()
    turned[0x0112] = 6
    server.files = {"a.jpg": stored(drawn(600, 450), "JPEG", exif=turned)}
    for listed_as, size in (((450, 600), (384, 512)), ((600, 450), (512, 384))):
        to = tmp_path / f"{listed_as[0]}"
        assert run(to, listed(row("figure1-0001", "a.jpg", *listed_as))).complete
        assert Image.open(to / "images/figure1/figure1-0001.jpg").size == size


# --- A server that misbehaves --------------------------------------------------------------------------------

GOOD = stored(drawn(600, 450))


@pytest.mark.parametrize(
    ("served", "reason", "requests"),
    [
        (404, "not found at the source (404)", 1),
        (403, "answered 403", 1),
        (503, "answered 503", 3),
        (PAGE, "expected a JPEG or PNG image, got a web page", 1),
        (b"", "got an empty file", 1),
        (GOOD[: len(GOOD) // 2], "damaged", 1),
        (stored(drawn(450, 600)), "450 x 600 pixels; expected 600 x 450", 1),
        (stored(drawn(300, 225)), "300 x 225 pixels; expected 600 x 450", 1),  # never enlarged
        (stored(np.full((450, 600), 7, np.uint8)), "blank", 1),
        (stored(np.zeros((6000, 6000), np.uint8)), "more than 25 megapixels", 1),
        (cut(GOOD), "failed or was interrupted", 3),
        (silent, "timed out", 3),
        (trickling, "timed out", 3),
        (flooding, "larger than 20 MB", 1),
    ],
    ids=[
        "404", "403", "503", "page", "empty", "damaged", "turned", "smaller", "blank", "bomb", "cut", "silent",
        "trickling", "flooding",
    ],
)  # fmt: skip
def test_what_is_refused_is_reported(server, listed, tmp_path, served, reason, requests):
    server.files = {"bad.png": served, "good.png": GOOD}
    to = tmp_path / "films"
    patience = Patience(retries=2, backoff=0.0, read=0.3, film=0.4)
    listing = listed(row("cohen-0001", "bad.png"), row("cohen-0002", "good.png"))
    report = download(to, listing=listing, patience=patience, progress=False)
    assert [missing.id for missing in report.missing] == ["cohen-0001"] and not report.complete
    assert reason in report.missing[0].reason
    assert server.asked["bad.png"] == requests
    assert list(manifest_of(to).index) == ["cohen-0002"]  # the others are fetched all the same
    assert [path.name for path in (to / "images/cohen").iterdir()] == ["cohen-0002.jpg"]
    assert f"1 of 2 X-rays are in {to}" in report.summary()


@pytest.mark.parametrize("first", [500, 429, cut(GOOD), silent], ids=["500", "429", "cut", "silent"])
def test_passing_failures_are_tried_again(server, listed, tmp_path, first):
    server.files = {"a.png": [first, GOOD]}
    assert run(tmp_path / "films", listed(row("cohen-0001", "a.png"))).complete
    assert server.asked["a.png"] == 2


def told(retry_after: str):
    """An answer 429 that asks for a wait."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(429)
        handler.send_header("Retry-After", retry_after)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    return answer


def test_waits_grow_and_heed_the_server(server, monkeypatch):
    waits: list[float] = []
    monkeypatch.setattr("time.sleep", waits.append)
    server.files = {"a.png": [500, 500, cut(GOOD), told("9000"), told("7"), told("soon"), GOOD]}
    assert Web(Patience(retries=6, backoff=1.0)).get(f"{server.address}/a.png") == GOOD
    longest = http.LONGEST_WAIT
    assert waits == [2.0, 4.0, longest, 7.0, 32.0]  # the first retry comes at once


def test_every_kind_of_failure_counts_toward_one_number_of_attempts(server):
    server.files = {"a.png": [500, cut(GOOD), silent, GOOD]}
    with pytest.raises(NotAvailable, match="timed out") as refusal:
        Web(QUICK).get(f"{server.address}/a.png")
    assert refusal.value.host and server.asked == {"a.png": 3}


def test_an_endless_answer_of_failure_is_not_read(server):
    def endless(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(503)
        handler.end_headers()
        trickle_on(handler)

    server.files = {"a.png": [endless, GOOD]}
    began = time.monotonic()
    assert Web(QUICK).get(f"{server.address}/a.png") == GOOD
    assert time.monotonic() - began < 3


def test_promised_size_past_the_limit_is_not_read(server):
    def promise(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(10**10))
        handler.end_headers()
        silent(handler)

    server.files = {"a.png": promise}
    with pytest.raises(NotAvailable, match="larger than 20 MB"):
        Web(QUICK).get(f"{server.address}/a.png")
    assert server.asked == {"a.png": 1}


def test_a_disk_that_fails_leaves_the_old_film(tmp_path, monkeypatch):
    def fail(path: Path, data: bytes) -> None:
        with path.open("wb") as file:
            file.write(data[:2])
        raise OSError("No space left on device")

    film = tmp_path / "film.jpg"
    write_file(b"the old film", film)
    monkeypatch.setattr(Path, "write_bytes", fail)
    with pytest.raises(OSError, match="No space"):
        write_file(b"the new film", film)
    assert film.read_bytes() == b"the old film" and no_half_files(tmp_path)


def test_gives_up_a_source_that_is_down_but_not_the_others(server, listed, tmp_path, monkeypatch):
    monkeypatch.setattr(download_run, "GIVE_UP", 4)
    server.files = {f"down{number}.png": 503 for number in range(30)} | {"good.png": GOOD}
    rows = [row(f"cohen-{number:04}", f"down{number}.png") for number in range(30)]
    report = run(tmp_path / "films", listed(*rows, row("figure1-0001", "good.png")), workers=2)
    assert len(report.missing) == 30 and report.fetched == {"figure1": 1}
    assert len(server.asked) <= 4 + 2 + 1  # four, what was under way, and the good one
    summary = report.summary()
    assert "skipped after 4 consecutive server failures" in summary and "--from-folder cohen=DIR" in summary


def test_nobody_there(listed, tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "GITHUB", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    report = run(tmp_path / "films", listed(row("cohen-0001", "a.png")))
    assert report.missing[0].reason == "the connection failed or was interrupted"
    assert len(manifest_of(tmp_path / "films")) == 0


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
    assert {missing.id: missing.reason for missing in report.missing} == {
        "cohen-0002": "the folder has several different files with this name",
        "cohen-0003": "the folder has no file with this name",
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
    assert [missing.reason for missing in report.missing] == ["Kaggle has no such file (404)"]


def test_kaggle_refusing_more_is_said(listed, tmp_path, monkeypatch):
    def refuse(handle: str, path: str = "") -> str:
        error = RuntimeError("Too many requests")
        error.response = SimpleNamespace(status_code=429)
        raise error

    monkeypatch.setitem(sys.modules, "kagglehub", SimpleNamespace(dataset_download=refuse))
    rows = [row("radiography-0001", "COVID-1.png"), row("nih-0001", "00000061_012.png", 1024, 1024)]
    summary = run(tmp_path / "films", listed(*rows)).summary()
    assert "Kaggle answered 429: radiography-0001" in summary
    assert "Kaggle answered 429: nih-0001" in summary


@pytest.mark.parametrize("source", ["kermany", "radiography", "nih", "siim"])
def test_without_kagglehub_it_says_what_to_do(listed, tmp_path, monkeypatch, source):
    monkeypatch.setitem(sys.modules, "kagglehub", None)  # importing it fails
    summary = run(tmp_path / "films", listed(row(f"{source}-0001", "a.png"))).summary()
    assert "pip install kagglehub" in summary
    assert "To do it manually: " in summary and "download" in summary and f"--from-folder {source}=DIR." in summary


def test_kagglehub_is_imported_only_when_asked_for(server, listed, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "kagglehub", None)
    server.files = {"a.png": GOOD}
    listing = listed(row("cohen-0001", "a.png"), row("kermany-0001", "b.jpeg"))
    assert run(tmp_path / "films", listing, sources=["cohen"]).complete


# --- Asked for wrongly, or stopped ---------------------------------------------------------------------------


def test_wrong_questions_are_refused(listed, tmp_path):
    listing, there = listed(row("cohen-0001", "a.png")), tmp_path / "there"
    there.mkdir()
    (tmp_path / "file").write_text("x")
    for message, to, options in (
        ("Received: cohn", tmp_path / "films", {"sources": ["cohn"]}),
        ("does not exist", tmp_path / "films", {"folders": {"cohen": tmp_path / "nowhere"}}),
        ("not among the sources", tmp_path / "films", {"sources": ["nih"], "folders": {"cohen": there}}),
        ("is a file", tmp_path / "file", {}),
        ("at least 1", tmp_path / "films", {"workers": 0}),
    ):
        with pytest.raises(DownloadError, match=message):
            run(to, listing, **options)
    assert not (tmp_path / "films").exists()


@pytest.mark.parametrize("path", ["../out.jpg", "/out.jpg", "images/../../out.jpg", "..\\out.jpg", ""])
def test_a_list_cannot_lead_out_of_the_folder(listed, tmp_path, path):
    with pytest.raises(DownloadError, match="outside"):
        run(tmp_path / "films", listed(row("cohen-0001", "a.png", path=path)))


def test_interrupted_it_keeps_what_came(server, listed, tmp_path, monkeypatch):
    server.files = {"a.png": GOOD}
    real = Web.get

    def get(web: Web, url: str) -> bytes:
        if url.endswith("b.png"):
            raise KeyboardInterrupt
        return real(web, url)

    monkeypatch.setattr(Web, "get", get)
    listing = listed(row("cohen-0001", "a.png"), row("figure1-0001", "b.png"))
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "films", listing)
    assert list(manifest_of(tmp_path / "films").index) == ["cohen-0001"] and no_half_files(tmp_path / "films")
