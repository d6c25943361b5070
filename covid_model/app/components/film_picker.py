"""Choose the film for "How it works": one that ships with the project, an upload of this session, or a drawing."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import streamlit as st

from covid_model import config, formatting
from covid_model.app import cache, films, state
from covid_model.app.films import ImageSource
from covid_model.app.text import browse as browse_text
from covid_model.app.text import how_it_works as story_text
from covid_model.app.text import prediction as prediction_text
from covid_model.data import samples
from covid_model.data.dataset import DataError
from covid_model.model import registry
from covid_model.verdict import OutOfDistribution

SCHEMATIC_TITLE = "A drawing"
SCHEMATIC = "schematic"  # the drawing's id, also in the URL
PICKER, UPLOAD = "story_film", "story_upload"  # session keys: the widget, and the index of the upload chosen


@dataclass(frozen=True)
class Shown:
    """Hold a film for "How it works".

    Attributes:
        title: its name on the page, plain text.
        source: its file.
        covid: its ground truth; None if unknown.
        remark: its credit or a caveat, as Markdown.
        simulated: whether the truth is what was added to a simulated film.
    """

    title: str
    source: ImageSource
    covid: bool | None
    remark: str
    simulated: bool = False


def picker() -> Shown:
    """Draw the choice of film and return the film chosen; the URL keeps one that ships with the project."""
    requested = state.film_id(lambda film: film == SCHEMATIC or cache.has_film(film))
    film, missing = None, None
    if requested:
        try:
            film = _by_id(requested)
        except DataError as error:
            missing = str(error)
    uploads = st.session_state.get(state.UPLOADS, ())
    options = _options(requested if film else None, len(uploads))
    if film:
        current = requested
    elif uploads and not missing:
        current = f"upload-{min(st.session_state.get(UPLOAD, 0), len(uploads) - 1)}"
    else:
        current = next(iter(name for name in options if not name.startswith("upload-")))
    st.session_state[PICKER] = current
    st.selectbox(
        "X-ray to follow",
        list(options),
        format_func=options.get,
        key=PICKER,
        on_change=_take,
        help="A built-in X-ray, one that you uploaded on *Try an X-ray*, or a drawing.",
        filter_mode=None,
    )
    if missing:
        st.info(prediction_text.plain(missing), icon=":material/folder_off:")
    if current.startswith("upload-"):
        upload = uploads[int(current.removeprefix("upload-"))]
        return Shown(upload.name, upload, None, "Your X-ray. It is kept for this session only.")
    try:
        return film or _by_id(current)
    except DataError:
        return _by_id(SCHEMATIC)


def _take() -> None:
    """Apply the widget's choice; a callback."""
    chosen = str(st.session_state[PICKER])
    if chosen.startswith("upload-"):
        st.session_state[UPLOAD] = int(chosen.removeprefix("upload-"))
        state.choose_film(None)
    else:
        state.choose_film(chosen)


def _options(requested: str | None, uploads: int) -> dict[str, str]:
    """Return the labels of the films to choose from, by id; the first one is the default."""
    known = cache.examples(registry.default(), config.THRESHOLD)
    examples = {
        example.film.id: f"Real X-ray: {browse_text.sample_label(example.kind, example.marker)}" for example in known
    }
    own = {name: sample.title for name, sample in cache.samples().items()}
    options = examples | own | {SCHEMATIC: SCHEMATIC_TITLE}
    if requested and requested not in options:
        options |= {requested: f"X-ray {requested}"}
    return options | {
        f"upload-{at}": f"Your upload{f' {at + 1}' if uploads > 1 else ''}"
        for at in range(min(uploads, state.MAX_UPLOADS))
    }


def _by_id(film: str) -> Shown:
    """Return the film with this id. Raises DataError if it is not available here."""
    if film == SCHEMATIC:
        return Shown(SCHEMATIC_TITLE, ImageSource(SCHEMATIC_TITLE, drawing()), None, story_text.SCHEMATIC)
    if film in cache.samples():
        sample = cache.samples()[film]
        image = films.from_sample(sample)
        remark = f"{prediction_text.plain(sample.description)} {image.credit}"
        if image.simulated:
            remark += f" {formatting.WHY_OUT[OutOfDistribution.SIMULATED]}"
        covid = None if sample.covid is None else bool(sample.covid)
        return Shown(sample.title, ImageSource.from_catalog(image), covid, remark, image.simulated)
    dataset = cache.dataset_of(film)
    if dataset is None:
        raise DataError(prediction_text.film_missing(film, replaced=True))
    image = films.from_dataset(dataset, film)
    return Shown(
        film,
        ImageSource.from_catalog(image),
        image.covid,
        f"{prediction_text.ground_truth(image.covid, image.finding)} {image.credit}",
    )


def drawing() -> bytes:
    """Return the schematic film as a PNG."""
    return cv2.imencode(".png", samples.draw_schematic())[1].tobytes()
