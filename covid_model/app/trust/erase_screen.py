"""One film with its lungs erased beside the film, and both scores; the network runs when it is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from covid_model import network, settings
from covid_model.app import cache, film_panel, ours, state, words
from covid_model.app.item import Item
from covid_model.app.waiting import Waiting, ask_again
from covid_model.audit import AuditError, lungs
from covid_model.dataset import DataError
from covid_model.desk import Busy
from covid_model.films import FilmError
from covid_model.phrases import called
from covid_model.reading import ReadingError
from covid_model.verdict import is_positive

FLAGGED = " The page *Read a film* would notice: the erased film is too unlike those that the network was trained on."
SIDE = 640  # pixels: the longer side of a picture that is sent
PICKER = "erase_film"  # key of the widget; the film itself stands in the address as on the other pages
FILL = next(iter(lungs.FILLS))  # here and in the picture of all films, whose other fills are told in a sentence


@dataclass(frozen=True)
class Pair:
    """A film and the same film erased: both as pixels (height, width) uint8 and as the bytes that are read."""

    film: np.ndarray
    erased: np.ndarray
    data: bytes
    erased_data: bytes


def choices() -> dict[str, str]:
    """The films that have lung masks, by id, with what they are called: test films of the data folder, then ours."""
    found = {}
    try:
        data = cache.dataset()
        if data is not None:
            table = lungs.masked(data, "test")
            found = {
                film: f"Test film {film}, {'COVID-19' if covid else 'other'}" for film, covid in table["covid"].items()
            }
    except DataError:
        pass  # a data folder that is not as it must be: our own films are left
    own = sorted(cache.samples().values(), key=lambda sample: sample.covid != 1)
    return found | {sample.id: sample.title for sample in own if sample.lungs}


def pair(film: str, variant: str) -> Pair:
    """The film `film` of `choices`, erased. Raises FilmError, DataError, AuditError."""
    sample = cache.samples().get(film)
    if sample:
        data = Item.of_ours(ours.of_sample(sample)).data()
        pixels = cache.film(data).pixels
        mask = lungs.read_mask_file(sample.lungs, pixels.shape)
    else:
        dataset = cache.dataset()
        data = Item.of_ours(ours.of_dataset(dataset, film)).data()
        pixels = cache.film(data).pixels
        mask = lungs.read_mask(dataset, film, pixels.shape)
    erased = lungs.fill(pixels, lungs.part_of(variant, mask), FILL, mask)
    return Pair(pixels, erased, data, cv2.imencode(".png", erased)[1].tobytes())


def show(variant: str, title: str) -> None:
    """The choice of film and network, both pictures, both scores once they were asked for."""
    films = choices()
    if not films:
        return
    st.subheader("Do it to one film", anchor=False)
    left, right = st.columns([5, 7], gap="large")
    with left:
        film = _picker(films)
        name = state.network_picker("Read by")
        asked = st.button("Score both", key="erase_score", icon=":material/play_arrow:")
        said = st.empty()
    with right:
        columns = st.columns(2, gap="medium", wrap=False)
    try:
        both = pair(film, variant)
    except (FilmError, DataError, AuditError) as error:
        said.error(words.plain(error), icon=":material/block:")
        return
    slots = _pictures(columns, both, title, films[film])
    if asked or all(cache.known_reading(data, name) for data in (both.data, both.erased_data)):
        _scores(said, slots, both, name, title, _about(film))
    else:
        said.markdown(_about(film))


def _pictures(columns: Sequence[DeltaGenerator], both: Pair, title: str, name: str) -> dict[str, DeltaGenerator]:
    """Both pictures, each below a place for its score, where that is seen to arrive; the places by their labels."""
    slots = {}
    parts = (
        ("Score of the film", both.film, "The film"),
        (f"Score: {title.lower()}", both.erased, f"The film, {title.lower()}"),
    )
    for column, (label, picture, what) in zip(columns, parts, strict=True):
        with column:
            slots[label] = st.empty()
            slots[label].metric(label, "–")
            st.image(cache.shrink(picture, SIDE), width="stretch", alt=f"{what}: {name}")
    return slots


def _scores(
    said: DeltaGenerator, slots: dict[str, DeltaGenerator], both: Pair, name: str, title: str, about: str
) -> None:
    """Read both with the network `name` and put the scores in their places, or say why there are none."""
    try:
        with said, st.spinner("Reading both. The first film waits for the network to load."):
            readings = [cache.reading(data, name, Waiting(said)) for data in (both.data, both.erased_data)]
    except network.NetworkError as error:
        with said.container():
            film_panel.network_missing(error, name)
        return
    except Busy as error:
        with said.container():
            ask_again(error)
        return
    except (FilmError, ReadingError) as error:
        said.error(words.plain(error), icon=":material/block:")
        return
    for (label, slot), reading in zip(slots.items(), readings, strict=True):
        slot.metric(label, words.score_text(reading.score))
    before, after = readings
    flagged = FLAGGED if after.out_of_distribution and not before.out_of_distribution else ""
    was, now = (is_positive(one.score, settings.THRESHOLD) for one in readings)
    said.markdown(f"{verdict(was, now, title)}{flagged}\n\n{about}")


def verdict(before: bool, after: bool, title: str) -> str:
    """What became of the verdict, in a sentence."""
    was, now = map(called, (before, after))
    if before == after:
        return f"**{title}, the film is still called {now}.**"
    return f"**{title}, the film is called {now}; as it is, {was}.**"


def _about(film: str) -> str:
    """Whose film it is, small."""
    sample = cache.samples().get(film)
    if sample is None:
        return f":small[{words.credit(cache.dataset().films.loc[film])}]"
    odd = (
        " A simulated film lies outside what the networks were trained on: its score may be odd. Its lungs are those "
        "of the CT, also where the heart or the diaphragm hides them."
    )
    return f":small[{words.plain(sample.description)}{odd if sample.simulated else ''}]"


def _picker(films: dict[str, str]) -> str:
    """The film: the one in the address where it has a mask, else the first."""
    asked = state.film_id(cache.film_ids())
    st.session_state[PICKER] = asked if asked in films else next(iter(films))
    return st.selectbox("Film", list(films), format_func=films.get, key=PICKER, on_change=_take, filter_mode=None)


def _take() -> None:
    state.choose_film(str(st.session_state[PICKER]))
