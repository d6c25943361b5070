"""Show one film: its score, the viewer with its Grad-CAM heatmap, and how it compares with the test set."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import streamlit as st

from covid_model import config, formatting
from covid_model.app import cache, networks, session, state
from covid_model.app.components import common, viewer
from covid_model.app.components.common import QueueStatus, ask_again
from covid_model.app.components.film_card import score_bar
from covid_model.app.films import ImageSource
from covid_model.app.runtime import render_slots
from covid_model.app.text import browse as browse_text
from covid_model.app.text import prediction as prediction_text
from covid_model.formatting import MODEL_SCORE, unbroken
from covid_model.imaging import FilmError, heatmap
from covid_model.model import registry
from covid_model.model.predictor import Prediction, PredictionError
from covid_model.model.queue import QueueFullError
from covid_model.reports.summary import summarize
from covid_model.verdict import is_positive

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

SCORE_HEIGHT = 220  # pixels reserved while the network runs, so that nothing jumps
FILMS_PAGE = config.ROOT / "covid_model" / "app" / "pages" / "browse.py"
COLUMNS = [4, 13]  # widths: the score, and the viewer with what can be changed
TOOL = "tool"  # name in the URL: the open tab


@dataclass(frozen=True)
class Slots:
    """Places on the page for one film.

    Each is one element, so that the previous film's contents vanish at once, not when this one's are ready.

    Attributes:
        notice: across the page, above everything else.
        heading, score, threshold, downloads: in the score column, from top to bottom. `threshold` has the slider.
        film: the viewer, and what is beside it.
        below: the sections under all of these.
    """

    notice: DeltaGenerator
    heading: DeltaGenerator
    score: DeltaGenerator
    threshold: DeltaGenerator
    downloads: DeltaGenerator
    film: DeltaGenerator
    below: DeltaGenerator


def slots() -> tuple[Slots, float]:
    """Lay out the page for one film and draw the threshold's slider; return the places and the threshold in [0, 1]."""
    notice = st.empty()
    score_column, film_column = st.columns(COLUMNS, gap="medium")
    heading, score, slider, downloads = (score_column.empty() for _ in range(4))
    with slider.container():
        threshold = state.threshold_slider()
    return Slots(notice, heading, score, slider, downloads, film_column.empty(), st.empty()), threshold


def show(item: ImageSource, name: str, threshold: float, places: Slots) -> None:
    """Analyze a film with the network `name` and show the prediction, or the reason for its refusal."""
    try:
        film = session.film(item)
    except FilmError as error:
        places.notice.error(prediction_text.plain(f"{item.name}: {error}"), icon=":material/block:")
        places.threshold.empty()  # there is no score that it could cut
        return
    small = session.preview(item, film.pixels)
    known = session.known_prediction(item, name)
    score_slot = places.score if known else places.score.skeleton(height=SCORE_HEIGHT)
    try:
        if known:
            reading = session.prediction(item, name)
        else:
            with places.film.container():
                _film_alone(small)
            with places.heading, st.spinner(prediction_text.analyzing()):
                reading = session.prediction(item, name, QueueStatus(places.heading))
    except (registry.NetworkError, FilmError, PredictionError) as error:
        places.heading.empty()
        with score_slot.container():
            if isinstance(error, registry.NetworkError):
                common.network_missing(error, name)
            elif isinstance(error, QueueFullError):
                ask_again(error)
            else:
                st.error(prediction_text.plain(error), icon=":material/block:")
        if known:
            with places.film.container():
                _film_alone(small)
        return
    places.heading.markdown(f"**{MODEL_SCORE}**")
    with score_slot.container():
        _score(item, reading, threshold)
    with places.downloads.container():
        _downloads(item, small, reading, threshold)
    from covid_model.app.components import perturb  # the score is on the screen before it is loaded

    current = session.CurrentFilm(item, small, reading, threshold)
    with places.film.container():
        perturb.show(current)
    with places.below.container():
        _about(item, reading)
        if not reading.out_of_distribution:  # such a score cannot be compared
            with st.container(key="place_section"):
                _place(item, reading, threshold)
        _checks(current)


