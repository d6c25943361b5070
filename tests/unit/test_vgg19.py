import json

import numpy as np
import pytest

from covid_model import config
from covid_model.model import registry, vgg19
from covid_model.model.registry import Head, NetworkError
from tests.support import mock_networks


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("networks")
    mock_networks.save(folder)
    return folder


@pytest.fixture
def damaged(folder, tmp_path):
    """A copy of the mock network that a test may spoil."""
    for file in folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    return tmp_path


def test_the_graph_is_flat_and_named_as_people_know_it():
    model = vgg19.build(Head("flatten", 4, 0.5), 32)
    names = [layer.name for layer in model.layers]
    assert config.LAST_CONV in names
    assert names[-5:] == ["flatten", "fc1", "dropout", "logit", "score"]
    assert len([name for name in names if "_conv" in name]) == 16
    assert model.output_shape == (None, 1)


@pytest.mark.parametrize(("pooling", "inputs"), [("flatten", 7 * 7 * 512), ("average", 512)])
def test_the_head_is_two_dense_layers(pooling, inputs):
    head = vgg19.build_head(Head(pooling, 16, 0.5), (7, 7, 512))
    assert head.get_layer("fc1").kernel.shape == (inputs, 16)
    assert head.get_layer("logit").kernel.shape == (16, 1)


def test_an_unknown_pooling_is_refused():
    with pytest.raises(ValueError, match="'max'"):
        vgg19.build_head(Head("max"), (7, 7, 512))


def test_a_network_survives_saving(folder):
    model = vgg19.load("fine-tuned", folder=folder)
    inputs = np.random.default_rng(0).normal(size=(2, 32, 32, 3)).astype(np.float32)
    again = vgg19.load("fine-tuned", folder=folder)
    scores = model(inputs).numpy()
    assert scores.shape == (2, 1)
    assert ((scores > 0) & (scores < 1)).all()
    np.testing.assert_array_equal(scores, again(inputs).numpy())
    assert not model.trainable_variables


def test_a_networks_description_survives_saving(folder, tmp_path):
    case = registry.spec("fine-tuned", folder)
    case.save(tmp_path)
    assert registry.spec("fine-tuned", tmp_path) == case
    assert registry.names(tmp_path) == ("fine-tuned",)


def test_35_a_weights_file_changed_by_a_byte_is_not_loaded(damaged):
    weights = damaged / "fine-tuned.npz"
    data = bytearray(weights.read_bytes())
    data[len(data) // 2] ^= 1
    weights.write_bytes(data)
    with pytest.raises(NetworkError, match=r"fine-tuned\.npz.*SHA-256"):
        vgg19.load("fine-tuned", folder=damaged)


def test_35_a_weights_file_cut_short_or_missing_is_named(damaged):
    weights = damaged / "fine-tuned.npz"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(NetworkError, match="SHA-256"):
        vgg19.load("fine-tuned", folder=damaged)
    weights.unlink()
    with pytest.raises(NetworkError, match=r"fine-tuned\.npz.*train --recipe fine-tuned"):
        vgg19.load("fine-tuned", folder=damaged)


def test_weights_of_another_shape_are_refused(damaged):
    content = json.loads((damaged / "fine-tuned.json").read_text())
    content["head"]["units"] = 9
    (damaged / "fine-tuned.json").write_text(json.dumps(content))
    with pytest.raises(NetworkError, match="'fc1'"):
        vgg19.load("fine-tuned", folder=damaged)


@pytest.mark.parametrize("text", ["", "{", "{}", '{"name": 1, "preprocessing": {"color": 1}, "head": {}}'])
def test_a_damaged_description_is_named(damaged, text):
    (damaged / "fine-tuned.json").write_text(text)
    with pytest.raises(NetworkError, match=r"fine-tuned\.json"):
        registry.spec("fine-tuned", damaged)


def test_an_unknown_or_missing_network_is_refused(tmp_path):
    with pytest.raises(NetworkError, match=r"Received: '\.\./xyz'"):
        registry.spec("../xyz")
    with pytest.raises(NetworkError, match=r"paper\.json"):
        registry.spec("paper", tmp_path)


def test_36_missing_weights_of_the_frozen_base_are_explained(damaged, tmp_path):
    content = json.loads((damaged / "fine-tuned.json").read_text())
    content |= {"base": registry.IMAGENET, "name": "paper"}
    (damaged / "paper.json").write_text(json.dumps(content))
    nothing = tmp_path / "broken.h5"
    nothing.write_bytes(b"not weights")
    with pytest.raises(NetworkError, match=r"COVID_MODEL_VGG19.*'fine-tuned'"):
        vgg19.load("paper", str(nothing), folder=damaged)
