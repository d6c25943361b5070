"""Show the page "Try an X-ray": a model score, what drove it, and how it compares with the test set."""

from __future__ import annotations

import time

import numpy as np
import pandas as pd
import streamlit as st

from covid_model.app import cache, films, session, state, widgets
from covid_model.app.components import case_list, common, film_picker, prediction
from covid_model.app.components.common import QueueStatus
from covid_model.app.films import ImageSource
from covid_model.app.text import prediction as prediction_text
from covid_model.data.dataset import DataError
from covid_model.formatting import unbroken
from covid_model.imaging import FilmError
from covid_model.model.predictor import Prediction, PredictionError
from covid_model.model.queue import OnProgress, QueueFullError
from covid_model.model.registry import NetworkError
from covid_model.reports.summary import PredictionSummary, refusal, summarize

TABLE = "uploaded_films"  # key of the table of uploads
ROW_HEIGHT, TABLE_HEIGHT = 56, 320  # pixels: of a row, and of the table at most
ROOM_TRIES, ROOM_WAIT = 60, 1.0  # retries while the queue is full, and seconds between them, for one film of many


def predict_all(items: list[ImageSource], name: str) -> list[Prediction | str]:
    """Return each film's prediction, or the reason for its refusal as a sentence, and show the progress.

    Films that this session has already analyzed are not analyzed again. Raises NetworkError.
    """
    progress, queue, outcomes = st.empty(), st.empty(), []
    for number, item in enumerate(items, 1):
        progress.progress((number - 1) / len(items), f"Analyzing X-ray {number} of {len(items)}")
        try:
            outcomes.append(predict_patiently(item, name, QueueStatus(queue)))
            session.card(item)  # while the film is decoded
        except (FilmError, PredictionError) as error:
            outcomes.append(str(error))
    progress.empty()
    queue.empty()
    return outcomes


def predict_patiently(item: ImageSource, name: str, on_progress: OnProgress) -> Prediction:
    """Return the prediction of one film of many, waiting while the queue is full.

    Raises what `session.prediction` raises; QueueFullError after ROOM_TRIES.
    """
    for _ in range(ROOM_TRIES):
        try:
            return session.prediction(item, name, on_progress)
        except QueueFullError as busy:
            on_progress(busy.position)
            time.sleep(ROOM_WAIT)
    return session.prediction(item, name, on_progress)


def results_table(summaries: list[PredictionSummary], pictures: list[np.ndarray | None], first: int) -> int:
    """Draw one row for each uploaded film: thumbnail, file, score, verdict, remarks.

    Args:
        summaries: one per film.
        pictures: their thumbnails, None for a refused film.
        first: number of the row that is selected at first.

    Returns:
        The number of the selected row.
    """
    rows = pd.DataFrame(
        {
            "X-ray": [None if picture is None else case_list.data_url(picture) for picture in pictures],
            "File": [row.file for row in summaries],
            "Score": [row.score for row in summaries],
            "Verdict": [row.verdict for row in summaries],
            "Remarks": [row.refused or " ".join(row.warnings) for row in summaries],
        }
    )
    event = st.dataframe(
        prediction_text.style_scores(rows, ["Score"]),
        key=TABLE,
        hide_index=True,
        row_height=ROW_HEIGHT,
        height=min(TABLE_HEIGHT, 38 + ROW_HEIGHT * len(rows)),
        placeholder="–",
        alt="Score and verdict of every uploaded X-ray; a click on a row shows it",
        column_config={
            "X-ray": st.column_config.ImageColumn(width=72),
            "File": st.column_config.TextColumn(width=96 if widgets.on_phone() else "medium"),  # the score is in view
            "Score": st.column_config.NumberColumn(width="small"),
            "Remarks": st.column_config.TextColumn(width="large"),
        },
        on_select=select_row,
        selection_mode=["single-row", "single-cell"],
        selection_default={"selection": {"rows": [first]}},
    )
    selected = [row for row in event.selection["rows"] if row < len(rows)]
    return selected[0] if selected else first


