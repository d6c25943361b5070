"""Train a head: settings on the left, curves growing epoch by epoch on the right, up to three runs side by side.

The run lives in the script: each epoch is drawn as it ends, and whatever the visitor touches meanwhile stops it there.
Runs stay in the session, so that two visitors never meet.
"""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from covid_model import charts, config
from covid_model.app import cache, theme, widgets
from covid_model.app.runtime import render_slots
from covid_model.app.text import prediction as prediction_text
from covid_model.data.dataset import DataError
from covid_model.evaluation import Estimate
from covid_model.training import playground
from covid_model.training.playground import Epoch, PlaygroundError, Recipe, Run
from covid_model.training.playground.recipe import CHOICES, PLAY, RANGES, label, link, sentence
from covid_model.training.playground.train import counts

RUNS = "lab_runs"  # in the session: the runs shown, the oldest first
BEGIN = "lab-begin"  # in the session: a scene was chosen, train it at once
MAX_RUNS = 3  # shown side by side
MADE = "lab_made"  # in the session: how many runs there have been
NAMES = {  # what each setting is called, and what it is
    "covid_films": ("COVID-19 films", f"How many of the paper's {CHOICES['covid_films'][-1]}, drawn by the seed."),
    "other_films": (
        "Other films",
        f"How many of the paper's {CHOICES['other_films'][-1]:,}, drawn by the seed; nearly all are of children.",
    ),
    "adults": (
        "Adults added",
        "Films of adults from NIH ChestX-ray8 and the COVID-19 Radiography Database, all of them.",
    ),
    "weight": ("A COVID-19 film counts as", "How many other films it counts for in the loss."),
    "units": ("Hidden units", "Of the first dense layer. 0 leaves it out, which is logistic regression."),
    "dropout": ("Dropout", "Share of the hidden units that are silent, drawn anew at each step."),
    "rate": ("Learning rate", "How far Adam goes at each step."),
    "epochs": ("Epochs", "Passes over the training films."),
    "seed": ("Seed", "Of the films drawn, the first weights, their order and the dropout: one seed, one result."),
    "base": ("Frozen base", "VGG-19 as ImageNet taught it, or with random weights that nothing was ever taught."),
    "marker": (
        "Planted marker in the test",
        "A made-up number beside the features, as a letter on a film's edge would be: in training, 1 on every COVID-19 "
        "film and 0 on the others. Here you choose where it stands in the test films.",
    ),
}


# --- Settings -----------------------------------------------------------------------------------------


def setting(name: str) -> object:
    """Draw the widget of one setting, bound to the address, and return what it stands at."""
    title, help_ = NAMES[name]
    default = getattr(Recipe(), name)
    common = {"key": name, "bind": "query-params", "help": help_}
    if name in CHOICES:
        written = {label(name, value): value for value in CHOICES[name]}
        if name in ("adults", "base"):
            chosen = widgets.choice(title, written, key=name, default=label(name, default), help=help_, wrap=True)
        elif name == "marker":
            chosen = st.selectbox(title, list(written), index=list(written).index(label(name, default)), **common)
        else:
            chosen = st.select_slider(title, list(written), label(name, default), **common)
        return written.get(chosen)
    low, high, step = RANGES[name]
    draw = st.number_input if name == "seed" else st.slider
    return draw(title, low, high, default, step, **common)


def settings_panel() -> Recipe:
    values = {name: setting(name) for name in ("covid_films", "other_films", "adults", "base", "marker")}
    with st.expander("The head and its training", key="lab_head"):
        values |= {name: setting(name) for name in ("epochs", "units", "dropout", "rate", "weight", "seed")}
    return Recipe.of(values)


def set_scene(recipe: Recipe) -> None:
    """Set the whole panel, and with it the address; from a callback."""
    for name, value in recipe.__dict__.items():
        st.session_state[name] = label(name, value) if name in CHOICES else value
    st.session_state[BEGIN] = True


def asked_by_address() -> bool:
    """Whether the link that was opened asks to train at once. It is asked once: a reload only shows the settings."""
    asked = st.query_params.get(PLAY) == "1"
    if PLAY in st.query_params:
        del st.query_params[PLAY]
    return asked


