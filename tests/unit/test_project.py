"""What holds for the project as a whole: its top level, its pins, its words."""

from __future__ import annotations

import re
import subprocess

import pytest

from covid_model import config

TOP_LEVEL = {
    "streamlit_app.py", "covid_model", "assets", "requirements.txt", "requirements-dev.txt", "tests", ".streamlit",
    "requirements-bench.txt", "README.md", "LICENSE", "Makefile", "pyproject.toml", ".ci", ".gitignore",
    ".pre-commit-config.yaml",
}  # fmt: skip
NOT_OUR_WORDS = re.compile(r"diagnos|patient has|AI detects", re.IGNORECASE)
SOURCES = [config.ROOT / "streamlit_app.py", *sorted((config.ROOT / "covid_model").rglob("*.py"))]


def _lines(name: str) -> list[str]:
    lines = (config.ROOT / name).read_text().splitlines()
    return [line for line in lines if line and not line.startswith(("#", "-r "))]


def _committed() -> list[str]:
    listing = subprocess.run(["git", "ls-files"], cwd=config.ROOT, capture_output=True, text=True)
    if listing.returncode:
        pytest.skip("not a git checkout")
    return listing.stdout.splitlines()


def test_top_level_holds_nothing_new():
    assert {path.split("/")[0] for path in _committed()} <= TOP_LEVEL


def test_every_requirement_is_pinned():
    for line in _lines("requirements.txt") + _lines("requirements-dev.txt"):
        assert re.match(r"^[A-Za-z0-9_.\-\[\]]+==[0-9][^ ;]*(;.*)?$", line), line


def test_paths_of_one_machine_stay_in_ci():
    for path in SOURCES:
        assert not re.search(r"\.\./shared|/work/", path.read_text()), path


def test_words():
    for path in [*SOURCES, config.ROOT / "README.md", config.ASSETS / "NOTICE.md"]:
        assert not NOT_OUR_WORDS.search(path.read_text(encoding="utf-8")), path
