"""ROC and precision-recall curves of one or several networks, each with the point where its threshold stands."""

from __future__ import annotations

from collections.abc import Mapping

import plotly.graph_objects as go

from covid_model.charts import style
from covid_model.evaluation import Curve

Point = tuple[float | None, float | None]  # where the threshold stands on a curve
# Fixed, or a legend wider than the plot would squeeze the plot; these hold the titles and ticks.
MARGIN = {"l": 68, "r": 12, "t": 8, "b": 54, "autoexpand": False}


def roc(
    curves: Mapping[str, Curve],
    points: Mapping[str, Point] | None = None,
    height: int = 340,
    ink: str | None = None,
) -> go.Figure:
    """`curves` by network; `points`: (1 - specificity, sensitivity) at the threshold. The diagonal is guessing."""
    guessing = style.line(0, 0, 1, 1), style.note(0.62, 0.55, "guessing", ink)
    traces = _traces(curves, points or {}, "AUC", "linear")
    return _figure(traces, guessing, ("other films called positive", "COVID-19 films found"), height, ink)


def precision_recall(
    curves: Mapping[str, Curve],
    points: Mapping[str, Point] | None = None,
    prevalence: float | None = None,
    height: int = 340,
    ink: str | None = None,
) -> go.Figure:
    """`curves` by network; `points`: (sensitivity, PPV). `prevalence` (share of COVID-19 films) is guessing's line."""
    guessing = None
    if prevalence is not None:
        side = "bottom" if prevalence < 0.5 else "top"
        guessing = (
            style.line(0, prevalence, 1, prevalence),
            style.note(0.25, prevalence, "guessing", ink, yanchor=side),
        )
    traces = _traces(curves, points or {}, "average precision", "hv")
    titles = ("COVID-19 films found", "positives that are COVID-19")
    return _figure(traces, guessing, titles, height, ink, left=True)


def _figure(
    traces: list[dict],
    guessing: tuple[dict, dict] | None,
    titles: tuple[str, str],
    height: int,
    ink: str | None,
    left: bool = False,
) -> go.Figure:
    """The square of both kinds of curve; the legend at the lower right, or, for curves that end there, `left`."""
    legend = {"x": 0.02 if left else 0.98, "xanchor": "left" if left else "right", "y": 0.12 if left else 0.03}
    notes = [guessing[1]] if guessing else []
    if not traces:
        notes = [style.note(0.5, 0.5, "No curve: it needs COVID-19 films and others.", ink)]
    ticks = {"tickformat": ".0%", "dtick": 0.25}
    return style.figure(
        height,
        ink,
        traces,
        margin=MARGIN,
        showlegend=True,
        legend=legend | {"yanchor": "bottom", "bgcolor": style.CLEAR},
        shapes=[guessing[0]] if guessing else [],
        annotations=notes,
        xaxis=style.axis(titles[0], (-0.02, 1.02), ink, **ticks),
        yaxis=style.axis(titles[1], (-0.02, 1.04), ink, **ticks),
    )


def _traces(curves: Mapping[str, Curve], points: Mapping[str, Point], area: str, shape: str) -> list[dict]:
    traces = []
    for at, (name, curve) in enumerate(curves.items()):
        if curve.area is None:
            continue
        colour, dash = style.network(at)
        traces.append(
            {
                "type": "scatter",
                "x": curve.x,
                "y": curve.y,
                "mode": "lines",
                "name": f"{name}<br>{area} {curve.area:.3f}",
                "line": {"color": colour, "width": 2.5, "dash": dash, "shape": shape},
                "hovertemplate": "%{x:.1%}, %{y:.1%}<extra>" + name + "</extra>",
            }
        )
        x, y = points.get(name, (None, None))
        if x is None or y is None:
            continue
        traces.append(
            {
                "type": "scatter",
                "x": [x],
                "y": [y],
                "mode": "markers",
                "marker": {"color": colour, "size": 13, "symbol": "x", "line": {"color": "white", "width": 1}},
                "name": f"{name}, at the threshold",
                "showlegend": False,
                "hovertemplate": "at the threshold: %{x:.1%}, %{y:.1%}<extra>" + name + "</extra>",
            }
        )
    return traces


def _alt(kind: str, area: str, curves: Mapping[str, Curve], ends: str) -> str:
    parts = [f"{name} has {area} {curve.area:.3f}" for name, curve in curves.items() if curve.area is not None]
    return f"{kind}: {'; '.join(parts) or 'none, it needs both kinds of films'}.{ends}"


def roc_alt(curves: Mapping[str, Curve]) -> str:
    """What the ROC curves say, in a sentence."""
    return _alt("ROC curve", "an area under it of", curves, " A cross marks the threshold.")


def precision_recall_alt(curves: Mapping[str, Curve]) -> str:
    """What the precision-recall curves say, in a sentence."""
    return _alt("Precision-recall curve", "an average precision of", curves, " A cross marks the threshold.")
