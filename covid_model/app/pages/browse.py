"""Films: who scored what, film by film, as in the paper's Figures 2 and 3. Pick, sort, page, open.

Everything set here stands in the address. Scores come from assets/results/scores.csv; pictures, where there are any,
are read for the films shown and for no others, and the network runs on those only when heatmaps are asked for.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pandas as pd
import streamlit as st

from covid_model import config
from covid_model.app import cache, state, widgets
from covid_model.app import films as app_films
from covid_model.app.components import common, download_button, film_card
from covid_model.app.text import browse as browse_text
from covid_model.app.text import prediction as prediction_text
from covid_model.app.text.browse import FILTERS, HEATMAPS, LEFT, ORDER, SET, SHEET, SHOWN, SOURCE, TRUTH, VERDICT
from covid_model.config import CELL_NAMES
from covid_model.data.dataset import DataError
from covid_model.imaging import FilmError
from covid_model.model import registry
from covid_model.model.network_spec import NetworkError
from covid_model.model.predictor import PredictionError

READ_PAGE = config.ROOT / "covid_model" / "app" / "pages" / "try_an_xray.py"
A_ROW, NARROWEST = 6, 150  # cards side by side at most; pixels that a card needs at least

# --- What is picked ---------------------------------------------------------------------------------


def pick_set() -> str:
    return widgets.choice(
        "Films",
        list(browse_text.SETS),
        format_func=lambda name: browse_text.SETS[name][0],
        default="test",
        key=SET,
        wrap=True,
    )


def pick_source(films: pd.DataFrame) -> str | None:
    """One of the sources that the films come from, or None for all."""
    here = set(films["source"])
    titles = {title: name for name, title in config.SOURCE_TITLES.items() if name in here}
    everything = browse_text.ALL_SOURCES
    if st.session_state.get(SOURCE) not in (None, everything, *titles):  # of a set looked at before
        st.session_state[SOURCE] = everything
    picked = st.selectbox("Source", [everything, *titles], key=SOURCE, bind="query-params", width=260)
    return titles.get(picked)


def pick_truth() -> str | None:
    return widgets.choice("Listed as", list(browse_text.TRUTHS), format_func=browse_text.TRUTHS.get, key=TRUTH)


def pick_verdicts() -> list[str]:
    picked = st.pills(
        "Verdict at this threshold",
        list(CELL_NAMES),
        format_func=CELL_NAMES.get,
        selection_mode="multi",
        key=VERDICT,
        bind="query-params",
        wrap=True,
        help="A film is called positive where it scores above the threshold. No choice: all films.",
    )
    return [cell for cell in picked if cell in CELL_NAMES]


def pick_order() -> str:
    picked = st.selectbox(
        "Order",
        list(browse_text.ORDERS),
        format_func=browse_text.ORDERS.get,
        key=ORDER,
        bind="query-params",
        width=190,
        help="*Most wrong*: how far the score lies from the truth, which is 1 for COVID-19 and 0 for other films.",
    )
    return picked if picked in browse_text.ORDERS else next(iter(browse_text.ORDERS))


def pick_sheet(sheets: int, picked: tuple) -> int:
    """The number of the sheet to show; the first one where anything else was picked anew."""
    last = st.session_state.get(SHOWN)
    st.session_state[SHOWN] = picked
    number = st.session_state.get(SHEET, 1)
    if (last is not None and last != picked) or not isinstance(number, int) or not 1 <= number <= sheets:
        st.session_state[SHEET] = 1
    if sheets == 1:
        return 1
    return st.pagination(sheets, key=SHEET, bind="query-params")


def remember() -> None:
    """Keep what is picked, for `come_back`."""
    if state.FILM in st.query_params:  # the page is being left for that film
        return
    kept = {key: st.query_params.get_all(key) for key in st.query_params}
    st.session_state[LEFT] = kept, {key: st.session_state[key] for key in (*FILTERS, SHOWN) if key in st.session_state}


def come_back() -> None:
    """After Back from a film that was opened here: Streamlit left the film, not what was picked, in the address."""
    if state.FILM in st.query_params and LEFT in st.session_state:
        kept, values = st.session_state[LEFT]
        st.query_params.from_dict(kept)
        st.session_state.update(values)
        st.rerun()


# --- What is shown ----------------------------------------------------------------------------------


def open_link(film: str, network: str, threshold: float) -> None:
    st.page_link(
        READ_PAGE,
        label=film,
        icon=":material/open_in_new:",
        help="Read this film on the first page",
        query_params={state.FILM: film, state.NETWORK: network, state.THRESHOLD: f"{threshold:g}"},
    )


def cards(films: pd.DataFrame, paths: dict[str, Path], network: str, threshold: float, heatmaps: bool) -> None:
    """The films as cards: picture, score, verdict, what the source lists, a link to read it."""
    slots = {}
    with st.grid(A_ROW, min_column_width=NARROWEST, gap="small") as grid:
        for film, row in films.iterrows():
            with grid.cell(), st.container(gap="xsmall"):
                alt = film_card.describe(film, row["score"], row["cell"])
                slots[film] = picture(film, paths.get(film), alt, network, heatmaps)
                st.html(
                    film_card.of_film(row["score"], threshold, row["cell"], row["finding"], row["source"], row["url"])
                )
                open_link(film, network, threshold)
    if heatmaps:
        read_slots([(film, slot, paths[film]) for film, slot in slots.items() if slot], network)


def simulated(network: str, threshold: float, heatmaps: bool) -> None:
    """The films that were rendered for the demo. Their score is known once they are read."""
    films = {film.id: film for film in cache.samples().values() if film.simulated}
    if not films:
        st.info("This copy has no simulated films.", icon=":material/folder_off:")
        return
    st.markdown(
        "Rendered from a CT, with opacities put in by us: **simulated**, and outside what the networks were trained "
        "on, so their scores may be odd. They are scored when you ask for heatmaps."
    )
    slots, facts = {}, {}
    with st.grid(A_ROW, min_column_width=NARROWEST, gap="small") as grid:
        for film in films.values():
            with grid.cell(), st.container(gap="xsmall"):
                title = app_films.short_title(film)
                slots[film.id] = picture(film.id, film.path, film_card.describe_simulated(title), network, heatmaps)
                facts[film.id] = st.empty()
                known = read_before(film.path, network) if heatmaps else None
                facts[film.id].html(film_card.of_simulated(title, known[1] if known else None, threshold))
                open_link(film.id, network, threshold)
    if heatmaps:
        waiting = [(film, slot, films[film].path) for film, slot in slots.items() if slot]
        for film, score in read_slots(waiting, network).items():
            facts[film].html(film_card.of_simulated(app_films.short_title(films[film]), score, threshold))


def picture(film: str, path: Path | None, alt: str, network: str, heatmap: bool):
    """Draw a film. Gives its place on the page where the heatmap is still to come, else None."""
    place = st.empty()
    plain = cache.card_picture(str(path)) if path else None
    if plain is None:
        place.container(key=f"no-picture-{film}").markdown(":small[:material/hide_image: No picture here]")
        return None
    known = read_before(path, network) if heatmap else None
    if known:
        place.image(known[0], width="stretch", alt=film_card.under_heatmap(alt))
        return None
    place.image(plain, width="stretch", alt=alt)
    return partial(place.image, width="stretch", alt=film_card.under_heatmap(alt)) if heatmap else None


def read_before(path: Path, network: str) -> tuple[bytes, float] | None:
    """A film under its heatmap, and its score, where this visitor has had it read; None where not, or refused."""
    try:
        return cache.card_heatmap(str(path), network) if cache.known_card(str(path), network) else None
    except (FilmError, PredictionError):
        return None


def read_slots(waiting: list, network: str) -> dict[str, float]:
    """Read films one after another, each one's heatmap on the page as soon as it is there. Gives their scores."""
    scores = {}
    for number, (film, slot, path) in enumerate(waiting, 1):
        try:
            with busy, st.spinner(f"Reading film {number} of {len(waiting)}. The first waits for the network to load."):
                jpeg, scores[film] = cache.card_heatmap(str(path), network)
        except NetworkError as error:
            with busy.container():
                common.network_missing(error, network)
            return scores
        except (FilmError, PredictionError) as error:
            st.toast(prediction_text.plain(f"{film}: {error}"), icon=":material/block:")
        else:
            slot(jpeg)
    busy.empty()
    return scores


