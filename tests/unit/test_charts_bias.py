"""Charts of Can you trust it?: what they draw, and their alternative texts."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
import pytest

from covid_model import charts
from covid_model.charts import attribution as attribution_charts
from covid_model.charts import bias as bias_charts
from covid_model.charts import style
from covid_model.evaluation import Estimate, subgroups
from tests.support.app_pages import holds, numbers

NOBODY = Estimate(None, count=0, total=0)


def words(figure: go.Figure) -> list[str]:
    return [note.text for note in figure.layout.annotations]


def share_of(count: int, total: int, low: float | None = None, high: float | None = None) -> Estimate:
    return Estimate(count / total, low, high, count, total)


def test_shares():
    rows = [bias_charts.Share("The<br>network", share_of(98, 100, 0.9, 1.0), True), bias_charts.Share("nobody", NOBODY)]
    figure = bias_charts.shares(rows, "accuracy", (0.98, "the paper says 98 %"), ink="#123456")
    assert list(figure.data[0].x) == [0.98, 0.0] and list(figure.data[0].y) == [1, 0]  # the first on top
    assert words(figure) == ["<b>98.0 %</b>", "<b>–</b>", "the paper says 98 %"]
    assert figure.layout.yaxis.ticktext == ("<b>The<br>network</b>", "nobody")
    assert len(figure.layout.shapes) == 2  # an interval and the mark
    assert numbers(figure.data[0].customdata[0]) == [98, 98, 100, 95, 90, 100]
    text = bias_charts.shares_alt(rows, "Accuracy")
    assert all(part in text for part in ("Accuracy", "The network 98.0 %", "nobody –")) and "<br>" not in text
    plain = bias_charts.shares([bias_charts.Share("a", Estimate(0.5))], "AUC", as_percent=False)
    assert words(plain) == ["<b>0.500</b>"] and not plain.layout.shapes


def test_ages_are_shares_of_each_class():
    rows = [
        subgroups.AgeRow("20 to 29", 1, 0),
        subgroups.AgeRow("1 to 5 years", 0, 8),
        subgroups.AgeRow("age not<br>stated", 3, 2),
    ]
    figure = bias_charts.ages(rows)
    covid, other = figure.data
    assert list(covid.x) == [-0.25, 0.0, -0.75] and list(other.x) == [0.0, 0.8, 0.2]
    bar = {"curve_number": 1, "y": other.y[1]}  # as plotly reports a click
    assert charts.clicked_group([bar], len(rows)) == (1, False)
    assert covid.marker.pattern.shape == "/" and other.marker.pattern.shape == ""  # not by color alone
    assert [numbers(item) for item in words(figure) if "◆" in item or "●" in item] == [[4], [10]]
    assert "<b>0</b>" not in words(figure)
    assert all(part in bias_charts.ages_alt(rows) for part in ("20 to 29", "1 to 5 years", "age not stated"))
    assert holds(bias_charts.ages_alt(rows), 1, 0, 0, 8, 3, 2)
    assert list(bias_charts.ages([subgroups.AgeRow("20 to 29", 1, 0)]).data[1].x) == [0.0]  # a class without films


def test_groups():
    rows = [
        subgroups.Group("Test", share_of(72, 73, 0.9, 1.0), share_of(19, 1079, 0.01, 0.03)),
        subgroups.Group("Figure 1", share_of(3, 4), NOBODY),
    ]
    figure = bias_charts.groups(rows)
    covid, other = figure.data
    assert list(covid.x) == [72 / 73, 0.75] and list(other.x) == [19 / 1079]
    assert covid.marker.symbol == "diamond" and other.marker.symbol == "circle"
    assert covid.y[0] > 1 > other.y[0]  # one above the other, so that labels never meet
    assert [numbers(item) for item in words(figure)] == [[72, 73], [3, 4], [19, 1079]]
    assert sum(line.line.width == 8 for line in figure.layout.shapes) == 1  # a bar needs both ends
    ghosts = bias_charts.groups(rows, rows)
    assert [trace.marker.symbol for trace in ghosts.data] == ["diamond", "diamond-open", "circle", "circle-open"]
    assert holds(bias_charts.groups_alt(rows), 72, 73, 19, 1079, 3, 4)
    assert "Test" in bias_charts.groups_alt(rows) and "Figure 1" in bias_charts.groups_alt(rows)


def test_ghosts_are_the_same_groups():
    with pytest.raises(ValueError):
        bias_charts.groups([subgroups.Group("a", NOBODY, NOBODY)], [subgroups.Group("a", NOBODY, NOBODY)] * 2)


def test_slopes_count_films_above_the_threshold():
    given = [0.9, 0.8, 0.2, 0.7], [0.7, 0.1, 0.3, 0.9], [1, 1, 0, 0], 0.6, "lungs erased"
    figure = bias_charts.slopes(*given)
    assert [numbers(text) for text in words(figure) if len(numbers(text)) == 2] == [[2, 2], [1, 2], [1, 2], [1, 2]]
    covid, other = figure.data
    assert covid.marker.symbol == "diamond" and other.marker.symbol == "circle"
    named = bias_charts.slopes(*given, ids=list("abcd"))
    assert [film for _, film in named.data[1].customdata] == list("cccddd")  # both ends of a line, and the gap
    heights = np.array(covid.y, float).reshape(2, 3)
    np.testing.assert_array_equal(heights, [[0.9, 0.7, np.nan], [0.8, 0.1, np.nan]])  # a line a film, and a gap
    assert max(covid.x[:2]) < min(other.x[:2])
    assert figure.layout.xaxis.ticktext[1::2] == ("lungs<br>erased",) * 2
    assert len(set(figure.layout.xaxis.ticktext[::2])) == 1  # the films as they are
    left = bias_charts.slopes(*given[:-1], "only the lungs left").layout.xaxis.ticktext
    assert left[1] == "only the<br>lungs left" and bias_charts.slopes(*given[:-1], "x").layout.xaxis.ticktext[1] == "x"
    assert "lungs erased" in bias_charts.slopes_alt(*given) and holds(
        bias_charts.slopes_alt(*given), 2, 2, 0.6, 1, 2, 1, 1
    )
    with pytest.raises(ValueError, match="Received"):
        bias_charts.slopes([0.9], [1.2], [1], 0.6, "x")


def test_attention():
    spans = {
        "inside<br>the lungs": (Estimate(0.4, 0.3, 0.5), Estimate(0.3), Estimate(0.9)),
        "strongest": (Estimate(0.5), Estimate(0.3), None),
        "nothing": (Estimate(None), Estimate(None), Estimate(None)),
    }
    figure = attribution_charts.attention(spans)
    assert {trace.marker.symbol: list(trace.x) for trace in figure.data[1:2]} == {"square": [0.4, 0.5]}
    assert "<b>40.0 %</b>" in words(figure) and any(numbers(item) == [90] for item in words(figure))
    text = attribution_charts.attention_alt(spans)
    assert "inside the lungs 40.0 %" in text and "strongest 50.0 %" in text
    assert holds(text, 40, 30, 90, 50, 30)


def test_deletion_and_insertion():
    deletion = {attribution_charts.MAP: [1.0, 0.2, 0.0], attribution_charts.RANDOM: [1.0, 0.6, 0.0]}
    insertion = {attribution_charts.MAP: [0.0, 0.9, 1.0], attribution_charts.RANDOM: [0.0, 0.5, 1.0]}
    figure = attribution_charts.faithfulness(deletion, insertion)
    assert len({trace.name for trace in figure.data}) == 4
    assert list(figure.data[0].x) == [0, 0.5, 1] and list(figure.data[0].y) == [1.0, 0.2, 0.0]
    assert figure.data[0].line.dash != figure.data[1].line.dash  # told apart without color
    assert [list(trace.y)[1] for trace in figure.data] == [0.2, 0.6, 0.9, 0.5]
    text = attribution_charts.faithfulness_alt(deletion, insertion)
    assert all(trace.name in text for trace in figure.data) and holds(text, 0.2, 0.6, 0.9, 0.5)


def test_severity():
    figure = bias_charts.severity([0, 2, 4], [1.0, -1.0, 3.0], "degree of opacity")
    assert charts.clicked_film([{"customdata": list(point)} for point in figure.data[0].customdata]) is None
    named = bias_charts.severity([0, 2], [1.0, -1.0], "degree of opacity", ["a", "b"])
    assert [film for _, film in named.data[0].customdata] == ["a", "b"]
    assert list(figure.data[0].x) == [0, 2, 4] and figure.layout.xaxis.title.text == "degree of opacity"
    assert holds(bias_charts.severity_alt([0, 2, 4], 0.5), 3, 0.5)
    assert numbers(bias_charts.severity_alt([0], None)) == [1]


@pytest.mark.parametrize("ink", [None, "#E9E6DF"])
def test_figures_are_transparent_and_take_the_text_color(ink):
    rows = [subgroups.Group("Test", share_of(1, 2), share_of(1, 2))]
    for figure in (
        bias_charts.groups(rows, ink=ink),
        bias_charts.ages([subgroups.AgeRow("a", 1, 1)], ink=ink),
        bias_charts.shares([bias_charts.Share("a", share_of(1, 2))], "x", ink=ink),
        bias_charts.slopes([0.1, 0.2], [0.1, 0.2], [0, 1], 0.6, "x", ink=ink),
    ):
        assert figure.layout.paper_bgcolor == figure.layout.plot_bgcolor == style.CLEAR
        assert {note.font.color for note in figure.layout.annotations} == {ink}
        assert figure.layout.xaxis.fixedrange and figure.layout.yaxis.fixedrange
