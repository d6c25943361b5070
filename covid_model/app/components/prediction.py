"""Show one film: its score, the picture, its Grad-CAM overlay, and how it compares with the test set."""

from __future__ import annotations

import functools

import numpy as np
import pandas as pd
import streamlit as st

from covid_model import config, formatting
from covid_model.app import cache, networks, session, theme, widgets
from covid_model.app.components import common
from covid_model.app.components.common import QueueStatus, ask_again
from covid_model.app.components.film_card import score_bar
from covid_model.app.films import ImageSource
from covid_model.app.runtime import render_slots
from covid_model.app.text import browse as browse_text
from covid_model.app.text import prediction as prediction_text
from covid_model.formatting import MODEL_SCORE
from covid_model.imaging import FilmError, heatmap
from covid_model.model import network_spec, registry
from covid_model.model.predictor import Prediction, PredictionError
from covid_model.model.queue import QueueFullError
from covid_model.reports.summary import summarize
from covid_model.verdict import is_positive

SCORE_HEIGHT, OVERLAY_HEIGHT = 360, 640  # pixels reserved while the network runs, so that nothing jumps
FILMS_PAGE = config.ROOT / "covid_model" / "app" / "pages" / "browse.py"
DIRECTIONS = {"for": "Raises the score", "against": "Lowers it", "both": "Both"}


def show(item: ImageSource, name: str, threshold: float) -> None:
    """Analyze a film with the network `name` and show the prediction, or the reason for its refusal."""
    try:
        film = session.film(item)
    except FilmError as error:
        st.error(prediction_text.plain(f"{item.name}: {error}"), icon=":material/block:")
        return
    small = session.preview(item, film.pixels)
    known = session.known_prediction(item, name)
    # Each slot is one element, so that the previous film's contents vanish at once, not when this one is ready.
    score_column, film_column, overlay_column = st.columns(3, gap="medium")
    score_heading, overlay_heading = score_column.empty(), overlay_column.empty()
    score_slot = score_column.empty() if known else score_column.skeleton(height=SCORE_HEIGHT)
    overlay_slot = overlay_column.empty() if known else overlay_column.skeleton(height=OVERLAY_HEIGHT)
    place_slot = st.empty()
    with film_column:
        _film(item, small)
    overlay_heading.markdown(f"**{prediction_text.DRIVERS}**")
    try:
        if known:
            reading = session.prediction(item, name)
        else:
            with score_heading, st.spinner(prediction_text.analyzing()):
                reading = session.prediction(item, name, QueueStatus(score_heading))
    except (network_spec.NetworkError, FilmError, PredictionError) as error:
        for slot in (score_heading, overlay_heading, overlay_slot):
            slot.empty()
        with score_slot.container():
            if isinstance(error, network_spec.NetworkError):
                common.network_missing(error, name)
            elif isinstance(error, QueueFullError):
                ask_again(error)
            else:
                st.error(prediction_text.plain(error), icon=":material/block:")
        return
    score_heading.markdown("**Model score**")
    with score_slot.container():
        _score(item, small, reading, threshold)
    with overlay_slot.container():
        _overlay(small, reading)
    if not reading.out_of_distribution:  # such a score cannot be compared
        with place_slot.container(key="place_section"):
            _place(item, reading, threshold)
    from covid_model.app.components import perturb  # the prediction is on the screen before it is loaded

    perturb.show(session.CurrentFilm(item, small, reading, threshold))


def _report(item: ImageSource, small: np.ndarray, reading: Prediction, threshold: float) -> None:
    """Draw the button for the one-page PDF report, which is made when the button is pressed."""
    scores = cache.test_scores(reading.network)

    def page() -> bytes:
        from covid_model.reports import pdf  # it loads fpdf2, which only the report needs

        caveats = tuple(prediction_text.unmarked(caveat) for caveat in _caveats(item, reading, threshold, scores))
        title = registry.title(reading.network)
        return pdf.pdf(small, reading, summarize(item.name, reading, threshold, title=title, caveats=caveats), scores)

    st.download_button(
        "Report (PDF)",
        page,
        "report.pdf",
        "application/pdf",
        key="pdf",
        icon=":material/picture_as_pdf:",
        on_click="ignore",
        width="stretch",
    )


def _caveats(item: ImageSource, reading: Prediction, threshold: float, scores: pd.DataFrame | None) -> list[str]:
    """Return what the report says about the film besides its score, as Markdown."""
    ours, caveats = item.catalog, []
    if ours and ours.simulated:
        caveats.append(prediction_text.SIMULATED)
    if ours and ours.covid is not None:
        finding = prediction_text.plain(ours.finding) or ("COVID-19" if ours.covid else "not COVID-19")
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
        film, held_out = ours.id if ours else None, cache.held_out_scores(reading.network)
        # Adults come first: the report cuts what does not fit on its page.
        caveats.append(prediction_text.adult_false_positives(scores, threshold) or "")
        caveats.append(prediction_text.similar_scores(scores, reading.score, film, held_out))
    return [caveat for caveat in caveats if caveat]


