"""Downloads of results: a prediction as one page of A4, a batch as a table without formulas."""

from __future__ import annotations

import csv
import datetime
import io
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from pypdf import PdfReader

from covid_model import config
from covid_model.app import cache, films
from covid_model.app.components import prediction
from covid_model.app.films import ImageSource
from covid_model.app.text import prediction as prediction_text
from covid_model.formatting import MODEL_SCORE, WHY_OUT, verdict
from covid_model.model.predictor import Prediction
from covid_model.reports import pdf
from covid_model.reports.summary import CSV_COLUMNS, PredictionSummary, refusal, summarize, to_csv
from covid_model.verdict import OutOfDistribution
from tests.support import synthetic_images
from tests.support.app_pages import demo, film_bytes, holds, open_page

__all__ = ["demo"]

MADE = datetime.datetime(2026, 11, 23, 9, 30, tzinfo=datetime.UTC)


def reading(score: float = 0.97, warnings: tuple[str, ...] = ()) -> Prediction:
    heatmap = np.linspace(-1, 1, 196, dtype=np.float32).reshape(14, 14)
    return Prediction("paper", score, 3.0, heatmap, (0.0, 0.1, 1.0, 0.9), warnings, 12.0)


def scores(count: int = 40) -> pd.DataFrame:
    return pd.DataFrame({"score": np.linspace(0, 1, count), "covid": np.arange(count) % 2})


def made(film: np.ndarray | None = None, score: float = 0.97, threshold: float = 0.6, **more) -> bytes:
    about = {key: more.pop(key) for key in ("title", "caveats") if key in more}
    result = reading(score, tuple(more.pop("warnings", ())))
    summary = summarize(more.pop("name", "film.png"), result, threshold, **about)
    return pdf.pdf(synthetic_images.film() if film is None else film, result, summary, **{"made": MADE} | more)


def page_text(page: bytes) -> str:
    """The words of the report, on one line."""
    return " ".join(PdfReader(io.BytesIO(page)).pages[0].extract_text().split())


def pages(page: bytes) -> int:
    return len(PdfReader(io.BytesIO(page)).pages)


def test_the_report_is_one_page_of_a4():
    page = made(scores=scores(), caveats=["A sentence."], warnings=["Few tones."], title="The recipe")
    assert page.startswith(b"%PDF-") and pages(page) == 1
    assert PdfReader(io.BytesIO(page)).pages[0].mediabox[2:] == [595.28, 841.89]
    text = page_text(page)
    for part in (
        "film.png", f"{MODEL_SCORE} 0.970", verdict(0.97, 0.6), "A sentence.", "Few tones.", "The recipe (paper)",
        "23 November 2026 at 09:30", config.NOTICE[:20],
    ):  # fmt: skip
        assert part in text, part
    assert holds(text, 20, 20, 0.6, 0.6)  # films of either kind; the threshold in the verdict, and once more


def test_the_report_is_reproducible():
    assert made(scores=scores()) == made(scores=scores())


@pytest.mark.parametrize("shape", [(64, 64), (1024, 260), (260, 1024)])
@pytest.mark.parametrize(("score", "threshold"), [(0.0, 0.0), (1.0, 1.0), (0.0001, 0.97)])
def test_any_film_and_score_fit_on_one_page(shape, score, threshold):
    film = np.random.default_rng(0).integers(0, 255, shape, np.uint8)
    assert pages(made(film, score, threshold, scores=scores())) == 1


def test_too_many_paragraphs_are_cut_to_one_page_and_counted():
    page = made(np.zeros((900, 300), np.uint8), caveats=["word " * 400] * 6, warnings=["much " * 300] * 3)
    assert pages(page) == 1 and re.search(r"\(\d+ ", page_text(page))  # how many more there are
    assert config.NOTICE[:20] in page_text(page)


