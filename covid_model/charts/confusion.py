"""The confusion matrix, each cell a tile that can be clicked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from covid_model.charts import style
from covid_model.evaluation import CELLS, Confusion

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
