"""Charts of a network's performance: confusion matrix, ROC and PR curves, reliability, predictive values, costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go

from covid_model.charts import style
from covid_model.evaluation import CELLS, Band, Bin, Confusion, Costs, Curve
from covid_model.evaluation.predictive_values import PER
from covid_model.formatting import percent, score_text

_PLACES = {"tp": (0, 1), "fn": (1, 1), "fp": (0, 0), "tn": (1, 0)}  # column from the left, row from below
_NAMES = {"tp": "true positives", "fn": "false negatives", "fp": "false positives", "tn": "true negatives"}
_CLASSES = {"tp": "COVID-19", "fn": "COVID-19", "fp": "non-COVID", "tn": "non-COVID"}
_GAP = 0.03


def confusion_matrix(
    matrix: Confusion, selected: str | None = None, height: int = 340, ink: str | None = None
) -> go.Figure:
    """Draw counts by ground truth (rows) and prediction (columns), with row shares. `selected` (of CELLS) gets a frame.

    Tiles are bars, because bars report clicks anywhere on them; each bar's customdata is its cell (`clicked_cell`
    reads it). The deeper a tile's color, the larger its share of the row.
    """
    fills, frames = [], []
    for cell in CELLS:
        color = style.COVID_COLOR if cell in ("tp", "fn") else style.OTHER_COLOR
        fills.append(style.faded(color, 0.08 + 0.42 * (matrix.row_share(cell) or 0)))
        frames.append(color if cell == selected else style.CLEAR)
    tiles = {
        "type": "bar",
        "x": [_PLACES[cell][0] for cell in CELLS],
        "y": [1 - 2 * _GAP] * len(CELLS),
        "base": [_PLACES[cell][1] - 0.5 + _GAP for cell in CELLS],
        "width": 1 - 2 * _GAP,
        "marker": {"color": fills, "line": {"color": frames, "width": 3}, "cornerradius": 8},
        "customdata": list(CELLS),
        "hovertext": [
            f"{matrix.count(cell):,} {_NAMES[cell]}<br>{percent(matrix.row_share(cell))} of {_CLASSES[cell]} X-rays"
            "<br>Click to list them"
            for cell in CELLS
        ],
        "hovertemplate": "%{hovertext}<extra></extra>",
        "selected": {"marker": {"opacity": 1}},
        "unselected": {"marker": {"opacity": 1}},
    }
    notes = []
    for cell in CELLS:
        x, y = _PLACES[cell]
        share = f"{percent(matrix.row_share(cell))} of row<br>{_NAMES[cell]}"
        notes += [style.note(x, y + 0.12, f"<b>{matrix.count(cell):,}</b>", ink, 28)]
        notes += [style.note(x, y - 0.2, share, ink)]
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
    """Return the cell of the first selected point of a matrix, from plotly's selection event; None without one."""
    for point in points or ():
        index = point.get("point_index", point.get("point_number"))
        if isinstance(index, int) and 0 <= index < len(CELLS):
            return CELLS[index]
    return None


def clicked_film(points: Sequence[Mapping] | None) -> str | None:
    """Return the id of the first selected film, from plotly's selection event; None without one.

    A chart whose points open a film has customdata of two entries a point: what is shown on hover, and the id.
    """
    for point in points or ():
        known = point.get("customdata")
        if isinstance(known, Sequence) and not isinstance(known, str) and len(known) == 2 and known[1]:
            return str(known[1])
    return None


def clicked_group(points: Sequence[Mapping] | None, rows: int, traces: int = 1) -> tuple[int, bool] | None:
    """Return which row was clicked in a chart of `bias.groups` or `bias.ages`, and whether its COVID-19 films were.

    Args:
        points: of plotly's selection event.
        rows: how many rows the chart has.
        traces: how many traces each class has: two with ghosts.

    Returns:
        The number of the row, from 0, and True for COVID-19; None without a click on a symbol or a bar.
    """
    for point in points or ():
        curve, height = point.get("curve_number"), point.get("y")
        if curve in range(2 * traces) and isinstance(height, int | float):
            row = rows - 1 - round(height)
            if 0 <= row < rows:
                return row, curve < traces
    return None


def confusion_matrix_alt(matrix: Confusion, threshold: float) -> str:
    """Describe the matrix in one sentence."""
    return (
        f"Confusion matrix at threshold {threshold:.2f}: of {matrix.covid:,} COVID-19 X-rays, {matrix.tp:,} are "
        f"called positive and {matrix.fn:,} negative; of {matrix.other:,} non-COVID X-rays, {matrix.fp:,} are "
        f"called positive and {matrix.tn:,} negative."
    )


# --- ROC and precision-recall curves of one or several networks, each with its point at the threshold