def test_an_out_of_distribution_film_gets_a_reason_and_no_verdict():
    novel = replace(reading(), ood_distance=1.5, ood_reason=OutOfDistribution.CHANGED)
    text = page_text(pdf.pdf(synthetic_images.film(), novel, summarize("film.png", novel, 0.6), made=MADE))
    assert f"Warning: {WHY_OUT[OutOfDistribution.CHANGED]}" in text and f"{MODEL_SCORE} 0.970" in text
    assert verdict(0.97, 0.6) not in text


def test_no_scores_are_named():
    without, empty, drawn = (page_text(made(scores=item)) for item in (None, scores(0), scores()))
    assert without == empty and set(without.split()) - set(drawn.split())


@pytest.mark.parametrize("name", ["<b>x</b>.png", "رادیو 北京.png", "a\u202egnp.exe", "(x) \\ %s", "n" * 500, ""])
def test_names_are_plain_text(name):
    page = made(name=name)
    assert pages(page) == 1 and b"/Annot" not in page


@pytest.mark.parametrize(
    ("name", "printed", "lacks"),
    [
        ("röntgen.png", "röntgen.png", False),
        ("re\u0301sume\u0301.png", "résumé.png", False),  # accents that follow their letters
        ("a\u202egnp.exe", "agnp.exe", False),  # shown as "aexe.png" where the mark is obeyed
        ("снимок.png", "снимок.png", False),
        ("Ελλάδα.dcm", "Ελλάδα.dcm", False),
        ("Việt Nam ≤ ½.png", "Việt Nam ≤ ½.png", False),
        ("{nb}.png", "{nb}.png", False),  # fpdf2's own sign for the number of pages
        ("北京 7.png", "�� 7.png", True),
        ("\x07\u200b�.png", "�.png", True),
    ],
)
def test_a_name_is_printed_unchanged_and_missing_glyphs_are_visible(name, printed, lacks):
    text = page_text(made(name=name))
    assert f"{printed} " in text and ("does not have" in text) == lacks


@pytest.mark.parametrize("name", ["רנטגן.png", "\u200fרנטגן\u200f.png"])
def test_right_to_left_text_is_reordered(name, monkeypatch):
    written: list[str] = []
    real = pdf._Page.multi_cell
    monkeypatch.setattr(
        pdf._Page, "multi_cell", lambda page, *args, **more: written.append(args[2]) or real(page, *args, **more)
    )
    made(name=name)
    assert "ןגטנר.png" in written  # as drawn, from left to right


def test_the_page_brings_its_fonts():
    fonts = PdfReader(io.BytesIO(made(name="снимок.png"))).pages[0]["/Resources"]["/Font"].values()
    embedded = [font.get_object()["/DescendantFonts"][0].get_object() for font in fonts]
    assert len(embedded) == 2 and all("/FontFile2" in font["/FontDescriptor"].get_object() for font in embedded)
    assert len(made()) < 200_000  # of the font only the letters that are used


def test_direction_marks_are_removed_from_sentences_too():
    marks = "\u200e\u200f\u202a\u202e\u2066\u2069\u061c\ufeff"
    assert "One sentence." in page_text(made(caveats=[f"One{marks} sentence."]))


def test_links_and_markdown_are_printed_as_text():
    page = made(caveats=["**bold** [x](http://a.org) --under--"])
    assert "**bold** [x](http://a.org) --under--" in page_text(page) and b"/URI" not in page


def test_unmarked_markdown_of_ours():
    credit = prediction_text.credit(pd.Series({"source": "nih", "license": "CC BY 4.0", "url": "https://a.org/b-c"}))
    plain = prediction_text.unmarked(credit)
    assert "NIH ChestX-ray8 (https://a.org/b-c)" in plain and "CC BY 4.0" in plain and "\\" not in plain
    assert prediction_text.unmarked("**3 of these 4** are") == "3 of these 4 are"
    assert prediction_text.unmarked(prediction_text.plain("a**b_[c](d)")) == "a**b_[c](d)"


