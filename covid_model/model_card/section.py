"""What a card is made of, and the whole of it as Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

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
