"""README.md agrees with assets/results and explains every dependency."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

from covid_model import config
from covid_model.cli import main, tools
from covid_model.data import dataset
from covid_model.model import registry


@pytest.fixture
def scores() -> pd.DataFrame:
    """Eight films that one network scores well and the other poorly."""
    films = [  # split, source, covid, fine-tuned, paper
        ("test", "cohen", 1, 0.9, 0.7),
        ("test", "cohen", 1, 0.6, 0.61),  # at the threshold is not above it
        ("test", "cohen", 0, 0.2, 0.8),
        ("test", "kermany", 0, 0.1, 0.1),
        ("train", "cohen", 0, 0.9, 0.9),
        ("external", "actualmed", 1, 0.8, 0.3),
        ("external", "actualmed", 0, 0.3, 0.4),
        ("external", "figure1", 0, 0.9, 0.9),
    ]
    rows = [
        (str(number), split, source, covid, network, score)
        for number, (split, source, covid, *both) in enumerate(films)
        for network, score in zip(("fine-tuned", "paper"), both, strict=True)
    ]
    return pd.DataFrame(rows, columns=["id", "split", "source", "covid", "network", "score"])


def test_figures(scores):
    table = tools.figures(scores)
    assert "| `paper` | 75.0 % | 2 of 2 | 1 of 1 | 0.00 |" in table
    assert "| `fine-tuned` | 75.0 % | 1 of 2 | 0 of 1 | 1.00 |" in table
    assert f"| {tools.ALWAYS_NO} | 50.0 % | 0 of 2 | 0 of 1 | 0.50 |" in table


def test_a_network_without_scores_has_no_row(scores):
    table = tools.figures(scores[scores["network"] == "paper"])
    assert "`paper`" in table and "`fine-tuned`" not in table


def test_no_scores_no_figures():
    assert tools.figures(None) == tools.NOT_YET


def test_figures_stand_between_the_markers():
    text = "before\n<!-- figures: begin -->\nold\n<!-- figures: end -->\nafter\n"
    assert tools.filled(text, "figures", r"new \1") == text.replace("old", r"new \1")
    assert tools.filled(text, "figures", "") == text.replace("old\n", "")
    with pytest.raises(ValueError, match="markers"):
        tools.filled(text, "screenshot", "new")


def test_the_picture_is_there_and_shown():
    assert (config.ASSETS / tools.SCREENSHOT).is_file()
    assert f"(assets/{tools.SCREENSHOT})" in tools.README.read_text(encoding="utf-8")


def test_films_are_counted_by_split_and_truth():
    films = pd.DataFrame(
        [("train", "cohen", 1, 1), ("train", "kermany", 0, 0), ("extra", "siim", None, 0), ("graded", "siim", None, 0)],
        columns=["split", "source", "covid", "lung_mask"],
    )
    lines = tools.counts(films).splitlines()
    assert re.findall(r"\d+", lines[0]) == ["4", "3", "1"]  # films, sources, lung masks
    assert [line.split(" | ")[:4] for line in lines[4:]] == [
        ["| `train`", "1", "1", ""],
        ["| `test`", "", "", ""],
        ["| `extra`", "", "", "1"],
        ["| `extra-test`", "", "", ""],
        ["| `external`", "", "", ""],
        ["| `graded`", "", "", "1"],
    ]
    assert set(tools.SPLITS) == set(config.SPLITS)


def test_notice_counts_the_films_of_every_source():
    films = dataset.committed()["source"].value_counts()
    notice = (config.ASSETS / "NOTICE.md").read_text(encoding="utf-8")
    counted = re.findall(r"^\| .* \| ([\d,]+) \| .* \|$", notice, re.MULTILINE)
    assert sorted(int(number.replace(",", "")) for number in counted) == sorted(films)


def test_notice_says_what_the_weights_contain():
    notice = " ".join((config.ASSETS / "NOTICE.md").read_text(encoding="utf-8").split())
    without = re.search(
        r"8-bit integers with a scale per channel, the other weights to float16\. (.*?) do not contain them", notice
    )[1]
    for name in registry.names():
        with np.load(config.NETWORKS / f"{name}.npz", allow_pickle=False) as arrays:
            kernels = {key: arrays[key].dtype for key in arrays.files if re.fullmatch(r"block\d_conv\d/kernel", key)}
        assert (f"`{name}.npz`" in without) == (not kernels), name
        if kernels:
            assert f"`{name}.npz` contains them modified" in notice
            assert sum(kind == np.int8 for kind in kernels.values()) == len(kernels) - 1  # all but the first are large


def test_readme_agrees_with_the_scores():
    assert main(["readme", "--check"]) == 0


def test_readme_says_why_each_dependency_is_here():
    text = tools.README.read_text(encoding="utf-8")
    for name in ("requirements.txt", "requirements-dev.txt", "requirements-cluster.txt"):
        for line in (config.ROOT / name).read_text().splitlines():
            if match := re.match(r"([A-Za-z0-9_.-]+)(?:\[[a-z,]+\])?==", line):
                assert re.search(rf"^\|.*\b{re.escape(match[1])}\b.*\|.*\|$", text, re.MULTILINE), match[1]
