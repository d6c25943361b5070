"""How it works: one film carried through a network, step by step, for a class with a projector.

What needs no network is on the page at once. The network runs only when it is asked for; its results are kept for the
session, so that the blocks, the truth and the films seen before answer without it.
"""

from __future__ import annotations

import pandas as pd
import streamlit as st

from covid_model import learning_curves, network, pretrained, settings
from covid_model.anatomy import Walk, preparation
from covid_model.anatomy.preparation import input_ranges
from covid_model.app import cache, film_panel, state, theme, words
from covid_model.app.story import film as story_film
from covid_model.app.story import inside, look, run_table
from covid_model.charts import story
from covid_model.films import Film, FilmError
from covid_model.network import NetworkSpec
from covid_model.reading import ReadingError

RUN = "run"  # in the address and the session: the network has been asked for
MOST_STEPS = 5  # of a preparation
THUMB = 360  # pixels: how wide a step's picture is sent at most
SECTIONS = {
    "preparation": "1. The film is made to fit",
    "network": "2. It passes through the network",
    "head": "3. Features become a score",
    "loss": "4. What training makes smaller",
    "gradcam": "5. Where the score came from",
    "pretrained": "6. Whom to learn from",
    "run": "7. The training run",
    "compared": "8. Was the pretraining worth it?",
}


def header(name: str) -> None:
    st.header(SECTIONS[name], anchor=name, divider="gray")


def ask() -> None:
    """Run the network, from now on in this session, and in a link."""
    st.session_state[RUN] = True
    st.query_params[RUN] = "1"


def asked() -> bool:
    if st.query_params.get(RUN) == "1":
        st.session_state[RUN] = True
    elif st.session_state.get(RUN):
        st.query_params[RUN] = "1"
    elif RUN in st.query_params:
        del st.query_params[RUN]
    return bool(st.session_state.get(RUN))


def prepared(shown: Film, spec: NetworkSpec | None) -> None:
    """Section 1."""
    header("preparation")
    st.markdown(
        "A network takes numbers, and always the same count of them. What is done to a film before counts as much "
        "as what the network does after: each network here has its own preparation."
    )
    if spec is None:
        st.caption("This copy does not have the network chosen, so its preparation is not known.")
        return
    steps = preparation(shown.pixels, spec.preprocessing)
    with st.grid(MOST_STEPS, min_column_width=150, gap="medium"):
        for number, step in enumerate(steps, 1):
            with st.container():
                small = cache.shrink(step.picture, THUMB)
                st.image(small, width="stretch", alt=f"The film, step {number}: {step.title}")
                st.markdown(f"**{step.title}.** {step.sentence}")
    ranges = input_ranges(shown.pixels, spec.preprocessing)
    parts = ", ".join(f"{name} {low:.0f} to {high:.0f}" for name, (low, high) in ranges.items()).replace("-", "−")
    size = spec.preprocessing.size
    st.markdown(
        f"At last the grey film is copied into three channels and ImageNet's mean colour is taken off, as Keras does "
        f"for VGG-19: {parts}. That makes **{size} × {size} × 3 = {3 * size * size:,} numbers**."
    )


def walked(data: bytes, name: str) -> Walk | None:
    """The film carried through the network; None where it cannot be, with the reason on the page."""
    try:
        if cache.known_walk(data, name):
            return cache.walk(data, name)
        with st.spinner("Running. The first film waits for the network to load."):
            return cache.walk(data, name)
    except network.NetworkError as error:
        film_panel.network_missing(error, name)
    except ReadingError as error:
        st.error(words.plain(error), icon=":material/block:")
    return None


def table_1() -> None:
    """Section 6."""
    header("pretrained")
    ours = next(one for one in pretrained.MODELS if one.name == pretrained.OURS)
    st.markdown(
        "**Transfer learning**: take a network that has learned to see from 1.3 million everyday pictures "
        "(ImageNet), and teach it the new task with few films. Table 1 of the paper lists the networks that Keras "
        f"offers. The paper took VGG-19: plain, deep and large. Its {ours.millions:g} million parameters include a "
        "top of three dense layers for ImageNet's 1,000 classes, which is cut off here. Click a column to sort."
    )
    left, right = st.columns(2, gap="large")
    with left:
        table = pd.DataFrame(
            {
                "Model": [one.name for one in pretrained.MODELS],
                "Size": [one.megabytes for one in pretrained.MODELS],
                "Top-1": [one.top1 for one in pretrained.MODELS],
                "Top-5": [one.top5 for one in pretrained.MODELS],
                "Parameters": [one.millions for one in pretrained.MODELS],
                "Depth": pd.array([one.depth for one in pretrained.MODELS], dtype="Int64"),
            }
        ).sort_values("Model", key=lambda names: names != pretrained.OURS, kind="stable")
        number = st.column_config.NumberColumn
        st.dataframe(
            table,
            hide_index=True,
            height=420,
            key="table_1",
            placeholder="–",
            alt="Table 1: pretrained networks of Keras with size, accuracy, parameters and depth",
            column_config={
                "Size": number(format="%d MB"),
                "Top-1": number(format="%.1f %%", help="ImageNet's validation pictures guessed right at once"),
                "Top-5": number(format="%.1f %%", help="right among the first five guesses"),
                "Parameters": number(format="%.1f M"),
                "Depth": number(help="Layers with parameters"),
            },
        )
    with right:
        look.figure(
            story.models(pretrained.MODELS, pretrained.OURS, ink=theme.ink()),
            "models",
            story.models_alt(pretrained.MODELS, pretrained.OURS),
        )
    st.caption(
        f"Figures: [Keras]({pretrained.SOURCE}), looked up on {pretrained.LOOKED_UP} (revision "
        f"{pretrained.REVISION[:8]} of its pages)."
    )


