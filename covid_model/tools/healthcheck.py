"""Check a running demo: a headless client uploads a simulated film and compares the score on the page."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path

import cv2

from covid_model import config, imaging
from covid_model.data import samples
from covid_model.formatting import score_text
from covid_model.model import registry
from covid_model.model.registry import sha256
from covid_model.tools.headless_client import ClientError, HeadlessClient

FILM = (
    "consolidation-right-upper"  # simulated; both networks score it well inside (0, 1), so a constant output is noticed
)
TOLERANCE = 0.01  # allowed difference in score: the page rounds to a thousandth, bfloat16 adds a little more
CACHE = "health.json"  # in the work folder: expected scores by the SHA-256 of weights and film


@dataclass(frozen=True)
class Health:
    """The result of a check, and a message that states it."""

    healthy: bool
    message: str


def examine(address: str, name: str, expect: float | None, patience: float) -> Health:
    """Open a session with the demo at `address`, upload a film, and compare its score.

    Args:
        address: such as http://localhost:8501.
        name: of the network.
        expect: the expected score, in [0, 1]; that of the local network if None.
        patience: seconds to wait for an answer.

    Raises:
        NetworkError, SampleError: the network or the film is missing locally.
    """
    from websockets.exceptions import WebSocketException

    data = film_bytes()
    expect = expected(name) if expect is None else expect
    started = time.perf_counter()
    try:
        with HeadlessClient(address, patience) as visitor:
            visitor.open(network=name)
            page = visitor.upload(f"{FILM}.png", data)
    except (ClientError, WebSocketException, OSError, ValueError) as error:  # ValueError: an invalid address
        return Health(False, f"{address} is not healthy: {type(error).__name__}: {error}")
    seconds = time.perf_counter() - started
    score = shown(page.score)
    if score is None:
        reason = " ".join(page.alerts) or "the page shows neither a score nor a reason"
        return Health(False, f"{address} is not healthy: {name} gave no score for {FILM}: {reason}")
    healthy = abs(score - expect) <= TOLERANCE
    return Health(
        healthy,
        f"{address} is {'healthy' if healthy else 'not healthy'}: {name} scored {FILM} {plain(page.score)}, "
        f"expected {score_text(expect)}, in {seconds:.1f} s.",
    )


def film_bytes() -> bytes:
    """Return the film as a PNG: other bytes than the sample's, for which a demo may have a stored prediction."""
    return cv2.imencode(".png", imaging.read(samples.sample(FILM).path).pixels)[1].tobytes()


def shown(text: str | None) -> float | None:
    """Parse the score that a page shows as `text` ("0.512", "< 0.001", grayed or not); None if it is not a score."""
    try:
        return float(plain(text).strip("<> "))
    except ValueError:
        return None


def plain(text: str | None) -> str:
    """Return the score as shown on a page, without its color markup."""
    return (text or "").removeprefix(":gray[").removesuffix("]")


def expected(name: str, folder: Path | None = None) -> float:
    """Return the local network's score for the film, computed once per weights and then cached.

    Raises NetworkError, SampleError.
    """
    path, cache_file = samples.sample(FILM).path, (folder or config.WORK) / CACHE
    key = f"{registry.spec(name).sha256}-{sha256(path)}"
    try:
        return float(json.loads(cache_file.read_text())[key])
    except (OSError, ValueError, KeyError, TypeError):
        from covid_model.model.predictor import Predictor

        score = Predictor(name).predict(imaging.read(path)).score
    try:
        cache_file.parent.mkdir(parents=True, exist_ok=True)
        cache_file.write_text(json.dumps({key: score}) + "\n")
    except OSError:  # computed again the next time
        pass
    return score
