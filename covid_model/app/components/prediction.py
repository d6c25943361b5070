"""One film on the page: its score, the film, its overlay, and its place among the test films."""

from __future__ import annotations

import functools

import numpy as np
import pandas as pd
import streamlit as st

from covid_model import config, formatting
from covid_model.app import cache, networks, session, theme, widgets
from covid_model.app.components import common
from covid_model.app.components.film_card import score_bar
from covid_model.app.components.queue_status import QueueStatus, ask_again
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

SCORE_HEIGHT, OVERLAY_HEIGHT = 360, 640  # pixels kept free while a film is read, so that nothing jumps
SIMULATED = "A simulated film lies outside what the networks were trained on: its score may be odd."
TRAINED_ON = "It is one of the films that networks are trained on: its score may be memory, not skill."
FILMS_PAGE = config.ROOT / "covid_model" / "app" / "pages" / "browse.py"
DIRECTIONS = {"for": "For COVID-19", "against": "Against", "both": "Both"}
LEGENDS = {
    "for": "Left to right: no say, spoke most for COVID-19.",
    "against": "Left to right: no say, spoke most against COVID-19.",
    "both": "Left to right: spoke most against COVID-19, no say, spoke most for it.",
}


def show(item: ImageSource, name: str, threshold: float) -> None:
    """Read a film with the network `name` and show what came of it; a film that is refused gets its sentence."""
    try:
        data = item.data()
        film = session.film(data)
    except FilmError as error:
        st.error(prediction_text.plain(f"{item.name}: {error}"), icon=":material/block:")
        return
    small = session.preview(data, film.pixels)
    known = session.known_prediction(data, name)
    # Each slot is one element, so that what the film before left there goes at once, not when this one is read.
    score_column, film_column, overlay_column = st.columns(3, gap="medium")
    score_heading, overlay_heading = score_column.empty(), overlay_column.empty()
    score_slot = score_column.empty() if known else score_column.skeleton(height=SCORE_HEIGHT)
    overlay_slot = overlay_column.empty() if known else overlay_column.skeleton(height=OVERLAY_HEIGHT)
    place_slot = st.empty()
    with film_column:
        _film(item, small)
    overlay_heading.markdown("**What spoke for it, and against**")
    try:
        if known:
            reading = session.prediction(data, name)
        else:
            with score_heading, st.spinner("Reading. The first film waits for the network to load."):
                reading = session.prediction(data, name, QueueStatus(score_heading))
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
    if not reading.out_of_distribution:  # such a score has no place among others
        with place_slot.container(key="place_section"):
            _place(item, reading, threshold)
    from covid_model.app.components import perturb  # the reading is on the screen before they are loaded

    perturb.show(session.CurrentFilm(data, small, reading, threshold))


def _report(item: ImageSource, small: np.ndarray, reading: Prediction, threshold: float) -> None:
    """A button for the film's reading as a page of A4, made when it is pressed."""
    scores = cache.test_scores(reading.network)

    def page() -> bytes:
        from covid_model.reports import pdf  # fpdf2 comes with it, and not before somebody asks

        caveats = tuple(prediction_text.unmarked(one) for one in _sentences(item, reading, threshold, scores))
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


def _sentences(item: ImageSource, reading: Prediction, threshold: float, scores: pd.DataFrame | None) -> list[str]:
    """What the report says of the film beside its score, as Markdown."""
    ours, found = item.ours, []
    if ours and ours.simulated:
        found.append("A simulated film, not a real one: it lies outside what the networks were trained on.")
    if ours and ours.covid is not None:
        finding = prediction_text.plain(ours.finding) or ("COVID-19" if ours.covid else "not COVID-19")
        positive = is_positive(reading.score, threshold)
        outcome = "" if reading.out_of_distribution else prediction_text.outcome(positive, ours.covid)
        found.append(f"Its source lists it as: {finding}. {outcome}")
    elif ours and ours.split:
        found.append(prediction_text.ground_truth(None, ours.finding))
    if ours and ours.split in config.TRAINING_SPLITS:
        found.append(TRAINED_ON)
    if ours:
        found.append(ours.credit)
    if scores is not None and not reading.out_of_distribution:
        film, held_out = ours.id if ours else None, cache.held_out_scores(reading.network)
        found.append(
            prediction_text.adult_false_positives(scores, threshold) or ""
        )  # first: what does not fit the page is left out
        found.append(prediction_text.similar_scores(scores, reading.score, film, held_out))
    return [one for one in found if one]


