"""Hold the rule of imports: every room has a rank, and a file imports only rooms of a lower rank, or its own.

Imports inside functions and under TYPE_CHECKING count too: an arrow is an arrow, whenever it is followed.
"""

from __future__ import annotations

import ast
import graphlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from covid_model import config

PACKAGE = config.ROOT / "covid_model"
FILES = sorted(PACKAGE.rglob("*.py"))
# A room is the longest prefix of a module's name that stands here. Rooms of equal rank may not import each other.
RANKS = {
    "covid_model": 0,
    "covid_model.config": 0,
    "covid_model.verdict": 1,
    "covid_model.imaging": 2,
    "covid_model.evaluation": 2,
    "covid_model.data": 3,
    "covid_model.model": 3,
    "covid_model.formatting": 4,
    "covid_model.records": 4,
    "covid_model.charts": 5,
    "covid_model.training": 5,
    "covid_model.reports": 6,
    "covid_model.experiments": 6,
    "covid_model.tools": 7,
    "covid_model.cluster": 7,
    "covid_model.app.text": 7,
    "covid_model.app.runtime": 7,
    "covid_model.app": 8,
    "covid_model.app.components": 9,
    "covid_model.app.pages": 10,
    "covid_model.cli": 10,
    "covid_model.__main__": 11,
}
# Lower rooms that are closed to a room all the same.
CLOSED = {
    "covid_model.app": ("covid_model.experiments", "covid_model.tools"),
    "covid_model.charts": ("covid_model.data",),
}
HEAVY = {"tensorflow", "keras", "torch", "jax", "ray"}
HEAVY_ROOMS = {
    "covid_model.model",
    "covid_model.training",
    "covid_model.experiments",
    "covid_model.tools",
    "covid_model.cluster",
}
RAY_ROOM = "covid_model.cluster"  # an optional dependency: nothing else may need it
STREAMLIT_ROOMS = {"covid_model.app", "covid_model.app.runtime", "covid_model.app.components", "covid_model.app.pages"}


def module_of(path: Path) -> str:
    """Return a file's dotted name."""
    parts = path.relative_to(config.ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def room_of(module: str) -> str | None:
    """Return the room that a module is in, None where it is in none of RANKS."""
    while module not in RANKS:
        if "." not in module:
            return None
        module = module.rpartition(".")[0]
    top = module == "covid_model"
    return module if not top else None


def imports_of(path: Path) -> Iterator[tuple[str, bool]]:
    """Yield every name that a file imports, in functions and under TYPE_CHECKING too, and if it is so at import
    time."""

    def walk(node: ast.AST, at_once: bool) -> Iterator[tuple[str, bool]]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.Import):
                yield from ((alias.name, at_once) for alias in child.names)
            elif isinstance(child, ast.ImportFrom):
                assert not child.level, f"{path}: relative import"
                yield from ((f"{child.module}.{alias.name}", at_once) for alias in child.names)
            else:
                checking = isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test)
                inside = isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
                yield from walk(child, at_once and not checking and not inside)

    yield from walk(ast.parse(path.read_text()), True)


def own_imports(path: Path) -> Iterator[tuple[str, bool]]:
    """Yield the imports of a file that are modules of the package."""
    known = {module_of(file) for file in FILES}
    for name, at_once in imports_of(path):
        if name.split(".")[0] == "covid_model":
            yield (name if name in known else name.rpartition(".")[0]), at_once


def test_every_file_is_in_a_ranked_room():
    roomless = [module_of(path) for path in FILES if room_of(module_of(path)) is None]
    assert roomless == ["covid_model"]


def test_imports_run_downward():
    upward = []
    for path in FILES:
        here = room_of(module_of(path))
        for target, _ in own_imports(path):
            there = room_of(target)
            closed = any(f"{here}.".startswith(f"{room}.") and there in rooms for room, rooms in CLOSED.items())
            if there != here and (there is None or RANKS[there] >= RANKS[here] or closed):
                upward.append(f"{module_of(path)} imports {target}")
            if there == here == "covid_model.app.pages" and not target.startswith(
                "covid_model.app.pages.trust_screens"
            ):
                upward.append(f"{module_of(path)} imports the page {target}")
    assert not upward, "\n".join(upward)


