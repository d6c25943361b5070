"""The text of the cards: load it, check it, fill in its {names}, and write a card as Markdown."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from covid_model import config

_SPECIAL = re.compile(r"([\\`*_\[\]<>|~$#]|:(?=\w))")


@dataclass(frozen=True)
class Table:
    """A table whose cells are Markdown. `title` says what it shows, for screen readers too."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Section:
    """One section of the card: paragraphs and lists in Markdown, and tables."""

    title: str
    parts: tuple[str | Table, ...]


@dataclass(frozen=True)
class Card:
    """One network's card. `head` is the paragraph above the sections."""

    name: str
    title: str
    head: str
    sections: tuple[Section, ...]


def escape(text: object) -> str:
    """Return any text on one line, escaped so that Markdown shows it letter for letter."""
    return _SPECIAL.sub(r"\\\1", " ".join(str(text).split()))


def bullets(lines: Iterable[str]) -> str:
    """Return a Markdown list."""
    return "\n".join(f"- {line}" for line in lines)


def markdown(card: Card) -> str:
    """Return the card as one Markdown file."""
    blocks = [f"# Model card: {card.title}", card.head]
    for section in card.sections:
        blocks.append(f"## {section.title}")
        for part in section.parts:
            blocks += [part] if isinstance(part, str) else [f"**{part.title}**", _table(part)]
    return "\n\n".join(block for block in blocks if block) + "\n"


def _table(table: Table) -> str:
    lines = [table.columns, ["---"] * len(table.columns), *table.rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


PROSE = "card.json"  # beside the networks' JSON files, which training overwrites
KEYS = (
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
    """The text of the cards is missing or damaged. The message names the file and says what to do."""


def load(folder: Path | None = None) -> dict[str, Any]:
    """Load the text of the cards, with its {names} not yet filled in. Raises CardError."""
    folder = config.NETWORKS if folder is None else folder
    path = folder / PROSE
    try:
        text = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise CardError(f"{path} is missing. Restore it from git.") from error
    except (OSError, ValueError) as error:
        raise CardError(f"{path} cannot be read ({error}). Restore it from git.") from error
    missing = [key for key in KEYS if not isinstance(text, dict) or key not in text]
    if missing:
        raise CardError(f"{path} lacks the keys {', '.join(missing)}. Restore it from git.")
    return text


def fill(prose: Any, values: Mapping[str, str]) -> Any:
    """Return `prose` with each {name} filled in, in nested lists and objects too. Raises CardError."""
    if isinstance(prose, str):
        try:
            return prose.format_map(values)
        except (KeyError, ValueError, IndexError) as error:
            raise CardError(
                f"{PROSE} has an unknown {{name}}: expected one of {', '.join(values)}, got {error} in {prose!r}."
            ) from error
    if isinstance(prose, list):
        return [fill(part, values) for part in prose]
    if isinstance(prose, dict):
        return {key: fill(part, values) for key, part in prose.items()}
    return prose
