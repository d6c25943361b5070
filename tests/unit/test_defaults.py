"""No default takes its value from the settings at import, where a test or an option can no longer change it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from covid_model import config

PACKAGE = config.ROOT / "covid_model"


def bound(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef):
            defaults = [*node.args.defaults, *filter(None, node.args.kw_defaults)]
        elif isinstance(node, ast.ClassDef):
            defaults = [part.value for part in node.body if isinstance(part, ast.AnnAssign) and part.value]
        else:
            continue
        for default in defaults:
            if any(
                isinstance(part, ast.Attribute) and getattr(part.value, "id", "") == "config"
                for part in ast.walk(default)
                if not isinstance(default, ast.Call)  # field(default_factory=lambda: ...) is resolved when it is asked
            ):
                yield f"{path.relative_to(PACKAGE)}: {node.name}"


def test_no_default_binds_the_settings_at_import():
    assert [item for path in sorted(PACKAGE.rglob("*.py")) for item in bound(path)] == []