def test_no_ring_within_a_room():
    """Lazy imports count: a ring that is closed inside a function is a ring."""
    packages = {module_of(path) for path in FILES if path.name == "__init__.py"}
    graph = {
        module_of(path): {
            target for target, _ in own_imports(path) if target not in packages and target != module_of(path)
        }
        for path in FILES
        if path.name != "__init__.py"
    }
    list(graphlib.TopologicalSorter(graph).static_order())  # CycleError names the ring


def test_heavy_and_streamlit_imports():
    wrong = []
    for path in FILES:
        here = room_of(module_of(path))
        for name, at_once in imports_of(path):
            top = name.split(".")[0]
            if top in HEAVY and (at_once or (here not in HEAVY_ROOMS and not _only_checking(path, name))):
                wrong.append(f"{module_of(path)} imports {top}{' outside a function' if at_once else ''}")
            if (top == "ray") != (here == RAY_ROOM) and top in HEAVY and (top == "ray" or here == RAY_ROOM):
                wrong.append(f"{module_of(path)} imports {top}")
            if top == "streamlit" and here not in STREAMLIT_ROOMS and (at_once or here != "covid_model.tools"):
                wrong.append(f"{module_of(path)} imports streamlit")
    assert not wrong, "\n".join(wrong)


def _only_checking(path: Path, name: str) -> bool:
    """Whether a file imports `name` under TYPE_CHECKING alone, for an annotation."""
    tree = ast.parse(path.read_text())
    checking = [node for node in tree.body if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)]
    inside = {
        alias.name
        for block in checking
        for node in ast.walk(block)
        if isinstance(node, ast.Import)
        for alias in node.names
    }
    return name in inside


def run(code: str) -> str:
    """Run code in a fresh interpreter and return the last line that it prints."""
    done = subprocess.run([sys.executable, "-c", code], cwd=config.ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout.strip().splitlines()[-1]


def test_importing_everything_loads_no_tensorflow():
    modules = [module_of(path) for path in FILES]
    modules = [name for name in modules if not name.endswith("__main__")]
    modules = [name for name in modules if ".pages." not in name or ".trust_screens" in name]
    code = (
        "import sys, importlib\n"
        f"for name in {modules}: importlib.import_module(name)\n"
        f"print(sorted({HEAVY} & set(sys.modules)))"
    )
    assert run(code) == "[]"


def test_first_page_loads_nothing_heavy():
    code = (
        "import sys\n"
        "from streamlit.testing.v1 import AppTest\n"
        "app = AppTest.from_file('streamlit_app.py', default_timeout=60).run()\n"
        "assert not app.exception, app.exception[0].value\n"
        "assert app.title[0].value\n"
        "print(sorted({'tensorflow', 'keras', 'sklearn', 'scipy', 'pydicom'} & set(sys.modules)))"
    )
    assert run(code) == "[]"


def config_defaults(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef):
            defaults = [*node.args.defaults, *filter(None, node.args.kw_defaults)]
        elif isinstance(node, ast.ClassDef):
            defaults = [part.value for part in node.body if isinstance(part, ast.AnnAssign) and part.value]
        else:
            continue
        for default in defaults:
            if any(
                isinstance(part, ast.Attribute) and getattr(part.value, "id", "") == "config"
                for part in ast.walk(default)
                if not isinstance(default, ast.Call)  # field(default_factory=lambda: ...) is resolved when it is asked
            ):
                yield f"{path.relative_to(PACKAGE)}: {node.name}"


def test_no_default_binds_the_settings_at_import():
    assert [item for path in sorted(PACKAGE.rglob("*.py")) for item in config_defaults(path)] == []
