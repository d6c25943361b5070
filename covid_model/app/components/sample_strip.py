"""Offer sample X-rays to try without an upload."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from covid_model import config
from covid_model.app import cache, films, state
from covid_model.app.components import download_button
from covid_model.app.text import prediction as prediction_text
from covid_model.data.dataset import DataError

TRIES_A_ROW = 5


def show(shown: str | None, network: str, threshold: float) -> None:
    """Offer a few films that need no upload: real ones where there are any, and those that ship with the project.

    Args:
        shown: id of the film that the page shows, None if it shows none.
        network: name of the chosen network.
        threshold: in [0, 1].
    """
    try:
        dataset, examples = cache.dataset(), cache.examples()
    except DataError as error:
        st.warning(prediction_text.plain(error), icon=":material/folder_off:")
        dataset, examples = None, []
    if examples:
        st.markdown(":small[Or pick a test X-ray that no network was trained on]")
        offer([(example.id, example.label, dataset.path(example.id)) for example in examples], shown)
    free = [] if examples else cache.free_examples()[:TRIES_A_ROW]
    if free:
        st.markdown(":small[Or pick a real, open-license X-ray]")
        offer([(example.id, example.label, cache.free_paths()[example.id]) for example in free], shown)
    if not examples:
        download_button.offer("Or download real, open-license X-rays")
    rows = 1 if examples or free else 2  # more would push the score off the screen; "Browse X-rays" shows them all
    samples = films.varied(list(cache.samples().values()), rows * TRIES_A_ROW)
    own = [(sample.id, films.short_title(sample), sample.path) for sample in samples]
    if own:
        st.markdown(":small[Or pick an X-ray **simulated** from a CT for this demo, free for anyone to use]")
        offer(own, shown)
    if not examples and not free and not own:
        st.caption(f"To try X-rays without uploading any, set {config.DATA_VARIABLE} to a data folder.")


def offer(films: list[tuple[str, str, Path]], shown: str | None) -> None:
    """Draw rows of films (id, label, path of the picture), each with a button that picks it."""
    for start in range(0, len(films), TRIES_A_ROW):
        for column, (film, label, path) in zip(
            st.columns(TRIES_A_ROW, gap="xsmall", wrap=False), films[start:], strict=False
        ):
            with column:
                dicom = path.suffix == ".dcm"  # its decoder takes a second to load: too long for the first page
                thumbnail = None if dicom else cache.thumbnail(str(path))
                if thumbnail is not None:
                    st.image(thumbnail, width="stretch", alt="")
                st.button(
                    label,
                    key=f"try-{film}",
                    on_click=state.choose_film,
                    args=(film,),
                    icon=":material/check:" if film == shown else None,
                    width="stretch",
                    wrap=True,
                )
