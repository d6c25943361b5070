"""Download one file: limits, timeouts, and retries with waits between them (urllib3's Retry)."""

from __future__ import annotations

import math
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from covid_model import config

# --- Errors ---


class Failure(StrEnum):
    """Why a download cannot start, or a film is not available."""

    WORKERS = "workers"
    SOURCE = "source"  # there is none of this name
    UNUSED_FOLDER = "unused folder"
    NO_FOLDER = "no folder"
    LIST = "list"  # unreadable, or without a column or a value
    OUTSIDE = "outside"  # the list places a film outside the data folder
    NOT_FOUND = "not found"
    REFUSED = "refused"
    LOGIN = "login"
    NO_KAGGLEHUB = "no kagglehub"
    SERVER = "server"  # it failed
    TIMEOUT = "timeout"
    CONNECTION = "connection"
    SKIPPED = "skipped"  # after too many failures of the server
    UNREADABLE = "unreadable"
    AMBIGUOUS = "ambiguous"  # several files of the name
    TOO_LARGE = "too large"
    OTHER_TYPE = "other type"
    DAMAGED = "damaged"
    WRONG_SIZE = "wrong size"
    BLANK = "blank"


class DownloadError(ValueError):
    """The download cannot start: an option, the list or a folder is invalid. The message names it, `code` tells why."""

    def __init__(self, message: str, code: Failure) -> None:
        super().__init__(message)
        self.code = code


class NotAvailable(Exception):
    """A film, or a whole source, is not available. The message is the reason given in the report, `code` a short one.

    `host` is True if the server failed, False if only this film did: after too many server failures in a row, the rest
    of the source is skipped.
    """

    def __init__(self, reason: str, code: Failure, host: bool = False) -> None:
        super().__init__(reason)
        self.code, self.host = code, host


RETRIED = (408, 425, 429, 500, 502, 503, 504)  # HTTP status codes that are worth another attempt
CHUNK = 64 * 1024
MAX_DICOM_BYTES = 64 * 1024 * 1024  # of an original DICOM file; these may be larger than uploads
WORKERS = 6  # films downloaded at a time
LONGEST_WAIT = 60.0  # seconds between two attempts, even if a server asks for more
USER_AGENT = "covid-model/0.1 (teaching demo)"
OUT_OF_TIME = "time ran out"
OnProgress = Callable[[int, int], None]


@dataclass(frozen=True)
class Patience:
    """How long to keep trying to download one film. All times are in seconds.

    Attributes:
        retries: attempts after the first.
        backoff: the first retry is immediate, the second waits for twice this, and each wait doubles.
        connect: limit for establishing a connection.
        read: limit for receiving the next byte.
        film: limit for one film in total.
        total: limit for all films of one call together; None for no limit.
    """

    retries: int = 3
    backoff: float = 1.0
    connect: float = 10.0
    read: float = 30.0
    film: float = 180.0
    total: float | None = None


class _Temporary(Exception):
    """A failure that is worth another attempt, with the server's answer if there was one."""

    def __init__(self, reason: str, code: Failure, answer: requests.Response | None = None) -> None:
        super().__init__(reason)
        self.code, self.answer = code, answer


