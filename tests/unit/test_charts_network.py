"""Charts of How it works and the tables behind them: what is drawn, and their alternative texts."""

from __future__ import annotations

import json
import math

import numpy as np
import plotly.graph_objects as go
import pytest

from covid_model import config, records
from covid_model.app.components import activations
from covid_model.app.text import how_it_works as story_text
from covid_model.charts import network as network_charts
from covid_model.charts import style, training
from covid_model.charts.network import short_count, short_shape
from covid_model.data import samples
from covid_model.imaging import image
from covid_model.model import vgg19
from covid_model.model.activations import Block, HeadActivations, Layer, binary_crossentropy
from covid_model.training import init_ablation
from tests.support.app_pages import holds, numbers

BLOCKS = (
    Block("input", (Layer("film", "input", (224, 224, 3), 0, False),)),
    Block(
        "block1",
        (
            Layer("block1_conv1", "convolution", (224, 224, 64), 1792, False, 3),
            Layer("block1_pool", "pooling", (112, 112, 64), 0, False, 4),
        ),
    ),
    Block("features", (Layer("flatten", "flatten", (25088,), 0, False),)),
    Block("fc1", (Layer("fc1", "dense", (256,), 6_422_784, True), Layer("dropout", "dropout", (256,), 0, False))),
    Block("score", (Layer("logit", "dense", (1,), 257, True), Layer("score", "sigmoid", (1,), 0, False))),
)
HEAD = HeadActivations(
    features=np.ones(4, np.float32),
    units=np.array([1.0, 0.0, 2.0, 0.5], np.float32),
    weights=np.array([1.0, 5.0, -0.5, 0.2], np.float32),
    bias=0.3,
    logit=0.4,
    score=0.5987,
)


def words(figure: go.Figure) -> str:
    return " ".join(note.text for note in figure.layout.annotations)


def test_drawing_has_a_slab_a_layer_and_reports_clicks():
    figure = network_charts.drawing(BLOCKS, "block1")
    slabs = figure.data[0]
    assert len(slabs.x) == 7  # dropout is not drawn
    assert list(slabs.x) == sorted(slabs.x)
    assert f"<b>{BLOCKS[1].title}</b><br>112² × 64<br>1.79 k" in words(figure)
    assert list(slabs.marker.pattern.shape) == ["", "/", "", "", "", "", ""]
    assert len(figure.layout.shapes) == 1 and not network_charts.drawing(BLOCKS).layout.shapes
    assert network_charts.clicked_block([{"customdata": list(slabs.customdata[1])}]) == "block1"
    assert network_charts.clicked_block([]) is None and network_charts.clicked_block([{"customdata": 3}]) is None
    assert holds(network_charts.drawing_alt(BLOCKS), 6_423_041, 6_424_833)


def test_short_numbers():
    assert [short_count(count) for count in (257, 1792, 38_720, 20_024_384)] == ["257", "1.79 k", "38.7 k", "20 M"]
    assert [short_shape(shape) for shape in ((7, 7, 512), (25088,))] == ["7² × 512", "25,088"]


def test_logit_is_a_staircase_to_the_sum():
    bars = network_charts.logit_parts(HEAD, units=2).data[0]
    assert [numbers(name) for name in bars.y] == [[0], [2], [1], [], []]  # units, other units, bias, logit
    assert sum(bars.x[:-1]) == pytest.approx(HEAD.logit) and bars.x[-1] == pytest.approx(HEAD.logit)
    assert bars.base[3] + bars.x[3] == pytest.approx(HEAD.logit)
    assert "+0.400" in network_charts.logit_parts_alt(HEAD)


@pytest.mark.parametrize("truth", [True, False])
def test_loss_curve_puts_the_film_on_its_curve(truth):
    cost = binary_crossentropy(HEAD.logit, truth)
    figure = network_charts.loss_curve(HEAD.score, cost, truth)
    assert (figure.data[-1].x[0], figure.data[-1].y[0]) == (HEAD.score, cost)
    assert f"{cost:.3f}" in words(figure)
    assert holds(network_charts.loss_curve_alt(HEAD.score, cost, truth), int(truth), round(cost, 3))
    curve = figure.data[0 if truth else 1]
    assert np.interp(HEAD.score, curve.x, curve.y) == pytest.approx(cost, abs=0.01)


def test_loss_curve_without_a_film_and_beyond_its_edge():
    assert len(network_charts.loss_curve().data) == 2
    beyond = network_charts.loss_curve(1e-12, 27.6, True)
    assert beyond.data[-1].y[0] == 27.6 < beyond.layout.yaxis.range[1] and max(beyond.data[0].y) > 27.6
    assert "4.7·10⁻⁶" in words(network_charts.loss_curve(0.9999953, 4.69e-6, True))
    assert network_charts.loss_curve_alt(None, None, True) in network_charts.loss_curve_alt(
        0.9, 0.1, True
    )  # which adds the film
    assert network_charts.loss_curve_alt(None, None, True) != network_charts.loss_curve_alt(0.9, 0.1, True)


def test_channel_weights_mark_what_is_shown():
    figure = network_charts.channel_weights(np.array([0.1, -0.2, 0.0]), [1])
    assert list(figure.data[1].x) == [1] and list(figure.data[1].y) == [-0.2]
    assert holds(network_charts.channel_weights_alt(np.array([0.1, -0.2, 0.3, 0.0])), 2, 1)


