"""Show the page "Train it yourself": settings, and curves that grow epoch by epoch.

Training runs inside the script: each epoch is drawn as it ends, and any action of the user stops it there. Runs are
kept in the session, so users never see each other's.
"""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from covid_model import charts, config
from covid_model.app import cache, widgets
from covid_model.app.components import common
from covid_model.app.runtime import render_slots
from covid_model.app.text import code_snippets
from covid_model.app.text import prediction as prediction_text
from covid_model.app.text import training as playground_text
from covid_model.data.dataset import DataError
from covid_model.evaluation import Estimate
from covid_model.formatting import unbroken
from covid_model.training import playground
from covid_model.training.playground import Epoch, PlaygroundError, Recipe, Run, counts
from covid_model.training.playground.recipe import CHOICES, PLAY, RANGES, label, link, sentence

RUNS = "lab_runs"  # in the session: the runs shown, oldest first
BEGIN = "lab-begin"  # in the session: a scene was chosen and is to be trained at once
MAX_RUNS = 3  # shown side by side
PINNED = "lab_pinned"  # in the session: the numbers of the runs that stay
MADE = "lab_made"  # in the session: the number of runs so far


# --- Settings -----------------------------------------------------------------------------------------


def setting(name: str) -> object:
    """Draw the widget of one setting, bound to the URL, and return its value."""
    title, help_ = playground_text.SETTINGS[name]
    default = getattr(Recipe(), name)
    common = {"key": name, "bind": "query-params", "help": help_}
    if name in CHOICES:
        labels = {label(name, value): value for value in CHOICES[name]}
        if name in ("pool", "adults", "base"):
            chosen = widgets.choice(title, labels, key=name, default=label(name, default), help=help_, wrap=True)
        elif name == "marker":
            chosen = st.selectbox(title, list(labels), index=list(labels).index(label(name, default)), **common)
        else:
            chosen = st.select_slider(title, list(labels), label(name, default), **common)
        return labels.get(chosen)
    low, high, step = RANGES[name]
    draw = st.number_input if name == "seed" else st.slider
    return draw(title, low, high, default, step, **common)


def settings_panel() -> Recipe:
    """Draw the settings and return the recipe that they make."""
    values = {name: setting(name) for name in ("pool", "covid_films", "other_films", "adults", "base", "marker")}
    with st.expander("Head and training", key="lab_head"):
        values |= {name: setting(name) for name in ("epochs", "units", "dropout", "rate", "weight", "seed")}
    return Recipe.from_values(values)


def set_scene(recipe: Recipe) -> None:
    """Set the whole panel, and with it the URL; a callback."""
    for name, value in recipe.__dict__.items():
        st.session_state[name] = label(name, value) if name in CHOICES else value
    st.session_state[BEGIN] = True


def started_by_url() -> bool:
    """Return whether a link asks to train at once. Only its first run does: a reload just shows the settings."""
    started = st.query_params.get(PLAY) == "1"
    if PLAY in st.query_params:
        del st.query_params[PLAY]
    return started


def scenes() -> None:
    """Draw the prepared scenes; a button sets one and trains it, beside the other runs."""
    with st.container(horizontal=True, gap="small", key="lab_scenes"):
        for name, scene in playground.PRESETS.items():
            st.button(
                scene.title,
                key=f"scene_{name}",
                icon=":material/play_circle:",
                on_click=set_scene,
                args=(scene.recipe,),
                help=scene.sentence,
            )


# --- Results ----------------------------------------------------------------------------------


def panels(floor: float) -> dict[str, tuple[str, Callable[[Epoch], float | None], dict]]:
    """Return the curves by name: title, value of an epoch, and how it is drawn."""
    baseline = (floor, f"always negative: {100 * floor:.1f} %")
    return {
        "accuracy": (
            playground_text.ACCURACY,
            lambda epoch: epoch.test_accuracy,
            {"limits": (0.9, 1), "floor": baseline},
        ),
        "alarms": (playground_text.FALSE_POSITIVES, lambda epoch: epoch.more_adults.value, {}),
    }


