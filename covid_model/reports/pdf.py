"""Draw the prediction for one X-ray as a PDF of one A4 page.

The page contains only the arguments of `pdf`; the tags of a DICOM file never get this far.
"""

from __future__ import annotations

import datetime
import unicodedata
from collections.abc import Container, Sequence

import numpy as np
import pandas as pd
from fpdf import FPDF
from fpdf.bidi import BidiParagraph
from fpdf.enums import TextDirection
from PIL import Image

from covid_model import config, formatting
from covid_model.imaging import heatmap, show_name
from covid_model.model.predictor import Prediction
from covid_model.reports.summary import PredictionSummary
from covid_model.verdict import is_positive

TITLE = "Model score of a chest X-ray"
FONT = "DejaVu Sans"  # Latin, Greek, Cyrillic, Armenian, Georgian, Hebrew, Arabic; bold text is English
FONT_FILES = {"": "DejaVuSans.ttf", "B": "DejaVuSans-Bold.ttf"}  # by style, in assets/fonts
MISSING = "\N{REPLACEMENT CHARACTER}"  # printed for each character that the font lacks
MARGIN, WIDTH = 18, 174  # millimeters, of 210
SCORE_BINS = 20  # of the histogram of test scores, from 0 to 1
MAX_SENTENCE = 600  # characters of a warning or caveat that are printed
PICTURE = 84  # millimeters: side of the square that X-ray and overlay each fit into
LAST_SENTENCE = 186  # millimeters from the top: no paragraph starts below it, to leave room for the rest
BAR, ROW = 5, 15  # millimeters: height of the score's bar, and of each row of the distribution
INK, GRAY, PALE = (18, 24, 29), (100, 104, 115), (232, 230, 225)


def pdf(
    film: np.ndarray,
    prediction: Prediction,
    summary: PredictionSummary,
    scores: pd.DataFrame | None = None,
    made: datetime.datetime | None = None,
) -> bytes:
    """Return the PDF as bytes.

    Args:
        film: (H, W) uint8.
        prediction: The network's prediction, whose heatmap is drawn.
        summary: Its summary. Characters of the file name that the font lacks are printed as MISSING, with a note.
            Warnings and then caveats are one paragraph each; if some do not fit, the page says how many.
        scores: The network's scores of the test set, with the columns score and covid; None if there are none.
        made: Date on the page. Defaults to now.
    """
    made = made or datetime.datetime.now().astimezone()
    page = _Page(made)
    page.heading(show_name(summary.file))
    overlay = heatmap.blend(film, prediction.heatmap, prediction.box)
    page.pictures(Image.fromarray(film), Image.fromarray(overlay), Image.fromarray(heatmap.legend("for")))
    page.score(summary)
    page.paragraphs([f"Warning: {warning}" for warning in summary.warnings], "B")
    page.paragraphs(summary.caveats)
    page.distribution(scores, summary)
    network, threshold = summary.network, summary.threshold
    network = f"{summary.title} ({network})" if summary.title not in ("", network) else network
    page.footer_text(f"Network: {network}. Threshold: {threshold:.2f}. Created on {made:%d %B %Y at %H:%M}.")
    return bytes(page.output())


def _shortened(text: str) -> str:
    return text if len(text) <= MAX_SENTENCE else f"{text[:MAX_SENTENCE]} …"


def _printable(text: str, font: Container[int]) -> str:
    """Return `text` on one line, with MISSING for each character whose code point is not in `font`.

    Control characters and marks that change the direction of text (Unicode's category C) are left out.
    """
    composed = unicodedata.normalize("NFC", " ".join(str(text).split()))
    visible = [letter for letter in composed if not unicodedata.category(letter).startswith("C")]
    return " ".join("".join(letter if ord(letter) in font else MISSING for letter in visible).split())


