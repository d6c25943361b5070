"""Choose a film: from the samples on "Try an X-ray", and for "How it works".

The samples are a strip of real films, and the stress test with the simulated ones. "How it works" takes any film that
ships with the project, an upload of this session, or a drawing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np
import pandas as pd
import streamlit as st

from covid_model import config, formatting, imaging
from covid_model.app import cache, films, networks, state
from covid_model.app.components import common
from covid_model.app.films import Example, ImageSource, Kind
from covid_model.app.runtime import render_slots
from covid_model.app.text import browse as browse_text
from covid_model.app.text import how_it_works as story_text
from covid_model.app.text import prediction as prediction_text
from covid_model.data import samples
from covid_model.data.dataset import DataError
from covid_model.data.samples import Sample
from covid_model.formatting import unbroken
from covid_model.imaging import heatmap, image
from covid_model.model import gradcam, registry
from covid_model.verdict import OutOfDistribution

NARROWEST = {False: 120, True: 62}  # pixels: the least width of a tile, and of a compact one
GAPS = {False: "small", True: "xsmall"}  # between them
COMPACT = "samples_compact"  # key of the compact strip, for the style sheet
STRESS, STRESS_FILM = "stress_test", "stress_film"  # keys of the drawer and of its choice
ADDED_WIDTH = 600  # pixels: the longest description
OUTLINE = (255, 255, 255)  # of the opacity's outline


def show_samples(shown: str | None, network: str, threshold: float, compact: bool = False) -> None:
    """Draw the strip of real X-rays, or the button that downloads them.

    Args:
        shown: id of the film that the page shows, None if it shows none.
        network: name of the chosen network.
        threshold: in [0, 1].
        compact: whether a film is shown below; the tiles are then small and without sentences.
    """
    try:
        cache.dataset()
    except DataError as error:
        st.warning(prediction_text.plain(error), icon=":material/folder_off:")
    examples = cache.examples(network, threshold)
    with st.container(key=COMPACT if compact else "samples", gap="xsmall" if compact else "small"):
        if examples:
            st.markdown(f":small[{browse_text.strip_heading(registry.title(network))}]")
            tiles(examples, shown, compact)
        else:
            own = [film for film in cache.samples().values() if not film.simulated]
            simulated = films.varied([film for film in cache.samples().values() if film.simulated], 4)
            st.markdown(":small[X-rays that come with this demo]")
            with st.grid(5, min_column_width=NARROWEST[compact], gap=GAPS[compact]) as grid:
                for film in [*own, *simulated]:
                    with grid.cell():
                        picture = str(film.thumbnail or film.path)
                        note = "" if compact else f":small[{'Simulated' if film.simulated else 'Real'}]"
                        tile(film.id, picture, films.short_title(film), film.id == shown, note=note)
        paths = cache.real_paths()
        missing = [film for film in cache.real_films() if film not in paths]
        if not compact or not examples:
            label = browse_text.download_label(len(missing))
            common.offer_films(missing, label, "" if examples or compact else browse_text.NOT_HERE)


def tiles(examples: list[Example], shown: str | None, compact: bool) -> None:
    """Draw one tile per example."""
    paths = cache.real_paths()
    with st.grid(max(len(examples), 4), min_column_width=NARROWEST[compact], gap=GAPS[compact]) as grid:
        for example in examples:
            film = example.film
            sentence = film.shows
            label = browse_text.sample_label(example.kind, example.marker)
            if example.kind == Kind.MARKER:
                sentence = browse_text.on_marker(example.marker, example.share, example.area)
            with grid.cell():
                truth = browse_text.ground_truth(film.covid == 1)
                note = "" if compact else unbroken(f":small[**{truth}** {prediction_text.plain(sentence)}]")
                tile(film.id, str(paths[film.id]), label, film.id == shown, sentence, note)


def tile(film: str, path: str, label: str, current: bool, help_text: str | None = None, note: str = "") -> None:
    """Draw the thumbnail of the image file `path`, the button that shows the film, and `note`, which is Markdown."""
    picture = cache.thumbnail(path)
    with st.container(key=f"tile_{film}", gap="xsmall"):
        if picture is not None:
            st.image(picture, width="stretch", alt="")
        st.button(
            unbroken(label),
            key=f"try-{film}",
            on_click=state.choose_film,
            args=(film,),
            icon=":material/check:" if current else None,
            help=help_text,
            width="stretch",
            wrap=True,
        )
        st.markdown(note)  # empty rather than left out, which would leave the old one until the run ends


# --- The stress test: simulated X-rays ---


def stress_test() -> None:
    """Draw the drawer of simulated X-rays: what was added to each, every network's score, and where the heat is."""
    simulated = {film.id: film for film in cache.samples().values() if film.simulated}
    if not simulated:
        return
    with st.expander(browse_text.STRESS_TITLE, icon=":material/science:", key=STRESS, on_change="rerun") as drawer:
        if drawer.open:
            _stress_test(simulated)


