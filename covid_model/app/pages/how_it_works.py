"""Show the page "How it works": one film passes through a network, step by step, for a class with a projector.

Everything that needs no network is on the page at once; the network runs by itself as the last step. What it gave for
a film of the catalog is kept for all sessions, for an upload only in its own.
"""

from __future__ import annotations

import pandas as pd
import streamlit as st

from covid_model import config, records
from covid_model.app import networks, session, state, widgets
from covid_model.app.components import activations, common, explanation_lab, film_picker
from covid_model.app.components.common import ask_again
from covid_model.app.films import ImageSource
from covid_model.app.text import code_snippets
from covid_model.app.text import how_it_works as story_text
from covid_model.app.text import prediction as prediction_text
from covid_model.app.text import training as training_text
from covid_model.charts import network as network_charts
from covid_model.charts import training
from covid_model.formatting import unbroken
from covid_model.imaging import Film, FilmError, image
from covid_model.imaging.preprocessing import input_ranges, preparation
from covid_model.model import registry, vgg19
from covid_model.model.activations import ForwardTrace
from covid_model.model.predictor import PredictionError
from covid_model.model.queue import QueueFullError
from covid_model.model.registry import NetworkSpec

TAB = "half"  # name in the URL; the value is a label
MOST_STEPS = 5  # of a network's preprocessing
THUMB = 360  # pixels: the greatest width of a picture


def header(name: str, *snippets: str, note: str | None = None) -> None:
    """Draw a section's heading with its anchor and, beside it, the button that shows its code."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"section_{name}"):
        st.header(story_text.SECTIONS[name], anchor=name, width="content")
        common.code_button(story_text.SECTIONS[name], *snippets, key=name, note=note)


def show_preprocessing(shown: Film, spec: NetworkSpec | None) -> None:
    """Draw section 1."""
    header("preparation", *([code_snippets.preprocessing(spec.preprocessing)] if spec else []))
    st.markdown(story_text.PREPROCESSING)
    if spec is None:
        st.caption("The selected model is not available, so its preprocessing is unknown.")
        return
    steps = preparation(shown.pixels, spec.preprocessing)
    with st.grid(MOST_STEPS, min_column_width=150, gap="medium"):
        for number, step in enumerate(steps, 1):
            with st.container():
                small = image.shrink(step.picture, THUMB)
                st.image(activations.jpeg(small), width="stretch", alt=f"The X-ray after step {number}: {step.title}")
                st.markdown(f"**{step.title}.** {step.sentence}")
    ranges = input_ranges(shown.pixels, spec.preprocessing)
    st.markdown(unbroken(story_text.inputs(ranges, spec.preprocessing.size)))


def run_network(source: ImageSource, name: str) -> ForwardTrace | None:
    """Return the film's forward trace; None, with the reason on the page, if the network cannot run."""
    try:
        if session.known_trace(source, name):
            return session.trace(source, name)
        with st.spinner(prediction_text.analyzing("Running")):
            return session.trace(source, name)
    except registry.NetworkError as error:
        common.network_missing(error, name)
    except QueueFullError as error:
        ask_again(error)
    except PredictionError as error:
        st.error(prediction_text.plain(error), icon=":material/block:")
    return None


def show_pretrained(spec: NetworkSpec | None) -> None:
    """Draw section 6, with Table 1."""
    header("pretrained", code_snippets.pretrained(config.INPUT_SIZE if spec is None else spec.preprocessing.size))
    ours = next(model for model in vgg19.MODELS if model.name == vgg19.OURS)
    st.markdown(story_text.transfer_learning(ours.millions))
    left, right = st.columns(2, gap="large")
    with left:
        table = pd.DataFrame(
            {
                "Model": [model.name for model in vgg19.MODELS],
                "Size": [model.megabytes for model in vgg19.MODELS],
                "Top-1": [model.top1 for model in vgg19.MODELS],
                "Top-5": [model.top5 for model in vgg19.MODELS],
                "Parameters": [model.millions for model in vgg19.MODELS],
                "Depth": pd.array([model.depth for model in vgg19.MODELS], dtype="Int64"),
            }
        ).sort_values("Model", key=lambda names: names != vgg19.OURS, kind="stable")
        number = st.column_config.NumberColumn
        st.dataframe(
            table,
            hide_index=True,
            height=420,
            key="table_1",
            placeholder="–",
            alt="Table 1: pretrained networks in Keras with size, accuracy, parameters and depth",
            column_config={
                "Size": number(format="%d MB"),
                "Top-1": number(format="%.1f %%", help="Share of ImageNet's validation images classified correctly"),
                "Top-5": number(format="%.1f %%", help="Share with the correct class among the five most likely"),
                "Parameters": number(format="%.1f M"),
                "Depth": number(help="Layers with parameters"),
            },
        )
    with right:
        widgets.show_chart(
            network_charts.models(vgg19.MODELS, vgg19.OURS, ink=widgets.ink()),
            "models",
            network_charts.models_alt(vgg19.MODELS, vgg19.OURS),
        )
    st.markdown(
        f":small[Source: [Keras]({vgg19.SOURCE}), retrieved on {vgg19.LOOKED_UP} (revision "
        f"{vgg19.REVISION[:8]} of the page).]"
    )