def curves(runs: list[Run], floor: float, drawn: str) -> None:
    """Draw the two curves of all runs."""
    longest = max([config.PAPER_EPOCHS, *(run.recipe.epochs for run in runs)]) if runs else config.PAPER_EPOCHS
    with st.grid(2, min_column_width=260, gap="small"):
        for name, (title, value, look) in panels(floor).items():
            lines = {run.number: [value(epoch) or 0.0 for epoch in run.epochs] for run in runs}
            with st.container(gap="xsmall"):
                st.markdown(f"**{title}**")
                widgets.show_chart(
                    charts.learning_curve(lines, longest, ink=widgets.ink(), **look),
                    key=f"lab_{name}_{drawn}",
                    alt=charts.learning_curve_alt(title, lines),
                )


def ratio(estimate: Estimate) -> str:
    """Return "3 of 18"."""
    return f"{estimate.count:,} of {estimate.total:,}"


def card(run: Run, stopped: bool, drawn: str, headed: bool) -> None:
    """Draw one run: its headline if `headed`, its settings, its confusion matrix, its figures."""
    if run.epochs and headed:
        st.markdown(f"**{playground_text.headline(run.epochs[-1])}**")
    state = f"{len(run.epochs)} of {run.recipe.epochs} epochs{prediction_text.STOPPED if stopped else ''}"
    st.markdown(f"**Run {run.number}** · {state}  \n:small[{prediction_text.plain(sentence(run.recipe))}]")
    if not run.epochs:
        st.caption(playground_text.NO_EPOCH)
        return
    last = run.epochs[-1]
    widgets.show_chart(
        charts.small_confusion_matrix(last.matrix, ink=widgets.ink()),
        key=f"lab_matrix_{run.number}_{drawn}",
        alt=charts.confusion_matrix_alt(last.matrix, config.THRESHOLD),
    )
    auc = "–" if last.auc is None else f"{last.auc:.3f}"
    st.markdown(
        f"- Adults without COVID-19 called positive: **{ratio(last.adults)}** in the test set, "
        f"**{ratio(last.more_adults)}** in the {config.SPLIT_TITLES['extra-test'].lower()}\n"
        f"- Test accuracy **{100 * last.test_accuracy:.1f} %**, AUC {auc}\n"
        f"- Trained on {run.covid:,} COVID-19 and {run.other:,} non-COVID X-rays in {last.seconds:.1f} s; "
        f"training accuracy {100 * last.accuracy:.1f} %"
    )


def results(runs: list[Run], floor: float, running: Run | None = None) -> None:
    """Draw the last run's headline, the curves, and below them one card for each run."""
    drawn = "_".join(f"{run.number}-{len(run.epochs)}" for run in runs)  # in keys, since one script draws many times
    headline = st.container(key=f"lab_headline_{drawn}")  # there before the first epoch too, so that nothing moves
    if runs and runs[-1].epochs:
        headline.subheader(playground_text.headline(runs[-1].epochs[-1]), anchor=False)
    curves(runs, floor, drawn)
    if not runs:
        st.container(key="lab_empty").caption(playground_text.no_runs(MAX_RUNS))
        return
    st.caption(playground_text.runs_note(MAX_RUNS))
    st.markdown(f"**Test set at a threshold of {config.THRESHOLD:.2f}**")
    for column, run in zip(st.columns(MAX_RUNS, gap="medium"), runs, strict=False):
        with column, st.container(key=f"lab_run_{run.number}_{drawn}"):
            card(run, run is not running and not run.finished, drawn, headed=len(runs) > 1)
            if running is None:
                with st.container(horizontal=True, vertical_alignment="center"):
                    pin(run)
                    code = code_snippets.playground_run(run.recipe, run.covid, run.other, config.THRESHOLD)
                    common.code_button(f"Run {run.number}", code, key=f"run_{run.number}")