class _Page(FPDF):
    """The page, filled from top to bottom, in millimeters."""

    def __init__(self, made: datetime.datetime):
        super().__init__(format="A4")
        self.alias_nb_pages(None)  # "{nb}" in a file name is not the number of pages
        for style, file in FONT_FILES.items():
            self.add_font(FONT, style, config.ASSETS / "fonts" / file)
        self.set_margin(MARGIN)
        self.c_margin = 0
        self.set_auto_page_break(False)
        self.set_title(TITLE)
        self.set_lang("en-US")
        self.set_creation_date(made)
        self.set_producer("covid-model")
        self.add_page()

    def write_text(self, text: str, size: float, style: str = "", color=INK, **more) -> None:
        """Write a paragraph at the current height; the next one starts below it."""
        self.set_font(FONT, style, size)
        self.set_text_color(*color)
        self.set_x(MARGIN)
        text = self.printable(text)
        self.multi_cell(WIDTH, size * 0.47, text, align="L", new_x="LMARGIN", new_y="NEXT", **more)

    def printable(self, text: str) -> str:
        """Return `text` in characters of the current font."""
        return _printable(text, self.current_font.cmap)

    def label(self, x: float, y: float, text: str, size: float = 8, align: str = "L", color=INK, style="") -> None:
        """Write a label whose left end ("L"), middle ("C") or right end ("R") is at x, and its top at y."""
        self.set_font(FONT, style, size)
        self.set_text_color(*color)
        text = self.printable(text)
        width = self.get_string_width(text)
        self.text(x - {"L": 0, "C": width / 2, "R": width}[align], y + size * 0.32, text)

    def paragraphs(self, texts: Sequence[str], style: str = "") -> None:
        """Write as many paragraphs as fit, then how many are missing."""
        for index, text in enumerate(texts):
            if self.get_y() > LAST_SENTENCE:
                self.write_text(f"({len(texts) - index} more on screen.)", 9.5, color=GRAY)
                return
            self.write_text(_shortened(text), 9.5, style)
            self.ln(1)

    def heading(self, name: str) -> None:
        """Write the title and the file name, right-to-left letters in reading order."""
        self.write_text(TITLE, 17, "B")
        self.ln(1)
        self.set_font(FONT)
        printed = self.printable(name)
        self.write_text(BidiParagraph(printed, TextDirection.LTR).get_reordered_string(), 10, color=GRAY)
        if MISSING in printed:
            self.write_text(f"{MISSING} marks a character that the font of this page does not have.", 8, color=GRAY)
        self.ln(3)

    def pictures(self, film: Image.Image, overlay: Image.Image, legend: Image.Image) -> None:
        """Draw X-ray and overlay side by side, uncropped, with the legend below."""
        scale = PICTURE / max(film.size)
        width, height = (side * scale for side in film.size)
        top, second = self.get_y(), MARGIN + WIDTH - PICTURE
        for left, picture, alt in ((MARGIN, film, "X-ray"), (second, overlay, "X-ray with Grad-CAM heatmap")):
            self.label(left, top, alt, 9, style="B")
            self.image(picture, left + (PICTURE - width) / 2, top + 6, width, height, alt_text=alt)
        below = top + 6 + height + 2
        self.image(legend, second, below, PICTURE, 3, alt_text="Legend of the heatmap")
        self.label(second, below + 4, "no influence", 7.5, color=GRAY)
        self.label(second + PICTURE, below + 4, "raises the score most", 7.5, "R", GRAY)
        self.set_y(below + 9)

    def threshold_line(self, top: float, threshold: float, height: float) -> None:
        """Draw the threshold as a line across a row from 0 to 1."""
        self.set_draw_color(*INK)
        self.set_line_width(0.4)
        at = MARGIN + WIDTH * threshold
        self.line(at, top - 1.5, at, top + height + 1.5)

    def score(self, summary: PredictionSummary) -> None:
        """Write the score as a number, a bar with the threshold, and the verdict.

        An out-of-distribution score is gray and has no verdict.
        """
        score, threshold, outlier = summary.score, summary.threshold, summary.out_of_distribution
        self.write_text(f"{formatting.MODEL_SCORE} {summary.score_text}", 15, "B", GRAY if outlier else INK)
        top = self.get_y() + 2.5
        self.set_fill_color(*PALE)
        self.rect(MARGIN, top, WIDTH, BAR, "F")
        color = _rgb(config.COVID_COLOR if summary.positive else config.OTHER_COLOR)
        self.set_fill_color(*(GRAY if outlier else color))
        self.rect(MARGIN, top, max(0.5, WIDTH * score), BAR, "F")
        self.threshold_line(top, threshold, BAR)
        self.scale(top + BAR + 2, threshold)
        self.set_y(top + BAR + 8)
        if not outlier:
            self.write_text(formatting.verdict(score, threshold), 11, "B")
        self.ln(1.5)

    def scale(self, y: float, threshold: float) -> None:
        """Label 0, the threshold and 1 below a row."""
        for at in (0, 1):
            if abs(threshold - at) >= 0.1:
                self.label(MARGIN + WIDTH * at, y, str(at), align="R" if at else "L", color=GRAY)
        align = "L" if threshold < 0.05 else "R" if threshold > 0.95 else "C"
        self.label(MARGIN + WIDTH * threshold, y, f"threshold {threshold:.2f}", align=align)

    def distribution(self, scores: pd.DataFrame | None, summary: PredictionSummary) -> None:
        """Draw the histograms of the test set by true class, and where this X-ray is."""
        score, threshold, network = summary.score, summary.threshold, summary.network
        self.ln(2)
        if scores is None or scores.empty:
            self.write_text(f"The test set's scores by the network {network} are not available here.", 9.5)
            return
        self.write_text("How it compares with the test set", 11, "B")
        top = self.get_y() + 4
        at = MARGIN + WIDTH * score
        align = "L" if score < 0.1 else "R" if score > 0.9 else "C"
        self.label(at, top - 3.5, "this X-ray", align=align, style="B")
        for covid, name in ((1, "COVID-19"), (0, "Non-COVID")):
            own = scores.loc[scores["covid"] == covid, "score"].to_numpy()
            counts = np.histogram(own, SCORE_BINS, (0, 1))[0]
            self.set_fill_color(*_rgb(config.COVID_COLOR if covid else config.OTHER_COLOR))
            for index, count in enumerate(counts):
                high = ROW * count / max(1, counts.max())
                if count:
                    high = max(high, 0.4)  # a single X-ray stays visible
                    left = MARGIN + WIDTH * index / SCORE_BINS
                    self.rect(left + 0.3, top + 4 + ROW - high, WIDTH / SCORE_BINS - 0.6, high, "F")
            above = int(is_positive(own, threshold).sum())
            self.label(MARGIN, top, f"{name}: {len(own):,} X-rays, {above:,} above the threshold")
            top += ROW + 6
        rows = 2 * (ROW + 6)
        self.threshold_line(top - rows + 2, threshold, rows - 3)
        self.set_draw_color(*INK)
        self.set_line_width(0.7)
        self.set_dash_pattern(1.2, 0.8)
        self.line(at, top - rows, at, top - 2)
        self.set_dash_pattern()
        self.scale(top, threshold)
        self.set_y(top + 5)
        self.write_text(
            "Each row is scaled to its tallest bar. Dashed line: this X-ray. Solid line: the threshold.", 8, color=GRAY
        )

    def footer_text(self, made: str) -> None:
        """Write how the page was made, and the notice, at the bottom."""
        self.set_y(-34)
        self.set_draw_color(*GRAY)
        self.set_line_width(0.2)
        self.line(MARGIN, self.get_y(), MARGIN + WIDTH, self.get_y())
        self.ln(2)
        self.write_text(made, 9)
        self.ln(1)
        self.write_text(config.NOTICE, 9, "B")


def _rgb(color: str) -> tuple[int, int, int]:
    """Return #RRGGBB as three numbers from 0 to 255."""
    return tuple(int(color[at : at + 2], 16) for at in (1, 3, 5))
