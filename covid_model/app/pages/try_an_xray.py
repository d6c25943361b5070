"""Show the page "Try an X-ray": a model score, what drove it, and how it compares with the test set."""

from __future__ import annotations

import time

import pandas as pd
import streamlit as st

from covid_model.app import cache, films, session, state
from covid_model.app.components import common, prediction, sample_strip
from covid_model.app.components.common import QueueStatus
from covid_model.app.films import ImageSource
from covid_model.app.text import prediction as prediction_text
from covid_model.data.dataset import DataError
from covid_model.imaging import FilmError
from covid_model.model.network_spec import NetworkError
from covid_model.model.predictor import Prediction, PredictionError
from covid_model.model.queue import OnProgress, QueueFullError
from covid_model.reports.summary import PredictionSummary, refusal, summarize

OTHERS = "More X-rays to try"
ROOM_TRIES, ROOM_WAIT = 60, 1.0  # retries while the queue is full, and seconds between them, for one film of many


def predict_all(items: list[ImageSource], name: str) -> list[Prediction | str]:
    """Return each film's prediction, or the reason for its refusal as a sentence; show progress meanwhile.

    Films that this session has already analyzed are not analyzed again. Raises NetworkError.
    """
    progress, queue, outcomes = st.empty(), st.empty(), []
    for number, item in enumerate(items, 1):
        progress.progress((number - 1) / len(items), f"Analyzing X-ray {number} of {len(items)}")
        try:
            outcomes.append(predict_patiently(item, name, QueueStatus(queue)))
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


def results_table(summaries: list[PredictionSummary]) -> None:
    """Draw one row for each uploaded film: file, score, verdict, remarks."""
    rows = [(row.file, row.score, row.verdict, row.refused or " ".join(row.warnings)) for row in summaries]
    st.dataframe(
        prediction_text.style_scores(pd.DataFrame(rows, columns=["File", "Score", "Verdict", "Remarks"]), ["Score"]),
        hide_index=True,
        column_config={
            "File": st.column_config.TextColumn(width="medium"),
            "Score": st.column_config.NumberColumn(width="small"),
            "Remarks": st.column_config.TextColumn(width="large"),
        },
        height=min(420, 38 + 35 * len(rows)),
        placeholder="–",
        alt="Score and verdict of every uploaded X-ray",
    )


def show_uploads(items: list[ImageSource], name: str, threshold: float) -> None:
    """Show a single upload in full; several as a table, with one of them in full below it."""
    if len(items) == 1:
        prediction.show(items[0], name, threshold)
        return
    try:
        outcomes = predict_all(items, name)
    except NetworkError as error:
        common.network_missing(error, name)
        return
    summaries = [
        refusal(item.name, name, threshold, outcome)
        if isinstance(outcome, str)
        else summarize(item.name, outcome, threshold)
        for item, outcome in zip(items, outcomes, strict=True)
    ]
    results_table(summaries)
    look_column, csv_column, json_column = st.columns([2, 1, 1], vertical_alignment="bottom")
    with csv_column:
        common.download_table("All results (CSV)", summaries, "results")
    with json_column:
        common.download("All results (JSON)", summaries, "results")
    scored = [number for number, outcome in enumerate(outcomes) if not isinstance(outcome, str)]
    if scored:
        chosen = look_column.selectbox(
            "X-ray to show", scored, format_func=lambda number: items[number].name, key="look", filter_mode=None
        )
        prediction.show(items[chosen if chosen in scored else scored[0]], name, threshold)


def show_catalog_film(film: str, name: str, threshold: float) -> None:
    """Show a film that ships with the project, or one of the data folder, by its id."""
    if film in cache.samples():
        prediction.show(ImageSource.from_catalog(films.from_sample(cache.samples()[film])), name, threshold)
        return
    try:
        dataset = cache.dataset_of(film)
        if dataset is None:
            raise DataError(prediction_text.film_missing(film, downloadable=film in cache.real_films()))
        known = cache.real_films().get(film)
        item = ImageSource.from_catalog(films.from_dataset(dataset, film, known.shows if known else ""))
    except DataError as error:
        st.info(prediction_text.plain(error), icon=":material/folder_off:")
        return
    prediction.show(item, name, threshold)


# --- The page, from top to bottom ------------------------------------------------------------------

st.title("Try an X-ray")
st.markdown(prediction_text.INTRODUCTION)
film = state.film_id(cache.film_ids())
input_column, examples_column = st.columns([5, 7], gap="medium")
with input_column:
    uploads = state.uploader()
    name = state.network_picker()
    threshold = state.threshold_slider()
examples_slot = examples_column.empty()  # one element: the unfolded examples vanish at once, not when the score is in
with examples_slot.expander(OTHERS, icon=":material/photo_library:") if film or uploads else examples_slot.container():
    # Folded while a film is shown, so that its score is visible without scrolling.
    sample_strip.show(film, name, threshold)

explained = st.empty()  # a slot of its own: the explanations vanish at once when a film is chosen
if film:
    if uploads:
        st.button(
            "Back to your uploads",
            key="back-to-uploads",
            icon=":material/undo:",
            on_click=state.choose_film,
            args=(None,),
        )
    show_catalog_film(film, name, threshold)
elif uploads:
    if state.uploaded() > state.MAX_UPLOADS:
        st.warning(f"You uploaded {state.uploaded()} files; only the first {state.MAX_UPLOADS} are analyzed.")
    if state.field_is_empty():
        st.button("Remove these X-rays", icon=":material/delete:", on_click=state.drop_uploads, key="drop-uploads")
    show_uploads(uploads, name, threshold)
else:
    with explained.container():
        for column, (title, text) in zip(st.columns(3, gap="medium"), prediction_text.EXPLAINED.items(), strict=True):
            column.subheader(title)
            column.markdown(text)
sample_strip.stress_test()
