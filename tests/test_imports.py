"""Who may import what: streamlit in the app alone, ours downward and never in a ring, TensorFlow in functions alone.

(The rooms under `training` may import TensorFlow at once, but nobody may import them at once.)
"""

from __future__ import annotations

import ast
import graphlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from covid_model import settings

PACKAGE = settings.ROOT / "covid_model"
FILES = sorted(PACKAGE.rglob("*.py"))
HEAVY = {"tensorflow", "keras"}
HEAVY_ROOMS = {"network", "features", "training", "reading", "gradcam", "audit", "lab", "scoring", "jitter", "anatomy"}
HEAVY_ROOMS |= {"benchmark", "novelty"}
# Lower ones may not import higher ones. What stands on one line may import one another, but never in a ring.
LAYERS = (
    {"settings"},
    {"log"},
    {"films", "dataset", "preprocessing", "jitter", "temperature", "network", "gradcam", "overlay", "what_if"},
    {
        "anatomy",
        "reading",
        "evaluation",
        "features",
        "scoring",
        "charts",
        "training",
        "fetch",
        "free_films",
        "simulate",
        "audit",
        "lab",
        "model_card",
        "report",
        "visitor",
        "health",
        "benchmark",
    },
    {"cli", "app"},
)


def module(path: Path) -> str:
    parts = path.relative_to(settings.ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def room(name: str) -> str:
    """The first part below covid_model: "films" of covid_model.films.dicom."""
    return name.split(".")[1] if "." in name else ""


def imports(path: Path) -> Iterator[tuple[str, bool]]:
    """Every import of a file, and whether importing the file runs it."""

    def walk(node: ast.AST, at_once: bool) -> Iterator[tuple[str, bool]]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.Import):
                yield from ((alias.name, at_once) for alias in child.names)
            elif isinstance(child, ast.ImportFrom):
                assert not child.level, f"{path}: relative import"
                for alias in child.names:
                    yield f"{child.module}.{alias.name}", at_once
            else:
                checking = isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test)
                inside = isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
                yield from walk(child, at_once and not checking and not inside)

    yield from walk(ast.parse(path.read_text()), True)


def ours(path: Path) -> Iterator[tuple[str, bool]]:
    """The imports of a file that are modules of ours."""
    known = {module(file) for file in FILES}
    for name, at_once in imports(path):
        if name.startswith("covid_model."):
            target = name if name in known else name.rsplit(".", 1)[0]
            if target in known and target != "covid_model":
                yield target, at_once


@pytest.mark.parametrize("path", FILES, ids=module)
def test_rules_of_one_file(path):
    here = room(module(path))
    for name, at_once in imports(path):
        top = name.split(".")[0]
        if top == "streamlit":
            assert here == "app" or (here == "visitor" and not at_once), f"{module(path)} imports streamlit"
        if top in HEAVY:
            assert here in HEAVY_ROOMS, f"{module(path)} imports {top}"
            assert not at_once or here == "training", f"{module(path)} imports {top} outside a function"
        if name.startswith("covid_model.training"):
            assert not at_once or here == "training", f"{module(path)} imports training outside a function"


@pytest.mark.parametrize("path", FILES, ids=module)
def test_imports_run_downward(path):
    level = {name: number for number, layer in enumerate(LAYERS) for name in layer}
    here = room(module(path))
    for target, _ in ours(path):
        there = room(target)
        if here in level and there in level:
            assert level[there] <= level[here], f"{module(path)} imports {target} from above"
        assert not target.startswith("covid_model.app.pages"), f"{module(path)} imports a page"
        assert there != "app" or here == "app", f"{module(path)} imports the app"


def test_no_ring():
    graph = {
        module(path): {target for target, at_once in ours(path) if at_once and not path.name.startswith("__init__")}
        for path in FILES
    }
    list(graphlib.TopologicalSorter(graph).static_order())


def run(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], cwd=settings.ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout.strip().splitlines()[-1]


def test_importing_everything_loads_no_tensorflow():
    plain = [name for name in map(module, FILES) if not name.endswith("__main__") and ".pages" not in name]
    plain = [name for name in plain if not name.startswith("covid_model.training")]
    code = (
        "import sys, importlib\n"
        f"for name in {plain}: importlib.import_module(name)\n"
        "print(sorted({'tensorflow', 'keras'} & set(sys.modules)))"
    )
    assert run(code) == "[]"


def test_first_page_loads_nothing_heavy():
    code = (
        "import sys\n"
        "from streamlit.testing.v1 import AppTest\n"
        "app = AppTest.from_file('streamlit_app.py', default_timeout=60).run()\n"
        "assert not app.exception, app.exception[0].value\n"
        "assert app.title[0].value == 'Read a film'\n"
        "print(sorted({'tensorflow', 'keras', 'sklearn', 'scipy', 'pydicom'} & set(sys.modules)))"
    )
    assert run(code) == "[]"
