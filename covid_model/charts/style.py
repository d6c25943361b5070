"""Colors, symbols, text sizes and axes that all figures share.

The two class colors are Okabe and Ito's vermilion and blue (jfly.uni-koeln.de/color). The blue is made lighter so that
its contrast is at least 3:1 on white and on the dark theme. The pair is safe for color-blind readers, and shape and
label tell the classes apart without color.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

import numpy as np
import plotly.graph_objects as go

from covid_model import config
from covid_model.formatting import percent, score_text

COVID_COLOR = config.COVID_COLOR
OTHER_COLOR = config.OTHER_COLOR
GRAY = "#808495"  # reference lines such as the threshold and the diagonal; contrast at least 3:1 on light and dark
FAINT = "rgba(128, 132, 149, 0.25)"  # grid lines
CLEAR = "rgba(0, 0, 0, 0)"

COVID_LABEL = "COVID-19"
OTHER_LABEL = "Non-COVID"
COVID_SYMBOL = "diamond"
OTHER_SYMBOL = "circle"

FONT_SIZE = 14  # pixels, the smallest text in a figure: pages are shown on projectors

DASHES = ("solid", "dot", "dash", "dashdot")  # one per network, so that curves differ without color
LINE_COLORS = (OTHER_COLOR, COVID_COLOR, "#009E73", "#B0699A")

SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
LEGEND_ABOVE = {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom", "bgcolor": CLEAR}
CONFIG = {"displayModeBar": False, "scrollZoom": False, "doubleClick": False}  # plotly.js options for every figure


def score_label(score: float) -> str:
    """Format a score as everywhere in the app, escaped for plotly's markup."""
    return escape(score_text(score))


def score_labels(scores: Iterable[float]) -> list[str]:
    """Format many scores, for a figure's customdata."""
    return [score_label(float(score)) for score in scores]


def percents(shares: Iterable[float]) -> list[str]:
    """Format shares in [0, 1] as everywhere in the app, for a figure's customdata; a dash for NaN.

    D3's own format of percentages, which a hover template could use, has no space before the sign.
    """
    return [percent(None if np.isnan(share) else float(share)) for share in shares]


def faded(color: str, alpha: float) -> str:
    """Return `color` (#RRGGBB) with opacity `alpha` in [0, 1], as CSS."""
    red, green, blue = (int(color[start : start + 2], 16) for start in (1, 3, 5))
    return f"rgba({red}, {green}, {blue}, {alpha:.3f})"


def figure(height: int, ink: str | None, traces: Sequence[dict], **layout) -> go.Figure:
    """Build a figure of `height` pixels, as wide as its container, that cannot be zoomed or dragged.

    `ink` (CSS) is the color of all text; without it, the page's theme chooses one, which can be faint. Traces and
    layout are passed to plotly at once, as dictionaries: adding them one by one takes four times as long, and a slider
    that redraws the figure would lag.
    """
    font = {"size": FONT_SIZE} | ({"color": ink} if ink else {})  # explicit: Streamlit's theme sets smaller sizes
    base = {
        "font": font,
        "legend": {"font": font},
        "height": height,
        "margin": {"l": 8, "r": 8, "t": 8, "b": 8},
        "paper_bgcolor": CLEAR,
        "plot_bgcolor": CLEAR,
        "dragmode": False,
        "hoverlabel": {"align": "left", "font_size": FONT_SIZE},
    }
    legends = {key: {"font": font} | value for key, value in layout.items() if key.startswith("legend")}
    return go.Figure(data=list(traces), layout=base | layout | legends)


def enlarged(figure: go.Figure, factor: float) -> go.Figure:
    """Return a copy of a figure with its height, its margins and all of its text `factor` times as large."""

    def grown(part: object, name: str = "") -> object:
        if isinstance(part, dict):
            text = name.endswith("font")
            return {key: part[key] * factor if text and key == "size" else grown(part[key], key) for key in part}
        return [grown(item, name) for item in part] if isinstance(part, list | tuple) else part

    drawn = figure.to_dict()
    layout = grown(drawn["layout"])
    layout["margin"] |= {side: layout["margin"][side] * factor for side in "lrtb"}
    return go.Figure(
        data=[grown(trace) for trace in drawn["data"]], layout=layout | {"height": layout["height"] * factor}
    )


def network(position: int) -> tuple[str, str]:
    """Return the color and dash of the network at `position` (from 0) among those shown."""
    return LINE_COLORS[position % len(LINE_COLORS)], DASHES[position % len(DASHES)]


def note(x: float, y: float, text: str, ink: str | None, size: int = FONT_SIZE, **more) -> dict:
    """Return an annotation without an arrow."""
    return {"x": x, "y": y, "text": text, "font": {"size": size, "color": ink}, "showarrow": False} | more


def line(x0: float, y0: float, x1: float, y1: float, dash: str = "dash", width: int = 1, color: str = GRAY) -> dict:
    """Return a straight reference line."""
    drawn = {"color": color, "width": width, "dash": dash}
    return {"type": "line", "x0": x0, "y0": y0, "x1": x1, "y1": y1, "line": drawn}


def ribbon(x: np.ndarray, low: np.ndarray, high: np.ndarray, color: str) -> dict:
    """Return the band between `low` and `high`, (n,) each over `x`, where both are known: an interval along a curve."""
    known = ~(np.isnan(low) | np.isnan(high))
    x, low, high = x[known], low[known], high[known]
    return {
        "type": "scatter",
        "x": np.concatenate([x, x[::-1]]),
        "y": np.concatenate([high, low[::-1]]),
        "mode": "lines",
        "line": {"width": 0, "color": faded(color, 0.16)},
        "fill": "toself",
        "fillcolor": faded(color, 0.16),
        "hoverinfo": "skip",
        "showlegend": False,
    }


def side(x: float) -> str:
    """Return the anchor that keeps a label at x, in [0, 1], inside the figure."""
    return "left" if x < 0.2 else "right" if x > 0.8 else "center"


def axis(title: str, limits: tuple[float, float] | None = None, ink: str | None = None, **more) -> dict:
    """Return an axis with faint grid lines and no zoom, its text in `ink`."""
    font = {"size": FONT_SIZE} | ({"color": ink} if ink else {})
    base = {
        "title": {"text": title, "font": font} | ({} if title else {"standoff": 0}),  # an empty title takes no room
        "tickfont": font,
        "fixedrange": True,
        "gridcolor": FAINT,
        "zeroline": False,
        "automargin": True,
    }
    return base | ({"range": list(limits)} if limits else {}) | more


def share_axis(
    title: str, limits: tuple[float, float], ink: str | None, ticks: Sequence[float] = (0, 0.25, 0.5, 0.75, 1), **more
) -> dict:
    """Return an axis of shares in [0, 1] that labels `ticks` as percentages."""
    labels = [f"{100 * tick:.3g} %" for tick in ticks]
    return axis(title, limits, ink, tickvals=list(ticks), ticktext=labels, tickangle=0, **more)


def power(value: float, sign: str = "") -> str:
    """Format a number as a power of ten: "4.7·10⁻⁶". `sign` "+" writes a plus as well."""
    mantissa, exponent = f"{value:{sign}.1e}".split("e")
    return f"{mantissa}·10{str(int(exponent)).translate(SUPERSCRIPTS)}".replace("-", "−")
