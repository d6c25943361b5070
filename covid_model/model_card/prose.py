"""The written part of the cards: read, checked, its {names} filled in."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from covid_model import settings

PROSE = "card.json"  # beside the networks' own JSON, which training writes anew
WANTED = (
    "sources",
    "details",
    "intended_use",
    "factors",
    "metrics",
    "evaluation_data",
    "training_data",
    "ethics",
    "caveats",
    "networks",
    "claim",
)


class CardError(ValueError):
    """The written part of the cards is missing or not as it must be. The message names the file."""


def load(folder: Path | None = None) -> dict[str, Any]:
    """The prose as it stands, {names} and all. Raises CardError."""
    folder = settings.NETWORKS if folder is None else folder
    path = folder / PROSE
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise CardError(f"{path} is missing. Get it back with git.") from error
    except (OSError, ValueError) as error:
        raise CardError(f"{path} cannot be read ({error}). Get it back with git.") from error
    missing = [key for key in WANTED if not isinstance(found, dict) or key not in found]
    if missing:
        raise CardError(f"{path} lacks {', '.join(missing)}. Get it back with git.")
    return found


def fill(prose: Any, values: Mapping[str, str]) -> Any:
    """`prose` with each {name} put in, down to the last string of its lists and objects. Raises CardError."""
    if isinstance(prose, str):
        try:
            return prose.format_map(values)
        except (KeyError, ValueError, IndexError) as error:
            raise CardError(f"{PROSE} asks for something that nobody knows: {error} in {prose!r}.") from error
    if isinstance(prose, list):
        return [fill(one, values) for one in prose]
    if isinstance(prose, dict):
        return {key: fill(one, values) for key, one in prose.items()}
    return prose
