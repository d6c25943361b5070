"""Read a film: its model score, what on the film spoke for it, and where it falls among the test films."""

from __future__ import annotations

import time
from pathlib import Path

import pandas as pd
import streamlit as st

from covid_model import config
from covid_model.app import cache, films, session, state
from covid_model.app.components import common, download_button, prediction
from covid_model.app.components.queue_status import QueueStatus
from covid_model.app.films import ImageSource
from covid_model.app.text import prediction as prediction_text
from covid_model.data.dataset import DataError
from covid_model.imaging import FilmError
from covid_model.model.network_spec import NetworkError
from covid_model.model.predictor import Prediction, PredictionError
from covid_model.model.queue import OnProgress, QueueFullError
from covid_model.reports.summary import PredictionSummary, refusal, summarize

TRIES_A_ROW = 5
OTHERS = "Other films to try"
ROOM_TRIES, ROOM_WAIT = 60, 1.0  # how often, and after how many seconds, a film of many asks a full queue again
EXPLAINED = {
    "A score": "A number between 0 and 1: how much the film looks like the COVID-19 films that the network was trained "
    "on. Above the threshold the film is called positive.",
    "Where it looked": "Grad-CAM colours the parts of the film that raised the score and those that lowered it. It "
    "shows where the network found its evidence, not what the evidence is.",
    "A place": f"The score among those of {config.PAPER_TEST[0]:,} test films with a known answer: how often was a "
    "film that scored like this one a COVID-19 film?",
}


def read_all(items: list[ImageSource], name: str) -> list[Prediction | str]:
    """Read films one after another, with progress: each one's reading, or the sentence that says why there is none.

    Raises NetworkError. What was read before is not read again.
    """
    progress, queue, found = st.empty(), st.empty(), []
    for number, item in enumerate(items, 1):
        progress.progress((number - 1) / len(items), f"Reading film {number} of {len(items)}")
        try:
            found.append(read_patiently(item, name, QueueStatus(queue)))
        except (FilmError, PredictionError) as error:
            found.append(str(error))
    progress.empty()
    queue.empty()
    return found


def read_patiently(item: ImageSource, name: str, tell: OnProgress) -> Prediction:
    """One film of many: where the queue is full, wait for room. Raises as `session.prediction`, QueueFullError after
    ROOM_TRIES."""
    for _ in range(ROOM_TRIES):
        try:
            return session.prediction(item.data(), name, tell)
        except QueueFullError as busy:
            tell(busy.position)
            time.sleep(ROOM_WAIT)
    return session.prediction(item.data(), name, tell)


def results_table(summaries: list[PredictionSummary]) -> None:
    """All films of an upload with what came of them."""
    rows = [(one.file, one.score, one.verdict, one.refused or " ".join(one.warnings)) for one in summaries]
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
        alt="Score and verdict of every film uploaded",
    )


def show_uploads(items: list[ImageSource], name: str, threshold: float) -> None:
    """One upload as it is; several as a table, with one of them to look at."""
    if len(items) == 1:
        prediction.show(items[0], name, threshold)
        return
    try:
        found = read_all(items, name)
    except NetworkError as error:
        common.network_missing(error, name)
        return
    summaries = [
        refusal(item.name, name, threshold, one) if isinstance(one, str) else summarize(item.name, one, threshold)
        for item, one in zip(items, found, strict=True)
    ]
    results_table(summaries)
    look_column, csv_column, json_column = st.columns([2, 1, 1], vertical_alignment="bottom")
    with csv_column:
        common.download_table("All results (CSV)", summaries, "results")
    with json_column:
        common.download("All results (JSON)", summaries, "results")
    scored = [number for number, one in enumerate(found) if not isinstance(one, str)]
    if scored:
        chosen = look_column.selectbox(
            "Look at one", scored, format_func=lambda number: items[number].name, key="look", filter_mode=None
        )
        prediction.show(items[chosen if chosen in scored else scored[0]], name, threshold)


