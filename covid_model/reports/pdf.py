"""What came of films, to take away: one film's reading as a page of A4, many films' results as a table.

Nothing goes in but what is given: pixels, a reading, names made plain. Tags of a DICOM file never come this far.
"""

from __future__ import annotations

import csv
import datetime
import io
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
from covid_model.reports.summary import CSV_COLUMNS, PredictionSummary
from covid_model.verdict import is_positive

YES_NO = {True: "yes", False: "no"}
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%", "＝", "＋", "－", "＠")

FONT = "DejaVu Sans"  # Latin, Greek, Cyrillic, Armenian, Georgian, Hebrew, Arabic; what is bold is English
FONT_FILES = {"": "DejaVuSans.ttf", "B": "DejaVuSans-Bold.ttf"}  # by style, in assets/fonts
LACKING = "\N{REPLACEMENT CHARACTER}"  # printed for each character that the font lacks
MARGIN, WIDTH = 18, 174  # millimetres, of 210
SCORE_BINS = 20  # of the histogram of test scores, from 0 to 1
MAX_SENTENCE = 600  # characters of a warning or sentence that are printed
PICTURE = 84  # millimetres: the side of the square that film and overlay each fit into
LAST_SENTENCE = 186  # millimetres from the top: none begins below it, so that distribution and foot have room
BAR, ROW = 5, 15  # millimetres: height of the score's bar, and of each row of the distribution
INK, GREY, PALE = (18, 24, 29), (100, 104, 115), (232, 230, 225)


def pdf(
    film: np.ndarray,
    reading: Prediction,
    summary: PredictionSummary,
    scores: pd.DataFrame | None = None,
    made: datetime.datetime | None = None,
) -> bytes:
    """One film's reading as a PDF of one page.

    Args:
        film: (H, W) uint8.
        reading: what the network said of it: its heatmap is drawn.
        summary: what it comes to. The file's name is printed as plain text, LACKING for each character that the font
            does not have, and the page says so. Warnings and caveats are a paragraph each, warnings first; what does
            not fit on the page is left out, and the page says so.
        scores: the network's test films, columns score and covid; None where there are none.
        made: the date on the page (now, where none is given).
    """
    made = made or datetime.datetime.now().astimezone()
    page = _Page(made)
    page.heading(show_name(summary.file))
    covered = heatmap.blend(film, reading.heatmap, reading.box)
    page.pictures(Image.fromarray(film), Image.fromarray(covered), Image.fromarray(heatmap.legend("for")))
    page.score(summary)
    page.say([f"Warning: {warning}" for warning in summary.warnings], "B")
    page.say(summary.caveats)
    page.distribution(scores, summary)
    network, threshold = summary.network, summary.threshold
    network = f"{summary.title} ({network})" if summary.title not in ("", network) else network
    page.footing(f"Network: {network}. Threshold: {threshold:.2f}. Made on {made:%d %B %Y at %H:%M}.")
    return bytes(page.output())


def csv_of(summaries: Sequence[PredictionSummary]) -> bytes:
    """Films' results as CSV (UTF-8 with its mark, so that spreadsheets read names as they are), one row a film.

    Columns are CSV_COLUMNS, with an empty cell where there is nothing. Text that a spreadsheet would take for a formula
    is led by an apostrophe.
    """
    file = io.StringIO(newline="")
    writer = csv.writer(file, quoting=csv.QUOTE_NONNUMERIC)  # a text with a separator of any kind stays one cell
    writer.writerow(CSV_COLUMNS)
    for summary in summaries:
        row = summary.as_json() | {"warnings": " ".join(summary.warnings)}
        row["positive"] = None if summary.positive is None else YES_NO[summary.positive]
        row["out_of_distribution"] = None if summary.positive is None else YES_NO[summary.out_of_distribution]
        writer.writerow([_cell(row[column]) for column in CSV_COLUMNS])
    return file.getvalue().encode("utf-8-sig")


def _cell(value: object) -> object:
    """A value of a table, text made harmless."""
    if value is None:
        return ""
    if not isinstance(value, str):
        return value
    return f"'{value}" if value.lstrip().startswith(FORMULA_STARTS) or value.startswith(FORMULA_STARTS) else value


def _shortened(text: str) -> str:
    limit = MAX_SENTENCE
    return text if len(text) <= limit else f"{text[:limit]} …"


