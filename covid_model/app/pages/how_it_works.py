"""How it works: one film carried through a network, step by step, for a class with a projector.

What needs no network is on the page at once. The network runs only when it is asked for; its results are kept for the
session, so that the blocks, the truth and the films seen before answer without it.
"""

from __future__ import annotations

import pandas as pd
import streamlit as st

from covid_model import config, records
from covid_model.app import networks, session, state, theme, widgets
from covid_model.app.components import activations, common
from covid_model.app.components import film_picker as story_film
from covid_model.app.components.common import ask_again
from covid_model.app.text import prediction as prediction_text
from covid_model.app.text import training as training_text
from covid_model.charts import network as network_charts
from covid_model.charts import training
from covid_model.imaging import Film, FilmError, thumbnail
from covid_model.model import network_spec, pretrained
from covid_model.model.activations import ForwardTrace
from covid_model.model.input_steps import input_ranges, preparation
from covid_model.model.network_spec import NetworkSpec
from covid_model.model.predictor import PredictionError
from covid_model.model.queue import QueueFullError

RUN = "run"  # in the address and the session: the network has been asked for
MOST_STEPS = 5  # of a preparation
THUMB = 360  # pixels: how wide a step's picture is sent at most
SECTIONS = {
    "preparation": "1. The film is made to fit",
    "network": "2. It passes through the network",
    "head": "3. Features become a score",
    "loss": "4. How wrong is the score?",
    "gradcam": "5. Where the score came from",
    "pretrained": "6. Which network to start from",
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
        "A network takes numbers, always the same amount of them: every film is brought to one size first. Each "
        "network here has steps of its own. They matter, because a network cannot go by what they take away."
    )
    if spec is None:
        st.caption("This copy does not have the network chosen, so its preparation is not known.")
        return
    steps = preparation(shown.pixels, spec.preprocessing)
    with st.grid(MOST_STEPS, min_column_width=150, gap="medium"):
        for number, step in enumerate(steps, 1):
            with st.container():
                small = thumbnail.shrink(step.picture, THUMB)
                st.image(small, width="stretch", alt=f"The film, step {number}: {step.title}")
                st.markdown(f"**{step.title}.** {step.sentence}")
    ranges = input_ranges(shown.pixels, spec.preprocessing)
    parts = ", ".join(f"{name} {low:.0f} to {high:.0f}" for name, (low, high) in ranges.items()).replace("-", "−")
    size = spec.preprocessing.size
    st.markdown(
        "VGG-19 was made for colour photographs, so the grey film goes in three times, as blue, green and red. From "
        f"each, the average of ImageNet's photographs is subtracted, as Keras does. What is left runs from {parts}. "
        f"That makes **{size} × {size} × 3 = {3 * size * size:,} numbers**."
    )


def walked(data: bytes, name: str) -> ForwardTrace | None:
    """The film carried through the network; None where it cannot be, with the reason on the page."""
    try:
        if session.known_trace(data, name):
            return session.trace(data, name)
        with st.spinner("Running. The first film waits for the network to load."):
            return session.trace(data, name)
    except network_spec.NetworkError as error:
        common.network_missing(error, name)
    except QueueFullError as error:
        ask_again(error)
    except PredictionError as error:
        st.error(prediction_text.plain(error), icon=":material/block:")
    return None


