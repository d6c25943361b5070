"""Charts of how often a network is right: confusion matrix, curves, reliability, predictive values, costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go

from covid_model.charts import style
from covid_model.evaluation import CELLS, Band, Bin, Confusion, Costs, Curve
from covid_model.evaluation.predictive_values import PER
from covid_model.formatting import score_text

_PLACES = {"tp": (0, 1), "fn": (1, 1), "fp": (0, 0), "tn": (1, 0)}  # column from the left, row from below
_NAMES = {"tp": "true positives", "fn": "false negatives", "fp": "false positives", "tn": "true negatives"}
_OF = {"tp": "COVID-19", "fn": "COVID-19", "fp": "other", "tn": "other"}
_GAP = 0.03


def confusion_matrix(
    matrix: Confusion, selected: str | None = None, height: int = 340, ink: str | None = None
) -> go.Figure:
    """Truth down, verdict across; counts, and each cell's share of its row. `selected` (of CELLS) gets a frame.

    Tiles are bars, because bars report clicks wherever they are hit; each bar's customdata is its cell
    (`clicked_cell` reads it). The deeper a tile's colour, the larger its share of the row.
    """
    fills, frames = [], []
    for cell in CELLS:
        colour = style.COVID_COLOUR if cell in ("tp", "fn") else style.OTHER_COLOUR
        fills.append(style.faded(colour, 0.08 + 0.42 * (matrix.row_share(cell) or 0)))
        frames.append(colour if cell == selected else style.CLEAR)
    tiles = {
        "type": "bar",
        "x": [_PLACES[cell][0] for cell in CELLS],
        "y": [1 - 2 * _GAP] * len(CELLS),
        "base": [_PLACES[cell][1] - 0.5 + _GAP for cell in CELLS],
        "width": 1 - 2 * _GAP,
        "marker": {"color": fills, "line": {"color": frames, "width": 3}, "cornerradius": 8},
        "customdata": list(CELLS),
        "hovertext": [f"{matrix.count(cell):,} {_NAMES[cell]}<br>click to list them" for cell in CELLS],
        "hovertemplate": "%{hovertext}<extra></extra>",
        "selected": {"marker": {"opacity": 1}},
        "unselected": {"marker": {"opacity": 1}},
    }
    notes = []
    for cell in CELLS:
        x, y = _PLACES[cell]
        share = f"{style.percent(matrix.row_share(cell))} of {_OF[cell]}<br>{_NAMES[cell]}"
        notes += [style.note(x, y + 0.12, f"<b>{matrix.count(cell):,}</b>", ink, 28)]
        notes += [style.note(x, y - 0.2, share, ink, 13)]
    rows = [f"<b>{style.OTHER_LABEL}</b><br>{matrix.other:,}", f"<b>{style.COVID_LABEL}</b><br>{matrix.covid:,}"]
    columns = [f"<b>Positive</b> {matrix.positive:,}", f"<b>Negative</b> {matrix.negative:,}"]
    bare = {"tickvals": [0, 1], "showgrid": False, "ticks": "", "showline": False}
    return style.figure(
        height,
        ink,
        [tiles],
        showlegend=False,
        clickmode="event+select",
        barmode="overlay",
        annotations=notes,
        xaxis=style.axis("", (-0.5, 1.5), ink, ticktext=columns, side="top", **bare),
        yaxis=style.axis("", (-0.5, 1.5), ink, ticktext=rows, **bare),
    )


def clicked_cell(points: Sequence[Mapping] | None) -> str | None:
    """The cell of the first selected point of a matrix, as plotly's events name it; None where there is none."""
    for point in points or ():
        at = point.get("point_index", point.get("point_number"))
        if isinstance(at, int) and 0 <= at < len(CELLS):
            return CELLS[at]
    return None


def confusion_matrix_alt(matrix: Confusion, threshold: float) -> str:
    """What the matrix says, in a sentence."""
    return (
        f"Confusion matrix at threshold {threshold:.2f}: of {matrix.covid:,} COVID-19 films {matrix.tp:,} are positive "
        f"and {matrix.fn:,} negative; of {matrix.other:,} other films {matrix.fp:,} are positive and "
        f"{matrix.tn:,} negative."
    )


# --- ROC and precision-recall curves of one or several networks, each with the point where its threshold stands

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


# --- A reliability diagram: what scores say against what is true of the films that have them ---

_SYMBOLS = ("circle", "diamond", "square", "triangle-up")
_SMALLEST, _LARGEST = 7, 22  # pixels across: a bin with one film, and the fullest one


