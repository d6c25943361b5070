"""Draw screen 4: the lungs erased, on all test films with lung masks, and on one film of the user's choice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from covid_model import config, formatting
from covid_model.app import cache, films, session, state, widgets
from covid_model.app.components import common
from covid_model.app.components.common import QueueStatus, ask_again
from covid_model.app.components.slides import AGAIN, PAPER, Figure, Point, slide
from covid_model.app.films import ImageSource
from covid_model.app.runtime import render_slots
from covid_model.app.text import erasure as erasure_text
from covid_model.app.text import prediction as prediction_text
from covid_model.charts import bias as bias_charts
from covid_model.data import dataset
from covid_model.data.dataset import DataError
from covid_model.formatting import verdict_word
from covid_model.imaging import FilmError, image, perturb
from covid_model.model import registry
from covid_model.model.predictor import PredictionError
from covid_model.model.queue import QueueFullError
from covid_model.verdict import OutOfDistribution, is_positive

# --- One film beside its erased copy, and both scores; the network runs on request ---

FLAGGED = " *Try an X-ray* would flag it: the erased X-ray is too unlike those that the network was trained on."
SIDE = 640  # pixels: the longer side of a picture on the page
SCORER = "scorer"  # name in the URL: the network that scores the one film
PICKER = "erase_film"  # key of the widget; the URL holds the film as on the other pages
FILL = next(iter(perturb.FILLS))  # for the one film and the chart of all; a sentence gives the other fills


@dataclass(frozen=True)
class Pair:
    """Hold a film and its erased copy, both as pixels (height, width) uint8 and as an encoded file."""

    film: np.ndarray
    erased: np.ndarray
    source: ImageSource
    erased_source: ImageSource


def choices() -> dict[str, str]:
    """Return the labels of the films that have lung masks, by id: test films of the data folder, then samples."""
    labels = {}
    try:
        data = cache.dataset()
        if data is not None:
            table = dataset.with_mask(data, "test")
            labels = {
                film: f"Test X-ray {film}, {'COVID-19' if covid else 'non-COVID'}"
                for film, covid in table["covid"].items()
            }
    except DataError:
        pass  # the data folder is unusable: the samples remain
    own = sorted(cache.samples().values(), key=lambda sample: sample.covid != 1)
    return labels | {sample.id: sample.title for sample in own if sample.lungs}


def pair(film: str, variant: str) -> Pair:
    """Return a film of `choices` with its erased copy. Raises FilmError, DataError."""
    sample = cache.samples().get(film)
    if sample:
        source = ImageSource.from_catalog(films.from_sample(sample))
        pixels = session.film(source).pixels
        mask = dataset.read_mask_file(sample.lungs, pixels.shape)
    else:
        data = cache.dataset()
        source = ImageSource.from_catalog(films.from_dataset(data, film))
        pixels = session.film(source).pixels
        mask = dataset.read_mask(data, film, pixels.shape)
    erased = perturb.fill(pixels, perturb.erased_region(variant, mask), FILL, mask)
    return Pair(pixels, erased, source, ImageSource(film, cv2.imencode(".png", erased)[1].tobytes()))


def show_erased_film(variant: str, title: str) -> None:
    """Draw the choice of film and network, both pictures, and on request both scores."""
    films = choices()
    if not films:
        return
    st.subheader("Try it on one X-ray", anchor=False)
    left, right = st.columns([5, 7], gap="large")
    with left:
        film = _picker(films)
        name = state.networks_picker("Scored by", SCORER, _scorer())
        start = st.button("Score both", key="erase_score", icon=":material/play_arrow:")
        message = st.empty()
    with right:
        columns = st.container(key="cards_erased").columns(2, gap="medium", wrap=False)
    try:
        both = pair(film, variant)
    except (FilmError, DataError) as error:
        message.error(prediction_text.plain(error), icon=":material/block:")
        return
    slots = _pictures(columns, both, title, films[film])
    if start or all(session.known_prediction(source, name) for source in (both.source, both.erased_source)):
        _scores(message, slots, both, name, title, _about(film))
    else:
        known = recorded(film, name, variant)
        message.markdown(f"{_change(both, *known, title)}\n\n{_about(film)}" if known else _about(film))
        if not known and session.known_prediction(both.source, name):  # stored, as those of the sample films are
            known = (session.prediction(both.source, name).score,)
        for (label, slot), score in zip(slots.items(), known or (), strict=False):
            slot.metric(label, formatting.score_text(score))


def recorded(film: str, name: str, variant: str) -> tuple[float, float] | None:
    """Return the scores of a film, original and erased, from the record of the network `name`; None if not in it."""
    scores = (cache.audit_record(name, "lungs") or {}).get("films_scores", {})
    erased = scores.get(f"{variant} / {FILL}")
    if erased is None or film not in scores.get("id", ()):
        return None
    at = scores["id"].index(film)
    return scores["whole"][at], erased[at]


def _pictures(columns: Sequence[DeltaGenerator], both: Pair, title: str, name: str) -> dict[str, DeltaGenerator]:
    """Draw both pictures, each below a slot for its score, and return the slots by label."""
    slots = {}
    parts = (
        ("Score of the original", both.film, "The X-ray"),
        (f"Score: {title.lower()}", both.erased, f"The X-ray, {title.lower()}"),
    )
    for column, (label, picture, alt) in zip(columns, parts, strict=True):
        with column:
            slots[label] = st.empty()
            slots[label].metric(label, "–")
            st.image(image.shrink(picture, SIDE), width="stretch", alt=f"{alt}: {name}")
    return slots


def _scores(
    message: DeltaGenerator, slots: dict[str, DeltaGenerator], both: Pair, name: str, title: str, about: str
) -> None:
    """Score both with the network `name` and fill in the slots, or show why that failed."""
    try:
        with message, st.spinner(prediction_text.analyzing("Scoring both")):
            readings = [
                session.prediction(source, name, QueueStatus(message)) for source in (both.source, both.erased_source)
            ]
    except registry.NetworkError as error:
        with message.container():
            common.network_missing(error, name, SCORER)
        return
    except QueueFullError as error:
        with message.container():
            ask_again(error)
        return
    except (FilmError, PredictionError) as error:
        message.error(prediction_text.plain(error), icon=":material/block:")
        return
    for (label, slot), reading in zip(slots.items(), readings, strict=True):
        slot.metric(label, formatting.score_text(reading.score))
    before, after = readings
    unlike = after.out_of_distribution and not before.out_of_distribution
    flagged = FLAGGED if unlike and not both.source.catalog.simulated else ""
    message.markdown(f"{_change(both, before.score, after.score, title)}{flagged}\n\n{about}")


def _change(both: Pair, before: float, after: float, title: str) -> str:
    """Return what erasing did to the verdict, or to the score of a film that gets none; Markdown."""
    if both.source.catalog.simulated:
        return score_change(before, after, title)
    return verdict(is_positive(before, config.THRESHOLD), is_positive(after, config.THRESHOLD), title)


def verdict(before: bool, after: bool, title: str) -> str:
    """Return what became of the verdict, as Markdown."""
    was, now = map(verdict_word, (before, after))
    if before == after:
        return f"**{title}: the X-ray is still called {now}.**"
    return f"**{title}: the X-ray is called {now}. The original is called {was}.**"


def score_change(before: float, after: float, title: str) -> str:
    """Return how the score of a film without a verdict, in [0, 1], changes; Markdown."""
    return f"**{title}: the score goes from {formatting.score_text(before)} to {formatting.score_text(after)}.**"


def _about(film: str) -> str:
    """Return the film's credit, in small print."""
    sample = cache.samples().get(film)
    if sample is None:
        return f":small[{prediction_text.credit(cache.dataset().films.loc[film])}]"
    caveat = (
        f" {formatting.WHY_OUT[OutOfDistribution.SIMULATED]} Its lung mask comes from the CT and includes lung behind "
        "the heart and the diaphragm."
    )
    return f":small[{prediction_text.plain(sample.description)}{caveat if sample.simulated else ''}]"