def test_table_1_matches_keras_figures():
    result = {item.name: item for item in vgg19.MODELS}
    assert len(result) == len(vgg19.MODELS) == 33
    vgg = result[vgg19.OURS]
    assert (vgg.megabytes, vgg.top1, vgg.top5, vgg.millions, vgg.depth) == (549, 71.3, 90.0, 143.7, 19)
    for item in vgg19.MODELS:
        assert 50 < item.top1 < item.top5 < 100 and item.family
        assert item.megabytes == pytest.approx(4 * item.millions, rel=0.45)  # four bytes a parameter, and some more
    assert result["InceptionResNetV2"].family == "InceptionResNet"


def test_models_highlight_vgg19():
    figure = network_charts.models(vgg19.MODELS, vgg19.OURS)
    assert sum(len(trace.x) for trace in figure.data) == len(vgg19.MODELS)
    note = figure.layout.annotations[0]
    assert note.text == "<b>VGG19</b>" and note.x == pytest.approx(math.log10(143.7))
    assert holds(network_charts.models_alt(vgg19.MODELS, vgg19.OURS), 143.7, 71.3)


EPOCHS = [
    {"epoch": 1, "loss": 0.5, "accuracy": 0.8, "auc": 0.9},
    {"epoch": 2, "loss": 0.3, "accuracy": 0.9, "auc": 0.95},
]
STEPS = [{"step": 100, "loss": 0.5, "seconds": 9.0, "val_loss": 0.6, "auc cohen": 0.8, "alarms nih": 0.1}]


def test_run_takes_both_kinds_of_record():
    drawn = [list(trace.y) for trace in training.run(EPOCHS).data]  # loss, accuracy, AUC
    assert drawn == [[0.5, 0.3], [0.8, 0.9], [0.9, 0.95]]
    figure = training.run(STEPS)
    assert [list(trace.y) for trace in figure.data] == [[0.5], [0.6], [0.8]]  # training, validation, AUC of a source
    assert len({trace.name for trace in figure.data}) == 3 and config.SOURCE_SHORT["cohen"] in figure.data[2].name
    assert figure.layout.xaxis.title.text != training.run(EPOCHS).layout.xaxis.title.text
    assert list(figure.data[0].x) == [100]
    assert holds(training.run_alt(EPOCHS), 2, 0.3)
    assert training.run([]).data == () and training.run_alt([]) and not numbers(training.run_alt([]))


@pytest.mark.parametrize(("value", "text"), [(0.04, "0.040"), (8.8e-9, r"8.8 \cdot 10^{-9}"), (0.0, "0.000")])
def test_numbers_in_formulas(value, text):
    assert story_text.tex(value) == text
    assert style.power(-1.24e-5) == "−1.2·10⁻⁵" and style.power(1.24e-5, "+") == "+1.2·10⁻⁵"
    assert activations.signed(-1e-9) == "+0.000" and activations.signed(-2.5) == "-2.500"


def test_learning_curves_only_where_there_are_runs_to_compare(tmp_path):
    path = tmp_path / "learning_curves.json"
    assert records.load_learning_curves(path) is None
    item = {"history": EPOCHS}
    for runs in (
        None,
        [],
        {},
        {"frozen": item},
        {"a": item, "b": {"history": [{"x": 1}]}},
        {"a": item, "b": {}},
        {"a": 1},
    ):
        path.write_text(json.dumps({"runs": runs}))
        assert records.load_learning_curves(path) is None
    for damaged in ("[", "[]", "{}", '{"runs": {"a": {"history": [1]}, "b": {}}}'):
        path.write_text(damaged)
        assert records.load_learning_curves(path) is None


def test_learning_curves_as_they_are_shown(tmp_path):
    runs = {
        "frozen": {"history": EPOCHS},
        "random": {"title": "Random start", "history": EPOCHS, "processor_seconds": 90},
    }
    about = {"films": 960, "covid": 480, "validation": 240, "sources": {"nih": 9}, "preprocessing": {"size": 112}}
    made = records.load_learning_curves(
        init_ablation.save_runs(runs, about | {"epochs": 2}, tmp_path / "new" / "curves.json")
    )
    assert list(made.runs) == ["frozen", "Random start"] and made.measure == "accuracy"
    figure = training.comparison(made.runs, "accuracy", "Training accuracy")
    assert [trace.name for trace in figure.data] == ["frozen", "Random start"]
    text = training.comparison_alt(made.runs, "accuracy", "Training accuracy")
    assert "Random start" in text and holds(text, 0.9, 0.9)


def test_the_drawing_of_a_film_could_pass_for_one():
    pixels = samples.draw_schematic()
    assert pixels.shape == (samples.SCHEMATIC_HEIGHT, samples.SCHEMATIC_WIDTH) and pixels.dtype == np.uint8
    assert min(pixels.shape) >= config.MIN_SIDE and np.unique(pixels).size > image.MIN_TONES
    height, width = pixels.shape
    lung, spine = pixels[height // 2, int(0.29 * width)], pixels[height // 2, width // 2]
    assert spine > int(lung) + 60