def list_of(films: pd.DataFrame, title: str) -> None:
    """The films as a table, for copies without pictures."""
    rows = pd.DataFrame(
        {
            "id": films.index,
            "score": films["score"].to_numpy(),
            "verdict": films["cell"].map(film_card.VERDICT).to_numpy(),
            "listed": films["finding"].to_numpy(),
            "source": films["source"].map(prediction_text.source_title).to_numpy(),
            "url": films["url"].where(films["url"].str.match(r"https?://"), None).to_numpy(),
        }
    )
    columns = st.column_config
    st.dataframe(
        prediction_text.style_scores(rows, ["score"]),
        key="films_list",
        hide_index=True,
        height="content",
        placeholder="–",
        alt=f"{title}: id, score, verdict, finding and source of each film",
        column_config={
            "id": columns.TextColumn("Id"),
            "score": columns.NumberColumn("Score"),
            "verdict": columns.TextColumn("Verdict"),
            "listed": columns.TextColumn("Finding"),
            "source": columns.TextColumn("Source"),
            "url": columns.LinkColumn("At its source", display_text="Open"),
        },
    )


def pictures(films: pd.DataFrame, films_set: str) -> dict[str, Path] | None:
    """Where the films' pictures are, by id; None where no data folder is set, or a damaged one."""
    if films_set == browse_text.FREE:
        return cache.free_paths() or None
    try:
        data = cache.dataset()
        if data is None:
            return None
        return {film: data.path(film) for film in films.index if film in data.films.index}
    except DataError as error:
        st.warning(prediction_text.plain(error), icon=":material/folder_off:")
        return None


