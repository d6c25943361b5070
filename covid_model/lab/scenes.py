"""Prepared scenes: recipes with a point, one sentence each. What comes of them is measured in the run."""

from __future__ import annotations

from dataclasses import dataclass

from covid_model.lab.recipe import Recipe


@dataclass(frozen=True)
class Scene:
    """A recipe, its title, and the sentence that says what to look at."""

    title: str
    sentence: str
    recipe: Recipe


SCENES = {
    "ten-seconds": Scene(
        "98 % in ten seconds",
        "The paper's films and ten epochs: watch the accuracy climb, then count the adults called positive.",
        Recipe(),
    ),
    "adults": Scene(
        "Now add adults",
        "The same head learns from adults without COVID-19 too: compare the false alarms, and the films missed.",
        Recipe(adults="other"),
    ),
    "no-pretraining": Scene(
        "No pretraining",
        "The same VGG-19 with random weights: what is left when nothing was learnt from ImageNet.",
        Recipe(base="random"),
    ),
    "marker": Scene(
        "A planted marker",
        "Every COVID-19 film of the training set carries a marker, and in the test set the other films do: "
        "see which of the two the head had learnt.",
        Recipe(marker="swapped"),
    ),
    "thirty": Scene(
        "Thirty COVID-19 films",
        "The COVID-19 films cut to thirty: see which of the figures notices, and try another seed.",
        Recipe(covid_films=30),
    ),
}
