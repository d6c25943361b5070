"""Build the HTML below a film of the gallery, and the alternative texts of its picture. No Streamlit here."""

from __future__ import annotations

import re
from html import escape

from covid_model import config, formatting
from covid_model.app.text import prediction as prediction_text
from covid_model.verdict import is_positive

# --- A score on a line from 0 to 1 with the threshold marked. Streamlit's own progress bar has no mark ---

FAINT = "color-mix(in srgb,currentColor 40%,transparent)"


def score_bar(score: float, threshold: float, faint: bool = False) -> str:
    """Return the bar as HTML. Both numbers are in [0, 1]; text and mark take the color of the page's text.

    `faint` draws the bar gray, for a score that is not meaningful.
    """
    color = config.COVID_COLOR if is_positive(score, threshold) else config.OTHER_COLOR
    color = FAINT if faint else color
    ends = [(0, "0")] * (threshold >= 0.1) + [(1, "1")] * (threshold <= 0.9)
    labels = "".join(_label(at, text) for at, text in [*ends, (threshold, f"{threshold:.2f}")])
    alt = f"Model score {formatting.score_text(score)} on a line from 0 to 1, threshold at {threshold:.2f}"
    return (
        f'<div role="img" aria-label="{alt.replace("<", "below").replace(">", "above")}" '
        'style="padding:6px 0 26px"><div style="position:relative;height:12px;border-radius:6px;'
        'background:color-mix(in srgb,currentColor 14%,transparent)">'
        f'<div style="width:{100 * score:.2f}%;min-width:4px;height:100%;border-radius:6px;background:{color}"></div>'
        f'<div style="position:absolute;left:calc({100 * threshold:.2f}% - 1px);top:-6px;width:2px;height:24px;'
        f'background:currentColor"></div>{labels}</div></div>'
    )


def _label(at: float, text: str) -> str:
    shift = 0 if at < 0.05 else -100 if at > 0.95 else -50
    return (
        f'<span style="position:absolute;left:{100 * at:.2f}%;top:20px;transform:translateX({shift}%);'
        f'font-size:0.8rem">{text}</span>'
    )


NON_COVID = "Non-COVID"
SHAPES = {True: "◆", False: "●"}  # the classes differ without color, as in the charts
VERDICT = {"tp": "True positive", "fn": "False negative", "fp": "False positive", "tn": "True negative"}
_LINE = "white-space:nowrap;overflow:hidden;text-overflow:ellipsis"
_TWO_LINES = (  # longer text is cut and shorter text padded, so that the cards of a row stay level
    "line-height:1.3;min-height:2.6em;display:-webkit-box;-webkit-box-orient:vertical;-webkit-line-clamp:2;"
    "overflow:hidden;overflow-wrap:anywhere"
)


def of_film(score: float, threshold: float, cell: str, finding: str, source: str, url: str) -> str:
    """Return a film's card as HTML: score, verdict, the score on a line from 0 to 1, ground truth, source.

    Args:
        score, threshold: in [0, 1].
        cell: of evaluation.CELLS.
        finding: as the source gives it, "" where it gives none.
        source: a key of config.SOURCE_TITLES.
        url: of the source; only one of http or https becomes a link.
    """
    covid = cell in ("tp", "fn")
    listed = finding or ("COVID-19" if covid else NON_COVID)
    mark = f'<span style="color:{_color(covid)}" aria-hidden="true">{SHAPES[covid]}</span>'
    truth = "COVID-19" if covid else NON_COVID
    title = escape(config.SOURCE_SHORT.get(source, source))
    if re.fullmatch(r"https?://[^\s\"'<>]+", url):
        title = f'<a href="{escape(url)}" target="_blank" rel="noopener noreferrer" style="color:inherit">{title}</a>'
    return _card(
        _scored(score, threshold, VERDICT[cell]),
        f'<div style="{_TWO_LINES}" title="{escape(listed)}">{mark} {truth}{_finding(listed, covid)}</div>',
        f'<div style="{_LINE}" title="{escape(prediction_text.source_title(source))}">{title}</div>',
    )


def of_sample(title: str, score: float | None, threshold: float, simulated: bool = True) -> str:
    """Return the card of a film without a ground truth as HTML: its title, and its score, if it has one."""
    return _card(
        f'<div style="line-height:1.3;min-height:2.6em"><b>{escape(title)}</b></div>',
        f"<div>{'Simulated, not a real X-ray' if simulated else 'Real, without a ground truth'}</div>",
        "" if score is None else _scored(score, threshold, ""),
    )


def describe(film: str, score: float, cell: str) -> str:
    """Return the alternative text of a film's picture."""
    truth = "COVID-19" if cell in ("tp", "fn") else NON_COVID
    return f"{truth} X-ray {film}, score {formatting.score_text(score)}, {VERDICT[cell].lower()}"


def describe_simulated(title: str) -> str:
    """Return the alternative text of a simulated film's picture."""
    return f"Simulated X-ray: {title}"


def under_heatmap(described: str) -> str:
    """Return the alternative text of a picture that has a heatmap over it."""
    return f"{described}, under its heatmap"


def _card(*parts: str) -> str:
    return f'<div style="font-size:0.875rem;line-height:1.5">{"".join(parts)}</div>'


def _finding(listed: str, covid: bool) -> str:
    return "" if (covid and listed == "COVID-19") or listed in ("Other", NON_COVID) else f": {escape(listed)}"


def _color(covid: bool) -> str:
    return config.COVID_COLOR if covid else config.OTHER_COLOR


def _scored(score: float, threshold: float, verdict: str) -> str:
    """Return score and verdict on one line, and the score's bar with the threshold's mark below it.

    Without a verdict (""), the bar is gray.
    """
    text = escape(formatting.score_text(score))
    alt = f"Score {formatting.score_text(score)} on a line from 0 to 1, threshold at {threshold:.2f}"
    return (
        '<div style="display:flex;flex-wrap:wrap;justify-content:space-between;align-items:baseline;column-gap:8px">'
        f'<span style="font-size:1.25rem;font-weight:600">{text}</span><span>{verdict}</span></div>'
        f'<div role="img" aria-label="{alt.replace("<", "below").replace(">", "above")}" '
        'style="position:relative;height:6px;border-radius:3px;margin:3px 0 8px;'
        'background:color-mix(in srgb,currentColor 14%,transparent)">'
        f'<div style="width:{100 * score:.2f}%;min-width:2px;height:100%;border-radius:3px;'
        f'background:{_color(is_positive(score, threshold)) if verdict else FAINT}"></div>'
        f'<div style="position:absolute;left:calc({100 * threshold:.2f}% - 1px);top:-3px;width:2px;height:12px;'
        'background:currentColor"></div></div>'
    )
