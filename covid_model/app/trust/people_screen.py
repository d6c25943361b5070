"""Screen 2: who was in the data, by age and source of the two classes."""

from __future__ import annotations

from covid_model import dataset, settings
from covid_model.app import cache, theme, turnstile, widgets
from covid_model.app.splits import SPLITS
from covid_model.app.trust import people, sentences
from covid_model.app.trust.slide import slide
from covid_model.charts import trust
from covid_model.dataset import DataError

WHO = "who"  # in the address, by its label
ORDER = ("test", "train", "extra", "extra-test", "external")  # the paper's two sets first


def headline(split: str = "test") -> str | None:
    try:
        films = cache.films_table()
    except DataError:
        return None
    rows = people.rows(dataset.labelled(films[films["split"] == split]))
    return sentences.people(rows, people.CHILDREN, SPLITS[split][0])


@turnstile.fragment
def show() -> None:
    place = slide()
    try:
        films = cache.films_table()
    except DataError as error:
        place.say("Who was in the data?", str(error))
        return
    with place.control:
        split = widgets.choice(
            "Films",
            ORDER,
            format_func=lambda name: SPLITS[name][0],
            default="test",
            key=WHO,
            wrap=True,
        )
    part = dataset.labelled(films[films["split"] == split])
    if part.empty:
        place.say("Who was in the data?", "The list of films has none of these.")
        return
    rows = people.rows(part)
    grown = part[part["source"] != settings.CHILDREN]
    words = f"{SPLITS[split][1]}: {len(part):,} films. {sentences.given_away(*people.of_source(part))}"
    remarks = sentences.ages_of(people.stated(grown).dropna().tolist(), len(grown)) if len(grown) else ""
    place.say(headline(split), words, remarks)
    place.show(trust.ages(rows, ink=theme.ink()), f"ages_{split}", trust.ages_alt(rows))
    place.check(
        "Each side is drawn in shares of its own films. The check: do the two classes differ by more than the disease?",
        "roberts",
        "degrave",
    )
