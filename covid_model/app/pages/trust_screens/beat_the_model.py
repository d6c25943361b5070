"""Draw the quiz "Beat the model": the user commits to an answer before seeing the networks' answers and the truth."""

from __future__ import annotations

import secrets

import pandas as pd
import streamlit as st

from covid_model import config
from covid_model.app import cache, widgets
from covid_model.app.components import common
from covid_model.app.components.film_card import score_bar
from covid_model.app.runtime import render_slots
from covid_model.app.text import prediction as prediction_text
from covid_model.app.text import quiz
from covid_model.app.text.quiz import Answer
from covid_model.formatting import in_sentence, score_text, unbroken, verdict_word
from covid_model.model import registry
from covid_model.verdict import is_positive

ROUND = "round"  # name in the URL: the seed of the ten X-rays
ANSWERS, AT = "quiz_answers", "quiz_at"  # in the session, by round: the answers, and the number of the X-ray shown
CALL, SURE = "quiz_call", "quiz_sure"
SIDE = 640  # pixels a side of the picture


def point() -> None:
    """Return nothing: the quiz makes no claim for the summary or the player."""


@render_slots.fragment
def show() -> None:
    """Draw one X-ray with the answer's controls, or the result of a finished round."""
    st.header("Can you beat the model?", anchor=False)
    networks = {name: registry.short_title(name) for name in registry.names()}
    films = pool(list(networks))
    if films is None or not quiz.enough(films, list(networks)):
        st.info(quiz.TOO_FEW.format(count=quiz.X_RAYS), icon=":material/image_not_supported:")
        wanted = list(cache.real_films())
        common.offer_films([film for film in wanted if film not in cache.paths(wanted)], "Download real X-rays")
        return
    if ROUND not in st.query_params:
        st.query_params[ROUND] = _any_seed()
    seed = seed_of(st.query_params[ROUND])
    ids = quiz.draw(films, list(networks), seed)
    answers = st.session_state.setdefault(ANSWERS, {}).setdefault(seed, {})
    at = min(st.session_state.setdefault(AT, {}).get(seed, 0), len(ids))
    if at == len(ids) and len(answers) == len(ids):
        _result(films.loc[ids], answers, networks, seed)
        return
    at = min(at, len(ids) - 1)
    _x_ray(films.loc[ids[at]], (seed, at), answers, networks, films)


def pool(networks: list[str]) -> pd.DataFrame | None:
    """Return the adults' X-rays outside the training data that have a picture here, with every network's score.

    By id: source, covid, patient and a column per network; None without scores.
    """
    table = cache.adult_scores()
    if table is None or not set(networks) <= set(table):
        return None
    if cache.data_folder() is None:
        return table[table.index.isin(cache.real_paths())]
    return table


def seed_of(value: str | None) -> int:
    """Return the seed in the URL; 1 if it is none."""
    return int(value) if value and value.isascii() and value.isdigit() and int(value) <= quiz.LARGEST_SEED else 1


def _x_ray(
    film: pd.Series, place: tuple[int, int], answers: dict[str, Answer], networks: dict[str, str], films: pd.DataFrame
) -> None:
    """Draw one X-ray and what to answer; once it is answered, what the networks say and the truth.

    Args:
        place: the round's seed, and the X-ray's number in it from 0.
    """
    _, at = place
    if at == 0:
        st.markdown(quiz.INTRODUCTION)
    left, right = st.columns([5, 6], gap="large")
    with left:
        path = cache.paths([film.name]).get(film.name)
        picture = cache.card_picture(str(path), SIDE) if path else None
        if picture is None:
            st.markdown(":small[:material/hide_image: No picture here]")
        else:
            st.image(picture, width="stretch", alt=f"X-ray {at + 1} of {quiz.X_RAYS}, truth not yet shown")
    with right:
        st.markdown(f"**X-ray {at + 1} of {quiz.X_RAYS}**")
        answer = answers.get(film.name)
        if answer is None:
            _ask(film.name, place, answers)
        else:
            _reveal(film, place, answer, networks, films)