Point = tuple[float | None, float | None]  # x and y of the threshold on a curve
# Fixed, with room for titles and ticks: otherwise a legend wider than the plot would squeeze it.
MARGIN = {"l": 68, "r": 12, "t": 8, "b": 54, "autoexpand": False}


def roc(
    curves: Mapping[str, Curve],
    points: Mapping[str, Point] | None = None,
    height: int = 340,
    ink: str | None = None,
) -> go.Figure:
    """Draw ROC `curves` by network; `points`: (1 - specificity, sensitivity) at the threshold. The diagonal: chance."""
    chance = style.line(0, 0, 1, 1), style.note(0.62, 0.55, "random guessing", ink)
    traces = _traces(curves, points or {}, "AUC", "linear")
    return _figure(traces, chance, ("false positive rate", "sensitivity"), height, ink)


def precision_recall(
    curves: Mapping[str, Curve],
    points: Mapping[str, Point] | None = None,
    prevalence: float | None = None,
    height: int = 340,
    ink: str | None = None,
) -> go.Figure:
    """Draw PR `curves` by network; `points`: (sensitivity, PPV). `prevalence` (share of COVID-19) is chance level."""
    chance = None
    if prevalence is not None:
        side = "bottom" if prevalence < 0.5 else "top"
        chance = (
            style.line(0, prevalence, 1, prevalence),
            style.note(0.25, prevalence, "random guessing", ink, yanchor=side),
        )
    traces = _traces(curves, points or {}, "average precision", "hv")
    titles = ("recall (sensitivity)", "precision (PPV)")
    return _figure(traces, chance, titles, height, ink, left=True)


def _figure(
    traces: list[dict],
    chance: tuple[dict, dict] | None,
    titles: tuple[str, str],
    height: int,
    ink: str | None,
    left: bool = False,
) -> go.Figure:
    """Build the plot of either kind of curve; legend at the lower right, or at the lower `left` if curves end there."""
    legend = {"x": 0.02 if left else 0.98, "xanchor": "left" if left else "right", "y": 0.17 if left else 0.03}
    notes = [chance[1]] if chance else []
    if not traces:
        notes = [style.note(0.5, 0.5, "No curve: it needs COVID-19 and non-COVID X-rays.", ink)]
    return style.figure(
        height,
        ink,
        traces,
        margin=MARGIN,
        showlegend=True,
        legend=legend | {"yanchor": "bottom", "bgcolor": style.CLEAR},
        shapes=[chance[0]] if chance else [],
        annotations=notes,
        xaxis=style.share_axis(titles[0], (-0.02, 1.02), ink),
        yaxis=style.share_axis(titles[1], (-0.02, 1.04), ink),
    )


def _traces(curves: Mapping[str, Curve], points: Mapping[str, Point], area: str, shape: str) -> list[dict]:
    traces = []
    for number, (name, curve) in enumerate(curves.items()):
        if curve.area is None:
            continue
        color, dash = style.network(number)
        traces.append(
            {
                "type": "scatter",
                "x": curve.x,
                "y": curve.y,
                "mode": "lines",
                "name": f"{name}<br>{area} {curve.area:.3f}",
                "line": {"color": color, "width": 2.5, "dash": dash, "shape": shape},
                "customdata": [", ".join(pair) for pair in zip(*map(style.percents, (curve.x, curve.y)), strict=True)],
                "hovertemplate": "%{customdata}<extra>" + name + "</extra>",
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
                "marker": {"color": color, "size": 13, "symbol": "x", "line": {"color": "white", "width": 1}},
                "name": f"{name}, at the threshold",
                "showlegend": False,
                "hovertemplate": f"at the threshold: {percent(x)}, {percent(y)}<extra>{name}</extra>",
            }
        )
    return traces


def _alt(kind: str, area: str, curves: Mapping[str, Curve], ends: str) -> str:
    parts = [f"{name} has {area} {curve.area:.3f}" for name, curve in curves.items() if curve.area is not None]
    return f"{kind}: {'; '.join(parts) or 'none, because it needs X-rays of both classes'}.{ends}"


def roc_alt(curves: Mapping[str, Curve]) -> str:
    """Describe the ROC curves in one sentence."""
    return _alt("ROC curve", "an area under the curve of", curves, " A cross marks the threshold.")


def precision_recall_alt(curves: Mapping[str, Curve]) -> str:
    """Describe the precision-recall curves in one sentence."""
    return _alt("Precision-recall curve", "an average precision of", curves, " A cross marks the threshold.")


# --- Reliability diagram: share of COVID-19 against mean score ---

_SYMBOLS = ("circle", "diamond", "square", "triangle-up")
_SMALLEST, _LARGEST = 7, 22  # diameter in pixels: a bin with one film, and the fullest bin


