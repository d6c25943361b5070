"""What networks there are: each JSON of assets/networks that describes one. The JSON says all that a page shows of it.

A further network is NAME.json and its weights; nothing else names it. Other JSON files of the folder (the prose of the
model cards) describe no network and are passed over.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from covid_model import config

DESCRIBES = ("weights", "base", "preprocessing")  # keys that the JSON of a network has, and no other file's
LAST = 1000  # the place of a network whose JSON gives none
NONE = "none"  # stands for the network where there is none at all


@dataclass(frozen=True)
class Entry:
    """A network as a page names it.

    Attributes:
        name: of its JSON, without the ending; in addresses, options and records.
        title: on a page.
        short_title: where there is little room.
        help: one sentence on how it came about.
        order: where it stands among the others; the first one is the default.
        trained_on: the splits whose films it was trained on.
        stored: whether its weights file holds its base too.
    """

    name: str
    title: str
    short_title: str
    help: str = ""
    order: float = LAST
    trained_on: tuple[str, ...] = ()
    stored: bool = False


def entries(folder: Path | None = None) -> tuple[Entry, ...]:
    """Return the networks of `folder` (default: assets/networks) in their order.

    A JSON that cannot be read, or says too little, counts where weights of its name lie beside it: it is a damaged
    network's, and asking for that network says so.
    """
    folder = config.NETWORKS if folder is None else folder
    found = [_entry(path, *_stamp(path)) for path in sorted(folder.glob("*.json"))]
    return tuple(sorted(filter(None, found), key=lambda entry: (entry.order, entry.name)))


def names(folder: Path | None = None) -> tuple[str, ...]:
    """Return the names of the networks in their order."""
    return tuple(entry.name for entry in entries(folder))


def default(folder: Path | None = None) -> str:
    """Return the name of the network that is taken where none is asked for; NONE where there is none."""
    return next(iter(names(folder)), NONE)


def entry(name: str) -> Entry:
    """Return what a page says of the network `name`, also of one that has scores or records but no JSON here."""
    known = {one.name: one for one in entries()}
    title = name.capitalize()
    return known.get(name) or Entry(name, title, title)


def title(name: str) -> str:
    """Return a network's title for a page."""
    return entry(name).title


def short_title(name: str) -> str:
    """Return a network's title for where there is little room."""
    return entry(name).short_title


def _stamp(path: Path) -> tuple[int, int]:
    """When a file was last changed, and its size: a changed one is read again without a restart."""
    try:
        about = path.stat()
    except OSError:
        return 0, 0
    return about.st_mtime_ns, about.st_size


@lru_cache(maxsize=256)
def _entry(path: Path, changed: int, size: int) -> Entry | None:
    """The network that a JSON describes; None where it describes none."""
    name = path.stem
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        content = None
    if isinstance(content, Mapping) and all(key in content for key in DESCRIBES):
        return _of(name, content)
    return Entry(name, name.capitalize(), name.capitalize()) if path.with_suffix(".npz").is_file() else None


def _of(name: str, content: Mapping[str, Any]) -> Entry:
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
