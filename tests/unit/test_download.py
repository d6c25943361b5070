"""Downloads: the committed list of films, and a data folder built from synthetic films on a local server."""

from __future__ import annotations

import hashlib
import time
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from covid_model import config
from covid_model.data import dataset
from covid_model.data.download import DownloadError, Failure, Patience, download, http, sources, write_list
from covid_model.data.download.http import NotAvailable, Web
from covid_model.data.download.images import LIST_COLUMNS, MANIFEST_COLUMNS, write_file
from tests.support.film_server import (
    QUICK,
    cut,
    drawn,
    flooding,
    listed,
    row,
    run,
    server,
    silent,
    stored,
    trickle_on,
    trickling,
)

__all__ = ["listed", "server"]
PAGE = b"<!DOCTYPE html><html><body>Please sign in</body></html>"


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
    with pytest.raises(DownloadError, match="patient") as caught:
        write_list(manifest, tmp_path / "list.csv")
    assert caught.value.code == Failure.LIST


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
    from covid_model.data.download.images import complete_film, read_films

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
    ("served", "code", "requests"),
    [
        (404, Failure.NOT_FOUND, 1),
        (403, Failure.REFUSED, 1),
        (503, Failure.SERVER, 3),
        (PAGE, Failure.OTHER_TYPE, 1),
        (b"", Failure.OTHER_TYPE, 1),
        (GOOD[: len(GOOD) // 2], Failure.DAMAGED, 1),
        (stored(drawn(450, 600)), Failure.WRONG_SIZE, 1),
        (stored(drawn(300, 225)), Failure.WRONG_SIZE, 1),  # never enlarged
        (stored(np.full((450, 600), 7, np.uint8)), Failure.BLANK, 1),
        (stored(np.zeros((6000, 6000), np.uint8)), Failure.TOO_LARGE, 1),
        (cut(GOOD), Failure.CONNECTION, 3),
        (silent, Failure.TIMEOUT, 3),
        (trickling, Failure.TIMEOUT, 3),
        (flooding, Failure.TOO_LARGE, 1),
    ],
    ids=[
        "404", "403", "503", "page", "empty", "damaged", "turned", "smaller", "blank", "bomb", "cut", "silent",
        "trickling", "flooding",
    ],
)  # fmt: skip
def test_what_is_refused_is_reported(server, listed, tmp_path, served, code, requests):
    server.files = {"bad.png": served, "good.png": GOOD}
    to = tmp_path / "films"
    limit = 0.4 if served is trickling else 30.0  # a busy machine takes its time over the flood
    patience = Patience(retries=2, backoff=0.0, read=0.3, film=limit)
    listing = listed(row("cohen-0001", "bad.png"), row("cohen-0002", "good.png"))
    report = download(to, listing=listing, patience=patience, progress=False)
    assert [missing.id for missing in report.missing] == ["cohen-0001"] and not report.complete
    assert report.missing[0].code == code and report.missing[0].reason in report.summary()
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
    with pytest.raises(NotAvailable) as refusal:
        Web(QUICK).get(f"{server.address}/a.png")
    assert refusal.value.code == Failure.TIMEOUT and refusal.value.host and server.asked == {"a.png": 3}


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
    with pytest.raises(NotAvailable) as refusal:
        Web(QUICK).get(f"{server.address}/a.png")
    assert refusal.value.code == Failure.TOO_LARGE and server.asked == {"a.png": 1}


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
    monkeypatch.setattr("covid_model.data.download.GIVE_UP", 4)
    server.files = {f"down{number}.png": 503 for number in range(30)} | {"good.png": GOOD}
    rows = [row(f"cohen-{number:04}", f"down{number}.png") for number in range(30)]
    report = run(tmp_path / "films", listed(*rows, row("figure1-0001", "good.png")), workers=2)
    assert len(report.missing) == 30 and report.fetched == {"figure1": 1}
    assert len(server.asked) <= 4 + 2 + 1  # four, what was under way, and the good one
    summary = report.summary()
    assert {missing.code for missing in report.missing} == {Failure.SERVER, Failure.SKIPPED}
    assert "--from-folder cohen=DIR" in summary


def test_nobody_there(listed, tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "GITHUB", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    report = run(tmp_path / "films", listed(row("cohen-0001", "a.png")))
    assert report.missing[0].code == Failure.CONNECTION
    assert len(manifest_of(tmp_path / "films")) == 0


# --- Asked for wrongly, or stopped ---------------------------------------------------------------------------


def test_wrong_questions_are_refused(listed, tmp_path):
    listing, there = listed(row("cohen-0001", "a.png")), tmp_path / "there"
    there.mkdir()
    (tmp_path / "file").write_text("x")
    for code, to, options in (
        (Failure.SOURCE, tmp_path / "films", {"sources": ["cohn"]}),
        (Failure.NO_FOLDER, tmp_path / "films", {"folders": {"cohen": tmp_path / "nowhere"}}),
        (Failure.UNUSED_FOLDER, tmp_path / "films", {"sources": ["nih"], "folders": {"cohen": there}}),
        (Failure.NO_FOLDER, tmp_path / "file", {}),
        (Failure.WORKERS, tmp_path / "films", {"workers": 0}),
    ):
        with pytest.raises(DownloadError) as caught:
            run(to, listing, **options)
        assert caught.value.code == code
    with pytest.raises(DownloadError) as caught:
        sources.open_source("cohn", None, Web(QUICK))
    assert caught.value.code == Failure.SOURCE and "cohn" in str(caught.value)
    assert not (tmp_path / "films").exists()


@pytest.mark.parametrize("path", ["../out.jpg", "/out.jpg", "images/../../out.jpg", "..\\out.jpg", ""])
def test_a_list_cannot_lead_out_of_the_folder(listed, tmp_path, path):
    with pytest.raises(DownloadError) as caught:
        run(tmp_path / "films", listed(row("cohen-0001", "a.png", path=path)))
    assert caught.value.code == Failure.OUTSIDE


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
