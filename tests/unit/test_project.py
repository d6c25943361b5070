"""Rules of the project as a whole: its top level, pinned versions, words."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from covid_model import config

TOP_LEVEL = {
    "streamlit_app.py", "covid_model", "assets", "requirements.txt", "requirements-dev.txt", "tests", ".streamlit",
    "requirements-bench.txt", "requirements-cluster.txt", "README.md", "LICENSE", "Makefile", "pyproject.toml", ".ci",
    ".gitignore", ".pre-commit-config.yaml", "Dockerfile", ".dockerignore", "compose.yaml",
}  # fmt: skip
PINNED = ("requirements.txt", "requirements-dev.txt", "requirements-cluster.txt")
NOT_OUR_WORDS = re.compile(r"diagnos|patient has|AI detects", re.IGNORECASE)
TEXT_FILES = {"", ".py", ".md", ".toml", ".txt", ".yaml", ".json", ".js", ".html", ".css"}  # "": Makefile and the like
RECORDS = ("assets/results/", "assets/fonts/", "LICENSE")  # written by runs, or by others
NAMES_IN_RECORDS = re.compile("border grey|mean grey")  # of a fill and of a baseline
_VERBS = (
    "normal|standard|equal|optim|visual|initial|vector|recogn|organ|summar|minim|maxim|random|regular|general|special|"
    "character|categor|capital|real|serial|synchron|quant|util|emphas|penal|stabil|memor|discret|binar|central|harmon"
)
BRITISH = re.compile(
    r"colour|grey|licence|centre|labell|modell(?:ed|ing)|cancell(?:ed|ing)|signall(?:ed|ing)|travell|neighbour|behaviour|"
    r"favour|flavour|honour|labour|tumour|metres?\b|analys(?:ed?|ing)\b|catalogue|artefact|judgement|programme\b|"
    r"learnt|spelt|burnt|towards|whilst|amongst|ageing|defence|offence|oesoph|oedema|haemo|paediat|anaesth|"
    rf"(?:{_VERBS})is(?:e[drs]?|ers|ing|ation\w*)\b",
    re.IGNORECASE,
)
SOURCES = [config.ROOT / "streamlit_app.py", *sorted((config.ROOT / "covid_model").rglob("*.py"))]


def _lines(name: str) -> list[str]:
    lines = (config.ROOT / name).read_text().splitlines()
    return [line for line in lines if line and not line.startswith(("#", "-r "))]


def _committed() -> list[str]:
    listing = subprocess.run(["git", "ls-files"], cwd=config.ROOT, capture_output=True, text=True)
    if listing.returncode:
        pytest.skip("not a git checkout")
    return listing.stdout.splitlines()


def test_the_top_level_has_no_unknown_files():
    assert {path.split("/")[0] for path in _committed()} <= TOP_LEVEL


def test_every_requirement_is_pinned():
    for line in [line for name in PINNED for line in _lines(name)]:
        assert re.match(r"^[A-Za-z0-9_.\-]+(\[[a-z,]+\])?==[0-9][^ ;]*(;.*)?$", line), line


def test_paths_of_one_machine_stay_in_ci():
    for path in SOURCES:
        assert not re.search(r"\.\./shared|/work/", path.read_text()), path


def test_words():
    for path in [*SOURCES, config.ROOT / "README.md", config.ASSETS / "NOTICE.md"]:
        assert not NOT_OUR_WORDS.search(path.read_text(encoding="utf-8")), path


def test_spelling_is_american():
    """The code spells as Keras does. Records keep the names that they were written with."""
    for name in _committed():
        path = config.ROOT / name
        if path.suffix not in TEXT_FILES or name.startswith(RECORDS) or path == Path(__file__):
            continue
        text = NAMES_IN_RECORDS.sub("", path.read_text(encoding="utf-8"))
        assert not BRITISH.findall(text), name
