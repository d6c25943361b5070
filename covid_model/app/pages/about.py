"""About: what this is and is not, the data and their licences, the networks, the limits. Rendered from data."""

from __future__ import annotations

import streamlit as st

from covid_model import network, settings
from covid_model.app import cache, facts, speed, words
from covid_model.dataset import DataError

st.title("About")

is_column, is_not_column = st.columns(2, gap="large")
with is_column:
    st.subheader("What it is")
    st.markdown(
        "A demo for a class on transfer learning: the convolutional layers of VGG-19, trained on photographs, and two "
        "dense layers on top learn to tell the chest films of people with COVID-19 from others. It shows what comes "
        "out, how such a result is read, and how a good-looking figure can mislead."
    )
with is_not_column:
    st.subheader("What it is not")
    st.markdown(
        "Not a medical device, and not a step towards one. A score says how much a film looks like the COVID-19 films "
        "that the network was trained on; it is not the chance that anyone has the disease. Nothing here was tested on "
        "people who came to a clinic, and it must not be used to decide about anyone's health."
    )

st.subheader("The paper")
st.markdown(
    f"M. H. Amini, M. B. Menhaj, H. A. Talebi: *{settings.PAPER_TITLE}*, 2021, "
    f"[doi {settings.PAPER_DOI}](https://doi.org/{settings.PAPER_DOI}). It reports an accuracy of "
    f"{settings.PAPER_ACCURACY:.0%} on {settings.PAPER_TEST[0]:,} test films, {settings.PAPER_TEST[1]} of them "
    f"COVID-19, after training on {settings.PAPER_TRAIN[0]:,} films, {settings.PAPER_TRAIN[1]} of them COVID-19."
)

scores = cache.scores()

st.subheader("Limits, and traps to know")
if scores is None:
    st.caption("This copy has no scores of the test films, so the figures that belong here are missing.")
else:
    for sentence in facts.traps(scores, settings.THRESHOLD):
        st.markdown(f"- {sentence}")
    st.markdown(
        f"**Called positive at the threshold of {settings.THRESHOLD}**, of films that no network was trained on"
    )
    st.table(
        facts.called_positive(scores, settings.THRESHOLD),
        border="horizontal",
        hide_index=True,
        alt="How many films of each source and truth each network calls positive",
    )

st.markdown(
    "- **What was looked at, and when.** Nothing was trained on or chosen by the splits `test`, `extra-test` and "
    "`external`. But Actualmed was scored nine times while this project was planned (with frozen features and a linear "
    "head), and Figure 1 in the same runs: the ideas of cutting the border, blurring and equalising come from there.\n"
    "- **How the recipe was chosen.** By short trials with one source left out of training, and by validation films "
    "cut out by patient (`assets/results/leave_one_out.json`).\n"
    "- **Patients on one side only.** Ten NIH patients stand in both `extra` and `extra-test` of the list; their films "
    "in `extra` were not trained on."
)

st.subheader("The networks")
for name in settings.NETWORK_NAMES:
    spec = cache.spec(name)
    with st.container(border=True):
        if spec is None:
            st.markdown(f"**{name}**")
            try:
                network.spec(name, settings.NETWORKS)
            except network.NetworkError as error:
                st.caption(words.plain(error))
            continue
        st.markdown(f"**{words.plain(spec.title)}** · `{spec.name}`")
        st.markdown(words.plain(spec.summary))
        st.table(facts.of_network(spec), border="horizontal", hide_header=True, alt=f"Facts about the network {name}")

runs = cache.seed_runs()
if runs:
    st.subheader("The paper's recipe, run again and again")
    count = len({run["seed"] for run in runs})
    st.markdown(
        f"One run can be lucky. Here are {count} runs from other random starts, with random jitter of the training "
        "films and without: the mean, and the standard deviation among the runs."
    )
    st.table(
        facts.seeds(runs), border="horizontal", hide_index=True, alt="Mean and spread of the figures of repeated runs"
    )

speed.show()

st.subheader("The films")
try:
    films = cache.films_table()
except DataError as error:
    st.caption(words.plain(error))
else:
    st.markdown(
        f"{len(films):,} frontal chest films of public sources, {int(films['covid'].sum()):,} of them of people with "
        "COVID-19. `test` has the paper's counts; `external` are hospitals that stand in no other split. None of these "
        "films is part of this project: its list of films says where each one is to be had."
    )
    st.markdown("**Films by source and split**, those of people with COVID-19 in brackets")
    st.table(facts.counts(films), border="horizontal", alt="Number of films of each source in each split")
    with st.expander("Licences, as the sources state them", icon=":material/license:"):
        st.table(
            facts.licences(films), border="horizontal", hide_index=True, alt="Number of films by source and licence"
        )

st.subheader("What happens to a film that you upload")
st.markdown(
    "It is decoded and read in the memory of the machine that runs this demo, for your session alone. It goes when you "
    "take it away or put another in its place, and when you close the page (within "
    f"{facts.minutes(st.get_option('server.disconnectedSessionTTL'))}, so that a broken connection can be taken up "
    "again). While a file of more than a megabyte arrives, the server keeps it in a temporary file without a name, "
    "which is gone once the file is there. It is not stored, not passed on, and not trained on. The demo's log has one "
    "line a reading: the network, the time it took, refused or not. Names, dates and other tags of a DICOM file are "
    "never shown, logged or exported."
)