class Web:
    """A pool of connections for downloads, safe for use by several threads."""

    def __init__(self, patience: Patience, limit: int | None = None) -> None:
        limit = config.MAX_BYTES if limit is None else limit
        self.patience = patience
        self.limit = limit
        self._end = math.inf if patience.total is None else time.monotonic() + patience.total
        self._retry = Retry(
            patience.retries,
            backoff_factor=patience.backoff,
            backoff_max=LONGEST_WAIT,
            retry_after_max=LONGEST_WAIT,
        )
        self._session = requests.Session()
        # Without compression, so that the length of the body can be compared with Content-Length.
        self._session.headers.update({"User-Agent": USER_AGENT, "Accept-Encoding": "identity"})
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, HTTPAdapter(pool_maxsize=WORKERS))

    def close(self) -> None:
        self._session.close()

    def get(self, url: str, on_progress: OnProgress | None = None) -> bytes:
        """Return the whole content at `url`. Raises NotAvailable with the reason of the last attempt.

        `on_progress` is called with the bytes received so far and those announced, 0 if the server announces none.

        Retry is used here and not in the adapter, whose retries stop once the body begins: most failures are within it.
        """
        retry = self._retry
        while True:
            try:
                return self._attempt(url, on_progress)
            except _Temporary as error:
                answer = error.answer.raw if error.answer is not None else None
                try:
                    retry = retry.increment("GET", url, answer)
                except urllib3.exceptions.MaxRetryError:
                    raise NotAvailable(str(error), error.code, host=True) from error
            try:
                retry.sleep(answer)
            except urllib3.exceptions.InvalidHeader:  # a Retry-After that is neither seconds nor a date
                retry.sleep()

    def _attempt(self, url: str, on_progress: OnProgress | None) -> bytes:
        if time.monotonic() > self._end:
            raise NotAvailable(OUT_OF_TIME, Failure.TIMEOUT, host=True)
        end = min(time.monotonic() + self.patience.film, self._end)
        try:
            timeout = (self.patience.connect, self.patience.read)
            with self._session.get(url, stream=True, timeout=timeout) as answer:
                if answer.status_code in RETRIED:
                    raise _Temporary(f"the server answered {answer.status_code}", Failure.SERVER, answer)
                if answer.status_code == 404:
                    raise NotAvailable("not found at the source (404)", Failure.NOT_FOUND)
                if answer.status_code != 200:
                    raise NotAvailable(f"the server answered {answer.status_code}", Failure.REFUSED)
                return self._body(answer, end, on_progress)
        except (requests.Timeout, urllib3.exceptions.TimeoutError) as error:
            raise _Temporary("the download timed out", Failure.TIMEOUT) from error
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            raise _Temporary("the connection failed or was interrupted", Failure.CONNECTION) from error

    def _body(self, answer: requests.Response, end: float, on_progress: OnProgress | None) -> bytes:
        """Read the body in chunks, so that a slow server is stopped at time `end` and a large file at the limit."""
        announced = answer.headers.get("Content-Length", "")
        if announced.isdigit() and int(announced) > self.limit:
            raise NotAvailable(_too_large(self.limit), Failure.TOO_LARGE)
        body = bytearray()
        while chunk := answer.raw.read1(CHUNK, decode_content=True):
            body += chunk
            if len(body) > self.limit:
                raise NotAvailable(_too_large(self.limit), Failure.TOO_LARGE)
            if on_progress is not None:
                on_progress(len(body), int(announced) if announced.isdigit() else 0)
            if time.monotonic() > self._end:
                raise NotAvailable(OUT_OF_TIME, Failure.TIMEOUT, host=True)
            if time.monotonic() > end:
                raise _Temporary("the download timed out", Failure.TIMEOUT)
        if announced.isdigit() and len(body) < int(announced) and "Content-Encoding" not in answer.headers:
            raise _Temporary("the connection failed or was interrupted", Failure.CONNECTION)
        return bytes(body)


def reachable(url: str, seconds: float = 4.0) -> bool:
    """Return whether a server answers within `seconds`.

    It is asked in a thread of its own, as the timeouts of a request do not limit the lookup of a host's name.
    """
    answers: queue.Queue[bool] = queue.Queue()

    def ask() -> None:
        try:
            requests.head(url, timeout=seconds, headers={"User-Agent": USER_AGENT}).close()
        except (requests.RequestException, OSError):
            answers.put(False)
        else:
            answers.put(True)

    threading.Thread(target=ask, name="reachable", daemon=True).start()
    try:
        return answers.get(timeout=seconds)
    except queue.Empty:
        return False


def _too_large(limit: int) -> str:
    return f"the file is larger than {limit / 2**20:.0f} MB"
