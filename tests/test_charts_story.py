"""charts.story and the tables behind it: what is drawn, and that every figure has its sentence."""

from __future__ import annotations

import json
import math

import numpy as np
import plotly.graph_objects as go
import pytest

from covid_model import learning_curves, network, pretrained, schematic, settings
from covid_model.anatomy import Block, HeadNumbers, Layer, loss
from covid_model.app.story import inside, run_table
from covid_model.charts import story, style
from covid_model.charts.story.drawing import short_count, short_shape
from covid_model.preprocessing import Preprocessing

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
HEAD = HeadNumbers(
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
    figure = story.drawing(BLOCKS, "block1")
    slabs = figure.data[0]
    assert len(slabs.x) == 7  # dropout is not drawn
    assert list(slabs.x) == sorted(slabs.x)
    assert "<b>Block 1</b><br>112² × 64<br>1.79 k" in words(figure)
    assert list(slabs.marker.pattern.shape) == ["", "/", "", "", "", "", ""]
    assert len(figure.layout.shapes) == 1 and not story.drawing(BLOCKS).layout.shapes
    assert story.clicked_block([{"customdata": list(slabs.customdata[1])}]) == "block1"
    assert story.clicked_block([]) is None and story.clicked_block([{"customdata": 3}]) is None
    assert "6,423,041 of 6,424,833 parameters were trained" in story.drawing_alt(BLOCKS)


def test_short_numbers():
    assert [short_count(count) for count in (257, 1792, 38_720, 20_024_384)] == ["257", "1.79 k", "38.7 k", "20 M"]
    assert [short_shape(shape) for shape in ((7, 7, 512), (25088,))] == ["7² × 512", "25,088"]


def test_logit_is_a_staircase_to_the_sum():
    bars = story.logit_parts(HEAD, units=2).data[0]
    assert list(bars.y) == ["unit 0", "unit 2", "1 other units", "bias", "<b>logit</b>"]
    assert sum(bars.x[:-1]) == pytest.approx(HEAD.logit) and bars.x[-1] == pytest.approx(HEAD.logit)
    assert bars.base[3] + bars.x[3] == pytest.approx(HEAD.logit)
    assert "come to +0.400" in story.logit_parts_alt(HEAD)


@pytest.mark.parametrize("truth", [True, False])
def test_loss_curve_puts_the_film_on_its_curve(truth):
    cost = loss(HEAD.logit, truth)
    figure = story.loss_curve(HEAD.score, cost, truth)
    assert (figure.data[-1].x[0], figure.data[-1].y[0]) == (HEAD.score, cost)
    assert f"this film: {cost:.3f}" in words(figure)
    assert f"truth {int(truth)}, costs {cost:.3f}" in story.loss_curve_alt(HEAD.score, cost, truth)
    curve = figure.data[0 if truth else 1]
    assert np.interp(HEAD.score, curve.x, curve.y) == pytest.approx(cost, abs=0.01)


def test_loss_curve_without_a_film_and_beyond_its_edge():
    assert len(story.loss_curve().data) == 2
    beyond = story.loss_curve(1e-12, 27.6, True)
    assert beyond.data[-1].y[0] == 27.6 < beyond.layout.yaxis.range[1] and max(beyond.data[0].y) > 27.6
    assert "this film: 4.7·10⁻⁶" in words(story.loss_curve(0.9999953, 4.69e-6, True))
    assert "This film" not in story.loss_curve_alt(None, None, True)


def test_channel_weights_mark_what_is_shown():
    figure = story.channel_weights(np.array([0.1, -0.2, 0.0]), [1])
    assert list(figure.data[1].x) == [1] and list(figure.data[1].y) == [-0.2]
    assert "1 speak for COVID-19, 1 against" in story.channel_weights_alt(np.array([0.1, -0.2, 0.0]))


def test_table_1_is_as_keras_publishes_it():
    found = {one.name: one for one in pretrained.MODELS}
    assert len(found) == len(pretrained.MODELS) == 33
    vgg = found[pretrained.OURS]
    assert (vgg.megabytes, vgg.top1, vgg.top5, vgg.millions, vgg.depth) == (549, 71.3, 90.0, 143.7, 19)
    for one in pretrained.MODELS:
        assert 50 < one.top1 < one.top5 < 100 and one.family
        assert one.megabytes == pytest.approx(4 * one.millions, rel=0.45)  # four bytes a parameter, and some more
    assert found["InceptionResNetV2"].family == "InceptionResNet"


def test_models_mark_ours():
    figure = story.models(pretrained.MODELS, pretrained.OURS)
    assert sum(len(trace.x) for trace in figure.data) == len(pretrained.MODELS)
    note = figure.layout.annotations[0]
    assert note.text == "<b>VGG19</b>" and note.x == pytest.approx(math.log10(143.7))
    assert "143.7 million parameters and 71.3 % top-1" in story.models_alt(pretrained.MODELS, pretrained.OURS)


EPOCHS = [
    {"epoch": 1, "loss": 0.5, "accuracy": 0.8, "auc": 0.9},
    {"epoch": 2, "loss": 0.3, "accuracy": 0.9, "auc": 0.95},
]
STEPS = [{"step": 100, "loss": 0.5, "seconds": 9.0, "val_loss": 0.6, "auc cohen": 0.8, "alarms nih": 0.1}]


def test_run_takes_both_kinds_of_record():
    assert [trace.name for trace in story.run(EPOCHS).data] == ["training", "accuracy, training", "AUC, training"]
    figure = story.run(STEPS)
    assert [trace.name for trace in figure.data] == ["training", "validation", "AUC within Image Data Collection"]
    assert figure.layout.xaxis.title.text == "step" and list(figure.data[0].x) == [100]
    assert story.run_alt(EPOCHS).startswith("Training run over 2 epochs, ending at loss, training 0.3000")
    assert story.run([]).data == () and "nothing" in story.run_alt([])


def spec(**more) -> network.NetworkSpec:
    head = network.Head()
    return network.NetworkSpec(
        "paper", "Paper", "S.", 0.6, Preprocessing(), network.IMAGENET, head, "paper.npz", "0", 1, **more
    )


def test_table_2_says_what_the_json_says():
    recipe = {"ours": {"learning_rate": 1e-4, "batch": 32, "epochs": 10, "optimizer": "Adam", "jitter": {"flip": 0.5}}}
    training = {"films": 4718, "covid": 330, "seconds": 200.4, "machine": {"processor": "P", "cores": 2}}
    table = run_table.rows(spec(recipe=recipe, training=training))
    here, paper = table[run_table.HERE], table[run_table.PAPER]
    assert here["Learning rate"] == "0.0001" and here["Epochs"] == "10" and here["Films a step"] == "32"
    assert here["Training films"] == "4,718, of them 330 COVID-19" == paper["Training films"]
    assert here["Training took"] == "3 min 20 s" and here["Processor"] == "P, 2 cores" and here["Jitter"] == "flip"
    assert "Steps" not in table.index and paper["Optimiser"] == "–"


def test_table_2_of_a_run_in_stages():
    table = run_table.rows(spec(recipe={"steps": 440, "stages_before": [{"steps": 1000}]}))
    assert table[run_table.HERE]["Steps"] == "1,440, in 2 stages: 1,000, then 440"
    assert table[run_table.HERE]["Epochs"] == "counted in steps" and table[run_table.PAPER]["Epochs"] == "10"
    assert run_table.rows(spec(recipe={"steps": 440, "stages_before": [3]}))[run_table.HERE]["Steps"] == "440"


def test_settings_tried():
    assert run_table.tried(spec())[0] == [] and run_table.tried(spec(recipe={"candidates": 3}))[0] == []
    one = {"head": {"units": 64}, "learning_rate": 1e-4, "val_loss": 0.2, "chosen": False}
    history, table = run_table.tried(spec(recipe={"candidates": [one, one | {"chosen": True, "history": EPOCHS}]}))
    assert history == EPOCHS
    assert list(table.columns) == ["units", "learning rate", "val loss", "chosen"] and len(table) == 2


@pytest.mark.parametrize(("value", "said"), [(0.04, "0.040"), (8.8e-9, r"8.8 \cdot 10^{-9}"), (0.0, "0.000")])
def test_numbers_in_formulas(value, said):
    assert inside.tex(value) == said
    assert style.power(-1.24e-5) == "−1.2·10⁻⁵" and style.power(1.24e-5, "+") == "+1.2·10⁻⁵"
    assert inside.signed(-1e-9) == "+0.000" and inside.signed(-2.5) == "-2.500"


def test_table_2_of_a_bare_json():
    table = run_table.rows(spec())
    assert table[run_table.HERE]["Base"] == "VGG-19, frozen" and "Optimiser" not in table.index


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(4.2, "4.2 s"), (59.6, "1 min"), (60, "1 min"), (3900, "1 h 5 min"), (None, None), (float("nan"), None)],
)
def test_duration(seconds, said):
    assert run_table.duration(seconds) == said


