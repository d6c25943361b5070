"""List the networks: every JSON file of assets/networks that describes one, and how a page names it.

To add a network, add NAME.json and its weights; no code names it. Other JSON files in the folder, such as the text of
the model cards, are ignored.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from covid_model import config

REQUIRED_KEYS = ("weights", "base", "preprocessing")  # what makes a JSON file a network's
LAST = 1000  # the order of a network whose JSON gives none
NONE = "none"  # the default network's name if there is no network at all


@dataclass(frozen=True)
class Entry:
    """How pages name a network.

    Attributes:
        name: Stem of its JSON file, used in URLs, options and records.
        title: Name on a page.
        short_title: Name where space is tight.
        help: One sentence on how it was made.
        order: Position in lists; the lowest is the default network.
        trained_on: Splits whose films it was trained on.
        stored: Whether its weights file includes the base.
    """

    name: str
    title: str
    short_title: str
    help: str = ""
    order: float = LAST
    trained_on: tuple[str, ...] = ()
    stored: bool = False


def entries(folder: Path | None = None) -> tuple[Entry, ...]:
    """Return the networks of `folder` (default: `config.NETWORKS`) in their order.

    A JSON file that is unreadable or incomplete is listed if there are weights of the same name: it is a damaged
    network, and loading it says so.
    """
    folder = config.NETWORKS if folder is None else folder
    described = [_entry(path, *_stamp(path)) for path in sorted(folder.glob("*.json"))]
    return tuple(sorted(filter(None, described), key=lambda entry: (entry.order, entry.name)))


def names(folder: Path | None = None) -> tuple[str, ...]:
    """Return the names of the networks in their order."""
    return tuple(entry.name for entry in entries(folder))


def default(folder: Path | None = None) -> str:
    """Return the name of the default network; NONE if there is no network."""
    return next(iter(names(folder)), NONE)


def entry(name: str) -> Entry:
    """Return how pages name the network `name`, even if it has scores or records but no JSON file."""
    known = {entry.name: entry for entry in entries()}
    return known.get(name) or Entry(name, name.capitalize(), name.capitalize())


def title(name: str) -> str:
    """Return the network's title."""
    return entry(name).title


def short_title(name: str) -> str:
    """Return the network's title for where space is tight."""
    return entry(name).short_title


def _stamp(path: Path) -> tuple[int, int]:
    """Return a file's time of change and size: a key of the cache, so that edits show without a restart."""
    try:
        status = path.stat()
    except OSError:
        return 0, 0
    return status.st_mtime_ns, status.st_size


@lru_cache(maxsize=256)
def _entry(path: Path, changed: int, size: int) -> Entry | None:
    """Return the network that a JSON file describes; None if it describes none."""
    name = path.stem
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        content = None
    if isinstance(content, Mapping) and all(key in content for key in REQUIRED_KEYS):
        return _from_json(name, content)
    return Entry(name, name.capitalize(), name.capitalize()) if path.with_suffix(".npz").is_file() else None


def _from_json(name: str, content: Mapping[str, Any]) -> Entry:
    title = str(content.get("title") or name.capitalize())
    order, splits = content.get("order"), content.get("trained_on")
    return Entry(
        name,
        title,
        str(content.get("short_title") or title),
        str(content.get("help") or ""),
        order if isinstance(order, int | float) else LAST,
        tuple(map(str, splits)) if isinstance(splits, list) else (),
        content["base"] == "stored",
    )
