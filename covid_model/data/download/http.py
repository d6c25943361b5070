"""One download: limits, time-outs, and urllib3's Retry for the attempts and the waits between them."""

from __future__ import annotations

import time
from dataclasses import dataclass

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from covid_model import config

# --- What can go wrong while films are fetched ---


class DownloadError(ValueError):
    """Fetching cannot begin as it was asked for. The message is one plain sentence."""


class NotAvailable(Exception):
    """One film, or every film of a source, could not be had; the message is the reason that the report gives.

    `host` is True where the server failed rather than the film: a run of those ends the attempts at its source.
    """

    def __init__(self, reason: str, host: bool = False) -> None:
        super().__init__(reason)
        self.host = host


PASSING = (408, 425, 429, 500, 502, 503, 504)  # answers worth another try
CHUNK = 64 * 1024
MAX_DICOM_BYTES = 64 * 1024 * 1024  # of one original DICOM file: challenge films are larger than uploads may be
WORKERS = 6  # films at a time
LONGEST_WAIT = 60.0  # seconds between two attempts, whatever a server asks for
USER_AGENT = "covid-model/0.1 (teaching demo)"


@dataclass(frozen=True)
class Patience:
    """How long to keep trying to download one film. All times are in seconds.

    Attributes:
        retries: attempts after the first.
        backoff: the first retry comes at once, the next after twice this, then doubled each time.
        connect: time-out of a connection.
        read: longest time without a byte.
        film: longest time for one film in all.
    """

    retries: int = 3
    backoff: float = 1.0
    connect: float = 10.0
    read: float = 30.0
    film: float = 180.0


class _Passing(Exception):
    """A failure worth another try, with the answer that it came in, where there was one."""

    def __init__(self, reason: str, answer: requests.Response | None = None) -> None:
        super().__init__(reason)
        self.answer = answer


class Web:
    """Downloads over one pool of connections; may be used by several threads."""

    def __init__(self, patience: Patience, limit: int | None = None) -> None:
        limit = config.MAX_BYTES if limit is None else limit
        self.patience = patience
        self.limit = limit
        self._retry = Retry(
            patience.retries,
            backoff_factor=patience.backoff,
            backoff_max=LONGEST_WAIT,
            retry_after_max=LONGEST_WAIT,
        )
        self._session = requests.Session()
        # Body as it is stored: its length can then be held against the Content-Length that was promised.
        self._session.headers.update({"User-Agent": USER_AGENT, "Accept-Encoding": "identity"})
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, HTTPAdapter(pool_maxsize=WORKERS))

    def close(self) -> None:
        self._session.close()

    def get(self, url: str) -> bytes:
        """Return the whole content at `url`. Raises NotAvailable with the reason of the last attempt.

        Retry keeps the one count of attempts and the waits between them. It is asked here and not by the adapter, whose
        retries end where a body begins: most films that fail are cut within theirs.
        """
        retry = self._retry
        while True:
            try:
                return self._once(url)
            except _Passing as error:
                answer = error.answer.raw if error.answer is not None else None
                try:
                    retry = retry.increment("GET", url, answer)
                except urllib3.exceptions.MaxRetryError:
                    raise NotAvailable(str(error), host=True) from error
            try:
                retry.sleep(answer)
            except urllib3.exceptions.InvalidHeader:  # a Retry-After that is neither seconds nor a date
                retry.sleep()

    def _once(self, url: str) -> bytes:
        end = time.monotonic() + self.patience.film
        try:
            timeout = (self.patience.connect, self.patience.read)
            with self._session.get(url, stream=True, timeout=timeout) as answer:
                if answer.status_code in PASSING:
                    raise _Passing(f"the server answered {answer.status_code}", answer)
                if answer.status_code == 404:
                    raise NotAvailable("the source has no such file (404)")
                if answer.status_code != 200:
                    raise NotAvailable(f"the server answered {answer.status_code}")
                return self._body(answer, end)
        except (requests.Timeout, urllib3.exceptions.TimeoutError) as error:
            raise _Passing("the server was too slow") from error
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            raise _Passing("the connection failed or was cut") from error

    def _body(self, answer: requests.Response, end: float) -> bytes:
        """Read what comes, as it comes: a server that trickles is stopped by `end`, a flood by the limit."""
        promised = answer.headers.get("Content-Length", "")
        if promised.isdigit() and int(promised) > self.limit:
            raise NotAvailable(_too_large(self.limit))
        body = bytearray()
        while chunk := answer.raw.read1(CHUNK, decode_content=True):
            body += chunk
            if len(body) > self.limit:
                raise NotAvailable(_too_large(self.limit))
            if time.monotonic() > end:
                raise _Passing("the server was too slow")
        if promised.isdigit() and len(body) < int(promised) and "Content-Encoding" not in answer.headers:
            raise _Passing("the connection failed or was cut")
        return bytes(body)


def _too_large(limit: int) -> str:
    return f"what came is larger than {limit / 2**20:.0f} MB"
