"""Print a network's model card as Markdown, made of the committed results."""

from __future__ import annotations

import argparse

from covid_model.cli.common import DONE, add_network


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_network(parser)


def run(given: argparse.Namespace) -> int:
    from covid_model import model_card

    print(model_card.markdown(model_card.read(given.network)), end="")
    return DONE
