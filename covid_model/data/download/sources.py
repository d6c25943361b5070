"""Where a source's original files come from: a folder on this computer, GitHub, or Kaggle.

Each class answers `film(original_file)` and `mask(original_file)` with the file's content, or raises NotAvailable.
All may be
asked by several threads at once.
"""

from __future__ import annotations

import bisect
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Protocol
from urllib.parse import quote

from covid_model import config
from covid_model.data.download import http
from covid_model.data.download.http import NotAvailable, Web

GITHUB = "https://raw.githubusercontent.com"  # tests put a local server here
GITHUB_FOLDERS = {  # the folder that holds a source's original files, one by one
    "cohen": "ieee8023/covid-chestxray-dataset/HEAD/images",
    "figure1": "agchung/Figure1-COVID-chestxray-dataset/HEAD/images",
    "actualmed": "agchung/Actualmed-COVID-chestxray-dataset/HEAD/images",
}
GITHUB_MASKS = {"cohen": "ieee8023/covid-chestxray-dataset/HEAD/annotations/lungVAE-masks"}  # STEM_mask.png
KAGGLE_SETS = {  # downloaded whole (about 1.2 and 0.8 GB), kept in kagglehub's own cache
    "kermany": "praveengovi/coronahack-chest-xraydataset",
    "radiography": "tawsifurrahman/covid19-radiography-database",
}
KAGGLE_CHALLENGE = {"siim": "siim-covid19-detection"}  # film by film: the whole is too large for most disks
KAGGLE_NIH = "nih-chest-xrays/data/versions/3"  # film by film: the whole is 42 GB
NIH_FOLDERS = (  # the first film of images_001 to images_006, which hold all NIH films of the list
    "00000001_000.png",
    "00001336_000.png",
    "00003923_014.png",
    "00006585_007.png",
    "00009232_004.png",
    "00011558_008.png",
)
BY_HAND = {
    "cohen": "clone https://github.com/ieee8023/covid-chestxray-dataset",
    "figure1": "clone https://github.com/agchung/Figure1-COVID-chestxray-dataset",
    "actualmed": "clone https://github.com/agchung/Actualmed-COVID-chestxray-dataset",
    "kermany": "download and unpack https://www.kaggle.com/datasets/praveengovi/coronahack-chest-xraydataset",
    "radiography": "download and unpack https://www.kaggle.com/datasets/tawsifurrahman/covid19-radiography-database",
    "siim": "log in at https://www.kaggle.com/c/siim-covid19-detection, accept its rules, download and unpack its data",
    "nih": "download images_001.tar.gz to images_006.tar.gz from https://nihcc.app.box.com/v/ChestXray-NIHCC "
    "(no login, about 20 GB), unpack them into one folder",
}


MASKS_BY_HAND = {
    "cohen": "Masks that it lacks were drawn from the polygons of https://github.com/v7labs/covid-19-xray-dataset: "
    "put your own into the data folder as lung_masks/ID.png (1 bit, lungs white), and run the command again.",
}
KAGGLE_PAGE = 200  # files named in one answer


class Origin(Protocol):
    """What every place that original files come from can do."""

    def film(self, original_file: str) -> bytes: ...
    def mask(self, original_file: str) -> bytes: ...


class Folder:
    """A folder that holds original files, at whatever depth, found by their names.

    Folders called `masks` are passed over: the Radiography Database keeps masks there under the films' own names.
    """

    def __init__(self, folder: Path) -> None:
        self._files: dict[str, list[Path]] = {}
        for place, below, names in os.walk(folder):
            below[:] = sorted(name for name in below if name.lower() != "masks")
            for name in names:
                self._files.setdefault(name, []).append(Path(place) / name)

    def film(self, original_file: str) -> bytes:
        found = self._files.get(original_file) or self._files.get(f"{original_file}.dcm", [])
        if not found:
            raise NotAvailable("the folder has no file of this name")
        contents = {_read(path) for path in found}
        if len(contents) > 1:
            raise NotAvailable("the folder has several different files of this name")
        return contents.pop()

    def mask(self, original_file: str) -> bytes:
        return self.film(_mask_name(original_file))


class GitHub:
    """A repository's raw files, one by one."""

    def __init__(self, source: str, web: Web) -> None:
        self._web = web
        self._films = GITHUB_FOLDERS[source]
        self._masks = GITHUB_MASKS.get(source)

    def film(self, original_file: str) -> bytes:
        return self._web.get(f"{GITHUB}/{self._films}/{quote(original_file)}")

    def mask(self, original_file: str) -> bytes:
        if self._masks is None:
            raise NotAvailable("the source has no lung masks")
        return self._web.get(f"{GITHUB}/{self._masks}/{quote(_mask_name(original_file))}")


