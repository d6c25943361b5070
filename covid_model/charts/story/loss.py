"""Binary cross-entropy over the score, equation 1 of the paper."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from covid_model.charts import style
from covid_model.phrases import score_text

HIGHEST = 7.0  # of the axis, unless this film costs more
_ROOM = 1.2  # of a higher loss: how far the axis reaches then, so that the legend keeps above the point
_POINTS = 200


def loss_curve(
    score: float | None = None,
    loss: float | None = None,
    covid: bool = True,
    height: int = 340,
    ink: str | None = None,
) -> go.Figure:
    """Loss over score for a COVID-19 film and for another; the truth that holds (`covid`) is drawn strong.

    `score` in [0, 1] and its `loss` put this film's point on the curve of its truth.
    """
    highest = HIGHEST if loss is None else max(HIGHEST, _ROOM * loss)
    logits = np.linspace(-highest, highest, _POINTS)  # evenly spread scores would be too far apart at the ends
    scores = 1 / (1 + np.exp(-logits))
    traces = []
    for flag, values in ((True, np.logaddexp(0, -logits)), (False, np.logaddexp(0, logits))):
        colour = style.COVID_COLOUR if flag else style.OTHER_COLOUR
        label = f"truth {int(flag)}: {style.COVID_LABEL if flag else style.OTHER_LABEL}"
        traces.append(
            {
                "type": "scatter",
                "x": scores,
                "y": values,
                "mode": "lines",
                "name": label,
                "line": {
                    "color": colour if flag == covid else style.faded(colour, 0.45),
                    "width": 3.5 if flag == covid else 2,
                    "dash": "solid" if flag == covid else "dot",
                },
                "customdata": style.score_labels(scores),
                "hovertemplate": "score %{customdata}, loss %{y:.2f}<extra>" + label + "</extra>",
            }
        )
    notes = []
    if score is not None and loss is not None:
        colour = style.COVID_COLOUR if covid else style.OTHER_COLOUR
        symbol = style.COVID_SYMBOL if covid else style.OTHER_SYMBOL
        traces.append(
            {
                "type": "scatter",
                "x": [score],
                "y": [loss],
                "mode": "markers",
                "name": "this film",
                "showlegend": False,
                "cliponaxis": False,
                "marker": {"color": colour, "symbol": symbol, "size": 15, "line": {"width": 2, "color": "white"}},
                "hovertemplate": f"this film: score {style.score_label(score)}, loss {_said(loss)}<extra></extra>",
            }
        )
        left = score > 0.5
        notes.append(
            style.note(
                score,
                loss,
                f"<b>this film: {_said(loss)}</b>",
                ink,
                13,
                xanchor="right" if left else "left",
                xshift=-14 if left else 14,
                yshift=10,
            )
        )
    return style.figure(
        height,
        ink,
        traces,
        legend={"x": 0.5, "xanchor": "center", "y": 1, "yanchor": "top", "bgcolor": style.CLEAR},
        annotations=notes,
        xaxis=style.axis("score h(X)", (-0.03, 1.03), ink),
        yaxis=style.axis("loss", (-0.03 * highest, 1.03 * highest), ink),
    )


def _said(loss: float) -> str:
    """A loss to three places, or a power of ten where three places would hide it, as the formula beside it has it."""
    return f"{loss:.3f}" if loss == 0 or loss >= 0.001 else style.power(loss)


def loss_curve_alt(score: float | None, loss: float | None, covid: bool) -> str:
    """The curve, and this film's place on it, in a sentence."""
    curve = (
        "Binary cross-entropy over the score: for a COVID-19 film it falls to 0 at score 1, for another at score 0; a "
        "score that is sure and wrong costs without limit."
    )
    if score is None or loss is None:
        return curve
    return f"{curve} This film, score {score_text(score)} and truth {int(covid)}, costs {_said(loss)}."
