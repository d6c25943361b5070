"""File names as they may be shown."""

from __future__ import annotations

import unicodedata

UNNAMED = "unnamed file"
KEPT_END = 12  # characters of the end of a long name that stay, the extension among them


def show_name(name: str, limit: int = 60) -> str:
    """`name` as one line of at most `limit` characters, without control, invisible or text-direction characters.

    It is plain text: whoever puts it into HTML or Markdown escapes it there. A long name loses its middle,
    so that its extension stays.

    Raises:
        ValueError: for a limit below 1.
    """
    if limit < 1:
        raise ValueError(f"limit must be at least 1. Received: {limit}")
    spaced = "".join(" " if letter.isspace() else letter for letter in unicodedata.normalize("NFC", name))
    # Category C: control, format (bidirectional marks, zero-width letters), surrogate, private, unassigned.
    plain = "".join(letter for letter in spaced if not unicodedata.category(letter).startswith("C"))
    plain = " ".join(plain.split()) or UNNAMED
    if len(plain) <= limit:
        return plain
    end = plain[-KEPT_END:] if limit > 2 * KEPT_END else ""
    return plain[: limit - 1 - len(end)] + "…" + end
