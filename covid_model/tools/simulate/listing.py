"""`films.json`: one entry a film, rewritten without losing the entries of others."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path


def put(path: Path, entries: list[dict], replacing: Callable[[dict], bool]) -> None:
    """Write `entries` to the list at `path`, in place of those old ones that `replacing` is true of.

    Simulated films come first, then the others.
    """
    old = json.loads(path.read_text(encoding="utf-8"))["films"] if path.is_file() else []
    films = [*(entry for entry in old if not replacing(entry)), *entries]
    films.sort(key=lambda entry: not entry["simulated"])  # stable: the order within is kept
    path.write_text(json.dumps({"films": films}, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