def _film(item: ImageSource, small: np.ndarray) -> None:
    """The film as it came, and whose it is."""
    st.markdown("**The film**")
    given = st.container(key="film_given")
    given.image(small, width=common.picture_width(small), alt="The chest film as it was given")
    st.text(item.name)
    if item.ours and item.ours.shows:
        st.markdown(f"**{prediction_text.plain(item.ours.finding)}.** {prediction_text.plain(item.ours.shows)}")
    if item.ours and item.ours.simulated:
        st.markdown(SIMULATED)
    if item.ours:
        st.markdown(f":small[{item.ours.credit}]")


def _score(item: ImageSource, small: np.ndarray, reading: Prediction, threshold: float) -> None:
    """The score as number and bar, the verdict, what is known of the film."""
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
    if item.ours and item.ours.covid is not None:
        listed = "COVID-19" if item.ours.covid else "not COVID-19"
        finding = f" ({prediction_text.plain(item.ours.finding)})" if item.ours.finding not in ("", listed) else ""
        outcome = "" if summary.out_of_distribution else prediction_text.outcome(summary.positive, item.ours.covid)
        st.markdown(f"The source lists this film as **{listed}**{finding}. {outcome}")
    elif item.ours and item.ours.split:
        st.markdown(prediction_text.ground_truth(None, item.ours.finding))
    if item.ours and item.ours.split in config.TRAINING_SPLITS:
        st.markdown(TRAINED_ON)
    for warning in remarks:
        st.warning(prediction_text.plain(warning), icon=":material/warning:")
    common.download("Result (JSON)", [summary], "result")
    _report(item, small, reading, threshold)
    st.markdown(
        f":small[Read by {prediction_text.plain(registry.title(reading.network))} in "
        f"{reading.milliseconds / 1000:.1f} s.]"
    )


def _calibrated(reading: Prediction, threshold: float) -> None:
    """The calibrated score, for a network whose temperature helped out of sample."""
    spec = networks.spec(reading.network)
    if spec and spec.calibration and spec.calibration.helped:
        score = reading.calibrated(spec.calibration.temperature)
        st.markdown(prediction_text.calibrated(reading.score, score, threshold), help=prediction_text.CALIBRATED)


@render_slots.fragment
def _overlay(small: np.ndarray, reading: Prediction) -> None:
    """The film under its heatmap. Its controls only colour again what the network has said once."""
    picture = st.container(key="overlay_picture").empty()
    direction = widgets.choice(
        "Show what spoke",
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
    coloured = heatmap.blend(small, reading.heatmap, reading.box, min(max(percent, 0), 100) / 100, direction)
    picture.image(
        coloured,
        width=common.picture_width(small),
        alt="The film under its Grad-CAM heatmap: coloured where it moved the score, by its last convolutional layer",
    )
    st.image(heatmap.legend(direction), width="stretch", alt=LEGENDS[direction])
    st.markdown(f":small[{LEGENDS[direction]}]")
    st.download_button(
        "Overlay (PNG)",
        functools.partial(heatmap.to_png, coloured),
        "overlay.png",
        "image/png",
        key="png",
        icon=":material/image:",
        on_click="ignore",
        width="stretch",
    )


def _place(item: ImageSource, reading: Prediction, threshold: float) -> None:
    """Where the score falls among the test films."""
    st.subheader("Among the test films")
    table = cache.test_scores(reading.network)
    if table is None:
        st.markdown(
            f"This copy has no scores of the test films by {prediction_text.plain(registry.title(reading.network))}."
        )
        return
    from covid_model import charts  # plotly: the page is on the screen before it is loaded

    film, held_out = item.ours.id if item.ours else None, cache.held_out_scores(reading.network)
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
        "See the test films that scored about the same",
        key="alike",
        icon=":material/photo_library:",
        type="tertiary",
    ):
        for key in (*browse_text.FILTERS, browse_text.SHOWN):  # of an earlier visit to that page
            st.session_state.pop(key, None)
        sheet = st.session_state[browse_text.SHEET] = browse_text.sheet_of(table["score"], reading.score)
        st.switch_page(FILMS_PAGE, query_params={browse_text.SHEET: sheet})