def reliability(networks: Mapping[str, Sequence[Bin]], height: int = 400, ink: str | None = None) -> go.Figure:
    """Share of COVID-19 films over mean score, a point a bin, larger where more films are; bars are intervals.

    On the diagonal a score means what it says. `networks` may hold one network more than once, as in "after".
    """
    traces = []
    fullest = max([one.films for bins in networks.values() for one in bins], default=1)
    for number, (name, bins) in enumerate(networks.items()):
        colour, _ = style.network(number)
        known = [one for one in bins if one.films]
        share = np.array([one.covid.value for one in known])
        bars = {}
        if known and all(one.covid.low is not None for one in known):
            bars["error_y"] = {
                "type": "data",
                "symmetric": False,
                "array": np.array([one.covid.high for one in known]) - share,
                "arrayminus": share - np.array([one.covid.low for one in known]),
                "color": colour,
                "thickness": 1.5,
                "width": 4,
            }
        traces.append(
            {
                "type": "scatter",
                "x": [one.score for one in known],
                "y": share,
                "mode": "markers",
                "name": name,
                "marker": {
                    "symbol": _SYMBOLS[number % len(_SYMBOLS)],
                    "size": [_size(one.films, fullest) for one in known],
                    "color": colour,
                    "opacity": 1,
                    "line": {"color": "white", "width": 1},
                },
                "customdata": [[one.films, one.low, one.high, style.score_label(one.score)] for one in known],
                "hovertemplate": "%{customdata[0]:,} films from %{customdata[1]:.1f} to %{customdata[2]:.1f}<br>"
                f"mean score %{{customdata[3]}}, COVID-19 %{{y:.1%}}<extra>{name}</extra>",
            }
            | bars
        )
    notes = [style.note(0.6, 0.66, "a score that means what it says", ink, xanchor="right")]
    return style.figure(
        height,
        ink,
        traces,
        showlegend=len(networks) > 1,
        legend=style.LEGEND_ABOVE,
        shapes=[style.line(0, 0, 1, 1)],
        annotations=notes,
        xaxis=style.axis("mean score of the films in a bin", (-0.03, 1.04), ink, tickformat=".1f", dtick=0.2),
        yaxis=style.axis("of them COVID-19 films", (-0.04, 1.06), ink, tickformat=".0%", dtick=0.2),
    )


def _size(films: int, fullest: int) -> float:
    """Pixels across: by the logarithm, or a bin of a thousand films would hide the others."""
    return _SMALLEST + (_LARGEST - _SMALLEST) * float(np.log1p(films) / np.log1p(max(fullest, 1)))


def reliability_alt(networks: Mapping[str, Sequence[Bin]]) -> str:
    """What the highest bin of each says, in a sentence."""
    parts = []
    for name, bins in networks.items():
        known = [one for one in bins if one.films]
        if known:
            top = known[-1]
            parts.append(
                f"{name}: of the {top.films:,} films above {top.low:.1f}, mean score {score_text(top.score)}, "
                f"{style.percent(top.covid.value)} are COVID-19 films"
            )
    return f"Reliability diagram. {'; '.join(parts) or 'No films'}."


# --- What a positive, or a negative, is worth over the share of COVID-19 among the people filmed ---

_TICKS = (0.001, 0.01, 0.1, 0.5, 1)
_ENDS = (0.0008, 1.1)  # of the axis, a little beyond the first and the last tick


def predictive_value(
    prevalence: np.ndarray,
    values: Mapping[str, Band],
    at: float,
    own: float | None = None,
    title: str = "",
    height: int = 300,
    ink: str | None = None,
) -> go.Figure:
    """PPV or NPV of each network over prevalence, with intervals.

    Args:
        prevalence: (n,) in (0, 1], drawn on a log scale.
        values: (n,) each, by network.
        at: the prevalence that is set, a line across.
        own: that of the films themselves, a fainter line.
        title: of the axis upward.
    """
    traces = []
    for number, (name, value) in enumerate(values.items()):
        colour, dash = style.network(number)
        traces.append(style.ribbon(prevalence, value.low, value.high, colour))
        traces.append(
            {
                "type": "scatter",
                "x": prevalence,
                "y": value.value,
                "mode": "lines",
                "name": name,
                "line": {"color": colour, "width": 2.5, "dash": dash},
                "customdata": np.stack([value.low, value.high], axis=1),
                "hovertemplate": "at %{x:.1%}: %{y:.1%} (%{customdata[0]:.1%} to %{customdata[1]:.1%})"
                f"<extra>{name}</extra>",
            }
        )
    lines = [style.line(at, 0, at, 1, "solid", 2, ink or style.GREY)]
    notes = [style.note(float(np.log10(at)), 1, f"<b>{style.percent(at)}</b>", ink, yanchor="bottom")]
    if own:
        lines.append(style.line(own, 0, own, 1))
        notes.append(_beside(own, at, f"these films {style.percent(own)}", ink))
    ends = tuple(np.log10(_ENDS))
    return style.figure(
        height,
        ink,
        traces,
        showlegend=len(values) > 1,
        legend=style.LEGEND_ABOVE,
        shapes=lines,
        annotations=notes,
        xaxis=style.axis("share who have COVID-19", ends, ink, type="log", tickvals=_TICKS, tickformat=".3~%"),
        yaxis=style.axis(title, (-0.02, 1.1), ink, tickformat=".0%", dtick=0.25),
    )


