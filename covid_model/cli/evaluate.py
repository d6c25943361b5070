"""Score every film of a data folder again and leave the scores in assets/results."""

from __future__ import annotations

import argparse

from covid_model.cli.common import DONE, add_data, add_network, add_vgg19, data_folder, vgg19_for


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_network(parser, every=True)
    add_data(parser)
    add_vgg19(parser)


def run(given: argparse.Namespace) -> int:
    from covid_model import dataset, network, scoring

    data = dataset.load(data_folder(given.data))
    for name in [given.network] if given.network else network.available():
        scoring.run(name, data, vgg19_for(name, given.vgg19))
    return DONE