def reliability(networks: Mapping[str, Sequence[Bin]], height: int = 400, ink: str | None = None) -> go.Figure:
    """Draw the share of COVID-19 over the mean score, one point per bin, larger for more films, with intervals.

    On the diagonal, scores are calibrated. `networks` may hold one network twice, such as before and after calibration.
    """
    diagonal = {"x": [0, 1], "y": [0, 1], "line": {"width": 1, "color": style.GRAY, "dash": "dash"}}
    traces = [diagonal | {"type": "scatter", "mode": "lines", "name": "perfectly calibrated", "hoverinfo": "skip"}]
    fullest = max([group.films for bins in networks.values() for group in bins], default=1)
    for number, (name, bins) in enumerate(networks.items()):
        color, _ = style.network(number)
        known = [group for group in bins if group.films]
        share = np.array([group.covid.value for group in known])
        bars = {}
        if known and all(group.covid.low is not None for group in known):
            bars["error_y"] = {
                "type": "data",
                "symmetric": False,
                "array": np.array([group.covid.high for group in known]) - share,
                "arrayminus": share - np.array([group.covid.low for group in known]),
                "color": color,
                "thickness": 1.5,
                "width": 4,
            }
        traces.append(
            {
                "type": "scatter",
                "x": [group.score for group in known],
                "y": share,
                "mode": "markers",
                "name": name,
                "marker": {
                    "symbol": _SYMBOLS[number % len(_SYMBOLS)],
                    "size": [_size(group.films, fullest) for group in known],
                    "color": color,
                    "opacity": 1,
                    "line": {"color": "white", "width": 1},
                },
                "customdata": [
                    [group.films, group.low, group.high, style.score_label(group.score), text]
                    for group, text in zip(known, style.percents(share), strict=True)
                ],
                "hovertemplate": "%{customdata[0]:,} X-rays from %{customdata[1]:.1f} to %{customdata[2]:.1f}<br>"
                f"mean score %{{customdata[3]}}, COVID-19 %{{customdata[4]}}<extra>{name}</extra>",
            }
            | bars
        )
    return style.figure(
        height,
        ink,
        traces,
        showlegend=True,  # a label on the diagonal would lie under the points
        legend=style.LEGEND_ABOVE,
        xaxis=style.axis("mean score in the bin", (-0.03, 1.04), ink, tickformat=".1f", dtick=0.2),
        yaxis=style.share_axis("share of COVID-19", (-0.04, 1.06), ink, (0, 0.2, 0.4, 0.6, 0.8, 1)),
    )


def _size(films: int, fullest: int) -> float:
    """Return a diameter in pixels, on a log scale: a bin of a thousand films would hide the others otherwise."""
    return _SMALLEST + (_LARGEST - _SMALLEST) * float(np.log1p(films) / np.log1p(max(fullest, 1)))


def reliability_alt(networks: Mapping[str, Sequence[Bin]]) -> str:
    """Describe the highest bin of each network in one sentence."""
    parts = []
    for name, bins in networks.items():
        known = [group for group in bins if group.films]
        if known:
            top = known[-1]
            parts.append(
                f"{name}: of the {top.films:,} X-rays above {top.low:.1f}, mean score {score_text(top.score)}, "
                f"{percent(top.covid.value)} are COVID-19"
            )
    return f"Reliability diagram. {'; '.join(parts) or 'No X-rays'}."


# --- PPV and NPV over prevalence ---

_TICKS = (0.001, 0.01, 0.1, 0.5, 1)
_ENDS = (0.0008, 1.1)  # of the axis, just outside the first and the last tick


def predictive_value(
    prevalence: np.ndarray,
    values: Mapping[str, Band],
    at: float,
    own: float | None = None,
    title: str = "",
    ink: str | None = None,
) -> go.Figure:
    """Draw the PPV or NPV of each network over prevalence, with intervals.

    Args:
        prevalence: (n,) in (0, 1], drawn on a log scale.
        values: (n,) each, by network.
        at: the chosen prevalence, a vertical line.
        own: the prevalence in the data, a fainter line.
        title: of the y axis.
    """
    traces = []
    for number, (name, value) in enumerate(values.items()):
        color, dash = style.network(number)
        traces.append(style.ribbon(prevalence, value.low, value.high, color))
        traces.append(
            {
                "type": "scatter",
                "x": prevalence,
                "y": value.value,
                "mode": "lines",
                "name": name,
                "line": {"color": color, "width": 2.5, "dash": dash},
                "customdata": [
                    f"at {at}: {share} ({low} to {high})"
                    for at, share, low, high in zip(
                        *map(style.percents, (prevalence, value.value, value.low, value.high)), strict=True
                    )
                ],
                "hovertemplate": f"%{{customdata}}<extra>{name}</extra>",
            }
        )
    lines = [style.line(at, 0, at, 1, "solid", 2, ink or style.GRAY)]
    notes = [style.note(float(np.log10(at)), 1, f"<b>{percent(at)}</b>", ink, yanchor="bottom")]
    if own:
        lines.append(style.line(own, 0, own, 1))
        notes.append(_beside(own, at, f"data: {percent(own)}", ink))
    ends = tuple(np.log10(_ENDS))
    return style.figure(
        300,
        ink,
        traces,
        showlegend=len(values) > 1,
        legend=style.LEGEND_ABOVE,
        shapes=lines,
        annotations=notes,
        xaxis=style.share_axis("prevalence of COVID-19", ends, ink, _TICKS, type="log"),
        yaxis=style.share_axis(title, (-0.02, 1.1), ink),
    )


