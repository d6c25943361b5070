"""Downloading a challenge's films through kagglehub, from a local server in Kaggle's place."""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler

import numpy as np
import pytest
from PIL import Image

from covid_model.data.download import Failure, http
from tests.support import synthetic_images
from tests.support.film_server import drawn, listed, row, run, server

__all__ = ["listed", "server"]
pytest.importorskip("kagglehub")
SHAPE = (900, 700)  # width and height of a made-up film
STUDY = "train/00aa/11bb"


def sends(handler: BaseHTTPRequestHandler, content: bytes, kind: str) -> None:
    handler.send_response(200)
    handler.send_header("Content-Type", kind)
    handler.send_header("Content-Length", str(len(content)))
    handler.send_header("Last-Modified", "Fri, 27 Nov 2020 10:00:00 GMT")
    handler.end_headers()
    handler.wfile.write(content)


@pytest.fixture
def kaggle(server, tmp_path, monkeypatch):
    """Puts the local server in Kaggle's place; gives its dictionary of the challenge's files, by path."""
    from kagglesdk import kaggle_env

    files: dict[str, bytes] = {}

    def names(handler: BaseHTTPRequestHandler) -> None:
        """Two names a page."""
        first = int(json.loads(handler.body).get("pageToken") or 0)
        some = list(files)[first : first + 2]
        more = str(first + 2) if first + 2 < len(files) else ""
        answer = {"files": [{"name": name} for name in some], "nextPageToken": more}
        sends(handler, json.dumps(answer).encode(), "application/json")

    def download(handler: BaseHTTPRequestHandler) -> None:
        sends(handler, files[json.loads(handler.body)["fileName"]], "application/octet-stream")

    server.files = {"ListDataFiles": names, "DownloadDataFile": download}
    monkeypatch.setenv("KAGGLE_API_ENVIRONMENT", "LOCALHOST")
    monkeypatch.setitem(kaggle_env._env_to_endpoint, kaggle_env.KaggleEnv.LOCAL, server.address)
    monkeypatch.setenv("KAGGLEHUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("KAGGLE_CONFIG_DIR", str(tmp_path / "nobody"))
    monkeypatch.setenv("KAGGLE_USERNAME", "made-up")
    monkeypatch.setenv("KAGGLE_KEY", "made-up")
    return files


def siim(number: int, original_file: str) -> dict[str, object]:
    return row(f"siim-{number:04}", original_file, 256, 256, split="extra")


def test_films_come_one_by_one_as_squares(kaggle, server, listed, tmp_path):
    pixels = drawn(*SHAPE).astype(np.uint16) * 16
    kaggle["sample_submission.csv"] = b"id"
    kaggle[f"{STUDY}/aaaa.dcm"] = synthetic_images.dicom(pixels, 12)
    kaggle[f"{STUDY}/bbbb.dcm"] = synthetic_images.dicom(4095 - pixels, 12, PhotometricInterpretation="MONOCHROME1")
    kaggle[f"{STUDY}/cccc.dcm"] = kaggle[f"{STUDY}/aaaa.dcm"][:4000]  # cut short
    rows = [siim(number, name) for number, name in enumerate(("aaaa", "bbbb", "cccc", "dddd"), 1)]
    report = run(tmp_path / "films", listed(*rows))
    assert report.fetched == {"siim": 2}
    codes = {missing.id: missing.code for missing in report.missing}
    assert codes == {"siim-0003": Failure.DAMAGED, "siim-0004": Failure.NOT_FOUND}
    films = [Image.open(tmp_path / f"films/images/siim/siim-000{number}.jpg") for number in (1, 2)]
    assert {(film.format, film.mode, film.size) for film in films} == {("JPEG", "L", (256, 256))}
    expected = np.asarray(Image.fromarray(drawn(*SHAPE)).resize((256, 256)), float)
    for film in films:  # bright where tissue is dense, however the file stores it
        assert np.corrcoef(np.asarray(film, float).ravel(), expected.ravel())[0, 1] > 0.95
    assert server.asked == {"ListDataFiles": 2, "DownloadDataFile": 3}
    assert not list((tmp_path / "cache").rglob("*.dcm"))


def test_films_that_are_there_are_not_asked_for_again(kaggle, server, listed, tmp_path):
    kaggle[f"{STUDY}/aaaa.dcm"] = synthetic_images.dicom(drawn(*SHAPE))
    listing = listed(siim(1, "aaaa"))
    assert run(tmp_path / "films", listing).complete and run(tmp_path / "films", listing).complete
    assert server.asked == {"ListDataFiles": 1, "DownloadDataFile": 1}


@pytest.mark.parametrize("refused", ["ListDataFiles", "DownloadDataFile"])
def test_rules_that_were_not_accepted_are_named(kaggle, server, listed, tmp_path, refused):
    kaggle[f"{STUDY}/aaaa.dcm"] = synthetic_images.dicom(drawn(*SHAPE))
    server.files[refused] = 403
    report = run(tmp_path / "films", listed(siim(1, "aaaa")))
    assert [missing.code for missing in report.missing] == [Failure.LOGIN] and "403" in report.missing[0].reason
    assert "https://www.kaggle.com/c/siim-covid19-detection" in report.summary()


def test_without_a_login_it_says_so(kaggle, listed, tmp_path, monkeypatch):
    kaggle[f"{STUDY}/aaaa.dcm"] = synthetic_images.dicom(drawn(*SHAPE))
    for name in ("KAGGLE_USERNAME", "KAGGLE_KEY", "KAGGLE_API_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    report = run(tmp_path / "films", listed(siim(1, "aaaa")))
    assert [missing.code for missing in report.missing] == [Failure.LOGIN]


def test_they_can_come_from_a_folder_of_the_challenge(listed, tmp_path):
    given = tmp_path / "given" / STUDY
    given.mkdir(parents=True)
    (given / "aaaa.dcm").write_bytes(synthetic_images.dicom(drawn(*SHAPE)))
    assert run(tmp_path / "films", listed(siim(1, "aaaa")), folders={"siim": tmp_path / "given"}).complete


def test_a_dicom_past_the_limit_is_not_read(listed, tmp_path, monkeypatch):
    (tmp_path / "given").mkdir()
    (tmp_path / "given" / "aaaa.dcm").write_bytes(synthetic_images.dicom(drawn(1400, 1000)))
    monkeypatch.setattr(http, "MAX_DICOM_BYTES", 1 << 20)
    report = run(tmp_path / "films", listed(siim(1, "aaaa")), folders={"siim": tmp_path / "given"})
    assert [missing.code for missing in report.missing] == [Failure.TOO_LARGE]
