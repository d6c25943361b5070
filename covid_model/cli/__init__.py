"""The command line: `python -m covid_model COMMAND`. `--help` lists the commands (see COMMANDS).

Exit codes: 0 success, 1 something could not be read, loaded or written, 2 bad usage, 130 interrupted from the keyboard.
Results go to standard output, errors to standard error, one line each.
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
    """A command: its name, its line in --help, and the functions that add its arguments and run it."""

    name: str
    summary: str
    add_arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]


COMMANDS = (
    Command(
        "predict",
        "Score chest X-rays: one line per file with score, verdict, file name and warnings.",
        predict.add_predict_arguments,
        predict.run_predict,
    ),
    Command(
        "score",
        "Score a folder or bucket of chest X-rays, with Ray on all processors or a cluster; write a Parquet file. "
        "A run that was stopped resumes where it left off.",
        predict.add_score_arguments,
        predict.run_score,
    ),
    Command(
        "serve",
        "Serve predictions over HTTP, with Ray, to several apps (through COVID_MODEL_SERVE) or other programs.",
        predict.add_serve_arguments,
        predict.run_serve,
    ),
    Command(
        "train",
        "Train a network; write its weights, training history and scores to assets/.",
        train.add_train_arguments,
        train.run_train,
    ),
    Command(
        "evaluate",
        "Score every X-ray in a data folder; write the scores to assets/results.",
        train.add_evaluate_arguments,
        train.run_evaluate,
    ),
    Command(
        "readings",
        "Score the sample X-rays with every network; write scores and heatmaps to assets/results/readings.npz.",
        train.add_readings_arguments,
        train.run_readings,
    ),
    Command(
        "similarity",
        "Index and map the X-rays outside the training data by their features; write assets/results/similarity.npz and "
        ".json.",
        train.add_similarity_arguments,
        train.run_similarity,
    ),
    Command(
        "audit",
        "Run the experiments behind Can you trust it?; write the results to assets/results/audit.",
        train.add_audit_arguments,
        train.run_audit,
    ),
    Command(
        "benchmark",
        "Measure the cost of a prediction and compare it with other libraries; write the results to "
        "assets/results/benchmark.json.",
        tools.add_benchmark_arguments,
        tools.run_benchmark,
    ),
    Command(
        "card",
        "Print a network's model card as Markdown, from the committed results.",
        tools.add_card_arguments,
        tools.run_card,
    ),
    Command(
        "export",
        "Write a network to a file of plain Keras or ONNX, to use without this package.",
        data.add_export_arguments,
        data.run_export,
    ),
    Command(
        "fetch",
        "Download the X-rays from their public sources into a data folder, in the same splits.",
        data.add_fetch_arguments,
        data.run_fetch,
    ),
    Command(
        "samples",
        "Download the real sample X-rays and VGG-19's ImageNet weights into this computer's caches.",
        data.add_samples_arguments,
        data.run_samples,
    ),
    Command(
        "lab-features",
        "Compute the features for the page Train it yourself; write them to assets/lab.",
        train.add_lab_features_arguments,
        train.run_lab_features,
    ),
    Command(
        "learning-curves",
        "Train three short runs (frozen base, fine-tuned, random weights); write their curves to assets/results.",
        train.add_learning_curves_arguments,
        train.run_learning_curves,
    ),
    Command(
        "simulate",
        "Render the simulated X-rays from a chest CT.",
        data.add_simulate_arguments,
        data.run_simulate,
    ),
    Command(
        "notebook",
        "Write the notebook of the paper's recipe, from data folder to confusion matrix, to assets/.",
        data.add_notebook_arguments,
        data.run_notebook,
    ),
    Command(
        "readme",
        "Update the figures in README.md from the scores in assets/results, and its screenshots if there are any.",
        tools.add_readme_arguments,
        tools.run_readme,
    ),
    Command(
        "health",
        "Check a running demo: upload an X-ray and compare its score. Exit code 0 if the score is as expected.",
        tools.add_health_arguments,
        tools.run_health,
    ),
)


class Parser(argparse.ArgumentParser):
    """An argument parser that reports errors in one line, without the usage."""

    def error(self, message: str) -> NoReturn:
        say_error(f"{message} (see {self.prog} --help)")
        sys.exit(2)


def parser() -> argparse.ArgumentParser:
    """Build the parser of all commands; each sets `run`, a function from its arguments to an exit code."""
    root = Parser(prog=PROGRAM, description="Score chest X-rays with VGG-19 and two dense layers. A teaching demo.")
    commands = root.add_subparsers(metavar="COMMAND", required=True, parser_class=Parser)
    for command in COMMANDS:
        sub = commands.add_parser(command.name, help=command.summary, description=command.summary, allow_abbrev=False)
        command.add_arguments(sub)
        sub.set_defaults(run=command.run, parser=sub)
    return root


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # keeps TensorFlow's messages out of the output
    given = parser().parse_args(arguments)
    try:
        code = given.run(given)
        sys.stdout.flush()
        return code
    except UsageError as error:
        given.parser.error(str(error))
    except KeyboardInterrupt:
        say_error("interrupted")
        return STOPPED
    except BrokenPipeError:  # the reader of the output, such as head, has exited
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except Exception as error:
        if not isinstance(error, known_errors()):
            raise
        say_error(str(error))
        return FAILED