def select_row() -> None:
    """Select the row of the cell that was clicked; a callback."""
    cells = st.session_state[TABLE]["selection"]["cells"]
    if cells:
        st.session_state[TABLE] = {"selection": {"rows": [cells[0][0]], "columns": [], "cells": []}}


def pick_upload(items: list[ImageSource], name: str, threshold: float) -> ImageSource | None:
    """Draw a table of several uploads and return the one to show below it; None if no X-ray has a score."""
    try:
        outcomes = predict_all(items, name)
    except NetworkError as error:
        common.network_missing(error, name)
        return None
    summaries = [
        refusal(item.name, name, threshold, outcome)
        if isinstance(outcome, str)
        else summarize(item.name, outcome, threshold)
        for item, outcome in zip(items, outcomes, strict=True)
    ]
    scored = [number for number, outcome in enumerate(outcomes) if not isinstance(outcome, str)]
    chosen = results_table(summaries, [session.card(item) for item in items], scored[0] if scored else 0)
    with st.container(horizontal=True):
        common.download_table("All results (CSV)", summaries, "results")
        common.download("All results (JSON)", summaries, "results")
    return items[chosen] if scored else None


def catalog_film(film: str) -> ImageSource:
    """Return a film that ships with the project, or one of the data folder, by its id. Raises DataError."""
    if film in cache.samples():
        return ImageSource.from_catalog(films.from_sample(cache.samples()[film]))
    dataset = cache.dataset_of(film)
    if dataset is None:
        raise DataError(prediction_text.film_missing(film, downloadable=film in cache.real_films()))
    known = cache.real_films().get(film)
    return ImageSource.from_catalog(films.from_dataset(dataset, film, known.shows if known else ""))


def film_to_show(film: str | None, uploads: list[ImageSource], name: str, threshold: float) -> ImageSource | None:
    """Return the film with this id, or the upload to show, several of which are in a table; None if there is none."""
    if len(uploads) == 1 and not film:
        return uploads[0]
    if not film:
        return pick_upload(uploads, name, threshold)
    try:
        return catalog_film(film)
    except DataError as error:
        st.info(prediction_text.plain(error), icon=":material/folder_off:")
        return None


# --- The page, from top to bottom ------------------------------------------------------------------

promise = st.empty()
film = state.film_id(cache.has_film)
upload_column, sample_column, model_column = st.columns([5, 13, 5], gap="medium")
with upload_column:
    uploads = state.uploader()
    if film and uploads:
        st.button(
            "Back to your uploads",
            key="back-to-uploads",
            icon=":material/undo:",
            on_click=state.choose_film,
            args=(None,),
        )
    elif uploads and state.field_is_empty():
        st.button("Remove these X-rays", icon=":material/delete:", on_click=state.drop_uploads, key="drop-uploads")
with promise.container(key="promise_compact" if film or uploads else "promise", gap="xsmall"):
    st.title(prediction_text.PROMISE)
    # Empty rather than left out, which would leave the old one on the page until the run ends.
    st.markdown("" if film or uploads else prediction_text.INTRODUCTION)
with model_column, st.container(key="models"):
    name = state.network_picker()
if not film and state.uploaded() > state.MAX_UPLOADS:
    st.warning(f"You uploaded {state.uploaded()} files; only the first {state.MAX_UPLOADS} are analyzed.")

top = st.container()
explained = st.empty()  # a slot of its own: the explanations vanish at once when a film is chosen
if film or uploads:
    places, threshold = prediction.slots()
else:
    with model_column:
        threshold = state.threshold_slider()
with sample_column:
    film_picker.show_samples(film, name, threshold, compact=bool(film or uploads))
if film or uploads:
    with top:
        item = film_to_show(film, uploads, name, threshold)
    if item:
        prediction.show(item, name, threshold, places)
    else:
        places.threshold.empty()  # there is no score that it could cut
else:
    with explained.container():
        for column, (title, text) in zip(st.columns(3, gap="medium"), prediction_text.EXPLAINED.items(), strict=True):
            column.subheader(title)
            column.markdown(unbroken(text))
film_picker.stress_test()