def _film(item: ImageSource, small: np.ndarray) -> None:
    """Draw the film as supplied, and its credit."""
    st.markdown("**Chest X-ray**")
    picture = st.container(key="film_given")
    picture.image(small, width=common.picture_width(small), alt="The chest X-ray as supplied")
    st.text(item.name)
    if item.catalog and item.catalog.shows:
        st.markdown(f"**{prediction_text.plain(item.catalog.finding)}.** {prediction_text.plain(item.catalog.shows)}")
    if item.catalog and item.catalog.simulated:
        st.markdown(prediction_text.SIMULATED)
    if item.catalog:
        st.markdown(f":small[{item.catalog.credit}]")


def _score(item: ImageSource, small: np.ndarray, reading: Prediction, threshold: float) -> None:
    """Draw the score as a number and a bar, the verdict, and the ground truth where it is known."""
    summary = summarize(item.name, reading, threshold)
    number, remarks = summary.score_text, summary.warnings
    st.metric(MODEL_SCORE, f":gray[{number}]" if summary.out_of_distribution else number, label_visibility="collapsed")
    st.html(score_bar(reading.score, threshold, faint=summary.out_of_distribution))
    if summary.out_of_distribution:
        why, *remarks = remarks
        st.warning(prediction_text.plain(why), title="No verdict", icon=":material/warning:")
    else:
        st.markdown(f"**{formatting.verdict(reading.score, threshold)}**")
        _calibrated(reading, threshold)
    if item.catalog and item.catalog.covid is not None:
        truth = "COVID-19" if item.catalog.covid else "not COVID-19"
        finding = f" ({prediction_text.plain(item.catalog.finding)})" if item.catalog.finding not in ("", truth) else ""
        outcome = "" if summary.out_of_distribution else prediction_text.outcome(summary.positive, item.catalog.covid)
        st.markdown(f"Ground truth: **{truth}**{finding}. {outcome}")
    elif item.catalog and item.catalog.split:
        st.markdown(prediction_text.ground_truth(None, item.catalog.finding))
    if item.catalog and item.catalog.split in config.TRAINING_SPLITS:
        st.markdown(prediction_text.TRAINED_ON)
    for warning in remarks:
        st.warning(prediction_text.plain(warning), icon=":material/warning:")
    common.download("Result (JSON)", [summary], "result")
    _report(item, small, reading, threshold)
    st.markdown(f":small[{prediction_text.analyzed_by(registry.title(reading.network), reading)}]")


def _calibrated(reading: Prediction, threshold: float) -> None:
    """Draw the calibrated score of a network whose temperature improved scores it was not fitted on."""
    spec = networks.spec(reading.network)
    if spec and spec.calibration and spec.calibration.helped:
        score = reading.calibrated(spec.calibration.temperature)
        st.markdown(prediction_text.calibrated(reading.score, score, threshold), help=prediction_text.CALIBRATED)


@render_slots.fragment
def _overlay(small: np.ndarray, reading: Prediction) -> None:
    """Draw the film under its heatmap. The controls recolor a heatmap that is already computed."""
    picture = st.container(key="overlay_picture").empty()
    direction = widgets.choice(
        "Parts shown",
        config.OVERLAY_DIRECTIONS,
        format_func=DIRECTIONS.get,
        default="for",
        key="direction",
        bind=False,
        persist_state="session",
        label_visibility="collapsed",
        width="stretch",
    )
    percent = round(100 * config.OVERLAY_OPACITY)
    percent = st.slider("Opacity", 0, 100, percent, 5, format="%d %%", key="opacity", persist_state="session")
    overlay = heatmap.blend(small, reading.heatmap, reading.box, min(max(percent, 0), 100) / 100, direction)
    picture.image(
        overlay,
        width=common.picture_width(small),
        alt="The X-ray under its Grad-CAM heatmap, colored where the last convolutional layer moved the score",
    )
    st.image(heatmap.legend(direction), width="stretch", alt=prediction_text.LEGENDS[direction])
    st.markdown(f":small[{prediction_text.LEGENDS[direction]}]")
    st.download_button(
        "Overlay (PNG)",
        functools.partial(heatmap.to_png, overlay),
        "overlay.png",
        "image/png",
        key="png",
        icon=":material/image:",
        on_click="ignore",
        width="stretch",
    )


def _place(item: ImageSource, reading: Prediction, threshold: float) -> None:
    """Compare the score with those of the test films."""
    st.subheader("How it compares with the test set")
    table = cache.test_scores(reading.network)
    if table is None:
        st.markdown(f"No test-set scores of {prediction_text.plain(registry.title(reading.network))} are available.")
        return
    from covid_model import charts  # the page is on the screen before plotly is loaded

    film, held_out = item.catalog.id if item.catalog else None, cache.held_out_scores(reading.network)
    st.markdown(prediction_text.similar_scores(table, reading.score, film, held_out))
    given = (table["score"].to_numpy(), table["covid"].to_numpy(), threshold, reading.score)
    widgets.show_chart(
        charts.score_distribution(*given, ids=list(table.index), ink=theme.ink()),
        alt=charts.score_distribution_alt(*given),
        key="place",
    )
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
        sheet = st.session_state[browse_text.SHEET] = browse_text.sheet_of(table["score"], reading.score)
        st.switch_page(FILMS_PAGE, query_params={browse_text.SHEET: sheet} if sheet > 1 else None)
