"""What all figures share: colours, shapes, the empty ground.

The two colours are Okabe and Ito's vermilion and blue (jfly.uni-koeln.de/color), the blue made lighter so that it
stands out 3:1 or more from white and from the dark theme alike. The colour-blind tell them apart; shape and label
do it without colour.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

import numpy as np
import plotly.graph_objects as go

from covid_model import config
from covid_model.formatting import score_text

COVID_COLOUR = config.COVID_COLOUR
OTHER_COLOUR = config.OTHER_COLOUR
GREY = "#808495"  # lines that are read against: the threshold, the diagonal; 3:1 or more on light and dark
FAINT = "rgba(128, 132, 149, 0.25)"  # grid lines
CLEAR = "rgba(0, 0, 0, 0)"

COVID_LABEL = "COVID-19"
OTHER_LABEL = "Other"
COVID_SYMBOL = "diamond"
OTHER_SYMBOL = "circle"

DASHES = ("solid", "dot", "dash", "dashdot")  # one a network, so that curves differ without colour
LINE_COLOURS = (OTHER_COLOUR, COVID_COLOUR, "#009E73", "#B0699A")

SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
LEGEND_ABOVE = {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom", "bgcolor": CLEAR}
CONFIG = {"displayModeBar": False, "scrollZoom": False, "doubleClick": False}  # for whoever shows a figure


def score_label(score: float) -> str:
    """A score as it is written everywhere, in plotly's markup."""
    return escape(score_text(score))


def score_labels(scores: Iterable[float]) -> list[str]:
    """The same of many scores, for a figure's customdata."""
    return [score_label(float(score)) for score in scores]


def faded(colour: str, alpha: float) -> str:
    """`colour` (#RRGGBB) with `alpha` in [0, 1], as CSS."""
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return f"rgba({red}, {green}, {blue}, {alpha:.3f})"


def figure(height: int, ink: str | None, traces: Sequence[dict], **layout) -> go.Figure:
    """A figure of `height` pixels, as wide as its place, that cannot be zoomed or dragged.

    `ink` (CSS) colours all words; without it they are what the page's theme makes of them, which can be faint. All
    parts come at once, as plotly's own dictionaries: to add them one by one takes four times as long, and a slider
    that moves the figure would be felt to lag.
    """
    words = {"font": {"color": ink}, "legend_font_color": ink} if ink else {}
    base = {
        "height": height,
        "margin": {"l": 8, "r": 8, "t": 8, "b": 8},
        "paper_bgcolor": CLEAR,
        "plot_bgcolor": CLEAR,
        "dragmode": False,
        "hoverlabel": {"align": "left"},
    }
    return go.Figure(data=list(traces), layout=base | words | layout)


def network(at: int) -> tuple[str, str]:
    """Colour and dash of the network at this place among those shown."""
    return LINE_COLOURS[at % len(LINE_COLOURS)], DASHES[at % len(DASHES)]


def note(x: float, y: float, text: str, ink: str | None, size: int = 12, **more) -> dict:
    """Words at a place in the figure, without an arrow."""
    return {"x": x, "y": y, "text": text, "font": {"size": size, "color": ink}, "showarrow": False} | more


def line(x0: float, y0: float, x1: float, y1: float, dash: str = "dash", width: int = 1, colour: str = GREY) -> dict:
    """A straight line to read the figure against."""
    drawn = {"color": colour, "width": width, "dash": dash}
    return {"type": "line", "x0": x0, "y0": y0, "x1": x1, "y1": y1, "line": drawn}


def ribbon(x: np.ndarray, low: np.ndarray, high: np.ndarray, colour: str, alpha: float = 0.16) -> dict:
    """The ground between `low` and `high` (n,) each over `x`, where both are known: an interval along a curve."""
    known = ~(np.isnan(low) | np.isnan(high))
    x, low, high = x[known], low[known], high[known]
    return {
        "type": "scatter",
        "x": np.concatenate([x, x[::-1]]),
        "y": np.concatenate([high, low[::-1]]),
        "mode": "lines",
        "line": {"width": 0, "color": faded(colour, alpha)},
        "fill": "toself",
        "fillcolor": faded(colour, alpha),
        "hoverinfo": "skip",
        "showlegend": False,
    }


def side(x: float) -> str:
    """Which end of a label stands at x, in [0, 1], so that it stays in the figure."""
    return "left" if x < 0.2 else "right" if x > 0.8 else "center"


def axis(title: str, limits: tuple[float, float] | None = None, ink: str | None = None, **more) -> dict:
    """An axis with faint lines and no zoom, its words in `ink`."""
    colour = {"font": {"color": ink}} if ink else {}
    more = ({"tickfont": {"color": ink}} if ink else {}) | more
    base = {
        "title": {"text": title} | ({} if title else {"standoff": 0}) | colour,  # none wants no room kept for it
        "fixedrange": True,
        "gridcolor": FAINT,
        "zeroline": False,
        "automargin": True,
    }
    return base | ({"range": list(limits)} if limits else {}) | more


def power(value: float, sign: str = "") -> str:
    """A number as a power of ten: "4.7·10⁻⁶". `sign` "+" writes a plus as well."""
    mantissa, exponent = f"{value:{sign}.1e}".split("e")
    return f"{mantissa}·10{str(int(exponent)).translate(SUPERSCRIPTS)}".replace("-", "−")


def percent(share: float | None, digits: int = 1) -> str:
    """A share in [0, 1] for people: "97.3 %", or a dash."""
    return "–" if share is None else f"{100 * share:.{digits}f} %"
