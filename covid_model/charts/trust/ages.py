"""Who is in the data: a pyramid of ages, COVID-19 films to the left and the others to the right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from covid_model.charts import style

ROW = 36  # pixels
MARGIN = 44  # pixels at both ends, for the number of films beside a full bar


@dataclass(frozen=True)
class Row:
    """A row of the pyramid: its name (lines parted by <br>) and the films of either class."""

    name: str
    covid: int
    other: int


def ages(rows: Sequence[Row], height: int | None = None, ink: str | None = None) -> go.Figure:
    """Each class as shares of its own films, so that 73 films can be read beside 1,079. The first row on top.

    Args:
        rows: the groups of people; every film stands in one of them.
        height: in pixels; ROW a group where None.
        ink: CSS colour of the words.
    """
    places = list(range(len(rows)))[::-1]
    traces, notes = [], []
    sides = (
        (-1, style.COVID_LABEL, style.COVID_COLOUR, [row.covid for row in rows], "◆"),
        (1, style.OTHER_LABEL, style.OTHER_COLOUR, [row.other for row in rows], "●"),
    )
    for side, label, colour, counts, shape in sides:
        total = sum(counts)
        shares = [count / total if total else 0.0 for count in counts]
        traces.append(
            {
                "type": "bar",
                "orientation": "h",
                "x": [side * share for share in shares],
                "y": places,
                "width": 0.8,
                "marker": {
                    "color": style.faded(colour, 0.85),
                    "line": {"width": 0},
                    "pattern": {
                        "shape": "/" if side < 0 else "",
                        "size": 7,
                        "solidity": 0.2,
                        "fillmode": "overlay",
                        "fgcolor": "white",
                        "fgopacity": 0.6,
                    },
                },
                "customdata": [[count, style.percent(share)] for count, share in zip(counts, shares, strict=True)],
                "hovertemplate": f"{label}: %{{customdata[0]:,}} films, %{{customdata[1]}}<extra></extra>",
                "showlegend": False,
            }
        )
        anchor = "right" if side < 0 else "left"
        for place, share, count in zip(places, shares, counts, strict=True):
            if count:
                notes.append(
                    style.note(side * share, place, f"<b>{count:,}</b>", ink, 13, xanchor=anchor, xshift=side * 5)
                )
        films = f"<b>{shape} {label}</b><br>{total:,} films"
        notes.append(style.note(side * 0.6, len(rows) - 0.35, films, ink, 13, yanchor="bottom"))
    return style.figure(
        height or ROW * len(rows) + 110,
        ink,
        traces,
        barmode="overlay",
        margin={"l": 8, "r": MARGIN, "t": 8, "b": 8},
        shapes=[style.line(0, -0.6, 0, len(rows) - 0.4, "solid", 1, ink or style.GREY)],
        annotations=notes,
        xaxis=style.axis(
            "share of the class’s films",
            (-1.02, 1.02),
            ink,
            tickvals=[-1, 0, 1],
            ticktext=["100%", "0", "100%"],
            tickangle=0,
        ),
        yaxis=style.axis(
            "",
            (-0.6, len(rows) + 0.9),
            ink,
            tickvals=places,
            ticktext=[row.name for row in rows],
            showgrid=False,
            ticks="outside",
            ticklen=MARGIN,
            tickcolor=style.CLEAR,  # unseen, it keeps the names away from the bars' numbers
        ),
    )


def ages_alt(rows: Sequence[Row]) -> str:
    """The pyramid in a sentence."""
    parts = [f"{row.name.replace('<br>', ' ')} {row.covid:,} and {row.other:,}" for row in rows]
    return f"COVID-19 films and other films by age: {'; '.join(parts)}."