def show_training_run(spec: NetworkSpec) -> None:
    """Draw section 7, with Table 2."""
    snippets = code_snippets.training_run(spec), code_snippets.metrics(state.threshold())
    header("run", *snippets, note=code_snippets.left_out(spec))
    st.markdown(story_text.training_run(prediction_text.plain(spec.summary)))
    left, right = st.columns([2, 3], gap="large")
    with left:
        st.table(training_text.rows(spec), border="horizontal", alt="Table 2: the settings of the training run")
    with right:
        if spec.history:
            widgets.show_chart(
                training.run(spec.history, ink=widgets.ink()), "run_curves", training.run_alt(spec.history)
            )
            with st.expander("All recorded figures", key="records"):
                history = pd.DataFrame(spec.history)
                st.dataframe(
                    history, hide_index=True, key="records_table", alt="The history of the run, epoch by epoch"
                )
    chosen, tried = training_text.tried(spec)
    if chosen:
        st.markdown(story_text.tuning(len(tried)))
        widgets.show_chart(training.run(chosen, ink=widgets.ink()), "chosen_curves", training.run_alt(chosen))
        with st.expander("All settings tried", key="tried"):
            st.dataframe(tried, hide_index=True, key="tried_table", alt="The settings tried, with the result of each")


def show_comparison(comparison: records.Comparison) -> None:
    """Draw section 8: learning curves with and without pretraining."""
    code = code_snippets.compared(comparison.about)
    header("compared", *([code] if code else []))
    st.markdown(unbroken(story_text.COMPARED))
    key = comparison.measure
    title = records.CURVE_MEASURES[key]
    left, right = st.columns([3, 2], gap="large")
    with left:
        widgets.show_chart(
            training.comparison(comparison.runs, key, title, ink=widgets.ink()),
            "comparison",
            training.comparison_alt(comparison.runs, key, title),
        )
    with right:
        if sentence := training_text.winner(comparison):
            st.markdown(unbroken(sentence))
        st.table(
            training_text.ends(comparison, key, title),
            border="horizontal",
            alt="The result of each run, and how long it took",
        )
        if sentence := training_text.shared(comparison):
            st.caption(unbroken(sentence))


# --- The page, from top to bottom ------------------------------------------------------------------

st.title("How it works")
st.markdown(story_text.INTRODUCTION)
film_column, choice_column = st.columns([1, 3], gap="medium")
with choice_column:
    chosen = film_picker.picker()
    name = state.network_picker()
    spec = networks.spec(name)
try:
    shown = session.film(chosen.source)
except FilmError as error:
    st.error(prediction_text.plain(f"{chosen.title}: {error}"), icon=":material/block:")
    st.stop()
with film_column:
    st.image(image.shrink(shown.pixels, THUMB), width=240, alt="The X-ray to follow")
with choice_column:
    st.text(chosen.title)
    st.markdown(f":small[{chosen.remark}]")

network_tab, training_tab, lab_tab = st.tabs(story_text.TABS, key=TAB, bind="query-params")
# Only the open tab is drawn: opening another one runs the page anyway, and a change of page would pay for all three.
if network_tab.open:
    with network_tab:
        show_preprocessing(shown, spec)
        header("network")
        st.markdown(story_text.NETWORK)
        network_slot = st.container(key="story_network")
        header("head", *([code_snippets.head(spec, state.threshold())] if spec else []))
        head_slot = st.container(key="story_head")
        header("loss")
        loss_slot = st.container(key="story_loss")
        header("gradcam", code_snippets.gradcam(name))
        gradcam_slot = st.container(key="story_gradcam")
    # The network runs last, when all the rest is on the screen, and fills its places above.
    with network_slot:
        trace = run_network(chosen.source, name)
        if trace:
            activations.blocks(trace)
    with head_slot:
        if trace:
            activations.head(trace, state.threshold(), chosen.simulated)
        else:
            st.markdown(story_text.HEAD_BEFORE)
    with loss_slot:
        activations.loss_of(trace, chosen.covid, chosen.simulated)
    with gradcam_slot:
        if trace:
            activations.explained(trace, shown.pixels)
        else:
            st.markdown(story_text.GRADCAM_BEFORE)
elif training_tab.open:
    with training_tab:
        show_pretrained(spec)
        if spec is not None:
            show_training_run(spec)
        if curves := records.load_learning_curves():
            show_comparison(curves)
elif lab_tab.open:
    with lab_tab:
        explanation_lab.show(chosen.source, name)
