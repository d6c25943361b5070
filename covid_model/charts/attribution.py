"""Charts of where Grad-CAM looks, and whether what it marks matters to the score."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from covid_model.charts import style
from covid_model.charts.bias import ACCENT
from covid_model.evaluation import Estimate
from covid_model.formatting import score_text

ATTENTION_ROW = 80  # pixels

Span = tuple[Estimate, Estimate, Estimate | None]  # what was found, by chance, at best


def attention(spans: Mapping[str, Span], height: int | None = None, ink: str | None = None) -> go.Figure:
    """A row a measure (its name with lines parted by <br>): chance, what was found, and the most there can be.

    Shares in [0, 1]; those without a value are left out. `height` in pixels, `ink` the CSS colour of the words.
    """
    places = list(range(len(spans)))[::-1]
    lines, notes, points = [], [], {"chance": [], "found": [], "at best": []}
    for (found, chance, best), place in zip(spans.values(), places, strict=True):
        ends = [one.value for one in (chance, found, best) if one]
        if ends:
            lines.append(style.line(min(ends), place, max(ends), place, "solid", 6, style.faded(style.GREY, 0.35)))
        if found and found.low is not None:
            lines.append(style.line(found.low, place, found.high, place, "solid", 3, ACCENT))
        for name, one, side in (("chance", chance, -1), ("found", found, 1), ("at best", best, -1)):
            if one:
                points[name].append((one.value, place))
                text = f"<b>{style.percent(one.value)}</b>" if side > 0 else f"{name} {style.percent(one.value)}"
                anchor = "bottom" if side > 0 else "top"
                notes.append(style.note(one.value, place, text, ink, 12, yanchor=anchor, yshift=9 * side))
    looks = {"chance": "line-ns-open", "found": "square", "at best": "line-ns-open"}
    traces = [
        {
            "type": "scatter",
            "mode": "markers",
            "x": [value for value, _ in known],
            "y": [place for _, place in known],
            "marker": {
                "symbol": looks[name],
                "size": 13 if name == "found" else 18,
                "color": ACCENT if name == "found" else ink or style.GREY,
                "line": {"width": 1 if name == "found" else 3},
            },
            "hovertemplate": f"{name}: %{{x:.1%}}<extra></extra>",
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
        xaxis=style.axis("", (-0.04, 1.04), ink, tickformat=".0%", dtick=0.25),
        yaxis=style.axis("", (-0.7, len(spans) - 0.4), ink, tickvals=places, ticktext=list(spans), showgrid=False),
    )


def attention_alt(spans: Mapping[str, Span]) -> str:
    """The rows in a sentence."""
    parts = [
        f"{name.replace('<br>', ' ')} {style.percent(found.value)}, by chance {style.percent(chance.value)}"
        + (f", at best {style.percent(best.value)}" if best else "")
        for name, (found, chance, best) in spans.items()
    ]
    return f"Grad-CAM and the lungs: {'; '.join(parts)}."


# --- Deletion and insertion: what becomes of the score while a film is blurred, or sharpened, cell by cell

Curves = Mapping[str, Sequence[float]]  # mean scores (n,) by the order of the cells: MAP, RANDOM

MAP, RANDOM = "grad-cam", "random"
NAMES = {MAP: "by the map", RANDOM: "at random"}
DASHES = {MAP: "solid", RANDOM: "dot"}


def faithfulness(deletion: Curves, insertion: Curves, height: int = 340, ink: str | None = None) -> go.Figure:
    """Four lines over the share of the film that was changed: cells taken away and given back, each in both orders.

    (Deletion and insertion, Petsiuk, Das and Saenko 2018, "RISE".) Scores in [0, 1]; `ink` the CSS colour of the words.
    """
    traces = [
        {
            "type": "scatter",
            "mode": "lines",
            "x": [step / (len(curve) - 1) for step in range(len(curve))],
            "y": list(curve),
            "name": f"{title} {NAMES[order]}",
            "line": {"color": colour, "dash": DASHES[order], "width": 3},
            "customdata": style.score_labels(curve),
            "hovertemplate": f"{title} {NAMES[order]}<br>%{{x:.0%}} of the film: "
            "mean score %{customdata}<extra></extra>",
        }
        for title, curves, colour in (
            ("taken away", deletion, style.COVID_COLOUR),
            ("given back", insertion, style.OTHER_COLOUR),
        )
        for order, curve in curves.items()
    ]
    return style.figure(
        height,
        ink,
        traces,
        margin={"l": 8, "r": 8, "t": 60, "b": 8},
        legend=style.LEGEND_ABOVE,
        xaxis=style.axis("share of the film", (0, 1.02), ink, tickformat=".0%", dtick=0.25),
        yaxis=style.axis("mean score", (0, 1.02), ink, dtick=0.25),
    )


def faithfulness_alt(deletion: Curves, insertion: Curves) -> str:
    """Where each line stands half way, in a sentence."""
    parts = [
        f"{title} {NAMES[order]} {score_text(curve[len(curve) // 2])}"
        for title, curves in (("taken away", deletion), ("given back", insertion))
        for order, curve in curves.items()
    ]
    return f"Mean score with half of the film {', '.join(parts)}."
