"""Open a session with a running demo, read a film there and compare its score: exit code 0 where all is well."""

from __future__ import annotations

import argparse

from covid_model.cli.common import DONE, FAILED, add_network, say_error, share
from covid_model.cli.quiet import quiet

PATIENCE, LONGEST = 120.0, 3600.0  # seconds: to wait for an answer, and that may be asked for at most


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("url", metavar="URL", help="of the demo, such as http://localhost:8501")
    add_network(parser)
    parser.add_argument(
        "--expect",
        type=share,
        metavar="SCORE",
        help="the score to compare with (default: what this copy's network gives, reckoned the first time and kept)",
    )
    parser.add_argument(
        "--patience",
        type=seconds,
        default=PATIENCE,
        metavar="SECONDS",
        help="how long to wait for an answer; the first film waits for the network to load (default: %(default)s)",
    )


def run(given: argparse.Namespace) -> int:
    from covid_model import health

    with quiet():
        found = health.examine(given.url, given.network, given.expect, given.patience)
    if found.well:
        print(found.sentence)
        return DONE
    say_error(found.sentence)
    return FAILED


def seconds(text: str) -> float:
    """An option above 0, at most an hour."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value <= LONGEST:
        raise argparse.ArgumentTypeError(f"wants seconds, above 0 and at most {LONGEST:.0f}. Received: {text!r}")
    return value