def table_1() -> None:
    """Section 6."""
    header("pretrained")
    ours = next(one for one in pretrained.MODELS if one.name == pretrained.OURS)
    st.markdown(
        "**Transfer learning**: take a network that has learnt to see from 1.3 million photographs (ImageNet), and "
        "teach it a new task with few films. Keras offers many such networks; the paper's Table 1 lists them. The "
        f"paper takes VGG-19, which is simple and large. Most of its {ours.millions:g} million parameters are in its "
        "last three layers, which tell ImageNet's 1,000 kinds of things apart. These layers are cut off here. Click "
        "the name of a column to sort."
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
        widgets.show_chart(
            network_charts.models(pretrained.MODELS, pretrained.OURS, ink=theme.ink()),
            "models",
            network_charts.models_alt(pretrained.MODELS, pretrained.OURS),
        )
    st.markdown(
        f":small[Figures: [Keras]({pretrained.SOURCE}), looked up on {pretrained.LOOKED_UP} (revision "
        f"{pretrained.REVISION[:8]} of its pages).]"
    )


def table_2(spec: NetworkSpec) -> None:
    """Section 7."""
    header("run")
    st.markdown(
        f"{prediction_text.plain(spec.summary)} Table 2 says what was set for it, beside what the paper "
        "says of its own run. "
        "A **step** changes the weights a little after a look at some films; an **epoch** is one pass over all of "
        "them. **Validation** films are held out: no step learns from them."
    )
    left, right = st.columns([2, 3], gap="large")
    with left:
        st.table(training_text.rows(spec), border="horizontal", alt="Table 2: the settings of the training run")
    with right:
        if spec.history:
            widgets.show_chart(
                training.run(spec.history, ink=theme.ink()), "run_curves", training.run_alt(spec.history)
            )
            with st.expander("Every figure that was recorded", key="records"):
                history = pd.DataFrame(spec.history)
                st.dataframe(history, hide_index=True, key="records_table", alt="The history of the run, row by row")
    chosen, tried = training_text.tried(spec)
    if chosen:
        st.markdown(
            f"**How its settings were chosen.** {len(tried)} settings were tried while some of the training films were "
            "held out. Below is the one that was taken: on the films it learnt from (training) and on those held out "
            "(validation). Then it was trained again on all of them."
        )
        widgets.show_chart(training.run(chosen, ink=theme.ink()), "chosen_curves", training.run_alt(chosen))
        with st.expander("Every setting that was tried", key="tried"):
            st.dataframe(tried, hide_index=True, key="tried_table", alt="The settings tried, with what each came to")


def compared(made: records.Comparison) -> None:
    """Section 8."""
    header("compared")
    st.markdown(
        "Three runs on the same films, under the same head, for the same number of epochs. Two start from what "
        "ImageNet taught; of these, one keeps its base **frozen** and the other trains **every layer**. The third "
        "starts from **random** weights."
    )
    key = made.measure
    title = records.CURVE_MEASURES[key]
    left, right = st.columns([3, 2], gap="large")
    with left:
        widgets.show_chart(
            training.comparison(made.runs, key, title, ink=theme.ink()),
            "comparison",
            training.comparison_alt(made.runs, key, title),
        )
    with right:
        st.table(
            training_text.ends(made, key, title), border="horizontal", alt="Where each run ended, and how long it took"
        )
        if said := training_text.shared(made):
            st.caption(said)


# --- The page, from top to bottom ------------------------------------------------------------------

st.title("How it works")
st.markdown(
    "Follow one film through the network: from its pixels to its score, and back to the places on the film that the "
    "score came from."
)
film_column, choice_column = st.columns([1, 3], gap="medium")
with choice_column:
    chosen = story_film.picker()
    name = state.network_picker()
    spec = networks.spec(name)
try:
    data = chosen.data()
    shown = session.film(data)
except FilmError as error:
    st.error(prediction_text.plain(f"{chosen.title}: {error}"), icon=":material/block:")
    st.stop()
with film_column:
    st.image(thumbnail.shrink(shown.pixels, THUMB), width=240, alt="The film that is carried through")
with choice_column:
    st.text(chosen.title)
    st.markdown(f":small[{chosen.remark}]")
    curves = records.load_learning_curves()
    there = {key: title for key, title in SECTIONS.items() if (key != "compared" or curves) and (key != "run" or spec)}
    st.markdown(" · ".join(f"[{title}](#{key})" for key, title in there.items()))

prepared(shown, spec)
network_part, head_part, loss_part, gradcam_part = (st.container() for _ in range(4))
with network_part:
    header("network")
    st.markdown(
        "A **convolution** slides small filters over a picture. Each filter makes a new picture, a **feature map**, "
        "which is bright where the filter's pattern is found. VGG-19 has sixteen such layers, in five blocks. A block "
        "ends in **pooling**, which keeps the brightest of every four pixels and so halves each side. Block by block "
        "the maps get smaller and more: 512 small ones in the end. Two **dense layers**, whose units see all that "
        "comes in, make one number of them (the paper's Figure 1)."
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
    with answer.container(key="story_network"):
        walk = walked(data, name)
        if walk:
            activations.blocks(walk)
else:
    answer.button(
        "Run this film through the network",
        icon=":material/play_arrow:",
        key="run_network",
        on_click=ask,
        help="Loads TensorFlow and the network, which takes some seconds the first time.",
    )
with loss_slot.container(key="story_loss"):
    activations.loss_of(walk, chosen.covid)
if walk:
    with head_slot.container(key="story_head"):
        activations.head(walk, spec.threshold if spec else config.THRESHOLD)
    with gradcam_slot.container():
        activations.explained(walk, shown.pixels)
else:
    for slot, sentence in (
        (
            head_slot,
            "What the last block found is added up twice, with weights, and squeezed between 0 and 1: the score.",
        ),
        (gradcam_slot, "Grad-CAM asks which places of the last block's maps moved the score, and colours them."),
    ):
        slot.markdown(f"{sentence} Run the film through the network (step 2) to see its numbers here.")
