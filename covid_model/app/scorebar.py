"""A score on a line from 0 to 1 with the threshold marked. Streamlit's own progress bar has no mark."""

from __future__ import annotations

from covid_model import settings
from covid_model.app import words
from covid_model.verdict import is_positive

FAINT = "color-mix(in srgb,currentColor 40%,transparent)"


def score_bar(score: float, threshold: float, faint: bool = False) -> str:
    """HTML of the bar. Both numbers in [0, 1]; text and mark take the colour of the page's text.

    With `faint` the bar is grey: for a score that means nothing.
    """
    colour = settings.COVID_COLOUR if is_positive(score, threshold) else settings.OTHER_COLOUR
    colour = FAINT if faint else colour
    ends = [(0, "0")] * (threshold >= 0.1) + [(1, "1")] * (threshold <= 0.9)
    labels = "".join(_label(at, text) for at, text in [*ends, (threshold, f"{threshold:.2f}")])
    says = f"Model score {words.score_text(score)} on a line from 0 to 1, threshold at {threshold:.2f}"
    return (
        f'<div role="img" aria-label="{says.replace("<", "below").replace(">", "above")}" '
        'style="padding:6px 0 26px"><div style="position:relative;height:12px;border-radius:6px;'
        'background:color-mix(in srgb,currentColor 14%,transparent)">'
        f'<div style="width:{100 * score:.2f}%;min-width:4px;height:100%;border-radius:6px;background:{colour}"></div>'
        f'<div style="position:absolute;left:calc({100 * threshold:.2f}% - 1px);top:-6px;width:2px;height:24px;'
        f'background:currentColor"></div>{labels}</div></div>'
    )


def _label(at: float, text: str) -> str:
    shift = 0 if at < 0.05 else -100 if at > 0.95 else -50
    return (
        f'<span style="position:absolute;left:{100 * at:.2f}%;top:20px;transform:translateX({shift}%);'
        f'font-size:0.8rem">{text}</span>'
    )