def _beside(x: float, other: float, text: str, ink: str | None) -> dict:
    """Return a label at the foot of the line at x, on the side away from the line at `other`."""
    left = x < other
    place = {"xanchor": "right" if left else "left", "xshift": -4 if left else 4, "yanchor": "bottom"}
    return style.note(float(np.log10(x)), 0, text, ink, **place)


def predictive_value_alt(prevalence: np.ndarray, values: Mapping[str, Band], at: float, kind: str) -> str:
    """State the values at the chosen prevalence in one sentence."""
    place = int(np.abs(prevalence - at).argmin())
    parts = [f"{name} {percent(_known(value.value[place]))}" for name, value in values.items()]
    return f"{kind} over the prevalence of COVID-19; at {percent(at)}: {'; '.join(parts)}."


def _known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


# --- Cost over the threshold, and the cheapest threshold ---

BEST = "cheapest"
_COST_SYMBOLS = ("square", "triangle-up", "x", "pentagon")  # of thresholds marked besides the cheapest
_ABOVE = 1.6  # times the cheaper of always negative and always positive: higher costs are cut off


def cost_curve(networks: Mapping[str, Costs], marks: Mapping[str, float], ink: str | None = None) -> go.Figure:
    """Draw the cost per thousand films over the threshold, with intervals, one line per network.

    Args:
        marks: further thresholds to mark, by label.
    """
    traces = []
    for number, (name, costs) in enumerate(networks.items()):
        color, dash = style.network(number)
        cost, low, high = (PER * part for part in (costs.cost.value, costs.cost.low, costs.cost.high))
        traces.append(style.ribbon(costs.thresholds, low, high, color))
        traces.append(
            {
                "type": "scatter",
                "x": costs.thresholds,
                "y": cost,
                "mode": "lines",
                "name": name,
                "line": {"color": color, "width": 2.5, "dash": dash},
                "hovertemplate": "threshold %{x:.2f}: %{y:.1f}<extra>" + name + "</extra>",
            }
        )
        marked = {BEST: (costs.best.value, "diamond")}
        marked |= {
            label: (at, _COST_SYMBOLS[place % len(_COST_SYMBOLS)]) for place, (label, at) in enumerate(marks.items())
        }
        for label, (at, symbol) in marked.items():
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
                        "color": color,
                        "line": {"color": "white", "width": 1.5},
                    },
                    "hovertemplate": f"{label}, threshold %{{x:.2f}}: %{{y:.1f}}<extra>{name}</extra>",
                }
            )
    first = next(iter(networks.values()))
    floor = {"always negative": PER * first.always_negative, "always positive": PER * first.always_positive}
    shown = [PER * costs.cost.value[np.abs(costs.thresholds - at).argmin()] for costs in networks.values()
             for at in (costs.best.value, *marks.values())]  # fmt: skip
    top = max(_ABOVE * min(floor.values()), 1.15 * max(shown), 1e-6)
    lines = {label: cost for label, cost in floor.items() if cost < top}
    return style.figure(
        340,
        ink,
        traces,
        showlegend=True,
        legend=style.LEGEND_ABOVE,
        shapes=[style.line(0, cost, 1, cost) for cost in lines.values()],
        annotations=[
            style.note(0, cost, label, ink, xanchor="left", yanchor="bottom") for label, cost in lines.items()
        ],
        xaxis=style.axis("threshold", (-0.02, 1.02), ink, tickvals=[0, 0.2, 0.4, 0.6, 0.8, 1], tickformat=".1f"),
        yaxis=style.axis(f"cost per {PER:,} X-rays, in false positives", (0, top), ink),
    )


def cost_curve_alt(networks: Mapping[str, Costs]) -> str:
    """State the cheapest threshold of each network in one sentence."""
    parts = [
        f"{name} at {costs.best.value:.2f}, {PER * costs.cost.value.min():.1f}" for name, costs in networks.items()
    ]
    return f"Cost per {PER:,} X-rays over the threshold, in units of one false positive; cheapest: {'; '.join(parts)}."