def _scorer() -> str:
    """Return the network that the headline speaks of, if it can run here; else the default one."""
    return PAPER if PAPER in registry.names() else registry.default()


def _picker(films: dict[str, str]) -> str:
    """Draw the choice of film: the one in the URL if it has a mask, else an example of what the headline says."""
    requested = state.film_id(cache.has_film)
    st.session_state[PICKER] = requested if requested in films else _example(films)
    return st.selectbox("X-ray", list(films), format_func=films.get, key=PICKER, on_change=_take, filter_mode=None)


def _example(films: dict[str, str]) -> str:
    """Return the first of the films that is called positive with and without lungs by the record; else the first."""
    scores = (cache.audit_record(PAPER, "lungs") or {}).get("films_scores", {})
    columns = [scores.get(name, ()) for name in ("id", "whole", f"erased / {FILL}")]
    stays = (film for film, *both in zip(*columns, strict=False) if is_positive(min(both), threshold()))
    return next((film for film in stays if film in films), next(iter(films)))


def _take() -> None:
    state.choose_film(str(st.session_state[PICKER]))


ERASE = "erase"  # name in the URL; the value is a label
WAYS = {"erased": "Lungs erased", "erased in a box": "Box over the lungs", "only": "Lungs only"}


def point(variant: str = "erased") -> Point | None:
    """Return what the screen says; None without a record."""
    record = cache.audit_record(PAPER, "lungs")
    if not record:
        return None
    changed = part(record, variant)
    shown = [
        Figure(f"{share['count']} of {share['total']}", label, share["count"] / share["total"])
        for label, share in (
            ("COVID-19 X-rays called positive", record["whole"]["covid_positive"]),
            (f"of these stay positive: {WAYS[variant].lower()}", changed["covid_stays_positive"]),
        )
        if share["total"]
    ]
    return Point(erasure_text.erasure_result(changed, WAYS[variant]), tuple(shown))


