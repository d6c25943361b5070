"""Beat the model: ten X-rays with known truth, drawn by a seed, and how the user does against the networks.

The baselines never look at the lungs: one knows only the mean brightness, one only the source, one always answers
negative. No Streamlit here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from covid_model import config
from covid_model.app.text import prediction as prediction_text
from covid_model.formatting import percent, verdict_word
from covid_model.verdict import is_positive

X_RAYS = 10  # of a round
POSITIVE = 5  # of them COVID-19, where there are so many
ERRORS = 3  # confident errors of a network among them, at least
CONFIDENT = 0.8  # how far a score is from the truth, at least, in a confident error
LARGEST_SEED = 9999
SURE = {
    0.55: "A guess (55 %)",
    0.75: "Fairly sure (75 %)",
    0.95: "Certain (95 %)",
}  # the chance to be right
CALLS = {True: "COVID-19", False: "Non-COVID"}
YOU, BRIGHTNESS_ONLY, SOURCE_ONLY = "You", "Mean brightness only", "Source only (no image)"
ALWAYS_NO = "Always negative"
INTRODUCTION = (
    f"{X_RAYS} adult X-rays that no network was trained on. Say what you see and how sure you are; then see what "
    "the networks say, and the truth. Your answers stay in this browser tab."
)
TOO_FEW = (
    "The quiz needs {count} real X-rays, including some that a network gets badly wrong, and this computer has too "
    "few. Download them from their sources."
)


@dataclass(frozen=True)
class Answer:
    """What the user says of an X-ray: COVID-19 or not, and how likely that is right, in [0.5, 1]."""

    covid: bool
    sure: float


def enough(films: pd.DataFrame, networks: Sequence[str]) -> bool:
    """Return whether a round can be drawn: X_RAYS films of as many patients, ERRORS of them confident errors."""
    once = films.drop_duplicates("patient")
    return len(once) >= X_RAYS and films.loc[_wrong(films, networks), "patient"].nunique() >= ERRORS


def _wrong(films: pd.DataFrame, networks: Sequence[str]) -> pd.Series:
    """Return which films are a confident error of a network."""
    return films[list(networks)].sub(films["covid"], axis=0).abs().ge(CONFIDENT).any(axis=1)


def draw(films: pd.DataFrame, networks: Sequence[str], seed: int) -> list[str]:
    """Return the ids of X_RAYS films, no two of one patient, in a random order that depends on `seed` alone.

    At least ERRORS of them are confident errors of a network, if there are `enough`, and POSITIVE are COVID-19, if
    there are so many.

    Args:
        films: by id, with the columns covid and patient, and a column of scores for each of `networks`.
    """
    rng = np.random.default_rng(seed)
    films = films.sort_index()
    films = films.iloc[rng.permutation(len(films))]
    films = films.loc[
        _wrong(films, networks).sort_values(ascending=False, kind="stable").index
    ]  # a patient's error first
    films = films.drop_duplicates("patient")
    chosen = list(films.index[_wrong(films, networks)][:ERRORS])
    films = films.loc[rng.permutation(films.index.to_numpy())]
    for covid, count in ((1, POSITIVE), (0, X_RAYS - POSITIVE)):
        have = int((films.loc[chosen, "covid"] == covid).sum())
        chosen += [film for film in films.index[films["covid"] == covid] if film not in chosen][: max(0, count - have)]
    chosen += [film for film in films.index if film not in chosen][: max(0, X_RAYS - len(chosen))]
    return [str(film) for film in rng.permutation(chosen[:X_RAYS])]


def source_only(films: pd.DataFrame, training: pd.DataFrame) -> pd.Series:
    """Return the share of COVID-19 in training among X-rays of each film's source, of all where it had none."""
    shares = training.groupby("source")["covid"].mean()
    return films["source"].map(shares).fillna(training["covid"].mean())


def by_brightness(gray: float, rule: Mapping[str, float | bool]) -> bool:
    """Return the verdict of the baseline that knows a film's mean gray (0 to 255) alone.

    Args:
        rule: `threshold`, and whether the `brighter` films are positive, as `experiments.baselines` fitted them.
    """
    return (gray >= rule["threshold"]) == rule["brighter"]


def brightness(gray: float, rule: Mapping[str, float | bool]) -> str:
    """Return what that baseline says and why, with its threshold."""
    verdict = verdict_word(by_brightness(gray, rule))
    return f"{BRIGHTNESS_ONLY}: gray **{gray:.0f}** (threshold {rule['threshold']:.0f}), {verdict}"


def results(films: pd.DataFrame, players: Mapping[str, pd.Series]) -> pd.DataFrame:
    """Return one row per player: X-rays called correctly, sensitivity and false positives, as counts.

    Args:
        films: those answered, by id, with the column covid.
        players: verdicts (bool, by id) by the player's title.
    """
    truth = films["covid"].astype(bool)
    rows = {}
    for title, verdicts in players.items():
        calls = verdicts.reindex(films.index).astype(bool)
        rows[title] = {
            "Correctly classified": f"{int((calls == truth).sum())} of {len(films)}",
            "Sensitivity": f"{int((calls & truth).sum())} of {int(truth.sum())}",
            "False positives among adults": f"{int((calls & ~truth).sum())} of {int((~truth).sum())}",
        }
    return pd.DataFrame.from_dict(rows, orient="index")


def calibration(answers: Mapping[str, Answer], films: pd.DataFrame) -> str:
    """Return how sure the user was and how often right, on average and for each of SURE that was chosen."""
    right = [answer.covid == bool(films.at[film, "covid"]) for film, answer in answers.items()]
    sure = [answer.sure for answer in answers.values()]
    share, claimed = float(np.mean(right)), float(np.mean(sure))
    gap = claimed - share
    if abs(gap) <= 0.1:
        verdict = "that is well calibrated"
    else:
        verdict = "that is overconfident" if gap > 0 else "you know more than you think"
    parts = []
    for level, title in SURE.items():
        hits = [hit for hit, answer in zip(right, answers.values(), strict=True) if answer.sure == level]
        if hits:
            parts.append(f"{title}: {sum(hits)} of {len(hits)} right")
    return (
        f"You were {percent(claimed)} sure on average and right {percent(share)} of the time: {verdict}. "
        f"{'; '.join(parts)}."
    )


def why(film: pd.Series, networks: Mapping[str, str], shares: pd.DataFrame, source: float) -> str:
    """Return one sentence on why the answers to this X-ray matter.

    Args:
        film: its row, with covid, source and a score for each network.
        networks: titles of the networks by name, the one that the demo is about first.
        shares: by network, the columns `misses` and `alarms`: the share of its errors among such X-rays.
        source: the score of the baseline that knows only the source.
    """
    truth = bool(film["covid"])
    wrong = [name for name in networks if is_positive(film[name], config.THRESHOLD) != truth]
    named = prediction_text.source_title(film["source"])
    if wrong:
        name = wrong[0]
        share = percent(float(shares.at[name, "misses" if truth else "alarms"]))
        if truth:
            return f"{networks[name]} misses this one, like {share} of the COVID-19 X-rays from these sources."
        return f"{networks[name]} calls {share} of these sources' adults without COVID-19 positive, including this one."
    if (source > config.THRESHOLD) == truth:
        return f"Its source alone, {named}, gives the same answer, without a look at the picture."
    return f"Its source, {named}, points the other way, so here the networks cannot have relied on the source alone."
