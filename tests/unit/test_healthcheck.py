"""The score that `health` expects, and how it reads a page. (Against a real server: test_server.py.)"""

from __future__ import annotations

import json

import pytest

from covid_model import imaging
from covid_model.cli import main
from covid_model.data import samples
from covid_model.model import registry, vgg19
from covid_model.model.predictor import Predictor
from covid_model.model.registry import NetworkError, sha256
from covid_model.tools import healthcheck
from tests.support import mock_networks


@pytest.mark.parametrize(
    ("text", "score"),
    [
        ("0.512", 0.512),
        (":gray[0.512]", 0.512),
        ("< 0.001", 0.001),
        ("> 0.999", 0.999),
        (None, None),
        ("", None),
        ("Refused", None),
    ],
)
def test_the_score_of_a_page(text, score):
    assert healthcheck.shown(text) == score


@pytest.fixture
def networks(tmp_path, monkeypatch):
    """A folder with a mock network, in the place of ours."""
    folder = tmp_path / "networks"
    folder.mkdir()
    mock_networks.save(folder)
    monkeypatch.setattr(registry.spec, "__defaults__", (folder,))
    monkeypatch.setattr(vgg19.load, "__defaults__", (None, folder, "float32"))
    return folder


def test_what_is_expected_is_what_this_copy_gives_and_is_kept(networks, tmp_path, monkeypatch):
    path = samples.sample(healthcheck.FILM).path
    target = Predictor("fine-tuned").predict(imaging.read(path)).score
    assert healthcheck.expected("fine-tuned", tmp_path / "work") == pytest.approx(target)
    kept = json.loads((tmp_path / "work" / healthcheck.CACHE).read_text())
    assert kept == {f"{registry.spec('fine-tuned').sha256}-{sha256(path)}": pytest.approx(target)}

    monkeypatch.setattr("covid_model.model.predictor.Predictor", lambda name: pytest.fail("computed twice"))
    assert healthcheck.expected("fine-tuned", tmp_path / "work") == pytest.approx(target)


def test_other_weights_are_reckoned_anew(networks, tmp_path):
    first = healthcheck.expected("fine-tuned", tmp_path)
    mock_networks.save(networks, seed=1)
    assert healthcheck.expected("fine-tuned", tmp_path) != first


@pytest.mark.parametrize("content", ["", "[]", "{", '{"other": 1}'])
def test_a_damaged_note_is_written_again(networks, tmp_path, content):
    (tmp_path / healthcheck.CACHE).write_text(content)
    score = healthcheck.expected("fine-tuned", tmp_path)
    assert list(json.loads((tmp_path / healthcheck.CACHE).read_text()).values()) == [score]


def test_where_nothing_can_be_kept(networks, tmp_path):
    (tmp_path / "file").touch()
    assert 0 < healthcheck.expected("fine-tuned", tmp_path / "file") < 1


def test_a_copy_without_the_network_says_so(networks, capsys):
    (networks / "fine-tuned.npz").unlink()
    with pytest.raises(NetworkError):
        healthcheck.expected("fine-tuned", networks / "nowhere")


@pytest.mark.parametrize(
    "arguments",
    [
        ["health"],
        ["health", "http://x", "--expect", "2"],
        ["health", "http://x", "--network", "xyz"],
        *(["health", "http://x", "--patience", value] for value in ("0", "-1", "nan", "inf", "soon")),
    ],
    ids=" ".join,
)
def test_bad_usage(capsys, arguments):
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    assert stop.value.code == 2 and capsys.readouterr().err.count("\n") == 1
