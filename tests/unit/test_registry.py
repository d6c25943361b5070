"""Which networks there are: what lies in their folder says so."""

from __future__ import annotations

import json

import pytest

from covid_model import config
from covid_model.model import registry
from tests.support import mock_networks


@pytest.fixture
def folder(tmp_path, monkeypatch):
    mock_networks.describe(tmp_path, "paper", "The paper's", 20)
    mock_networks.describe(tmp_path, "fine-tuned", "Tuned", 10, ("train", "extra"))
    (tmp_path / "card.json").write_text(json.dumps({"sources": [], "networks": {"paper": {}}}))
    monkeypatch.setattr(config, "NETWORKS", tmp_path)
    return tmp_path


def test_networks_are_listed_in_their_order(folder):
    assert registry.names() == ("fine-tuned", "paper") and registry.default() == "fine-tuned"
    mock_networks.describe(folder, "frozen", "Frozen", 5)
    assert registry.names() == ("frozen", "fine-tuned", "paper") and registry.default() == "frozen"


def test_a_changed_json_is_read_again(folder):
    assert registry.title("paper") == "The paper's"
    mock_networks.describe(folder, "paper", "Another title", 20)
    assert registry.title("paper") == registry.short_title("paper") == "Another title"


def test_other_files_describe_no_network(folder):
    for name, text in {"card": "not JSON", "list": "[1, 2]", "text": '"a"', "half": '{"weights": "x.npz"}'}.items():
        (folder / f"{name}.json").write_text(text)
    assert registry.names() == ("fine-tuned", "paper")


def test_a_damaged_json_beside_its_weights_is_a_network_that_says_so(folder):
    (folder / "paper.json").write_text("{")
    (folder / "paper.npz").write_bytes(b"")
    assert "paper" in registry.names()
    with pytest.raises(registry.NetworkError, match=r"paper\.json is damaged"):
        registry.spec("paper")


def test_an_empty_folder_has_none(tmp_path, monkeypatch):
    monkeypatch.setattr(config, "NETWORKS", tmp_path)
    assert registry.names() == () and registry.default() == registry.NONE
    with pytest.raises(registry.NetworkError, match="networks here are: none"):
        registry.spec(registry.NONE)


def test_a_network_without_a_json_still_has_a_title(folder):
    assert registry.title("older") == "Older"


def test_a_json_that_does_not_say_what_it_was_trained_on_is_damaged(folder):
    path = folder / "paper.json"
    content = json.loads(path.read_text())
    del content["trained_on"]
    path.write_text(json.dumps(content))
    with pytest.raises(registry.NetworkError, match=r"paper\.json is damaged.*trained_on"):
        registry.spec("paper")


def test_our_networks_say_all_that_a_page_asks():
    for entry in registry.entries():
        assert entry.title and entry.help and entry.trained_on and entry.order < registry.LAST
        assert set(entry.trained_on) <= set(config.SPLITS)
        assert registry.spec(entry.name).trained_on == entry.trained_on