def _printable(text: str, drawn: Container[int]) -> str:
    """Return `text` on one line, LACKING for each character whose code point is not in `drawn`.

    Controls and what turns the direction of text (Unicode's category C) are left out.
    """
    composed = unicodedata.normalize("NFC", " ".join(str(text).split()))
    seen = [letter for letter in composed if not unicodedata.category(letter).startswith("C")]
    return " ".join("".join(letter if ord(letter) in drawn else LACKING for letter in seen).split())


class _Page(FPDF):
    """The page, filled from top to bottom. Millimetres."""

    def __init__(self, made: datetime.datetime):
        super().__init__(format="A4")
        self.alias_nb_pages(None)  # "{nb}" in a name is no number of pages
        for style, file in FONT_FILES.items():
            self.add_font(FONT, style, config.ASSETS / "fonts" / file)
        self.set_margin(MARGIN)
        self.c_margin = 0
        self.set_auto_page_break(False)
        self.set_title("A chest film's model score")
        self.set_lang("en-GB")
        self.set_creation_date(made)
        self.set_producer("covid-model")
        self.add_page()

    def write_text(self, text: str, size: float, style: str = "", colour=INK, align: str = "L", **more) -> None:
        """A paragraph at the current height; the next one starts below it."""
        self.set_font(FONT, style, size)
        self.set_text_color(*colour)
        self.set_x(MARGIN)
        text = self.printable(text)
        self.multi_cell(WIDTH, size * 0.47, text, align=align, new_x="LMARGIN", new_y="NEXT", **more)

    def printable(self, text: str) -> str:
        """`text` in characters of the current font."""
        return _printable(text, self.current_font.cmap)

    def label(self, x: float, y: float, text: str, size: float = 8, align: str = "L", colour=INK, style="") -> None:
        """Words whose left end, middle or right end is at x, their top at y."""
        self.set_font(FONT, style, size)
        self.set_text_color(*colour)
        text = self.printable(text)
        width = self.get_string_width(text)
        self.text(x - {"L": 0, "C": width / 2, "R": width}[align], y + size * 0.32, text)

    def say(self, paragraphs: Sequence[str], style: str = "") -> None:
        """Paragraphs, as far as there is room for them."""
        for number, text in enumerate(paragraphs):
            if self.get_y() > LAST_SENTENCE:
                self.write_text(f"({len(paragraphs) - number} more on the screen.)", 9.5, colour=GREY)
                return
            self.write_text(_shortened(text), 9.5, style)
            self.ln(1)

    def heading(self, name: str) -> None:
        """What the page is, and the file's name: letters that are read from the right stand as they are read."""
        self.write_text("A chest film's model score", 17, "B")
        self.ln(1)
        self.set_font(FONT)
        printed = self.printable(name)
        self.write_text(BidiParagraph(printed, TextDirection.LTR).get_reordered_string(), 10, colour=GREY)
        if LACKING in printed:
            self.write_text(f"{LACKING} stands for a character that this page's font does not have.", 8, colour=GREY)
        self.ln(3)

    def pictures(self, film: Image.Image, covered: Image.Image, legend: Image.Image) -> None:
        """Film and overlay side by side, whole, and the overlay's colours below."""
        scale = PICTURE / max(film.size)
        width, height = (side * scale for side in film.size)
        top, second = self.get_y(), MARGIN + WIDTH - PICTURE
        for left, picture, alt in ((MARGIN, film, "The film"), (second, covered, "The film under its heatmap")):
            self.label(left, top, alt, 9, style="B")
            self.image(picture, left + (PICTURE - width) / 2, top + 6, width, height, alt_text=alt)
        below = top + 6 + height + 2
        self.image(legend, second, below, PICTURE, 3, alt_text="The heatmap's colours")
        self.label(second, below + 4, "no say", 7.5, colour=GREY)
        self.label(second + PICTURE, below + 4, "spoke most for COVID-19", 7.5, "R", GREY)
        self.set_y(below + 9)

    def line_of(self, top: float, score: float, threshold: float, height: float) -> None:
        """The threshold as a mark across a row from 0 to 1."""
        self.set_draw_color(*INK)
        self.set_line_width(0.4)
        at = MARGIN + WIDTH * threshold
        self.line(at, top - 1.5, at, top + height + 1.5)

    def score(self, summary: PredictionSummary) -> None:
        """The score as a number, as a bar with the threshold's mark, and in a sentence.

        That of a film out of distribution is grey, and gets no verdict.
        """
        score, threshold, novel = summary.score, summary.threshold, summary.out_of_distribution
        self.write_text(f"Model score {summary.score_text}", 15, "B", GREY if novel else INK)
        top = self.get_y() + 2.5
        self.set_fill_color(*PALE)
        self.rect(MARGIN, top, WIDTH, BAR, "F")
        colour = _rgb(config.COVID_COLOUR if summary.positive else config.OTHER_COLOUR)
        self.set_fill_color(*(GREY if novel else colour))
        self.rect(MARGIN, top, max(0.5, WIDTH * score), BAR, "F")
        self.line_of(top, score, threshold, BAR)
        self.scale(top + BAR + 2, threshold)
        self.set_y(top + BAR + 8)
        if not novel:
            self.write_text(formatting.verdict(score, threshold), 11, "B")
        self.ln(1.5)

    def scale(self, y: float, threshold: float) -> None:
        """0, the threshold and 1 below a row."""
        for at in (0, 1):
            if abs(threshold - at) >= 0.1:
                self.label(MARGIN + WIDTH * at, y, str(at), align="R" if at else "L", colour=GREY)
        align = "L" if threshold < 0.05 else "R" if threshold > 0.95 else "C"
        self.label(MARGIN + WIDTH * threshold, y, f"threshold {threshold:.2f}", align=align)

    def distribution(self, scores: pd.DataFrame | None, summary: PredictionSummary) -> None:
        """How the test films scored, COVID-19 films and others, with the film's place."""
        score, threshold, network = summary.score, summary.threshold, summary.network
        self.ln(2)
        if scores is None or scores.empty:
            self.write_text(f"This copy has no scores of the test films by the network {network}.", 9.5)
            return
        self.write_text("Among the test films", 11, "B")
        top = self.get_y() + 4
        at = MARGIN + WIDTH * score
        align = "L" if score < 0.1 else "R" if score > 0.9 else "C"
        self.label(at, top - 3.5, "this film", align=align, style="B")
        for covid, what in ((1, "COVID-19 films"), (0, "other films")):
            these = scores.loc[scores["covid"] == covid, "score"].to_numpy()
            counts = np.histogram(these, SCORE_BINS, (0, 1))[0]
            self.set_fill_color(*_rgb(config.COVID_COLOUR if covid else config.OTHER_COLOUR))
            for number, count in enumerate(counts):
                high = ROW * count / max(1, counts.max())
                if count:
                    high = max(high, 0.4)  # a film alone is still seen
                    left = MARGIN + WIDTH * number / SCORE_BINS
                    self.rect(left + 0.3, top + 4 + ROW - high, WIDTH / SCORE_BINS - 0.6, high, "F")
            said = f"{len(these):,} {what}, {int(is_positive(these, threshold).sum()):,} above the threshold"
            self.label(MARGIN, top, said)
            top += ROW + 6
        rows = 2 * (ROW + 6)
        self.line_of(top - rows + 2, score, threshold, rows - 3)
        self.set_draw_color(*INK)
        self.set_line_width(0.7)
        self.set_dash_pattern(1.2, 0.8)
        self.line(at, top - rows, at, top - 2)
        self.set_dash_pattern()
        self.scale(top, threshold)
        self.set_y(top + 5)
        self.write_text(
            "Each row is as high as its fullest part. Dashed: this film. Line: the threshold.", 8, colour=GREY
        )

    def footing(self, made: str) -> None:
        """What made the page, and the notice, at its foot."""
        self.set_y(-34)
        self.set_draw_color(*GREY)
        self.set_line_width(0.2)
        self.line(MARGIN, self.get_y(), MARGIN + WIDTH, self.get_y())
        self.ln(2)
        self.write_text(made, 9)
        self.ln(1)
        self.write_text(config.NOTICE, 9, "B")


def _rgb(colour: str) -> tuple[int, int, int]:
    """#RRGGBB as three numbers from 0 to 255."""
    return tuple(int(colour[at : at + 2], 16) for at in (1, 3, 5))