def test_learning_curves_only_where_there_are_runs_to_compare(tmp_path):
    path = tmp_path / "learning_curves.json"
    assert learning_curves.load(path) is None
    one = {"history": EPOCHS}
    for runs in (
        None,
        [],
        {},
        {"frozen": one},
        {"a": one, "b": {"history": [{"x": 1}]}},
        {"a": one, "b": {}},
        {"a": 1},
    ):
        path.write_text(json.dumps({"runs": runs}))
        assert learning_curves.load(path) is None
    for damaged in ("[", "[]", "{}", '{"runs": {"a": {"history": [1]}, "b": {}}}'):
        path.write_text(damaged)
        assert learning_curves.load(path) is None


def test_learning_curves_as_they_are_shown(tmp_path):
    runs = {
        "frozen": {"history": EPOCHS},
        "random": {"title": "Random start", "history": EPOCHS, "processor_seconds": 90},
    }
    about = {"films": 960, "covid": 480, "validation": 240, "sources": {"nih": 9}, "preprocessing": {"size": 112}}
    made = learning_curves.load(learning_curves.save(runs, about | {"epochs": 2}, tmp_path / "new" / "curves.json"))
    assert list(made.runs) == ["frozen", "Random start"] and made.measure == "accuracy"
    figure = story.comparison(made.runs, "accuracy", "Training accuracy")
    assert [trace.name for trace in figure.data] == ["frozen", "Random start"]
    assert "Random start 0.9000" in story.comparison_alt(made.runs, "accuracy", "Training accuracy")
    table = run_table.ends(made, "accuracy", "Training accuracy")
    assert (
        table.loc["Random start"].tolist() == ["90.0 %", "1 min 30 s"] and table.loc["frozen", "Processor time"] == "–"
    )
    assert "960 films of 1 sources, 480 of them COVID-19, 112 × 112 pixels, 2 epochs" in run_table.shared(made)
    assert run_table.shared(learning_curves.Comparison(made.runs)) is None


def test_the_drawing_of_a_film_could_pass_for_one():
    pixels = schematic.draw()
    assert pixels.shape == (schematic.HEIGHT, schematic.WIDTH) and pixels.dtype == np.uint8
    assert min(pixels.shape) >= settings.MIN_SIDE and np.unique(pixels).size > settings.MIN_TONES
    height, width = pixels.shape
    lung, spine = pixels[height // 2, int(0.29 * width)], pixels[height // 2, width // 2]
    assert spine > int(lung) + 60
