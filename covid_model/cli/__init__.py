"""The command line: `python -m covid_model COMMAND`, see COMMANDS; `--help` lists them.

Exit codes: 0 all done, 1 something could not be read, loaded or written, 2 bad usage, 130 stopped from the keyboard.
Results go to standard output; errors to standard error, one line each.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NoReturn

from covid_model.cli import data, predict, tools, train
from covid_model.cli.common import DONE, FAILED, PROGRAM, STOPPED, UsageError, known_errors, say_error


@dataclass(frozen=True)
class Command:
    """A command: what is typed, its line in --help, and its two functions."""

    name: str
    summary: str
    add_arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]


COMMANDS = (
    Command(
        "predict",
        "Read films: one line a film with its score, verdict, name and warnings.",
        predict.add_arguments,
        predict.run,
    ),
    Command(
        "train",
        "Train a network again and leave it, its history and its scores in assets/.",
        train.add_train_arguments,
        train.run_train,
    ),
    Command(
        "evaluate",
        "Score every film of a data folder again and leave the scores in assets/results.",
        train.add_evaluate_arguments,
        train.run_evaluate,
    ),
    Command(
        "audit",
        "Make the experiments behind the score and leave what they found in assets/results/audit.",
        train.add_audit_arguments,
        train.run_audit,
    ),
    Command(
        "benchmark",
        "Measure what reading a film costs, against other ways and libraries, and keep it in "
        "assets/results/benchmark.json.",
        tools.add_benchmark_arguments,
        tools.run_benchmark,
    ),
    Command(
        "card",
        "Print a network's model card as Markdown, made of the committed results.",
        tools.add_card_arguments,
        tools.run_card,
    ),
    Command(
        "fetch",
        "Build a data folder from the public sources: the same films, in the same splits.",
        data.add_fetch_arguments,
        data.run_fetch,
    ),
    Command(
        "lab-features",
        "Make the features that the page Train a head trains on and leave them in assets/lab.",
        train.add_lab_features_arguments,
        train.run_lab_features,
    ),
    Command(
        "learning-curves",
        "Train three short runs, frozen, fine-tuned and from random weights, and leave their curves in assets/results.",
        train.add_learning_curves_arguments,
        train.run_learning_curves,
    ),
    Command(
        "simulate",
        "Render the simulated films again from a chest CT.",
        data.add_simulate_arguments,
        data.run_simulate,
    ),
    Command(
        "readme",
        "Write README.md's figures again from the scores in assets/results, and its pictures where there are any.",
        tools.add_readme_arguments,
        tools.run_readme,
    ),
    Command(
        "health",
        "Open a session with a running demo, read a film there and compare its score: exit code 0 where all is well.",
        tools.add_health_arguments,
        tools.run_health,
    ),
)


class Parser(argparse.ArgumentParser):
    """argparse, with its error in one line: no usage before it."""

    def error(self, message: str) -> NoReturn:
        say_error(f"{message} (see {self.prog} --help)")
        sys.exit(2)


def parser() -> argparse.ArgumentParser:
    """The parser of all commands; each command sets `run`, a function from its arguments to an exit code."""
    whole = Parser(prog=PROGRAM, description="Read chest films with VGG-19 and two dense layers. A teaching demo.")
    commands = whole.add_subparsers(metavar="COMMAND", required=True, parser_class=Parser)
    for command in COMMANDS:
        one = commands.add_parser(command.name, help=command.summary, description=command.summary, allow_abbrev=False)
        command.add_arguments(one)
        one.set_defaults(run=command.run, parser=one)
    return whole


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # TensorFlow's own chatter is not our output
    given = parser().parse_args(arguments)
    try:
        code = given.run(given)
        sys.stdout.flush()
        return code
    except UsageError as error:
        given.parser.error(str(error))
    except KeyboardInterrupt:
        say_error("stopped")
        return STOPPED
    except BrokenPipeError:  # whoever read our output, such as head, has gone
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except Exception as error:
        if not isinstance(error, known_errors()):
            raise
        say_error(str(error))
        return FAILED
