"""The film that the story is told with: one of ours, an upload of this session, or a drawing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import streamlit as st

from covid_model import config
from covid_model.app import cache, films, state
from covid_model.app.films import ImageSource
from covid_model.app.text import prediction as prediction_text
from covid_model.data import samples
from covid_model.data.dataset import DataError

SCHEMATIC_TITLE = "A drawing"
SCHEMATIC = "schematic"  # the drawing's id, in the address too
PICKER, UPLOAD = "story_film", "story_upload"  # session keys: the widget, and which of the uploads
SCHEMATIC_REMARK = (
    "A drawing made by a few lines of code, not a radiograph: the score means nothing, the steps are the real ones."
)


@dataclass(frozen=True)
class Shown:
    """A film to tell the story with.

    Attributes:
        title: what it is called on the page, plain text.
        data: gives its bytes; raises FilmError.
        covid: whether its source lists it as COVID-19; None where nobody says.
        remark: whose it is, or what to think of it, as Markdown.
    """

    title: str
    data: Callable[[], bytes]
    covid: bool | None
    remark: str


def picker() -> Shown:
    """Draw the choice of film and return the film chosen. It stands in the address where it is one of ours."""
    asked = state.film_id([*cache.film_ids(), SCHEMATIC])
    found, missing = None, None
    if asked:
        try:
            found = _of_id(asked)
        except DataError as error:
            missing = str(error)
    uploads = st.session_state.get(state.UPLOADS, ())
    options = _options(asked if found else None, len(uploads))
    if found:
        current = asked
    elif uploads and not missing:
        current = f"upload-{min(st.session_state.get(UPLOAD, 0), len(uploads) - 1)}"
    else:
        current = next(iter(name for name in options if not name.startswith("upload-")))
    st.session_state[PICKER] = current
    st.selectbox(
        "Film to follow",
        list(options),
        format_func=options.get,
        key=PICKER,
        on_change=_take,
        help="Films of ours, the films you uploaded on the first page, or a drawing.",
        filter_mode=None,
    )
    if missing:
        st.info(prediction_text.plain(missing), icon=":material/folder_off:")
    if current.startswith("upload-"):
        item = ImageSource.of_upload(uploads[int(current.removeprefix("upload-"))])
        return Shown(item.name, item.data, None, "Your film: it stays in this session and goes with it.")
    try:
        return found or _of_id(current)
    except DataError:
        return _of_id(SCHEMATIC)


def _take() -> None:
    """The choice of a film, from the widget."""
    chosen = str(st.session_state[PICKER])
    if chosen.startswith("upload-"):
        st.session_state[UPLOAD] = int(chosen.removeprefix("upload-"))
        state.choose_film(None)
    else:
        state.choose_film(chosen)


def _options(asked: str | None, uploads: int) -> dict[str, str]:
    """What can be chosen, by id, with its label; the first is shown where nothing else is asked for."""
    try:
        examples = {one.id: f"Test film: {one.label}" for one in cache.examples()}
    except DataError:
        examples = {}
    if not examples:
        examples = {one.id: f"Real film, free to share: {one.label} ({one.id})" for one in cache.free_examples()}
    own = {name: sample.title for name, sample in cache.samples().items()}
    found = examples | own | {SCHEMATIC: SCHEMATIC_TITLE}
    if asked and asked not in found:
        found |= {asked: f"Film {asked}"}
    kept = {
        f"upload-{at}": f"Your upload{f' {at + 1}' if uploads > 1 else ''}"
        for at in range(min(uploads, state.MAX_UPLOADS))
    }
    return found | kept


def _of_id(film: str) -> Shown:
    """The film of ours with this id. Raises DataError where it cannot be shown here."""
    if film == SCHEMATIC:
        return Shown(SCHEMATIC_TITLE, drawing, None, SCHEMATIC_REMARK)
    if film in cache.samples():
        sample = cache.samples()[film]
        one = films.from_sample(sample)
        remark = f"{prediction_text.plain(sample.description)} {one.credit}"
        if one.simulated:
            remark += " A simulated film lies outside what the networks were trained on: its score may be odd."
        return Shown(sample.title, ImageSource.of_ours(one).data, one.covid, remark)
    dataset = cache.dataset_of(film)
    if dataset is None:
        raise DataError(
            f"The film {film} belongs to the data set. It can be shown where {config.DATA_VARIABLE} names a data "
            "folder that holds it. Another one is shown instead."
        )
    one = films.from_dataset(dataset, film)
    return Shown(
        film,
        ImageSource.of_ours(one).data,
        one.covid,
        f"{prediction_text.ground_truth(one.covid, one.finding)} {one.credit}",
    )


def drawing() -> bytes:
    """The schematic film as a PNG."""
    return cv2.imencode(".png", samples.draw_schematic())[1].tobytes()