def pin(run: Run) -> None:
    """Draw the button that keeps a run when newer ones come; one place stays free for those."""
    pinned = pins()
    st.button(
        "Pinned" if run.number in pinned else "Pin",
        key=f"lab_pin_{run.number}",
        icon=":material/keep:",
        type="tertiary",
        on_click=lambda: pinned.symmetric_difference_update({run.number}),
        disabled=run.number not in pinned and len(pinned) == MAX_RUNS - 1,
        help="Keep this run beside newer ones.",
    )


def pins() -> set[int]:
    """Return the numbers of the pinned runs, which the session keeps."""
    return st.session_state.setdefault(PINNED, set())


def idle(runs: list[Run]) -> tuple[float, str]:
    """Return share and text of the last run's progress, for the bar that is shown between runs as well."""
    if not runs or not runs[-1].epochs:
        return 0.0, playground_text.NO_RUN
    last = runs[-1]
    return len(last.epochs) / last.recipe.epochs, progress_text(last)


def progress_text(run: Run) -> str:
    """Return how far a run is, for the progress bar."""
    return f"Run {run.number}: {len(run.epochs)} of {run.recipe.epochs} epochs, {run.epochs[-1].seconds:.1f} s"


def clear() -> None:
    """Remove all runs; a callback."""
    st.session_state[RUNS], st.session_state[MADE] = [], 0
    pins().clear()


def begin(recipe: Recipe, films: tuple[int, int]) -> Run:
    """Add a run to the session, which replaces the oldest of MAX_RUNS that is not pinned."""
    st.session_state[MADE] = st.session_state.get(MADE, 0) + 1
    run = Run(st.session_state[MADE], recipe, *films)
    runs = st.session_state.get(RUNS, [])
    if len(runs) == MAX_RUNS:
        oldest = next(old for old in runs if old.number not in pins())
        runs = [old for old in runs if old is not oldest]
    st.session_state[RUNS] = [*runs, run]
    return run


# --- The page -----------------------------------------------------------------------------------------

st.title("Train it yourself")
st.markdown(unbroken(playground_text.INTRODUCTION))
try:
    store = cache.lab_store()
except (PlaygroundError, DataError) as error:
    st.info(prediction_text.plain(str(error)), title="No features to train on")
    st.stop()

scenes()
left, right = st.columns([3, 1], gap="medium")  # in this order, so that on a phone the results are in view
with right, st.container(border=True, key="lab_settings"):
    recipe = settings_panel()
    covid, other = counts(store.films, recipe)
    st.container(key="lab_counts").caption(f"Trains on **{covid:,}** COVID-19 and **{other:,}** non-COVID X-rays.")
with left:
    if scene := next((scene for scene in playground.PRESETS.values() if scene.recipe == recipe), None):
        st.container(key="lab_scene").markdown(f"**{scene.title}.** {scene.sentence}")
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
if start or st.session_state.pop(BEGIN, False) or started_by_url():
    run = begin(recipe, (covid, other))
    runs = st.session_state[RUNS]
    stop.button("Stop", key="lab_stop", icon=":material/stop:", help="Keeps the finished epochs.")
    progress.progress(0.0, f"Run {run.number}: epoch 1 of {recipe.epochs}")
    with shown.container():
        results(runs, floor, running=run)
    with render_slots.release_slot():  # a run takes seconds
        for epoch in playground.train(store, recipe):
            run.epochs.append(epoch)
            with shown.container():
                results(runs, floor, running=None if run.finished else run)
            progress.progress(epoch.number / recipe.epochs, progress_text(run))
    stop.empty()
else:
    runs = st.session_state.get(RUNS, [])
    progress.progress(*idle(runs))
    with shown.container():
        results(runs, floor)
with left:
    st.markdown(f":small[To share these settings so that training starts at once, [copy this link]({link(recipe)}).]")
    st.caption(playground_text.NOTE)
