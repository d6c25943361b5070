"""Whether a running demo reads films as it should: a visitor without a browser uploads one of ours and looks at the
score that the page shows.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path

from covid_model import config, imaging
from covid_model.data import samples
from covid_model.formatting import score_text
from covid_model.model import network_spec
from covid_model.model.network_spec import sha256
from covid_model.tools.headless_client import ClientError, HeadlessClient

FILM = "consolidation-right-upper"  # simulated; neither network is quite sure of it, so that a stuck one is found out
TOLERANCE = 0.01  # that a server's score may lie off: the page rounds to a thousandth, bfloat16 moves it by some more
KEPT = "health.json"  # in the work folder: scores to expect, by the SHA-256 of weights and film


@dataclass(frozen=True)
class Health:
    """What was found: whether all is well, and that in one sentence."""

    well: bool
    sentence: str


def examine(address: str, name: str, wanted: float | None, patience: float) -> Health:
    """Open a session with the demo at `address`, upload a film, and compare its score.

    Args:
        address: such as http://localhost:8501.
        name: of the network.
        wanted: the score to expect, in [0, 1]; what this copy's network gives, where it is None.
        patience: seconds without an answer, after which the demo is given up.

    Raises:
        NetworkError, SampleError: this copy itself has not got the network or the film.
    """
    from websockets.exceptions import WebSocketException

    path = samples.sample(FILM).path
    wanted = expected(name) if wanted is None else wanted
    started = time.perf_counter()
    try:
        with HeadlessClient(address, patience) as visitor:
            visitor.open(network=name)
            page = visitor.upload(path.name, path.read_bytes())
    except (ClientError, WebSocketException, OSError, ValueError) as error:  # ValueError: an address that is none
        return Health(False, f"{address} is not well: {type(error).__name__}: {error}")
    seconds = time.perf_counter() - started
    score = shown(page.score)
    if score is None:
        said = " ".join(page.alerts) or "it shows neither a score nor a reason"
        return Health(False, f"{address} is not well: {name} gave the film {FILM} no score: {said}")
    well = abs(score - wanted) <= TOLERANCE
    return Health(
        well,
        f"{address} is {'well' if well else 'not well'}: {name} gave the film {FILM} {plain(page.score)}, "
        f"{score_text(wanted)} wanted, in {seconds:.1f} s.",
    )


def shown(text: str | None) -> float | None:
    """The score that a page shows as `text` ("0.512", "< 0.001", greyed or not); None where it is none."""
    try:
        return float(plain(text).strip("<> "))
    except ValueError:
        return None


def plain(text: str | None) -> str:
    """What a page shows as a score, without its colour."""
    return (text or "").removeprefix(":gray[").removesuffix("]")


def expected(name: str, folder: Path | None = None) -> float:
    """The score that this copy's network `name` gives the film; reckoned once for the same weights, then kept.

    Raises NetworkError, SampleError.
    """
    path, kept_at = samples.sample(FILM).path, (folder or config.WORK) / KEPT
    key = f"{network_spec.spec(name).sha256}-{sha256(path)}"
    try:
        kept = json.loads(kept_at.read_text())
        return float(kept[key])
    except (OSError, ValueError, KeyError, TypeError):
        from covid_model.model.predictor import Predictor

        score = Predictor(name).read(imaging.read(path)).score
    try:
        kept_at.parent.mkdir(parents=True, exist_ok=True)
        kept_at.write_text(json.dumps({key: score}) + "\n")
    except OSError:  # it is reckoned again the next time
        pass
    return score
