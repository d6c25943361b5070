"""The log: one line per prediction, and nothing of the film. (On a real server: test_server.py.)"""

from __future__ import annotations

import logging
import re

import pytest

from covid_model.app.runtime import log
from covid_model.imaging import FilmError
from covid_model.model.predictor import PredictionError

LINE = re.compile(r"reading network=(\S+) ms=(\d+) refused=(\S+)")


@pytest.fixture
def lines(caplog):
    """What was logged since, as (network, refused)."""
    caplog.set_level(logging.INFO, logger=log.READINGS.name)
    return lambda: [LINE.fullmatch(item.getMessage()).group(1, 3) for item in caplog.records]


def test_a_reading(lines):
    with log.reading("paper"):
        pass
    assert lines() == [("paper", "no")]


@pytest.mark.parametrize("error", [PredictionError, ValueError])
def test_a_reading_that_fails_is_one_line_and_goes_on_failing(lines, error, caplog):
    with pytest.raises(error), log.reading("fine-tuned"):
        raise error("Surname.png is damaged")
    assert lines() == [("fine-tuned", error.__name__)]
    assert "Surname" not in caplog.text


def test_a_visitor_who_leaves_has_no_line(lines):
    with pytest.raises(KeyboardInterrupt), log.reading("paper"):
        raise KeyboardInterrupt
    assert lines() == []


def test_a_refused_file_is_logged_and_a_good_one_waits_for_its_reading(lines):
    with log.decoding():
        pass
    with pytest.raises(FilmError), log.decoding():
        raise FilmError("no film")
    assert lines() == [("none", "FilmError")]


def test_a_loaded_network_is_logged_with_its_device(caplog):
    caplog.set_level(logging.INFO, logger=log.READINGS.name)
    log.loaded("paper", None, "mixed_bfloat16")
    log.loaded("paper", "NVIDIA A2", "float32")
    assert [item.getMessage() for item in caplog.records] == [
        "loaded network=paper device=CPU precision=mixed_bfloat16",
        "loaded network=paper device=NVIDIA A2 precision=float32",
    ]


def test_a_network_is_named_only_where_it_is_one_of_ours(lines):
    log.line("../../etc/passwd\nreading network=paper", 1.0)
    assert lines() == [("none", "no")]


def test_milliseconds(caplog):
    caplog.set_level(logging.INFO, logger=log.READINGS.name)
    log.line("paper", 211.6)
    assert "ms=212 " in caplog.text


def test_lines_go_to_standard_error_once(capsys):
    log.start()
    log.start()
    log.line("paper", 5.0)
    out, err = capsys.readouterr()
    assert out == "" and re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d reading network=paper ms=5 refused=no\n", err)
