"""The written part of the cards: read, checked, its {names} filled in."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from covid_model import config

# --- What a card is made of, and the whole of it as Markdown ---

_SPECIAL = re.compile(r"([\\`*_\[\]<>|~$#]|:(?=\w))")


@dataclass(frozen=True)
class Table:
    """Cells are Markdown. `title` is what it shows, for those who cannot see it."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Section:
    """One field of the card: paragraphs and lists in Markdown, and tables."""

    title: str
    parts: tuple[str | Table, ...]


@dataclass(frozen=True)
class Card:
    """One network's card. `head` is the paragraph above its sections."""

    name: str
    title: str
    head: str
    sections: tuple[Section, ...]


def escape(text: object) -> str:
    """Foreign text on one line: Markdown shows it letter for letter, and as plain text it is still easy to read."""
    return _SPECIAL.sub(r"\\\1", " ".join(str(text).split()))


def bullets(lines: Iterable[str]) -> str:
    """A list in Markdown."""
    return "\n".join(f"- {line}" for line in lines)


def markdown(card: Card) -> str:
    """The whole card as one Markdown file."""
    blocks = [f"# Model card: {card.title}", card.head]
    for section in card.sections:
        blocks.append(f"## {section.title}")
        for part in section.parts:
            blocks += [part] if isinstance(part, str) else [f"**{part.title}**", _table(part)]
    return "\n\n".join(block for block in blocks if block) + "\n"


def _table(table: Table) -> str:
    lines = [table.columns, ["---"] * len(table.columns), *table.rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


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
    folder = config.NETWORKS if folder is None else folder
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