def _film_alone(small: np.ndarray) -> None:
    """Draw the film without a heatmap, where `perturb.show` draws it with one."""
    column, _ = st.columns(viewer.COLUMNS, gap="medium")
    with column:
        viewer.show([viewer.Picture("Original", small, viewer.FILM_ALT)], key="film_alone")


@render_slots.fragment
def _checks(current: session.CurrentFilm) -> None:
    """Draw further checks of the score, one tab each; the network runs only on request."""
    from covid_model.app.components import score_checks, similar

    checks = {
        score_checks.ROBUSTNESS: score_checks.show_robustness,
        score_checks.COMPARISON: score_checks.show_comparison,
        similar.TITLE: similar.show,
    }
    st.subheader("Check the score", anchor="check")
    tabs = st.tabs(list(checks), key=TOOL, bind="query-params")
    for tab, check in zip(tabs, checks.values(), strict=True):
        if tab.open:
            with tab:
                check(current)


def _downloads(item: ImageSource, small: np.ndarray, reading: Prediction, threshold: float) -> None:
    """Draw the buttons for the result as JSON, the one-page PDF report and the overlay; each is made when pressed."""
    scores = cache.test_scores(reading.network)

    def page() -> bytes:
        from covid_model.reports import pdf  # it loads fpdf2, which only the report needs

        caveats = tuple(prediction_text.unmarked(caveat) for caveat in _caveats(item, reading, threshold, scores))
        title = registry.title(reading.network)
        return pdf.pdf(small, reading, summarize(item.name, reading, threshold, title=title, caveats=caveats), scores)

    def overlay() -> bytes:
        return heatmap.to_png(heatmap.blend(small, reading.heatmap, reading.box))

    with st.container(horizontal=True, gap="small", key="downloads"):
        common.download("JSON", [summarize(item.name, reading, threshold)], "result", width="content", type="tertiary")
        for label, make, file, kind, key, icon in (
            ("Report", page, "report.pdf", "application/pdf", "pdf", ":material/picture_as_pdf:"),
            ("Overlay", overlay, "overlay.png", "image/png", "png", ":material/image:"),
        ):
            st.download_button(label, make, file, kind, key=key, icon=icon, on_click="ignore", type="tertiary")


def _caveats(item: ImageSource, reading: Prediction, threshold: float, scores: pd.DataFrame | None) -> list[str]:
    """Return what the report says about the film besides its score, as Markdown."""
    ours, caveats = item.catalog, []
    if ours and ours.covid is not None:
        finding = prediction_text.plain(ours.finding) or ("COVID-19" if ours.covid else "non-COVID")
        positive = is_positive(reading.score, threshold)
        outcome = "" if reading.out_of_distribution else prediction_text.outcome(positive, ours.covid)
        caveats.append(f"Ground truth: {finding}. {outcome}")
    elif ours and ours.split:
        caveats.append(prediction_text.ground_truth(None, ours.finding))
    if ours and ours.split in config.TRAINING_SPLITS:
        caveats.append(prediction_text.TRAINED_ON)
    if ours:
        caveats.append(ours.credit)
    if scores is not None and not reading.out_of_distribution:
        # Adults come first: the report cuts what does not fit on its page.
        caveats.append(prediction_text.adult_false_positives(scores, threshold) or "")
        caveats += _compared(item, reading, scores)
    return [caveat for caveat in caveats if caveat]


def _compared(item: ImageSource, reading: Prediction, scores: pd.DataFrame) -> list[str]:
    """Return how the score compares with those of X-rays whose ground truth is known, as Markdown sentences."""
    film = item.catalog.id if item.catalog else None
    adult_test = cache.split_scores(reading.network, "extra-test")
    return [*prediction_text.comparison(scores, adult_test, reading.score, film), prediction_text.BASE_RATE]