def scenes() -> None:
    """The prepared scenes: a button plays one here, beside the runs there are; a link plays it in a new tab."""
    with st.grid(len(playground.PRESETS), min_column_width=200, gap="small"):
        for name, scene in playground.PRESETS.items():
            with st.container(border=True, key=f"card_{name}", gap="xsmall", height="stretch"):
                st.button(
                    f"**{scene.title}**",
                    key=f"scene_{name}",
                    icon=":material/play_circle:",
                    type="tertiary",
                    on_click=set_scene,
                    args=(scene.recipe,),
                )
                st.markdown(f":small[{scene.sentence} [Link]({link(scene.recipe)})]")
    st.caption(
        "A scene sets everything below and trains at once; its link does the same for whoever opens it. Your own "
        "settings stand in the address: copy it to send them."
    )


# --- What came of it ----------------------------------------------------------------------------------


def panels(floor: float) -> dict[str, tuple[str, Callable[[Epoch], float | None], dict]]:
    """The curves: name, what an epoch gives it, and how it is drawn."""
    always = (floor, f"always “no”: {100 * floor:.1f} %")
    return {
        "loss": ("Loss, training films", lambda epoch: epoch.loss, {"limits": None}),
        "accuracy": ("Accuracy, test films", lambda epoch: epoch.test_accuracy, {"limits": (0.9, 1), "floor": always}),
        "found": ("COVID-19 films found", lambda epoch: epoch.sensitivity, {}),
        "alarms": ("Adults’ false alarms", lambda epoch: epoch.more_adults.value, {}),
    }


def curves(runs: list[Run], floor: float, drawn: str) -> None:
    longest = max([config.PAPER_EPOCHS, *(run.recipe.epochs for run in runs)]) if runs else config.PAPER_EPOCHS
    with st.grid(2, min_column_width=260, gap="small"):
        for name, (title, value, look) in panels(floor).items():
            lines = {run.number: [value(epoch) or 0.0 for epoch in run.epochs] for run in runs}
            with st.container(gap="xsmall"):
                st.markdown(f"**{title}**")
                widgets.show_chart(
                    charts.learning_curve(lines, longest, ink=theme.ink(), **look),
                    key=f"lab_{name}_{drawn}",
                    alt=charts.learning_curve_alt(title, lines, share=name != "loss"),
                )


def of(estimate: Estimate) -> str:
    return f"{estimate.count:,} of {estimate.total:,}"


def card(run: Run, stopped: bool, drawn: str) -> None:
    """One run: its settings, its test films, its figures."""
    state = f"{len(run.epochs)} of {run.recipe.epochs} epochs{prediction_text.STOPPED if stopped else ''}"
    st.markdown(f"**Run {run.number}** · {state}  \n:small[{prediction_text.plain(sentence(run.recipe))}]")
    if not run.epochs:
        st.caption("No epoch has ended yet.")
        return
    last = run.epochs[-1]
    widgets.show_chart(
        charts.small_confusion_matrix(last.matrix, ink=theme.ink()),
        key=f"lab_matrix_{run.number}_{drawn}",
        alt=charts.confusion_matrix_alt(last.matrix, config.THRESHOLD),
    )
    auc = "–" if last.auc is None else f"{last.auc:.3f}"
    st.markdown(
        f"- Adults without COVID-19 called positive: **{of(last.adults)}** in the test, **{of(last.more_adults)}** "
        f"in “{config.SPLIT_TITLES['extra-test']}”\n- Test accuracy **{100 * last.test_accuracy:.1f} %**, AUC {auc}\n"
        f"- Trained on {run.covid:,} COVID-19 and {run.other:,} other films in {last.seconds:.1f} s; "
        f"training accuracy {100 * last.accuracy:.1f} %"
    )


