"""What holds for the project as a whole: its top level, its words, its pins, and who may import what."""

from __future__ import annotations

import re
import subprocess

import pytest

from covid_model import settings

TOP_LEVEL = {
    "streamlit_app.py", "covid_model", "assets", "requirements.txt", "requirements-dev.txt", "tests", ".streamlit",
    "README.md", "LICENSE", "Makefile", "pyproject.toml", ".ci", ".gitignore",
}  # fmt: skip


def _lines(name: str) -> list[str]:
    lines = (settings.ROOT / name).read_text().splitlines()
    return [line for line in lines if line and not line.startswith(("#", "-r "))]


def _committed() -> list[str]:
    listing = subprocess.run(["git", "ls-files"], cwd=settings.ROOT, capture_output=True, text=True)
    if listing.returncode:
        pytest.skip("not a git checkout")
    return listing.stdout.splitlines()


def test_top_level_holds_nothing_new():
    assert {path.split("/")[0] for path in _committed()} <= TOP_LEVEL


def test_every_requirement_is_pinned():
    for line in _lines("requirements.txt") + _lines("requirements-dev.txt"):
        assert re.match(r"^[A-Za-z0-9_.\-\[\]]+==[0-9][^ ;]*(;.*)?$", line), line


def test_sharing_machine_paths_stay_in_ci():
    for path in (settings.ROOT / "covid_model").rglob("*.py"):
        assert "../shared" not in path.read_text(), path