def show_ours(film: str, name: str, threshold: float) -> None:
    """A film that the project brings along, or one of the data folder."""
    if film in cache.samples():
        prediction.show(ImageSource.of_ours(films.from_sample(cache.samples()[film])), name, threshold)
        return
    try:
        dataset = cache.dataset_of(film)
        if dataset is None:
            raise DataError(
                f"The film {film} belongs to the data set. It can be shown where {config.DATA_VARIABLE} names a "
                f"data folder that holds it{', or once it was fetched' if film in cache.free_ids() else ''}."
            )
        item = ImageSource.of_ours(films.from_dataset(dataset, film))
    except DataError as error:
        st.info(prediction_text.plain(error), icon=":material/folder_off:")
        return
    prediction.show(item, name, threshold)


def films_to_try(shown: str | None) -> None:
    """A few films to take without an upload: real ones of the data folder, and those that the project brings along."""
    try:
        dataset, tries = cache.dataset(), cache.examples()
    except DataError as error:
        st.warning(prediction_text.plain(error), icon=":material/folder_off:")
        dataset, tries = None, []
    if tries:
        st.markdown(":small[Or take one of the test films, which no network was trained on]")
        offer([(one.id, one.label, dataset.path(one.id)) for one in tries], shown)
    free = [] if tries else cache.free_examples()[:TRIES_A_ROW]
    if free:
        st.markdown(":small[Or take a real film, under a licence that lets anyone have it]")
        offer([(one.id, one.label, cache.free_paths()[one.id]) for one in free], shown)
    if not tries:
        download_button.offer("Or take real films, under a licence that lets anyone have them")
    rows = 1 if tries or free else 2  # more would push the score off the screen; the Films page has them all
    carried = films.varied(list(cache.samples().values()), rows * TRIES_A_ROW)
    own = [(one.id, films.short_title(one), one.path) for one in carried]
    if own:
        st.markdown(":small[Or a film made for this demo: **simulated** from a CT, so that anyone may have it]")
        offer(own, shown)
    if not tries and not free and not own:
        st.caption(f"Films to try without an upload appear here where {config.DATA_VARIABLE} names a data folder.")


def offer(films: list[tuple[str, str, Path]], shown: str | None) -> None:
    """Rows of films (id, label, picture), each with a button that takes it."""
    for start in range(0, len(films), TRIES_A_ROW):
        for column, (film, label, path) in zip(
            st.columns(TRIES_A_ROW, gap="xsmall", wrap=False), films[start:], strict=False
        ):
            with column:
                dicom = path.suffix == ".dcm"  # its decoder takes a second to load: not for the first page
                thumbnail = None if dicom else cache.thumbnail(str(path))
                if thumbnail is not None:
                    st.image(thumbnail, width="stretch", alt="")
                st.button(
                    label,
                    key=f"try-{film}",
                    on_click=state.choose_film,
                    args=(film,),
                    icon=":material/check:" if film == shown else None,
                    width="stretch",
                    wrap=True,
                )


# --- The page, from top to bottom ------------------------------------------------------------------

st.title("Read a film")
st.markdown(
    "Give it a frontal chest film. It answers with a score between 0 and 1 and shows which parts of the film spoke "
    "for it and which against."
)
film = state.film_id(cache.film_ids())
given_column, ours_column = st.columns([5, 7], gap="medium")
with given_column:
    uploads = state.uploader()
    name = state.network_picker()
    threshold = state.threshold_slider()
ours_place = ours_column.empty()  # one element, so that what is folded away goes at once, not when the score comes
with ours_place.expander(OTHERS, icon=":material/photo_library:") if film or uploads else ours_place.container():
    films_to_try(film)  # beside a film in hand folded, so that the score is on the screen without scrolling

explained = st.empty()  # a place of its own: what stands here goes at once when a film comes
if film:
    if uploads:
        st.button(
            "Back to the films uploaded",
            key="back-to-uploads",
            icon=":material/undo:",
            on_click=state.choose_film,
            args=(None,),
        )
    show_ours(film, name, threshold)
elif uploads:
    if state.uploaded() > state.MAX_UPLOADS:
        st.warning(f"{state.uploaded()} films came; the first {state.MAX_UPLOADS} are read.")
    if state.field_is_empty():
        st.button("Take these films away", icon=":material/delete:", on_click=state.drop_uploads, key="drop-uploads")
    show_uploads([ImageSource.of_upload(upload) for upload in uploads], name, threshold)
else:
    with explained.container():
        for column, (title, text) in zip(st.columns(3, gap="medium"), EXPLAINED.items(), strict=True):
            column.subheader(title)
            column.markdown(text)
