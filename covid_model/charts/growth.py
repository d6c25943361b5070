"""How cost grows with size, on logarithmic axes, beside linear growth."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from covid_model.charts import style

WHOLE = 10  # from which on sizes are written without decimals


def growth(
    name: str, sizes: Sequence[float], seconds: Sequence[float], height: int = 240, ink: str | None = None
) -> go.Figure:
    """Milliseconds over size, both logarithmic; the dashed line is linear growth through the largest size.

    Args:
        name: what grows, such as "films of a batch"; the title of the axis.
        sizes: above 0.
        seconds: what each size took, above 0.
        height: of the figure, in pixels.
        ink: CSS colour of the words; without it the theme's.
    """
    spent = [1000 * one for one in seconds]
    linear = [spent[-1] * size / sizes[-1] for size in sizes]
    drawn = {"type": "scatter", "x": list(sizes)}
    colour, dash = style.network(0)
    traces = [
        drawn
        | {"y": linear, "mode": "lines", "name": "linear growth", "line": {"color": style.GREY, "dash": "dash"}}
        | {"hoverinfo": "skip"},
        drawn
        | {"y": spent, "mode": "lines+markers", "name": "measured", "line": {"color": colour, "dash": dash}}
        | {"hovertemplate": "%{x:,.3~g}: %{y:,.3~g} ms<extra></extra>"},
    ]
    return style.figure(
        height,
        ink,
        traces,
        margin={"l": 8, "r": 8, "t": 30, "b": 8},
        legend=style.LEGEND_ABOVE,
        xaxis=style.axis(name, None, ink, type="log", tickvals=list(sizes), ticktext=[_short(one) for one in sizes]),
        yaxis=style.axis("ms", None, ink, type="log", dtick=1),
    )


def _short(size: float) -> str:
    """A size in few letters: 0.066, 17, 1,000."""
    return f"{size:,.0f}" if size >= WHOLE else f"{size:.2g}"


def growth_alt(name: str, sizes: Sequence[float], seconds: Sequence[float]) -> str:
    """From where to where cost grows, in a sentence."""
    return (
        f"Cost against {name}: from {1000 * seconds[0]:,.3g} ms at {sizes[0]:,.3g} to {1000 * seconds[-1]:,.3g} ms at "
        f"{sizes[-1]:,.3g}, beside a line of linear growth."
    )
