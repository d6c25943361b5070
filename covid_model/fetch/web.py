"""One download: limits, time-outs, retries with growing waits."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import requests
import urllib3
from requests.adapters import HTTPAdapter

from covid_model import settings
from covid_model.fetch.errors import NotHad

PASSING = (408, 425, 429, 500, 502, 503, 504)  # answers worth another try
CHUNK = 64 * 1024


@dataclass(frozen=True)
class Patience:
    """How long to go on with one film. All times are in seconds."""

    retries: int = field(default_factory=lambda: settings.FETCH_RETRIES)
    backoff: float = field(default_factory=lambda: settings.FETCH_BACKOFF)
    connect: float = field(default_factory=lambda: settings.FETCH_CONNECT_TIMEOUT)
    read: float = field(default_factory=lambda: settings.FETCH_READ_TIMEOUT)
    film: float = field(default_factory=lambda: settings.FETCH_FILM_TIMEOUT)


class _TryAgain(Exception):
    def __init__(self, reason: str, wait: float = 0.0) -> None:
        super().__init__(reason)
        self.wait = wait


class Web:
    """Downloads over one pool of connections; may be used by several threads."""

    def __init__(self, patience: Patience, limit: int | None = None) -> None:
        limit = settings.MAX_BYTES if limit is None else limit
        self.patience = patience
        self.limit = limit
        self._session = requests.Session()
        # Body as it is stored: its length can then be held against the Content-Length that was promised.
        self._session.headers.update({"User-Agent": settings.FETCH_AGENT, "Accept-Encoding": "identity"})
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, HTTPAdapter(pool_maxsize=settings.FETCH_WORKERS))

    def close(self) -> None:
        self._session.close()

    def get(self, url: str) -> bytes:
        """The whole content at `url`. Raises NotHad with the reason of the last attempt."""
        for attempt in range(self.patience.retries + 1):
            try:
                return self._once(url)
            except _TryAgain as error:
                failure = error
            if attempt < self.patience.retries:
                wait = max(failure.wait, self.patience.backoff * 2**attempt)
                time.sleep(min(wait, settings.FETCH_LONGEST_WAIT))
        raise NotHad(str(failure), host=True)

    def _once(self, url: str) -> bytes:
        end = time.monotonic() + self.patience.film
        try:
            timeout = (self.patience.connect, self.patience.read)
            with self._session.get(url, stream=True, timeout=timeout) as answer:
                if answer.status_code in PASSING:
                    raise _TryAgain(f"the server answered {answer.status_code}", _asked_wait(answer))
                if answer.status_code == 404:
                    raise NotHad("the source has no such file (404)")
                if answer.status_code != 200:
                    raise NotHad(f"the server answered {answer.status_code}")
                return self._body(answer, end)
        except (requests.Timeout, urllib3.exceptions.TimeoutError) as error:
            raise _TryAgain("the server was too slow") from error
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            raise _TryAgain("the connection failed or was cut") from error

    def _body(self, answer: requests.Response, end: float) -> bytes:
        """Read what comes, as it comes: a server that trickles is stopped by `end`, a flood by the limit."""
        promised = answer.headers.get("Content-Length", "")
        if promised.isdigit() and int(promised) > self.limit:
            raise NotHad(_too_large(self.limit))
        body = bytearray()
        while chunk := answer.raw.read1(CHUNK, decode_content=True):
            body += chunk
            if len(body) > self.limit:
                raise NotHad(_too_large(self.limit))
            if time.monotonic() > end:
                raise _TryAgain("the server was too slow")
        if promised.isdigit() and len(body) < int(promised) and "Content-Encoding" not in answer.headers:
            raise _TryAgain("the connection failed or was cut")
        return bytes(body)


def _too_large(limit: int) -> str:
    return f"what came is larger than {limit / 2**20:.0f} MB"


def _asked_wait(answer: requests.Response) -> float:
    asked = answer.headers.get("Retry-After", "")
    return float(asked) if asked.isdigit() else 0.0
