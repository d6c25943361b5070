"""Offer sample X-rays: a strip of real ones, and the stress test with the simulated ones."""

from __future__ import annotations

from collections.abc import Iterable

import cv2
import numpy as np
import pandas as pd
import streamlit as st

from covid_model import config, imaging
from covid_model.app import cache, films, networks, state
from covid_model.app.components import common
from covid_model.app.films import Example, Kind
from covid_model.app.runtime import render_slots
from covid_model.app.text import browse as browse_text
from covid_model.app.text import prediction as prediction_text
from covid_model.data.dataset import DataError
from covid_model.data.samples import Sample
from covid_model.imaging import heatmap, image
from covid_model.model import gradcam, registry

NARROWEST = {False: 120, True: 62}  # pixels: the least width of a tile, and of a compact one
GAPS = {False: "small", True: "xsmall"}  # between them
COMPACT = "samples_compact"  # key of the compact strip, for the style sheet
STRESS, STRESS_FILM = "stress_test", "stress_film"  # keys of the drawer and of its choice
ADDED_WIDTH = 600  # pixels: the longest description
OUTLINE = (255, 255, 255)  # of the opacity's outline


def show(shown: str | None, network: str, threshold: float, compact: bool = False) -> None:
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
                note = "" if compact else f":small[**{truth}** {prediction_text.plain(sentence)}]"
                tile(film.id, str(paths[film.id]), label, film.id == shown, sentence, note)


def tile(film: str, path: str, label: str, current: bool, help_text: str | None = None, note: str = "") -> None:
    """Draw the thumbnail of the image file `path`, the button that shows the film, and `note`, which is Markdown."""
    picture = cache.thumbnail(path)
    with st.container(key=f"tile_{film}", gap="xsmall"):
        if picture is not None:
            st.image(picture, width="stretch", alt="")
        st.button(
            label,
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
