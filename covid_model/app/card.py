"""What stands under a film of the gallery, and the film made to fit above it. No streamlit in here."""

from __future__ import annotations

import re
from html import escape

import cv2
import numpy as np

from covid_model import settings
from covid_model.app import words
from covid_model.verdict import is_positive

SHAPES = {True: "◆", False: "●"}  # COVID-19 films and others differ without colour, as in the charts
VERDICT = {"tp": "True positive", "fn": "False negative", "fp": "False positive", "tn": "True negative"}
_LINE = "white-space:nowrap;overflow:hidden;text-overflow:ellipsis"
_TWO_LINES = (  # what is longer is cut; what is shorter takes as much room, so that cards of a row stay level
    "line-height:1.3;min-height:2.6em;display:-webkit-box;-webkit-box-orient:vertical;-webkit-line-clamp:2;"
    "overflow:hidden;overflow-wrap:anywhere"
)


def fitted(picture: np.ndarray, side: int | None = None) -> np.ndarray:
    """A picture, (H, W) or (H, W, 3) uint8, whole and in the middle of a black square of `side` pixels."""
    side = settings.CARD_SIDE if side is None else side
    scale = side / max(picture.shape[:2])
    height, width = (max(1, round(length * scale)) for length in picture.shape[:2])
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    square = np.zeros((side, side, *picture.shape[2:]), np.uint8)
    top, left = (side - height) // 2, (side - width) // 2
    square[top : top + height, left : left + width] = cv2.resize(picture, (width, height), interpolation=how)
    return square


def jpeg(picture: np.ndarray) -> bytes:
    """A picture, (h, w) grey or (h, w, 3) red, green, blue uint8, as the bytes of a JPEG."""
    turned = cv2.cvtColor(picture, cv2.COLOR_RGB2BGR) if picture.ndim == 3 else picture
    return cv2.imencode(".jpg", turned, [cv2.IMWRITE_JPEG_QUALITY, 85])[1].tobytes()


def of_film(score: float, threshold: float, cell: str, finding: str, source: str, url: str) -> str:
    """HTML: score, verdict, both on a line from 0 to 1, what the source lists the film as, and the source.

    Args:
        score, threshold: in [0, 1].
        cell: of evaluation.CELLS.
        finding: as the source gives it, "" where it gives none.
        source: a key of settings.SOURCE_TITLES.
        url: of the source; only one of http or https becomes a link.
    """
    covid = cell in ("tp", "fn")
    listed = finding or ("COVID-19" if covid else "Other")
    mark = f'<span style="color:{_colour(covid)}" aria-hidden="true">{SHAPES[covid]}</span>'
    truth = "COVID-19 film" if covid else "Other film"
    title = escape(settings.SOURCE_SHORT.get(source, source))
    if re.fullmatch(r"https?://[^\s\"'<>]+", url):
        title = f'<a href="{escape(url)}" target="_blank" rel="noopener noreferrer" style="color:inherit">{title}</a>'
    return _card(
        _scored(score, threshold, VERDICT[cell]),
        f'<div style="{_TWO_LINES}" title="{escape(listed)}">{mark} {truth}{_finding(listed, covid)}</div>',
        f'<div style="{_LINE}" title="{escape(words.source(source))}">{title}</div>',
    )


def of_simulated(title: str, score: float | None, threshold: float) -> str:
    """HTML: a simulated film's title, and its score where it was read."""
    verdict = "" if score is None else words.called(is_positive(score, threshold)).capitalize()
    return _card(
        f'<div style="line-height:1.3;min-height:2.6em"><b>{escape(title)}</b></div>',
        "<div>Simulated, not a real film</div>",
        "" if score is None else _scored(score, threshold, verdict),
    )


def describe(film: str, score: float, cell: str) -> str:
    """A film's picture in words."""
    kind = "COVID-19 film" if cell in ("tp", "fn") else "Other film"
    return f"{kind} {film}, score {words.score_text(score)}, {VERDICT[cell].lower()}"


def describe_simulated(title: str) -> str:
    """A simulated film's picture in words."""
    return f"Simulated film: {title}"


def under_heatmap(described: str) -> str:
    """A picture in words, and that a heatmap lies over it."""
    return f"{described}, under its heatmap"


def _card(*parts: str) -> str:
    return f'<div style="font-size:0.875rem;line-height:1.5">{"".join(parts)}</div>'


def _finding(listed: str, covid: bool) -> str:
    return "" if (covid and listed == "COVID-19") or listed == "Other" else f": {escape(listed)}"


def _colour(covid: bool) -> str:
    return settings.COVID_COLOUR if covid else settings.OTHER_COLOUR


def _scored(score: float, threshold: float, verdict: str) -> str:
    """Score and verdict on one line, the score drawn below it with the threshold's mark."""
    text = escape(words.score_text(score))
    says = f"Score {words.score_text(score)} on a line from 0 to 1, threshold at {threshold:.2f}"
    return (
        '<div style="display:flex;flex-wrap:wrap;justify-content:space-between;align-items:baseline;column-gap:8px">'
        f'<span style="font-size:1.25rem;font-weight:600">{text}</span><span>{verdict}</span></div>'
        f'<div role="img" aria-label="{says.replace("<", "below").replace(">", "above")}" '
        'style="position:relative;height:6px;border-radius:3px;margin:3px 0 8px;'
        'background:color-mix(in srgb,currentColor 14%,transparent)">'
        f'<div style="width:{100 * score:.2f}%;min-width:2px;height:100%;border-radius:3px;'
        f'background:{_colour(is_positive(score, threshold))}"></div>'
        f'<div style="position:absolute;left:calc({100 * threshold:.2f}% - 1px);top:-3px;width:2px;height:12px;'
        'background:currentColor"></div></div>'
    )
