"""An exported network does not need this package, and scores as ours does."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest

from covid_model import config
from covid_model.cli import main
from covid_model.imaging.preprocessing import prepare, to_input
from covid_model.model import export, registry
from covid_model.model.predictor import Predictor
from tests.support import mock_networks

NAME = "fine-tuned"  # of the mock network
FILMS = [mock_networks.film(seed) for seed in range(3)]
CLOSE = 1e-4  # of a score


@pytest.fixture
def mock(tmp_path, monkeypatch) -> registry.NetworkSpec:
    monkeypatch.setattr(config, "NETWORKS", tmp_path)
    return mock_networks.save(tmp_path, NAME)


def inputs(spec: registry.NetworkSpec) -> np.ndarray:
    """The input that `describe_input` describes, by Keras' own preprocessing."""
    gray = np.stack([prepare(film, spec.preprocessing) for film in FILMS])[..., None]
    return keras.applications.vgg19.preprocess_input(np.repeat(gray, 3, axis=-1).astype(np.float32))


def exported(path: Path, *more: str) -> Path:
    """Run the command, for the network that the stem of `path` names."""
    assert main(["export", "--network", path.stem, "--to", str(path), *more]) == 0
    return path


def test_a_keras_file_scores_as_ours(mock, tmp_path, capsys):
    path = exported(tmp_path / f"{NAME}.keras")
    message = capsys.readouterr().out
    assert message.startswith(f"{path}: ") and export.describe_input(mock.preprocessing) in message
    scores = keras.models.load_model(path).predict(inputs(mock))
    assert scores.shape == (3, 1)
    np.testing.assert_allclose(scores[:, 0], list(Predictor(NAME).scores(FILMS)), atol=CLOSE)
    np.testing.assert_allclose(inputs(mock), to_input(np.stack([prepare(f, mock.preprocessing) for f in FILMS])))


def test_a_keras_file_has_only_layers_of_keras(mock, tmp_path):
    with zipfile.ZipFile(exported(tmp_path / f"{NAME}.keras")) as archive:
        layers = json.loads(archive.read("config.json"))["config"]["layers"]
    assert {layer["module"] for layer in layers} == {"keras.layers"}
    assert {layer["registered_name"] for layer in layers} == {None}
    assert {config.LAST_CONV, "logit", "score"} <= {layer["name"] for layer in layers}


@pytest.mark.parametrize("pooling", ["average", "flatten"])
def test_an_onnx_file_scores_as_ours(mock, pooling):
    onnx = pytest.importorskip("onnx")
    from onnx.reference import ReferenceEvaluator

    from covid_model.model import vgg19

    keras.utils.set_random_seed(1)
    model = vgg19.build(registry.Head(pooling, 5, 0.5), mock_networks.SIZE)
    content = onnx.load_from_string(export.to_onnx(model, "text"))
    (scores,) = ReferenceEvaluator(content).run([export.OUTPUT], {export.INPUT: inputs(mock)})
    np.testing.assert_allclose(scores, model.predict(inputs(mock)), atol=CLOSE)
    assert content.graph.doc_string == "text"


def test_the_command_writes_onnx(mock, tmp_path):
    onnx = pytest.importorskip("onnx")
    graph = onnx.load(exported(tmp_path / f"{NAME}.onnx")).graph
    assert graph.doc_string == export.describe_input(mock.preprocessing)
    assert [node.op_type for node in graph.node].count("Conv") == 16 and graph.output[0].name == "score"


def test_a_layer_that_onnx_does_not_get_is_named(mock):
    pytest.importorskip("onnx")
    given = keras.Input((8, 8, 3))
    with pytest.raises(export.ExportError, match=r"'odd'.*Received: ZeroPadding2D"):
        export.to_onnx(keras.Model(given, keras.layers.ZeroPadding2D(name="odd")(given)))


def test_without_onnx_the_error_says_what_to_install(mock, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(export, "find_spec", lambda name: None)
    path = tmp_path / "network.onnx"
    assert main(["export", "--network", NAME, "--to", str(path)]) == 1
    message = capsys.readouterr().err
    assert message.count("\n") == 1 and "pip install onnx" in message and not path.exists()


@pytest.mark.parametrize("file", ["network.h5", "network", "absent/network.keras"])
def test_a_file_that_cannot_be_written_is_bad_usage(mock, tmp_path, file, capsys):
    with pytest.raises(SystemExit) as stop:
        main(["export", "--network", NAME, "--to", str(tmp_path / file)])
    assert stop.value.code == 2 and capsys.readouterr().err.count("\n") == 1


def test_a_failure_leaves_no_file(mock, tmp_path, capsys):
    (tmp_path / f"{NAME}.npz").write_bytes(b"damaged")
    before = sorted(tmp_path.iterdir())
    assert main(["export", "--network", NAME, "--to", str(tmp_path / "network.keras")]) == 1
    assert NAME in capsys.readouterr().err and sorted(tmp_path.iterdir()) == before


def test_the_description_names_every_step():
    from covid_model.imaging.preprocessing import Preprocessing

    message = export.describe_input(Preprocessing(96, border=0.1, blur=1.5, equalize=True))
    for part in ("(n, 96, 96, 3)", "10 % of", "1.5 pixels", "equalized", "-123.68 to 151.061"):
        assert part in message
    assert "cropped" not in export.describe_input(Preprocessing(96))


ALONE = """
import sys, keras, numpy as np
scores = keras.models.load_model(sys.argv[1]).predict(np.load(sys.argv[2]), verbose=0)[:, 0]
assert not [name for name in sys.modules if name.startswith("covid_model")]
np.save(sys.argv[2], scores)
"""


@pytest.mark.vgg19
def test_a_network_on_imagenet_loads_in_plain_keras_elsewhere(tmp_path, vgg19_file):
    """In another process, which has not imported this package."""
    name = next(name for name in registry.names() if registry.spec(name).base == registry.IMAGENET)
    path = exported(tmp_path / f"{name}.keras", "--vgg19", str(vgg19_file))
    np.save(tmp_path / "x.npy", inputs(registry.spec(name)))
    done = subprocess.run(
        [sys.executable, "-c", ALONE, path, tmp_path / "x.npy"], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-2000:]
    ours = list(Predictor(name, str(vgg19_file)).scores(FILMS))
    np.testing.assert_allclose(np.load(tmp_path / "x.npy"), ours, atol=CLOSE)
