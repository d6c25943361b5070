"""Screen 4: the lungs erased, on all test films with lung masks, and on one film of the visitor's choice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from covid_model import config, formatting
from covid_model.app import cache, films, session, state, theme, widgets
from covid_model.app.components import common
from covid_model.app.components.common import QueueStatus, ask_again
from covid_model.app.components.slide import AGAIN, PAPER, slide
from covid_model.app.films import ImageSource
from covid_model.app.runtime import render_slots
from covid_model.app.text import bias as bias_text
from covid_model.app.text import prediction as prediction_text
from covid_model.charts import bias as bias_charts
from covid_model.data import lung_masks
from covid_model.data.dataset import DataError
from covid_model.formatting import verdict_word
from covid_model.imaging import FilmError, perturb, thumbnail
from covid_model.model import network_spec
from covid_model.model.predictor import PredictionError
from covid_model.model.queue import QueueFullError
from covid_model.verdict import is_positive

# --- One film with its lungs erased beside the film, and both scores; the network runs when it is asked for

FLAGGED = " The page *Read a film* would notice: the erased film is too unlike those that the network was trained on."
SIDE = 640  # pixels: the longer side of a picture that is sent
PICKER = "erase_film"  # key of the widget; the film itself stands in the address as on the other pages
FILL = next(iter(perturb.FILLS))  # here and in the picture of all films, whose other fills are told in a sentence


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
            table = lung_masks.with_mask(data, "test")
            found = {
                film: f"Test film {film}, {'COVID-19' if covid else 'other'}" for film, covid in table["covid"].items()
            }
    except DataError:
        pass  # a data folder that is not as it must be: our own films are left
    own = sorted(cache.samples().values(), key=lambda sample: sample.covid != 1)
    return found | {sample.id: sample.title for sample in own if sample.lungs}


def pair(film: str, variant: str) -> Pair:
    """The film `film` of `choices`, erased. Raises FilmError, DataError."""
    sample = cache.samples().get(film)
    if sample:
        data = ImageSource.of_ours(films.from_sample(sample)).data()
        pixels = session.film(data).pixels
        mask = lung_masks.read_mask_file(sample.lungs, pixels.shape)
    else:
        dataset = cache.dataset()
        data = ImageSource.of_ours(films.from_dataset(dataset, film)).data()
        pixels = session.film(data).pixels
        mask = lung_masks.read_mask(dataset, film, pixels.shape)
    erased = perturb.fill(pixels, perturb.erased_region(variant, mask), FILL, mask)
    return Pair(pixels, erased, data, cv2.imencode(".png", erased)[1].tobytes())


def show_erased_film(variant: str, title: str) -> None:
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
    except (FilmError, DataError) as error:
        said.error(prediction_text.plain(error), icon=":material/block:")
        return
    slots = _pictures(columns, both, title, films[film])
    if asked or all(session.known_prediction(data, name) for data in (both.data, both.erased_data)):
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
            st.image(thumbnail.shrink(picture, SIDE), width="stretch", alt=f"{what}: {name}")
    return slots


def _scores(
    said: DeltaGenerator, slots: dict[str, DeltaGenerator], both: Pair, name: str, title: str, about: str
) -> None:
    """Read both with the network `name` and put the scores in their places, or say why there are none."""
    try:
        with said, st.spinner("Reading both. The first film waits for the network to load."):
            readings = [session.prediction(data, name, QueueStatus(said)) for data in (both.data, both.erased_data)]
    except network_spec.NetworkError as error:
        with said.container():
            common.network_missing(error, name)
        return
    except QueueFullError as error:
        with said.container():
            ask_again(error)
        return
    except (FilmError, PredictionError) as error:
        said.error(prediction_text.plain(error), icon=":material/block:")
        return
    for (label, slot), reading in zip(slots.items(), readings, strict=True):
        slot.metric(label, formatting.score_text(reading.score))
    before, after = readings
    flagged = FLAGGED if after.out_of_distribution and not before.out_of_distribution else ""
    was, now = (is_positive(one.score, config.THRESHOLD) for one in readings)
    said.markdown(f"{verdict(was, now, title)}{flagged}\n\n{about}")


def verdict(before: bool, after: bool, title: str) -> str:
    """What became of the verdict, in a sentence."""
    was, now = map(verdict_word, (before, after))
    if before == after:
        return f"**{title}, the film is still called {now}.**"
    return f"**{title}, the film is called {now}; as it is, {was}.**"


def _about(film: str) -> str:
    """Whose film it is, small."""
    sample = cache.samples().get(film)
    if sample is None:
        return f":small[{prediction_text.credit(cache.dataset().films.loc[film])}]"
    odd = (
        " A simulated film lies outside what the networks were trained on: its score may be odd. Its lungs are those "
        "of the CT, also where the heart or the diaphragm hides them."
    )
    return f":small[{prediction_text.plain(sample.description)}{odd if sample.simulated else ''}]"


def _picker(films: dict[str, str]) -> str:
    """The film: the one in the address where it has a mask, else the first."""
    asked = state.film_id(cache.film_ids())
    st.session_state[PICKER] = asked if asked in films else next(iter(films))
    return st.selectbox("Film", list(films), format_func=films.get, key=PICKER, on_change=_take, filter_mode=None)


def _take() -> None:
    state.choose_film(str(st.session_state[PICKER]))


ERASE = "erase"  # in the address, by its label
WAYS = {"erased": "Lungs erased", "erased in a box": "Box over the lungs", "only": "Only the lungs left"}


def headline(variant: str = "erased") -> str | None:
    record = cache.audit_record(PAPER, "lungs")
    return bias_text.erasure_result(record, _part(record, variant), WAYS[variant]) if record else None


def threshold() -> float:
    """The threshold of the headline: the one that the record states; without a record, the default."""
    record = cache.audit_record(PAPER, "lungs")
    return record["threshold"] if record else config.THRESHOLD


def _part(record: dict, variant: str) -> dict:
    return next(one for one in record["erased"] if (one["variant"], one["fill"]) == (variant, FILL))


@render_slots.fragment
def show() -> None:
    place = slide()
    with place.control:
        variant = widgets.choice(
            "What is done to the film",
            list(WAYS),
            format_func=WAYS.get,
            default="erased",
            key=ERASE,
            wrap=True,
        )
    record = cache.audit_record(PAPER, "lungs")
    if record:
        _of_all(place, record, variant)
    else:
        place.say(
            "How much of the score is in the lungs?",
            f"This copy has no record of the paper’s network on erased films: `{AGAIN} lungs` makes it.",
        )
    place.check("The check: take the lungs away and see what is left.", "maguolo")
    show_erased_film(variant, WAYS[variant])


def _of_all(place, record: dict, variant: str) -> None:
    scores = record["films_scores"]
    given = (
        scores["whole"],
        scores[f"{variant} / {FILL}"],
        scores["covid"],
        record["threshold"],
        WAYS[variant].lower(),
    )
    words = (
        f"The {record['films']} test films that have lung masks, read by the paper’s network as they are and erased. "
        f"{bias_text.other_fills(record, variant, FILL)}"
    )
    remarks = bias_text.blank_training(record) if record.get("trained_on_blanks") else ""
    place.say(headline(variant), words, remarks)
    place.show(bias_charts.slopes(*given, ink=theme.ink()), f"slopes_{variant}", bias_charts.slopes_alt(*given))