# --- CSV --------------------------------------------------------------------------------------------


def rows(*records: PredictionSummary) -> list[list[str]]:
    return list(csv.reader(io.StringIO(to_csv(records).decode("utf-8-sig"))))


def test_csv_has_a_row_a_film():
    result = rows(
        PredictionSummary("röntgen.png", "paper", 0.6, 0.75, ("One.", "Two.")),
        refusal("x.txt", "paper", 0.6, "No film."),
        PredictionSummary("low.png", "paper", 0.6, 0.6),
    )
    assert result[0] == list(CSV_COLUMNS)
    assert result[1] == ["röntgen.png", "paper", "0.75", "yes", "0.6", "One. Two.", "no", ""]
    assert result[2] == ["x.txt", "paper", "", "", "0.6", "", "", "No film."]
    assert result[3][3] == "no"
    assert to_csv([]).decode("utf-8-sig").count("\n") == 1


@pytest.mark.parametrize(
    "name", ["=1+1.png", "+x", "-x", "@x", "\t=x", "  =x", "=cmd|' /C calc'!A0", "\r=x", "＝x", "|x", "%x"]
)
def test_csv_runs_no_formula(name):
    assert rows(PredictionSummary(name, "paper", 0.6, 0.5))[1][0] == f"'{name}"


@pytest.mark.parametrize("name", ['a,"b";=1.png', "two\nlines", "a;=1+1", "plain.png", ""])
def test_csv_keeps_a_name_in_one_cell(name):
    assert rows(PredictionSummary(name, "paper", 0.6, 0.5))[1][0] == name
    assert f'"{name}"'.replace('"b"', '""b""').encode() in to_csv([PredictionSummary(name, "paper", 0.6, 0.5)])


def test_csv_opens_as_a_table():
    table = pd.read_csv(io.BytesIO(to_csv([PredictionSummary("a", "paper", 0.6, 0.123456789)])))
    assert table.loc[0, "score"] == 0.123456789 and table.loc[0, "threshold"] == config.THRESHOLD


# --- On the first page ------------------------------------------------------------------------------


def buttons(app) -> list[str]:
    return [item.key for item in app.get("download_button")]


def test_a_sample_film_has_a_report(demo):
    assert buttons(open_page(film="cohen-4")) == ["json-result", "pdf", "png"]


def test_the_report_of_a_sample_film(tmp_path, monkeypatch):
    film = films.CatalogImage(
        "cohen-4", tmp_path, "ARDS_1", True, "train", "Source: [A](https://a.org). License: CC BY\\-NC."
    )
    table = pd.DataFrame({"score": [0.97, 0.1], "covid": [1, 0], "source": ["cohen", "nih"]}, index=["a", "b"])
    monkeypatch.setattr(cache, "split_scores", lambda name, split: None)
    told = prediction._caveats(ImageSource.from_catalog(film), reading(), 0.6, table)
    listed, *others = [prediction_text.unmarked(item) for item in told]
    assert "ARDS_1" in listed and prediction_text.outcome(True, True) in listed
    assert others == [
        prediction_text.TRAINED_ON,
        prediction_text.unmarked(film.credit),
        prediction_text.unmarked(prediction_text.adult_false_positives(table, 0.6)),
        *(prediction_text.unmarked(one) for one in prediction_text.comparison(table, None, 0.97, "cohen-4")),
        prediction_text.BASE_RATE,
    ]
    assert holds(others[-2], 1, 2, 50, 1, 1, 100, 21, 100, 95)
    assert prediction._caveats(ImageSource("upload.png", b""), reading(), 0.6, None) == []


def test_several_films_have_a_table(demo):
    app = open_page()
    for number in (1, 2):
        app.file_uploader[0].upload(f"{number}.png", film_bytes(200 + number))
    app.run()
    assert not app.exception and buttons(app)[:2] == ["csv-results", "json-results"]
