"""The command line: `python -m covid_model COMMAND`, one file a command; `--help` lists them.

Exit codes: 0 all done, 1 something could not be read, loaded or written, 2 bad usage, 130 stopped from the keyboard.
Results go to standard output; errors to standard error, one line each.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from covid_model.cli import (
    audit,
    evaluate,
    fetch,
    health,
    lab_features,
    learning_curves,
    predict,
    readme,
    simulate,
    train,
)
from covid_model.cli.common import DONE, FAILED, PROGRAM, STOPPED, UsageError, known_errors, say_error

COMMANDS = (predict, train, evaluate, audit, fetch, lab_features, learning_curves, simulate, readme, health)


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
        name = command.__name__.rsplit(".", 1)[-1].replace("_", "-")
        summary = (command.__doc__ or "").splitlines()[0]
        one = commands.add_parser(name, help=summary, description=summary, allow_abbrev=False)
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