def _score(item: ImageSource, reading: Prediction, threshold: float) -> None:
    """Draw the score as a number and a bar, the verdict, and the ground truth where it is known."""
    summary = summarize(item.name, reading, threshold)
    number, remarks = summary.score_text, summary.warnings
    st.metric(MODEL_SCORE, f":gray[{number}]" if summary.out_of_distribution else number, label_visibility="collapsed")
    st.html(score_bar(reading.score, threshold, faint=summary.out_of_distribution))
    if summary.out_of_distribution:
        why, *remarks = remarks
        st.warning(prediction_text.plain(why), title="No verdict", icon=":material/warning:")
        if reading.simulated:
            _other_scores(item, reading.network)
    else:
        st.markdown(f"**{formatting.verdict(reading.score, threshold)}**")
        _calibrated(reading, threshold)
    if item.catalog and item.catalog.covid is not None:
        truth = "COVID-19" if item.catalog.covid else "non-COVID"
        finding = f" ({prediction_text.plain(item.catalog.finding)})" if item.catalog.finding not in ("", truth) else ""
        outcome = "" if summary.out_of_distribution else prediction_text.outcome(summary.positive, item.catalog.covid)
        st.markdown(f"Ground truth: **{truth}**{finding}. {outcome}")
    elif item.catalog and item.catalog.split:
        st.markdown(prediction_text.ground_truth(None, item.catalog.finding))
    if item.catalog and item.catalog.split in config.TRAINING_SPLITS:
        st.markdown(prediction_text.TRAINED_ON)
    for warning in remarks:
        st.warning(prediction_text.plain(warning), icon=":material/warning:")


def _other_scores(item: ImageSource, network: str) -> None:
    """Draw the stored scores of the networks other than `network`."""
    for name in registry.names():
        readings = None if name == network else networks.readings(name)
        score = readings.scores().get(item.catalog.id) if readings else None
        if score is not None:
            st.markdown(prediction_text.score_of(registry.title(name), score))


def _about(item: ImageSource, reading: Prediction) -> None:
    """Draw what is known of the film: its name, what it shows, its source."""
    with st.container(key="about_film", gap="xsmall"):
        film = item.catalog
        if film is None:
            st.text(item.name)
        if film and film.shows:
            st.markdown(f"**{prediction_text.plain(film.finding)}.** {prediction_text.plain(film.shows)}")
        analyzed = prediction_text.analyzed_by(registry.title(reading.network), reading)
        known = f"X-ray {prediction_text.plain(film.id)}. {film.credit} " if film else ""
        st.markdown(f":small[{known}{analyzed}]")


def _calibrated(reading: Prediction, threshold: float) -> None:
    """Draw the calibrated score of a network whose temperature improved scores it was not fitted on."""
    spec = networks.spec(reading.network)
    if spec and spec.calibration and spec.calibration.helped:
        score = reading.calibrated(spec.calibration.temperature)
        st.markdown(prediction_text.calibrated(reading.score, score, threshold), help=prediction_text.CALIBRATED)


def _place(item: ImageSource, reading: Prediction, threshold: float) -> None:
    """Compare the score with those of the test films."""
    st.subheader("How it compares with the test set")
    table = cache.test_scores(reading.network)
    if table is None:
        st.markdown(f"No test-set scores of {prediction_text.plain(registry.title(reading.network))} are available.")
        return
    from covid_model.app.components import distribution  # it loads plotly: the page is on the screen before

    *groups, note = _compared(item, reading, table)
    st.markdown(unbroken("".join(f"- {sentence}\n" for sentence in groups) + f"\n{note}"))
    film = distribution.show(table, threshold, "place", reading.score)
    if film:
        state.choose_film(film)
        st.rerun()
    if sentence := prediction_text.adult_false_positives(table, threshold):
        st.markdown(sentence)
    if st.button(
        "See test X-rays with similar scores",
        key="alike",
        icon=":material/photo_library:",
        type="tertiary",
    ):
        for key in (*browse_text.FILTERS, browse_text.SHOWN):  # left over from an earlier visit to that page
            st.session_state.pop(key, None)
        film = item.catalog.id if item.catalog else None
        st.switch_page(FILMS_PAGE, query_params=browse_text.similar_address(reading.score, film))