def _ask(film: str, place: tuple[int, int], answers: dict[str, Answer]) -> None:
    here = "-".join(map(str, place))  # each X-ray of each round has its own controls
    call = widgets.choice(
        "What do you see?", list(quiz.CALLS), key=f"{CALL}_{here}", format_func=quiz.CALLS.get, bind=False
    )
    sure = widgets.choice(
        "How sure are you?",
        list(quiz.SURE),
        key=f"{SURE}_{here}",
        default=next(iter(quiz.SURE)),
        format_func=quiz.SURE.get,
        bind=False,
    )

    def commit() -> None:
        answers[film] = Answer(bool(call), float(sure))

    st.button("Submit", key="quiz_commit", icon=":material/check:", disabled=call is None, on_click=commit)


def _reveal(
    film: pd.Series, place: tuple[int, int], answer: Answer, networks: dict[str, str], films: pd.DataFrame
) -> None:
    seed, at = place
    truth = bool(film["covid"])
    right = "right" if answer.covid == truth else "wrong"
    st.markdown(f"You said **{quiz.CALLS[answer.covid]}**. The truth: **{quiz.CALLS[truth]}**. You were {right}.")
    for name, title in networks.items():
        verdict = verdict_word(is_positive(film[name], config.THRESHOLD))
        st.markdown(f"{prediction_text.plain(title)}: **{score_text(film[name])}**, {verdict}")
        st.html(score_bar(film[name], config.THRESHOLD))
    source = quiz.source_only(films.loc[[film.name]], cache.training_films()).iloc[0]
    verdict = verdict_word(source > config.THRESHOLD)
    st.markdown(f"{quiz.SOURCE_ONLY}: **{score_text(source)}**, {verdict}")
    gray, rule = grays([film.name]).get(film.name), cache.brightness_rule()
    if gray is not None and rule:
        st.markdown(quiz.brightness(gray, rule))
    titles = {name: in_sentence(registry.title(name), first=True) for name in networks}
    st.markdown(unbroken(quiz.why(film, titles, errors(films, list(networks)), source)))
    last = at + 1 == quiz.X_RAYS
    st.button(
        "See the result" if last else "Next X-ray",
        key="quiz_next",
        icon=":material/arrow_forward:",
        on_click=_go_to,
        args=(seed, at + 1),
    )


def grays(ids: list[str]) -> dict[str, float]:
    """Return the mean gray of the X-rays `ids` that have a picture here, 0 to 255."""
    known = {film: cache.gray_of(str(path)) for film, path in cache.paths(ids).items()}
    return {film: gray for film, gray in known.items() if gray is not None}


def errors(films: pd.DataFrame, networks: list[str]) -> pd.DataFrame:
    """Return each network's share of `misses` among COVID-19 X-rays and of `alarms` among the others."""
    truth = films["covid"].astype(bool)
    positive = films[networks] > config.THRESHOLD
    return pd.DataFrame({"misses": 1 - positive[truth].mean(), "alarms": positive[~truth].mean()})


def _result(films: pd.DataFrame, answers: dict[str, Answer], networks: dict[str, str], seed: int) -> None:
    """Draw the table of all players, how sure the user was, and a link to the same ten X-rays."""
    players = {quiz.YOU: pd.Series({film: answer.covid for film, answer in answers.items()})}
    players |= {title: films[name] > config.THRESHOLD for name, title in networks.items()}
    shades, rule = grays(list(films.index)), cache.brightness_rule()
    if rule and len(shades) == len(films):
        players[quiz.BRIGHTNESS_ONLY] = pd.Series(shades).map(lambda gray: quiz.by_brightness(gray, rule))
    players[quiz.SOURCE_ONLY] = quiz.source_only(films, cache.training_films()) > config.THRESHOLD
    players[quiz.ALWAYS_NO] = pd.Series(False, index=films.index)
    st.table(quiz.results(films, players))
    st.markdown(f"**{quiz.calibration(answers, films)}**")
    with st.container(horizontal=True):
        st.button("Another ten", key="quiz_again", icon=":material/refresh:", on_click=_another)
        st.button("The same ten again", key="quiz_same", on_click=_same, args=(seed,))
    st.markdown("A link to the same ten X-rays:")
    st.code(f"{(st.context.url or '').split('?')[0]}?screen=Beat+the+model&{ROUND}={seed}", language=None)


def _any_seed() -> str:
    return str(secrets.randbelow(quiz.LARGEST_SEED) + 1)


def _go_to(seed: int, at: int) -> None:
    st.session_state[AT][seed] = at


def _another() -> None:
    st.query_params[ROUND] = _any_seed()


def _same(seed: int) -> None:
    for kept in (ANSWERS, AT):
        st.session_state[kept].pop(seed, None)
