"""Charts of predictive values, costs and reliability: what is drawn where, and their alternative texts."""

from __future__ import annotations

import numpy as np
import pytest

from covid_model import charts, evaluation
from covid_model.charts import style
from covid_model.evaluation import Band, Bin, Estimate
from tests.support.app_pages import holds, numbers

SCORES = np.array([0.9, 0.8, 0.6, 0.2, 0.7, 0.5, 0.1, 0.1])
COVID = np.array([1, 1, 1, 1, 0, 0, 0, 0], bool)
PREVALENCE = np.geomspace(0.001, 1, 31)


def swept() -> tuple[evaluation.ThresholdSweep, evaluation.ThresholdSweep]:
    return tuple(evaluation.sweep(SCORES, {"covid": COVID, "other": ~COVID}, draws=50).values())


def ppv() -> Band:
    return evaluation.predictive_values(*swept(), 0.5, PREVALENCE).ppv


def costs(miss: float = 1.0, prevalence: float = 0.5) -> evaluation.Costs:
    return evaluation.costs(*swept(), prevalence, miss)


def words(figure) -> str:
    return " ".join(note.text for note in figure.layout.annotations)


def test_predictive_values_have_a_ribbon_and_a_line_each():
    figure = charts.predictive_value(PREVALENCE, {"paper": ppv(), "fine-tuned": ppv()}, 0.02, 0.063, "right")
    lines = [trace for trace in figure.data if trace.name]
    ribbons = [trace for trace in figure.data if trace.fill == "toself"]
    assert [line.name for line in lines] == ["paper", "fine-tuned"] and len(ribbons) == 2
    assert lines[0].line.dash != lines[1].line.dash
    assert list(lines[0].y) == pytest.approx(list(ppv().value))
    assert figure.layout.xaxis.type == "log" and figure.layout.shapes[0].x0 == 0.02
    assert [numbers(note.text) for note in figure.layout.annotations] == [[2.0], [6.3]]
    assert [round(10**note.x, 3) for note in figure.layout.annotations] == [0.02, 0.063]  # notes stand at logarithms
    assert figure.layout.annotations[1].xanchor == "left"  # away from the line that is set
    assert not charts.predictive_value(PREVALENCE, {"paper": ppv()}, 0.02).layout.showlegend


def test_predictive_values_in_a_sentence():
    text = charts.predictive_value_alt(PREVALENCE, {"paper": ppv()}, 0.1, "PPV")
    at = int(np.abs(PREVALENCE - 0.1).argmin())
    assert "PPV" in text and "paper" in text and holds(text, 10.0, round(100 * ppv().value[at], 1))
    nothing = Band(*[np.full(31, np.nan)] * 3)
    assert "paper –" in charts.predictive_value_alt(PREVALENCE, {"paper": nothing}, 0.1, "PPV")
    assert len(charts.predictive_value(PREVALENCE, {"paper": nothing}, 0.1).data[0].x) == 0


def test_costs_mark_the_cheapest_and_the_others():
    result = costs()
    figure = charts.cost_curve({"paper": result}, {"0.50, midway": 0.5, "0.60, the paper's mark": 0.6})
    marks = {trace.name: trace for trace in figure.data if trace.mode == "markers"}
    cheapest, *others = marks
    assert others == ["0.50, midway", "0.60, the paper's mark"]
    assert marks[cheapest].x[0] == result.best.value
    assert marks["0.60, the paper's mark"].y[0] == pytest.approx(1000 * result.cost.value[60])
    assert len({trace.marker.symbol for trace in marks.values()}) == 3
    line = next(trace for trace in figure.data if trace.name == "paper")
    assert min(line.y) == pytest.approx(1000 * result.cost.value.min())
    assert len(figure.layout.annotations) == 2  # always "no" and always "yes" cost 500 each
    text = charts.cost_curve_alt({"paper": result})
    assert "paper" in text and holds(text, round(result.best.value, 2), round(min(line.y), 1))


def test_constant_costs_above_the_curve_are_left_out():
    figure = charts.cost_curve({"paper": costs(prevalence=0.01)}, {"0.60": 0.6})
    assert len(figure.layout.annotations) == 1  # always "no": always "yes" is 990 false alarms, far above any other
    assert figure.layout.yaxis.range[1] < 990
    both = charts.cost_curve({"a": costs(), "b": costs()}, {"0.60": 0.6})
    cheapest = [trace for trace in both.data if trace.mode == "markers" and trace.name != "0.60"]
    assert len(cheapest) == 2 and sum(trace.showlegend for trace in cheapest) == 1


def test_reliability_puts_bins_where_they_are():
    bins = evaluation.reliability(SCORES, COVID, draws=50)
    figure = charts.reliability({"paper": bins, "after": [Bin(0.9, 1.0, 3, 0.95, Estimate(0.5))]})
    diagonal, first, second = figure.data
    assert (diagonal.x, diagonal.y) == ((0, 1), (0, 1)) and diagonal.name == "perfectly calibrated"
    assert list(first.x) == pytest.approx([item.score for item in bins if item.films])
    assert list(first.y) == [item.covid.value for item in bins if item.films]
    assert first.error_y.array is not None and second.error_y.array is None  # a recorded bin has no interval
    assert first.marker.symbol != second.marker.symbol
    assert second.marker.size[0] > min(first.marker.size)
    text = charts.reliability_alt({"paper": bins})
    assert "paper" in text and holds(text, 1, 0.8, 0.9, 100.0)
    assert charts.reliability_alt({}) and not numbers(charts.reliability_alt({}))
    assert not charts.reliability({"paper": []}).data[1].x


@pytest.mark.parametrize(
    "figure",
    [
        charts.predictive_value(PREVALENCE, {"paper": ppv()}, 0.1, 0.2, ink="#123456"),
        charts.cost_curve({"paper": costs()}, {"0.60": 0.6}, ink="#123456"),
        charts.reliability({"paper": evaluation.reliability(SCORES, COVID, draws=9)}, ink="#123456"),
    ],
    ids=["predictive values", "costs", "reliability"],
)
def test_every_figure_is_transparent_and_takes_the_text_color(figure):
    assert figure.layout.paper_bgcolor == figure.layout.plot_bgcolor == style.CLEAR
    written = [figure.layout, figure.layout.legend, *figure.layout.annotations]
    assert {part.font.color for part in written} == {"#123456"}


def test_a_long_name_cannot_squeeze_a_curve():
    curve = evaluation.roc(SCORES, COVID)
    for figure in (charts.roc({"A name of a network that is long": curve}), charts.precision_recall({"x" * 80: curve})):
        assert figure.layout.margin.autoexpand is False
        assert "<br>" in figure.data[0].name