def threshold() -> float:
    """Return the threshold of the headline: the record's; without a record, the default."""
    record = cache.audit_record(PAPER, "lungs")
    return record["threshold"] if record else config.THRESHOLD


def part(record: dict, variant: str) -> dict:
    """Return a record's entry of one kind of erasure."""
    return next(part for part in record["erased"] if (part["variant"], part["fill"]) == (variant, FILL))


def training_masks() -> int:
    """Return how many lung masks are of X-rays in splits for training; 0 if that is not known."""
    try:
        films = cache.films_table()
    except DataError:
        return 0
    if "lung_mask" not in films:
        return 0
    return int(films.loc[films["split"].isin(config.TRAINING_SPLITS), "lung_mask"].eq(1).sum())


@render_slots.fragment
def show() -> None:
    """Draw the screen."""
    place = slide()
    with place.control:
        variant = widgets.choice(
            "Change to the X-ray",
            list(WAYS),
            format_func=WAYS.get,
            default="erased",
            key=ERASE,
            wrap=True,
        )
    record = cache.audit_record(PAPER, "lungs")
    if record:
        _draw_all(place, record, variant)
    else:
        place.say(
            "How much of the score comes from the lungs?",
            f"The paper's model has not been run on erased X-rays yet. `{AGAIN} lungs` does that.",
        )
    show_erased_film(variant, WAYS[variant])


def _draw_all(place, record: dict, variant: str) -> None:
    scores = record["films_scores"]
    values = (
        scores["whole"],
        scores[f"{variant} / {FILL}"],
        scores["covid"],
        record["threshold"],
        WAYS[variant].lower(),
    )
    place.say(
        point(variant).headline,
        f"Remove the lungs, and see how much of the score is left. {erasure_text.blank_result(record)} "
        "Click a point to open its X-ray.",
    )
    place.show(
        bias_charts.slopes(*values, scores.get("id"), ink=widgets.ink()),
        f"slopes_{variant}",
        bias_charts.slopes_alt(*values),
        PAPER,
    )
    place.explain(
        f"The {record['films']} test X-rays that have lung masks{erasure_text.masks_left_out(training_masks())}, "
        "scored by the paper's model, original and erased. The chart counts every positive X-ray; the headline, those "
        f"that were positive before. {erasure_text.other_fills(record, variant, FILL)}",
        erasure_text.blank_training(record) if record.get("trained_on_blanks") else "",
        critics=("maguolo",),
    )