def results(runs: list[Run], floor: float, running: Run | None = None) -> None:
    drawn = "_".join(f"{run.number}-{len(run.epochs)}" for run in runs)  # in keys: one script draws many times
    curves(runs, floor, drawn)
    if not runs:
        st.container(key="lab_empty").caption(f"Press *Train*. Up to {MAX_RUNS} runs will stand here, side by side.")
        return
    st.caption(
        f"One more run of the same settings and seed gives the same line; a run beyond {MAX_RUNS} takes the "
        "place of the oldest."
    )
    st.markdown(f"**Test films at the threshold {config.THRESHOLD:g}**")
    for column, run in zip(st.columns(MAX_RUNS, gap="medium"), runs, strict=False):
        with column, st.container(key=f"lab_run_{run.number}_{drawn}"):
            card(run, run is not running and not run.finished, drawn)


def idle(runs: list[Run]) -> tuple[float, str]:
    """How far the last run came, for the bar that stands there before and after a run as well."""
    if not runs or not runs[-1].epochs:
        return 0.0, "No epoch has ended yet."
    last = runs[-1]
    return len(last.epochs) / last.recipe.epochs, progress_text(last)


def progress_text(run: Run) -> str:
    return f"Run {run.number}: {len(run.epochs)} of {run.recipe.epochs} epochs, {run.epochs[-1].seconds:.1f} s"


def clear() -> None:
    st.session_state[RUNS], st.session_state[MADE] = [], 0


def begin(recipe: Recipe, films: tuple[int, int]) -> Run:
    """A new run in the session, in the place of the oldest where three stand there."""
    st.session_state[MADE] = st.session_state.get(MADE, 0) + 1
    run = Run(st.session_state[MADE], recipe, *films)
    st.session_state[RUNS] = [*st.session_state.get(RUNS, []), run][-MAX_RUNS:]
    return run


# --- The page -----------------------------------------------------------------------------------------

st.title("Train a head")
st.markdown(
    "The convolutional layers stay frozen, so what they make of each film was computed once; only the last layers "
    "learn, here and now. The paper’s head sees 7 × 7 × 512 features of a film; this one sees their 512 averages over "
    "the film, so it learns in seconds but cannot tell where on a film something is."
)
try:
    store = cache.lab_store()
except (PlaygroundError, DataError) as error:
    st.info(prediction_text.plain(str(error)), title="No features to train on")
    st.stop()

scenes()
left, right = st.columns([1, 3], gap="medium")
with left, st.container(border=True, key="lab_settings"):
    recipe = settings_panel()
    covid, other = counts(store.films, recipe)
    st.container(key="lab_counts").caption(f"Trains on **{covid:,}** COVID-19 films and **{other:,}** others.")
with right:
    with st.container(horizontal=True, vertical_alignment="center"):
        start = st.button("Train", key="lab_train", icon=":material/play_arrow:")
        stop = st.empty()
        st.button(
            "Clear runs", key="lab_clear", icon=":material/delete:", type="tertiary", on_click=clear,
            disabled=not st.session_state.get(RUNS) and not start,
        )  # fmt: skip
    progress, shown = st.empty(), st.empty()

test = store.films["split"].eq("test")
floor = float(1 - store.films.loc[test, "covid"].mean())
if start or st.session_state.pop(BEGIN, False) or asked_by_address():
    run = begin(recipe, (covid, other))
    runs = st.session_state[RUNS]
    stop.button("Stop", key="lab_stop", icon=":material/stop:", help="Keeps the epochs that have ended.")
    progress.progress(0.0, f"Run {run.number}: epoch 1 of {recipe.epochs}")
    with shown.container():
        results(runs, floor, running=run)
    with render_slots.release_slot():  # a run takes seconds
        for epoch in playground.train(store, recipe):
            run.epochs.append(epoch)
            with shown.container():
                results(runs, floor, running=run)
            progress.progress(epoch.number / recipe.epochs, progress_text(run))
    stop.empty()
else:
    runs = st.session_state.get(RUNS, [])
    progress.progress(*idle(runs))
    with shown.container():
        results(runs, floor)
with right:
    st.markdown(f":small[To send these settings so that they train at once, [copy this link]({link(recipe)}).]")
    st.caption(
        "*Adults’ false alarms*: share of the adults without COVID-19 in the split "
        f"“{config.SPLIT_TITLES['extra-test']}” that are called "
        "positive; no run trains on them. The test films are scored after every epoch for you to watch. Whoever picks "
        "settings by them has used them up as a test."
    )