@render_slots.fragment
def _stress_test(simulated: dict[str, Sample]) -> None:
    st.markdown(browse_text.STRESS)
    stored = {name: networks.readings(name) for name in registry.names()}
    scores = {name: readings.scores() for name, readings in stored.items() if readings is not None}
    rows = pd.DataFrame(
        {
            "X-ray": [films.short_title(film) for film in simulated.values()],
            "What was added": [film.description for film in simulated.values()],
        }
    )
    columns = {registry.short_title(name): [known.get(film) for film in simulated] for name, known in scores.items()}
    rows = rows.assign(**columns)
    chosen = st.selectbox(
        "Simulated X-ray",
        list(simulated),
        index=next((at for at, film in enumerate(simulated.values()) if film.mask), 0),
        format_func=lambda film: films.short_title(simulated[film]),
        key=STRESS_FILM,
        filter_mode=None,
        width=360,
    )
    film = simulated.get(chosen) or next(iter(simulated.values()))
    st.markdown(prediction_text.plain(film.description))
    _maps(film, [name for name in scores if film.id in scores[name]])
    if st.button("Open this X-ray alone", key="stress-open", icon=":material/open_in_new:", type="tertiary"):
        state.choose_film(film.id)
        st.rerun()
    st.dataframe(
        prediction_text.style_scores(rows, list(columns)),
        hide_index=True,
        height="content",
        placeholder="–",
        alt="Every simulated X-ray: what was added to it, and every network's score",
        column_config={"What was added": st.column_config.TextColumn(width=ADDED_WIDTH)},
    )


def _maps(film: Sample, names: Iterable[str]) -> None:
    """Draw a film and its heatmaps by the networks `names`, with the outline of what was added."""
    pixels = image.shrink(imaging.read(film.path).pixels, config.OVERLAY_SIDE // 2)
    mask = None if film.mask is None else cv2.imread(str(film.mask), cv2.IMREAD_GRAYSCALE)
    names = list(names)
    for column, name in zip(st.columns(1 + len(names), gap="small"), [None, *names], strict=True):
        with column:
            if name is None:
                st.markdown("**X-ray**")
                drawn = outlined(cv2.cvtColor(pixels, cv2.COLOR_GRAY2RGB), mask)
                st.image(drawn, width="stretch", alt=f"Simulated X-ray: {film.title}")
                st.markdown(f":small[{browse_text.OUTLINE if mask is not None else 'Nothing was added to it.'}]")
                continue
            readings = networks.readings(name)
            heat, box = readings.heatmap(film.id), readings.spec.preprocessing.box
            score = prediction_text.score_text(readings.scores()[film.id])
            st.markdown(f"**{prediction_text.plain(registry.short_title(name))}**: score {score}")
            drawn = outlined(heatmap.blend(pixels, heat, box), mask)
            st.image(drawn, width="stretch", alt=f"Its Grad-CAM heatmap by {registry.title(name)}")
            if mask is not None:
                st.markdown(f":small[{browse_text.in_lesion(*gradcam.heat_in_mask(heat, box, mask > 0))}]")


def outlined(picture: np.ndarray, mask: np.ndarray | None) -> np.ndarray:
    """Return a picture (h, w, 3) uint8 with the outline of a mask (H, W) uint8 of the same film, 0 outside."""
    if mask is None:
        return picture
    fitted = cv2.resize(mask, picture.shape[1::-1], interpolation=cv2.INTER_NEAREST)
    contours, _ = cv2.findContours((fitted > 0).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    return cv2.drawContours(picture.copy(), contours, -1, OUTLINE, 1, cv2.LINE_AA)


# --- The film for "How it works" ---

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
        f"X-ray {film}",
        ImageSource.from_catalog(image),
        image.covid,
        f"{prediction_text.ground_truth(image.covid, image.finding)} {image.credit}",
    )


def drawing() -> bytes:
    """Return the schematic film as a PNG."""
    return cv2.imencode(".png", samples.draw_schematic())[1].tobytes()