class KaggleNIH:
    """NIH's films, one by one, through kagglehub. Kaggle refuses more after some hundred: run again later."""

    def __init__(self) -> None:
        self._hub = _kagglehub()

    def film(self, original_file: str) -> bytes:
        number = bisect.bisect_right(NIH_FOLDERS, original_file)
        path = f"images_{number:03d}/images/{original_file}"
        try:
            return _read(Path(self._hub.dataset_download(KAGGLE_NIH, path=path)))
        except NotAvailable:
            raise
        except Exception as error:  # kagglehub raises its own kinds, requests' and OSError
            raise _from_kaggle(error) from error

    def mask(self, original_file: str) -> bytes:
        raise NotAvailable("the source has no lung masks")


class KaggleChallenge:
    """A challenge's films, one by one, through kagglehub: its rules must be accepted by whoever is logged in.

    The list of films names pictures, and the challenge keeps each under its study and series: so its own list of files
    is asked for once. Nothing stays in kagglehub's cache, as the originals are many times larger than our films.
    """

    def __init__(self, handle: str) -> None:
        self._hub, self._handle = _kagglehub(), handle
        try:
            self._paths = {PurePosixPath(name).stem: name for name in _challenge_files(handle) if name.endswith(".dcm")}
        except Exception as error:
            raise _from_kaggle(error) from error

    def film(self, original_file: str) -> bytes:
        if original_file not in self._paths:
            raise NotAvailable("the challenge lists no such file")
        path = self._paths[original_file]
        with tempfile.TemporaryDirectory() as folder:
            try:
                return _read(Path(self._hub.competition_download(self._handle, path=path, output_dir=folder)))
            except NotAvailable:
                raise
            except Exception as error:
                raise _from_kaggle(error) from error

    def mask(self, original_file: str) -> bytes:
        raise NotAvailable("the source has no lung masks")


def open_source(source: str, folder: Path | None, web: Web) -> Origin:
    """Where `source` comes from: the folder where one is given, else its public place.

    Raises:
        NotAvailable: the whole source cannot be had.
    """
    if folder is not None:
        return Folder(folder)
    if source in GITHUB_FOLDERS:
        return GitHub(source, web)
    if source in KAGGLE_SETS:
        return _kaggle_set(KAGGLE_SETS[source])
    if source in KAGGLE_CHALLENGE:
        return KaggleChallenge(KAGGLE_CHALLENGE[source])
    return KaggleNIH()


def by_hand(source: str) -> str:
    """How to get a source, and the masks of its films, without us, in a sentence or two."""
    masks = f" {MASKS_BY_HAND[source]}" if source in MASKS_BY_HAND else ""
    return f"{BY_HAND[source]}, and give the folder with --from-folder {source}=DIR.{masks}"


def _kaggle_set(handle: str) -> Folder:
    """A whole data set of Kaggle's, through kagglehub, which shows its own progress and resumes."""
    hub = _kagglehub()
    try:
        return Folder(Path(hub.dataset_download(handle)))
    except Exception as error:
        raise _from_kaggle(error) from error


def _kagglehub():
    try:
        import kagglehub
    except ImportError as error:
        raise NotAvailable("this source needs `pip install kagglehub`") from error
    return kagglehub


def _challenge_files(handle: str) -> Iterator[str]:
    """The names of a challenge's files, with their folders, a page of them at a time."""
    from kagglehub.clients import build_kaggle_client
    from kagglesdk.competitions.types.competition_api_service import ApiListDataFilesRequest

    request = ApiListDataFilesRequest()
    request.competition_name, request.page_size = handle, KAGGLE_PAGE
    with build_kaggle_client() as client:
        while True:
            answer = client.competitions.competition_api_client.list_data_files(request)
            yield from (file.name for file in answer.files)
            if not answer.next_page_token:
                return
            request.page_token = answer.next_page_token


def _from_kaggle(error: Exception) -> NotAvailable:
    if type(error).__name__ == "UnauthenticatedError":
        return NotAvailable("Kaggle wants a login", host=True)
    status = getattr(getattr(error, "response", None), "status_code", None) or getattr(error, "error_code", None)
    if status == 404 or type(error).__name__ == "NotFoundError":
        return NotAvailable("Kaggle has no such file (404)")
    if status in (401, 403):
        return NotAvailable(
            f"Kaggle answered {status}: log in, and accept the rules where it is a challenge", host=True
        )
    answer = f"answered {status}" if status else f"could not be reached ({type(error).__name__})"
    return NotAvailable(f"Kaggle {answer}", host=True)


def _read(path: Path) -> bytes:
    limit = http.MAX_DICOM_BYTES if path.suffix == ".dcm" else config.MAX_BYTES
    try:
        if path.stat().st_size > limit:
            raise NotAvailable(f"the file is larger than {limit / 2**20:.0f} MB")
        return path.read_bytes()
    except OSError as error:
        raise NotAvailable("the file cannot be read") from error


def _mask_name(original_file: str) -> str:
    return f"{PurePosixPath(original_file).stem}_mask.png"