def table_2(spec: NetworkSpec) -> None:
    """Section 7."""
    header("run")
    st.markdown(
        f"{words.plain(spec.summary)} Table 2: what was set for it, beside what the paper reports of its own run."
    )
    left, right = st.columns([2, 3], gap="large")
    with left:
        st.table(run_table.rows(spec), border="horizontal", alt="Table 2: the settings of the training run")
    with right:
        if spec.history:
            look.figure(story.run(spec.history, ink=theme.ink()), "run_curves", story.run_alt(spec.history))
            with st.expander("Every figure that was recorded", key="records"):
                history = pd.DataFrame(spec.history)
                st.dataframe(history, hide_index=True, key="records_table", alt="The history of the run, row by row")
    chosen, tried = run_table.tried(spec)
    if chosen:
        st.markdown(
            f"**How its settings were chosen.** {len(tried)} settings were tried with some of the training films held "
            "out; this is the one taken, on the others and on those held out. Then it was trained on all of them."
        )
        look.figure(story.run(chosen, ink=theme.ink()), "chosen_curves", story.run_alt(chosen))
        with st.expander("Every setting that was tried", key="tried"):
            st.dataframe(tried, hide_index=True, key="tried_table", alt="The settings tried, with what each came to")


def compared(made: learning_curves.Comparison) -> None:
    """Section 8."""
    header("compared")
    st.markdown(
        "Three runs on the same films, under the same head, for the same number of epochs. Two start from what "
        "ImageNet taught; of these, one keeps its base **frozen** and the other trains **every layer**. The third "
        "starts from **random** weights."
    )
    key = made.measure
    title = learning_curves.MEASURES[key]
    left, right = st.columns([3, 2], gap="large")
    with left:
        look.figure(
            story.comparison(made.runs, key, title, ink=theme.ink()),
            "comparison",
            story.comparison_alt(made.runs, key, title),
        )
    with right:
        st.table(
            run_table.ends(made, key, title), border="horizontal", alt="Where each run ended, and how long it took"
        )
        if said := run_table.shared(made):
            st.caption(said)


# --- The page, from top to bottom ------------------------------------------------------------------

st.title("How it works")
st.markdown(
    "One film, carried through the network from its first pixel to its score, and back to the place that the score "
    "came from."
)
film_column, choice_column = st.columns([1, 3], gap="medium")
with choice_column:
    chosen = story_film.picker()
    name = state.network_picker()
    spec = cache.spec(name)
try:
    data = chosen.data()
    shown = cache.film(data)
except FilmError as error:
    st.error(words.plain(f"{chosen.title}: {error}"), icon=":material/block:")
    st.stop()
with film_column:
    st.image(cache.shrink(shown.pixels, THUMB), width=240, alt="The film that is carried through")
with choice_column:
    st.text(chosen.title)
    st.markdown(f":small[{chosen.remark}]")
    curves = learning_curves.load()
    there = {key: title for key, title in SECTIONS.items() if (key != "compared" or curves) and (key != "run" or spec)}
    st.markdown(" · ".join(f"[{title}](#{key})" for key, title in there.items()))

prepared(shown, spec)
network_part, head_part, loss_part, gradcam_part = (st.container() for _ in range(4))
with network_part:
    header("network")
    st.markdown(
        "VGG-19 is sixteen convolutions in five blocks, each block ending in a pooling layer that halves the picture. "
        "As the pictures shrink, their number grows: from one film to 512 small maps of what is where. Two dense "
        "layers on top turn these into one number (the paper's Figure 1)."
    )
    answer = st.empty()
with head_part:
    header("head")
    head_slot = st.empty()
with loss_part:
    header("loss")
    loss_slot = st.empty()
with gradcam_part:
    header("gradcam")
    gradcam_slot = st.empty()
table_1()
if spec is not None:
    table_2(spec)
if curves:
    compared(curves)

# The parts that wait for the network come last, into their places above.
walk = None
if asked():
    with answer.container():
        walk = walked(data, name)
        if walk:
            inside.blocks(walk)
else:
    answer.button(
        "Run this film through the network",
        icon=":material/play_arrow:",
        key="run_network",
        on_click=ask,
        help="Loads TensorFlow and the network, which takes some seconds the first time.",
    )
with loss_slot.container():
    inside.loss_of(walk, chosen.covid)
if walk:
    with head_slot.container():
        inside.head(walk, spec.threshold if spec else settings.THRESHOLD)
    with gradcam_slot.container():
        inside.explained(walk, shown.pixels)
else:
    for slot, sentence in (
        (
            head_slot,
            "The last block's features are weighed twice, and a sigmoid makes a score of the sum.",
        ),
        (gradcam_slot, "Grad-CAM asks which places of the last block's maps moved the score, and paints them."),
    ):
        slot.markdown(f"{sentence} Run the film through the network (step 2) to see its numbers here.")