# --- The page, from top to bottom ------------------------------------------------------------------

st.title("Films")
come_back()
introduction = st.empty()
with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
    films_set = pick_set()
    network = state.network_picker()
    beside = st.container(width="content")
threshold = state.threshold_slider("Threshold: films that score above it are called positive")

if films_set == browse_text.SIMULATED:
    introduction.markdown(f"{browse_text.SETS[films_set][1]}.")
    heatmaps = beside.toggle("Scores and heatmaps", key=HEATMAPS, bind="query-params")
    busy = st.empty()
    remember()
    simulated(network, threshold, heatmaps)
    st.stop()

films = cache.gallery_table(network)
if films is None:
    st.info(
        f"This page reads `assets/results/{config.SCORES_CSV.name}`, which is not there or not as it must be. "
        "Make it with `python -m covid_model evaluate`, which takes a data folder and a while.",
        title="No scores yet",
    )
    st.stop()
films = browse_text.select_set(films, films_set, threshold, cache.free_ids() if films_set == browse_text.FREE else ())
introduction.markdown(f"{browse_text.SETS[films_set][1]}: what each of them scored. Open one to see what spoke for it.")
if films_set == browse_text.FREE:
    download_button.offer("Their pictures are not here yet.")
if films.empty:
    st.info(
        f"There are no scores of {prediction_text.plain(registry.title(network))} for these films.",
        title="Nothing to show",
    )
    for other in registry.names():
        if other != network and len(
            browse_text.select_set(cache.gallery_table(other), films_set, threshold, cache.free_ids())
        ):
            st.button(
                f"Use {registry.title(other)} instead", on_click=state.choose_network, args=(other,), key=f"use-{other}"
            )
    st.stop()

with st.container(horizontal=True, gap="small"):  # a wider gap would not leave all four in a row at 1280 pixels
    source, truth, verdicts, order = pick_source(films), pick_truth(), pick_verdicts(), pick_order()
found = browse_text.in_order(browse_text.filtered(films, source, truth, verdicts), order)
if found.empty:
    st.info("No film is like that.", icon=":material/filter_alt_off:")
    st.stop()
above = st.container()
number = pick_sheet(browse_text.sheet(found, 1).sheets, (films_set, network, source, truth, tuple(verdicts), order))
remember()
sheet = browse_text.sheet(found, number)
with above:
    st.container(key="films_summary").markdown(browse_text.summary(found, sheet))
    paths = pictures(sheet.rows, films_set)
    if paths is None:
        list_of(sheet.rows, browse_text.SETS[films_set][0])
        fetched = ", or once they were fetched" if films_set == browse_text.FREE else ""
        st.caption(f"Pictures and heatmaps appear where {config.DATA_VARIABLE} names a data folder{fetched}.")
    else:
        heatmaps = beside.toggle("Heatmaps", key=HEATMAPS, bind="query-params")
        busy = st.empty()
        cards(sheet.rows, paths, network, threshold, heatmaps)
    if films_set == browse_text.FREE:
        credits = dict.fromkeys(prediction_text.credit(row) for _, row in sheet.rows.iterrows())
        st.markdown(f":small[{' '.join(credits)}]")  # a link in a caption would be too pale
