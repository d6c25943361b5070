"""Get the original files of a source from a local folder, GitHub or Kaggle.

The methods `film(original_file)` and `mask(original_file)` return the file's content or raise NotAvailable. Several
threads may call them.
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
from covid_model.data.download.http import DownloadError, Failure, NotAvailable, Web

GITHUB = "https://raw.githubusercontent.com"  # tests set this to a local server
GITHUB_FOLDERS = {  # the folder of each source's original files
    "cohen": "ieee8023/covid-chestxray-dataset/HEAD/images",
    "figure1": "agchung/Figure1-COVID-chestxray-dataset/HEAD/images",
    "actualmed": "agchung/Actualmed-COVID-chestxray-dataset/HEAD/images",
}
GITHUB_MASKS = {"cohen": "ieee8023/covid-chestxray-dataset/HEAD/annotations/lungVAE-masks"}  # STEM_mask.png
KAGGLE_SETS = {  # downloaded whole (about 1.2 and 0.8 GB) into kagglehub's cache
    "kermany": "praveengovi/coronahack-chest-xraydataset",
    "radiography": "tawsifurrahman/covid19-radiography-database",
}
KAGGLE_FOLDERS = {  # where they keep a film; {stem} is its file's name up to the last hyphen
    "kermany": tuple(f"{'Coronahack-Chest-XRay-Dataset/' * 2}{part}" for part in ("test", "train")),
    "radiography": ("COVID-19_Radiography_Dataset/{stem}/images",),
}
KAGGLE_CHALLENGE = {"siim": "siim-covid19-detection"}  # film by film: the whole is too large for most disks
NIH = "nih"
KAGGLE_NIH = "nih-chest-xrays/data/versions/3"  # film by film: the whole is 42 GB
NIH_FOLDERS = (  # the first film of images_001 to images_006, which contain all listed NIH films
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
    NIH: "download images_001.tar.gz to images_006.tar.gz from https://nihcc.app.box.com/v/ChestXray-NIHCC "
    "(no login, about 20 GB), unpack them into one folder",
}
MASKS_BY_HAND = {
    "cohen": "The other masks were drawn from the polygons of https://github.com/v7labs/covid-19-xray-dataset: "
    "save your own in the data folder as lung_masks/ID.png (1 bit, lungs white) and run the command again.",
}
KAGGLE_PAGE = 200  # files listed per request


class Origin(Protocol):
    """A place from which original files are read."""

    def film(self, original_file: str) -> bytes: ...
    def mask(self, original_file: str) -> bytes: ...


class Folder:
    """A local folder, searched by file name at any depth.

    Folders called `masks` are skipped: the Radiography Database has masks there under the names of the films.
    """

    def __init__(self, folder: Path) -> None:
        self._files: dict[str, list[Path]] = {}
        for parent, subfolders, names in os.walk(folder):
            subfolders[:] = sorted(name for name in subfolders if name.lower() != "masks")
            for name in names:
                self._files.setdefault(name, []).append(Path(parent) / name)

    def film(self, original_file: str) -> bytes:
        paths = self._files.get(original_file) or self._files.get(f"{original_file}.dcm", [])
        if not paths:
            raise NotAvailable("the folder has no file with this name", Failure.NOT_FOUND)
        contents = {_read(path) for path in paths}
        if len(contents) > 1:
            raise NotAvailable("the folder has several different files with this name", Failure.AMBIGUOUS)
        return contents.pop()

    def mask(self, original_file: str) -> bytes:
        return self.film(_mask_name(original_file))


class GitHub:
    """A GitHub repository, downloaded file by file."""

    def __init__(self, source: str, web: Web) -> None:
        self._web = web
        self._films = GITHUB_FOLDERS[source]
        self._masks = GITHUB_MASKS.get(source)

    def film(self, original_file: str) -> bytes:
        return self._web.get(f"{GITHUB}/{self._films}/{quote(original_file)}")

    def mask(self, original_file: str) -> bytes:
        if self._masks is None:
            raise NotAvailable("the source has no lung masks", Failure.NOT_FOUND)
        return self._web.get(f"{GITHUB}/{self._masks}/{quote(_mask_name(original_file))}")


class KaggleNIH:
    """The NIH films, one by one, through kagglehub. After some hundreds Kaggle refuses more: run again later."""

    def __init__(self) -> None:
        self._hub = _kagglehub()

    def film(self, original_file: str) -> bytes:
        number = bisect.bisect_right(NIH_FOLDERS, original_file)
        path = f"images_{number:03d}/images/{original_file}"
        try:
            return _read(Path(self._hub.dataset_download(KAGGLE_NIH, path=path)))
        except NotAvailable:
            raise
        except Exception as error:  # kagglehub's own errors, those of requests, or OSError
            raise _from_kaggle(error) from error

    def mask(self, original_file: str) -> bytes:
        raise NotAvailable("the source has no lung masks", Failure.NOT_FOUND)


class KaggleFiles:
    """Single films of a Kaggle data set, through kagglehub, for when the whole would be too much.

    A film is looked for in each folder that may contain it.
    """

    def __init__(self, source: str) -> None:
        self._hub, self._handle, self._folders = _kagglehub(), KAGGLE_SETS[source], KAGGLE_FOLDERS[source]

    def film(self, original_file: str) -> bytes:
        stem = original_file.rpartition("-")[0]
        failure = None
        for folder in self._folders:
            path = f"{folder.format(stem=stem)}/{original_file}"
            try:
                return _read(Path(self._hub.dataset_download(self._handle, path=path)))
            except NotAvailable:
                raise
            except Exception as error:  # kagglehub's own errors, those of requests, or OSError
                failure = _from_kaggle(error)
                if failure.host:
                    raise failure from error
        raise failure

    def mask(self, original_file: str) -> bytes:
        raise NotAvailable("the source has no lung masks", Failure.NOT_FOUND)


class KaggleChallenge:
    """The films of a Kaggle challenge, one by one, through kagglehub. The user must log in and accept its rules.

    The challenge stores each image under its study and series, so its list of files is read first. Nothing stays in
    kagglehub's cache, as the originals are many times larger than the films made from them.
    """

    def __init__(self, handle: str) -> None:
        self._hub, self._handle = _kagglehub(), handle
        try:
            self._paths = {PurePosixPath(name).stem: name for name in _challenge_files(handle) if name.endswith(".dcm")}
        except Exception as error:
            raise _from_kaggle(error) from error

    def film(self, original_file: str) -> bytes:
        if original_file not in self._paths:
            raise NotAvailable("the challenge has no such file", Failure.NOT_FOUND)
        path = self._paths[original_file]
        with tempfile.TemporaryDirectory() as folder:
            try:
                return _read(Path(self._hub.competition_download(self._handle, path=path, output_dir=folder)))
            except NotAvailable:
                raise
            except Exception as error:
                raise _from_kaggle(error) from error

    def mask(self, original_file: str) -> bytes:
        raise NotAvailable("the source has no lung masks", Failure.NOT_FOUND)


def open_source(source: str, folder: Path | None, web: Web, single: bool = False) -> Origin:
    """Return the place to read `source` from: `folder` if given, else GitHub or Kaggle.

    With `single`, nothing is downloaded but the films asked for: no data set as a whole.

    Raises:
        NotAvailable: the whole source is unavailable.
        DownloadError: there is no such source.
    """
    if folder is not None:
        return Folder(folder)
    if source in GITHUB_FOLDERS:
        return GitHub(source, web)
    if source in KAGGLE_SETS:
        return KaggleFiles(source) if single else _kaggle_set(KAGGLE_SETS[source])
    if source in KAGGLE_CHALLENGE:
        return KaggleChallenge(KAGGLE_CHALLENGE[source])
    if source == NIH:
        return KaggleNIH()
    raise DownloadError(f"The source must be one of {', '.join(BY_HAND)}. Received: {source!r}.", Failure.SOURCE)


def by_hand(source: str) -> str:
    """Describe in a sentence or two how to get a source, and its masks, manually."""
    masks = f" {MASKS_BY_HAND[source]}" if source in MASKS_BY_HAND else ""
    return f"{BY_HAND[source]}, and pass the folder with --from-folder {source}=DIR.{masks}"


def _kaggle_set(handle: str) -> Folder:
    """Download a whole Kaggle data set through kagglehub, which shows progress and resumes."""
    hub = _kagglehub()
    try:
        return Folder(Path(hub.dataset_download(handle)))
    except Exception as error:
        raise _from_kaggle(error) from error


def _kagglehub():
    try:
        import kagglehub
    except ImportError as error:
        raise NotAvailable("this source needs `pip install kagglehub`", Failure.NO_KAGGLEHUB) from error
    return kagglehub


def _challenge_files(handle: str) -> Iterator[str]:
    """Yield the paths of a challenge's files, requested page by page."""
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
        return NotAvailable("Kaggle requires a login", Failure.LOGIN, host=True)
    status = getattr(getattr(error, "response", None), "status_code", None) or getattr(error, "error_code", None)
    if status == 404 or type(error).__name__ == "NotFoundError":
        return NotAvailable("Kaggle has no such file (404)", Failure.NOT_FOUND)
    if status in (401, 403):
        return NotAvailable(
            f"Kaggle answered {status}: log in and, for a challenge, accept its rules", Failure.LOGIN, host=True
        )
    answer = f"answered {status}" if status else f"could not be reached ({type(error).__name__})"
    return NotAvailable(f"Kaggle {answer}", Failure.SERVER, host=True)


def _read(path: Path) -> bytes:
    limit = http.MAX_DICOM_BYTES if path.suffix == ".dcm" else config.MAX_BYTES
    try:
        if path.stat().st_size > limit:
            raise NotAvailable(f"the file is larger than {limit / 2**20:.0f} MB", Failure.TOO_LARGE)
        return path.read_bytes()
    except OSError as error:
        raise NotAvailable("the file cannot be read", Failure.UNREADABLE) from error


def _mask_name(original_file: str) -> str:
    return f"{PurePosixPath(original_file).stem}_mask.png"