def _beside(x: float, other: float, text: str, ink: str | None) -> dict:
    """Words at the foot of the line at x, on the side away from the line at `other`."""
    left = x < other
    place = {"xanchor": "right" if left else "left", "xshift": -4 if left else 4, "yanchor": "bottom"}
    return style.note(float(np.log10(x)), 0, text, ink, **place)


def predictive_value_alt(prevalence: np.ndarray, values: Mapping[str, Band], at: float, kind: str) -> str:
    """What the curves say at the prevalence that is set, in a sentence."""
    place = int(np.abs(prevalence - at).argmin())
    parts = [f"{name} {style.percent(_known(value.value[place]))}" for name, value in values.items()]
    return f"{kind} over the share who have COVID-19; at {style.percent(at)}: {'; '.join(parts)}."


def _known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


# --- What each threshold costs, and where the cheapest one stands ---

BEST = "cheapest"
_COST_SYMBOLS = ("square", "triangle-up", "x", "pentagon")  # of thresholds that are marked beside the best one
_ABOVE = 1.6  # times the cheaper of always "no" and always "yes": what costs more leaves the figure


def cost_curve(
    networks: Mapping[str, Costs], marks: Mapping[str, float], height: int = 340, ink: str | None = None
) -> go.Figure:
    """Cost a thousand films over the threshold, with intervals, one line a network.

    Args:
        marks: thresholds to mark beside the cheapest one, by what they are called.
    """
    traces = []
    for number, (name, costs) in enumerate(networks.items()):
        colour, dash = style.network(number)
        cost, low, high = (PER * part for part in (costs.cost.value, costs.cost.low, costs.cost.high))
        traces.append(style.ribbon(costs.thresholds, low, high, colour))
        traces.append(
            {
                "type": "scatter",
                "x": costs.thresholds,
                "y": cost,
                "mode": "lines",
                "name": name,
                "line": {"color": colour, "width": 2.5, "dash": dash},
                "hovertemplate": "threshold %{x:.2f}: %{y:.1f}<extra>" + name + "</extra>",
            }
        )
        stand = {BEST: (costs.best.value, "diamond")}
        stand |= {
            label: (at, _COST_SYMBOLS[place % len(_COST_SYMBOLS)]) for place, (label, at) in enumerate(marks.items())
        }
        for label, (at, symbol) in stand.items():
            traces.append(
                {
                    "type": "scatter",
                    "x": [at],
                    "y": [cost[np.abs(costs.thresholds - at).argmin()]],
                    "mode": "markers",
                    "name": label,
                    "legendgroup": label,
                    "showlegend": number == 0,
                    "marker": {
                        "symbol": symbol,
                        "size": 14,
                        "color": colour,
                        "line": {"color": "white", "width": 1.5},
                    },
                    "hovertemplate": f"{label}, threshold %{{x:.2f}}: %{{y:.1f}}<extra>{name}</extra>",
                }
            )
    one = next(iter(networks.values()))
    floor = {"always “no”": PER * one.always_no, "always “yes”": PER * one.always_yes}
    shown = [PER * costs.cost.value[np.abs(costs.thresholds - at).argmin()] for costs in networks.values()
             for at in (costs.best.value, *marks.values())]  # fmt: skip
    top = max(_ABOVE * min(floor.values()), 1.15 * max(shown), 1e-6)
    lines = {label: cost for label, cost in floor.items() if cost < top}
    return style.figure(
        height,
        ink,
        traces,
        showlegend=True,
        legend=style.LEGEND_ABOVE,
        shapes=[style.line(0, cost, 1, cost) for cost in lines.values()],
        annotations=[
            style.note(0, cost, label, ink, xanchor="left", yanchor="bottom") for label, cost in lines.items()
        ],
        xaxis=style.axis("threshold", (-0.02, 1.02), ink, tickvals=[0, 0.2, 0.4, 0.6, 0.8, 1], tickformat=".1f"),
        yaxis=style.axis(f"cost of {PER:,} films, in false alarms", (0, top), ink),
    )


def cost_curve_alt(networks: Mapping[str, Costs]) -> str:
    """Where the cheapest thresholds stand, in a sentence."""
    parts = [
        f"{name} at {costs.best.value:.2f}, {PER * costs.cost.value.min():.1f}" for name, costs in networks.items()
    ]
    return f"Cost of {PER:,} films over the threshold, in false alarms; cheapest: {'; '.join(parts)}."
