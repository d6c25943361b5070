"""Charts of where Grad-CAM points, and of whether the marked regions matter to the score."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from covid_model.charts import style
from covid_model.charts.bias import ACCENT
from covid_model.evaluation import Estimate
from covid_model.formatting import percent, score_text

ATTENTION_ROW = 80  # pixels

Span = tuple[Estimate, Estimate, Estimate | None]  # measured, by chance, highest possible


def attention(spans: Mapping[str, Span], height: int | None = None, ink: str | None = None) -> go.Figure:
    """Draw one row per measure (its name, lines separated by <br>): by chance, measured, and the highest possible.

    Shares in [0, 1]; those without a value are omitted. `height` in pixels, `ink` the CSS color of the text.
    """
    places = list(range(len(spans)))[::-1]
    lines, notes, points = [], [], {"chance": [], "measured": [], "at best": []}
    for (measured, chance, best), place in zip(spans.values(), places, strict=True):
        ends = [estimate.value for estimate in (chance, measured, best) if estimate]
        if ends:
            lines.append(style.line(min(ends), place, max(ends), place, "solid", 6, style.faded(style.GRAY, 0.35)))
        if measured and measured.low is not None:
            lines.append(style.line(measured.low, place, measured.high, place, "solid", 3, ACCENT))
        for name, estimate, side in (("chance", chance, -1), ("measured", measured, 1), ("at best", best, -1)):
            if estimate:
                points[name].append((estimate.value, place))
                text = f"<b>{percent(estimate.value)}</b>" if side > 0 else f"{name} {percent(estimate.value)}"
                anchor = "bottom" if side > 0 else "top"
                notes.append(style.note(estimate.value, place, text, ink, yanchor=anchor, yshift=9 * side))
    looks = {"chance": "line-ns-open", "measured": "square", "at best": "line-ns-open"}
    traces = [
        {
            "type": "scatter",
            "mode": "markers",
            "x": [value for value, _ in known],
            "y": [place for _, place in known],
            "marker": {
                "symbol": looks[name],
                "size": 13 if name == "measured" else 18,
                "color": ACCENT if name == "measured" else ink or style.GRAY,
                "line": {"width": 1 if name == "measured" else 3},
            },
            "customdata": style.percents(value for value, _ in known),
            "hovertemplate": f"{name}: %{{customdata}}<extra></extra>",
            "showlegend": False,
        }
        for name, known in points.items()
    ]
    return style.figure(
        height or ATTENTION_ROW * len(spans) + 60,
        ink,
        traces,
        shapes=lines,
        annotations=notes,
        xaxis=style.share_axis("", (-0.04, 1.04), ink),
        yaxis=style.axis("", (-0.7, len(spans) - 0.4), ink, tickvals=places, ticktext=list(spans), showgrid=False),
    )


def attention_alt(spans: Mapping[str, Span]) -> str:
    """Describe the rows in one sentence."""
    parts = [
        f"{name.replace('<br>', ' ')} {percent(measured.value)}, by chance {percent(chance.value)}"
        + (f", at best {percent(best.value)}" if best else "")
        for name, (measured, chance, best) in spans.items()
    ]
    return f"Grad-CAM and the lungs: {'; '.join(parts)}."


# --- Deletion and insertion: the score while a film is blurred, or restored, cell by cell

Curves = Mapping[str, Sequence[float]]  # mean scores (n,) by the order of the cells: MAP, RANDOM

MAP, RANDOM = "grad-cam", "random"
NAMES = {MAP: "in Grad-CAM order", RANDOM: "in random order"}
DASHES = {MAP: "solid", RANDOM: "dot"}


def faithfulness(deletion: Curves, insertion: Curves, height: int = 340, ink: str | None = None) -> go.Figure:
    """Draw four lines over the share of the film changed: cells removed and cells restored, each in both orders.

    Deletion and insertion are from Petsiuk, Das and Saenko 2018, "RISE". Scores are in [0, 1]; `ink` is the CSS color
    of the text.
    """
    traces = [
        {
            "type": "scatter",
            "mode": "lines",
            "x": [step / (len(curve) - 1) for step in range(len(curve))],
            "y": list(curve),
            "name": f"{title} {NAMES[order]}",
            "line": {"color": color, "dash": DASHES[order], "width": 3},
            "customdata": [
                f"{percent(step / (len(curve) - 1))} of the X-ray: mean score {style.score_label(score)}"
                for step, score in enumerate(curve)
            ],
            "hovertemplate": f"{title} {NAMES[order]}<br>%{{customdata}}<extra></extra>",
        }
        for title, curves, color in (
            ("removed", deletion, style.COVID_COLOR),
            ("restored", insertion, style.OTHER_COLOR),
        )
        for order, curve in curves.items()
    ]
    return style.figure(
        height,
        ink,
        traces,
        margin={"l": 8, "r": 8, "t": 60, "b": 8},
        legend=style.LEGEND_ABOVE,
        xaxis=style.share_axis("share of the X-ray", (0, 1.02), ink),
        yaxis=style.axis("mean score", (0, 1.02), ink, dtick=0.25),
    )


def faithfulness_alt(deletion: Curves, insertion: Curves) -> str:
    """State the height of each line at half of the film, in one sentence."""
    parts = [
        f"{title} {NAMES[order]} {score_text(curve[len(curve) // 2])}"
        for title, curves in (("removed", deletion), ("restored", insertion))
        for order, curve in curves.items()
    ]
    return f"Mean score with half of the X-ray {', '.join(parts)}."
