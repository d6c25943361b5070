"""Charts: what is drawn where, edge cases, and an alternative text for every figure."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
import pytest

from covid_model import charts, evaluation
from covid_model.charts import style
from tests.support.app_pages import holds, numbers

SCORES = np.array([0.9, 0.8, 0.6, 0.2, 0.7, 0.5, 0.1, 0.1])
COVID = np.array([1, 1, 1, 1, 0, 0, 0, 0])
NOTHING = np.empty(0)


def words(figure: go.Figure) -> str:
    return " ".join(note.text for note in figure.layout.annotations)


def points(figure: go.Figure) -> list[go.Scatter]:
    return [trace for trace in figure.data if trace.type == "scatter" and trace.mode == "markers"]


def _luminance(color: str) -> float:
    channels = [int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return float(np.dot(linear, (0.2126, 0.7152, 0.0722)))


@pytest.mark.parametrize("color", [style.COVID_COLOR, style.OTHER_COLOR, style.GRAY, *style.LINE_COLORS])
@pytest.mark.parametrize("ground", ["#FFFFFF", "#0E1215"])
def test_colors_stand_out_on_light_and_dark(color, ground):
    light, dark = sorted((_luminance(color), _luminance(ground)), reverse=True)
    assert (light + 0.05) / (dark + 0.05) >= 3


def test_the_two_classes_differ_in_shape():
    assert style.COVID_SYMBOL != style.OTHER_SYMBOL and style.COVID_LABEL != style.OTHER_LABEL
    assert len(set(style.DASHES)) == len(style.DASHES) == len(style.LINE_COLORS)


def test_an_enlarged_figure_keeps_what_it_shows():
    figure = charts.confusion_matrix(evaluation.Confusion(tp=71, fn=2, fp=18, tn=1061))
    large = charts.enlarged(figure, 1.25)
    assert words(large) == words(figure) and list(large.data[0].x) == list(figure.data[0].x)
    assert large.layout.height == 1.25 * figure.layout.height and large.layout.margin.l == 1.25 * figure.layout.margin.l
    sizes = [[note.font.size for note in item.layout.annotations] for item in (figure, large)]
    assert sizes[1] == [1.25 * size for size in sizes[0]]


def test_confusion_matrix_shows_counts_and_row_shares():
    matrix = evaluation.Confusion(tp=71, fn=2, fp=18, tn=1061)
    figure = charts.confusion_matrix(matrix)
    assert holds(words(figure), 71, 97.3, 2, 18, 1.7, 1061)
    assert list(figure.data[0].customdata) == list(evaluation.CELLS)
    assert set(figure.data[0].marker.line.color) == {style.CLEAR}
    assert holds(charts.confusion_matrix_alt(matrix, 0.6), 73, 71, 1079, 18, 0.6)


def test_covid_row_is_above_and_positive_is_left():
    tiles = charts.confusion_matrix(evaluation.Confusion(1, 2, 3, 4)).data[0]
    place = dict(zip(tiles.customdata, zip(tiles.x, tiles.base, strict=True), strict=True))
    assert place["tp"][1] > place["fp"][1] and place["tp"][0] < place["fn"][0]


def test_only_the_chosen_tile_has_a_frame():
    frames = charts.confusion_matrix(evaluation.Confusion(1, 2, 3, 4), "fp").data[0].marker.line.color
    assert [frame != style.CLEAR for frame in frames] == [cell == "fp" for cell in evaluation.CELLS]


@pytest.mark.parametrize(
    ("points", "cell"),
    [
        (None, None),
        ([], None),
        ([{"point_index": 2}], "fp"),
        ([{"point_number": 0}], "tp"),
        ([{"point_index": 9}], None),
        ([{}], None),
    ],
)
def test_clicked_cell(points, cell):
    assert charts.clicked_cell(points) == cell


@pytest.mark.parametrize(
    ("points", "film"),
    [
        (None, None),
        ([{"customdata": ["0.900", "cohen-1"]}], "cohen-1"),
        ([{"customdata": "0.9"}, {"customdata": ["0.900", "cohen-2"]}], "cohen-2"),
        ([{"customdata": ["0.900", ""]}, {}, {"customdata": None}], None),
    ],
)
def test_clicked_film(points, film):
    assert charts.clicked_film(points) == film


@pytest.mark.parametrize(
    ("points", "group"),
    [
        (None, None),
        ([{"curve_number": 0, "y": 4.13}], (0, True)),  # the first of five is on top, its COVID-19 above the middle
        ([{"curve_number": 1, "y": -0.13}], (4, False)),
        ([{"curve_number": 2, "y": 1.0}, {"curve_number": 0, "y": 9.0}, {"curve_number": 1}], None),
    ],
)
def test_clicked_group(points, group):
    assert charts.clicked_group(points, 5) == group


def test_clicked_group_with_the_other_networks_symbols():
    clicked = [charts.clicked_group([{"curve_number": curve, "y": 3.1}], 5, traces=2) for curve in range(5)]
    assert clicked == [(1, True), (1, True), (1, False), (1, False), None]


def test_the_distribution_in_words():
    assert holds(charts.score_distribution_alt(SCORES, COVID, 0.6), 2, 4, 1, 4, 0.6)  # the film at 0.6 is not above it
    assert holds(charts.score_distribution_alt(SCORES, COVID, 0.6, mark=0.83), 0.83)
    assert not holds(charts.score_distribution_alt(SCORES, COVID, 0.6), 0.83)


def test_strip_tells_verdicts_apart_and_marks_the_film():
    scores = np.array([0.5, 0.6, 0.7, 0.9])
    figure = charts.score_strip(scores, 0.72, 0.6)
    positive, negative = points(figure)
    assert list(positive.x) == [0.7, 0.9] and list(negative.x) == [0.5, 0.6]  # at the threshold is not above it
    assert positive.marker.symbol != negative.marker.symbol
    assert [shape.x0 for shape in figure.layout.shapes] == [0.6, 0.72]
    assert holds(words(figure), 0.72)
    assert holds(charts.score_strip_alt(scores, 0.72, 0.6), 4, 0.5, 0.9, 2, 0.6, 0.72)
    same = points(charts.score_strip(scores, 0.72, 0.4))
    assert sorted(np.concatenate([item.y for item in same])) == pytest.approx(
        sorted(np.concatenate([positive.y, negative.y]))
    )  # no point hops when the threshold moves


def test_curves_name_networks_and_areas():
    curve = evaluation.roc(SCORES, COVID)
    figure = charts.roc({"paper": curve, "fine-tuned": curve}, {"paper": (0.25, 0.75), "fine-tuned": (None, 1.0)})
    lines = [trace for trace in figure.data if trace.mode == "lines"]
    assert lines[0].name.startswith("paper<br>") and f"{curve.area:.3f}" in lines[0].name
    assert lines[0].line.dash != lines[1].line.dash
    assert [(trace.x[0], trace.y[0]) for trace in points(figure)] == [(0.25, 0.75)]
    assert f"{curve.area:.3f}" in charts.roc_alt({"paper": curve})
    figure = charts.precision_recall({"paper": evaluation.precision_recall(SCORES, COVID)}, prevalence=0.5)
    assert figure.data[0].line.shape == "hv" and figure.layout.shapes[0].y0 == 0.5


def test_empty_figures_say_so():
    empty = evaluation.roc(NOTHING, NOTHING)
    assert words(charts.roc({"paper": empty})) != words(charts.roc({"paper": evaluation.roc(SCORES, COVID)}))
    assert not charts.roc({"paper": empty}).data and words(charts.roc({"paper": empty}))
    for text in (charts.roc_alt({"paper": empty}), charts.precision_recall_alt({"paper": empty})):
        assert text and not numbers(text)
    matrix = charts.confusion_matrix(evaluation.Confusion(0, 0, 0, 0))
    assert words(matrix).count("–") == 4 and set(numbers(words(matrix))) == {0}


def test_numbers_of_runs_that_end_close_together_are_spread():
    figure = charts.learning_curve({1: [0.2, 1.0], 2: [0.4, 1.0], 3: [0.1, 0.5]}, 10)
    shifts = {note.text: note.yshift for note in figure.layout.annotations}
    assert shifts["<b>3</b>"] == 0 and abs(shifts["<b>2</b>"] - shifts["<b>1</b>"]) == 14
    assert max(shifts.values()) <= 9  # none leaves the figure above


@pytest.mark.parametrize(
    "figure",
    [
        charts.confusion_matrix(evaluation.Confusion(1, 2, 3, 4), ink="#123456"),
        charts.roc({"paper": evaluation.roc(SCORES, COVID)}, ink="#123456"),
        charts.precision_recall({"paper": evaluation.precision_recall(SCORES, COVID)}, prevalence=0.1, ink="#123456"),
    ],
    ids=["matrix", "roc", "precision-recall"],
)
def test_every_figure_is_transparent_and_takes_the_text_color(figure):
    assert figure.layout.paper_bgcolor == figure.layout.plot_bgcolor == style.CLEAR
    assert figure.layout.font.color == "#123456"
    assert {note.font.color for note in figure.layout.annotations} == {"#123456"}
    assert figure.layout.font.family is None  # the theme's
