"""The house rules: which room may import which, how long a file may be, and what must never be loaded.

The floors are those of the table of rooms in `docs/design.md`, so that the table cannot tell a tale.
"""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parent.parent
SRC = ROOT / "src"
DESIGN = ROOT / "docs" / "design.md"
MOST_FILE_LINES = 400
MOST_FUNCTION_LINES = 60
HEAVY = ("torch", "pandas", "onnxruntime", "matplotlib", "sklearn", "pyarrow")


class Room(NamedTuple):
    floor: int
    members: tuple[str, ...]


class Import(NamedTuple):
    source: str
    target: str
    line: int
    at_once: bool
    """Whether it runs when the module is imported: not within a function, not for the type checker alone."""


@cache
def modules() -> dict[str, Path]:
    """Every module of the package: `affekt.audio.reading` -> its file."""
    names = {}
    for path in sorted((SRC / "affekt").rglob("*.py")):
        parts = path.relative_to(SRC).with_suffix("").parts
        names[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return names


@cache
def tree(path: Path) -> ast.Module:
    """A file's syntax."""
    return ast.parse(path.read_text("utf-8"))


@cache
def rooms() -> tuple[Room, ...]:
    """The table of rooms of the design: a floor, and the modules and packages of one room, in each row."""
    rows = re.findall(r"^\| (\d) \| (.+?) \|", DESIGN.read_text("utf-8"), re.MULTILINE)
    return tuple(Room(int(floor), tuple(re.findall(r"`(.+?)`", cell))) for floor, cell in rows)


def room_of(module: str) -> Room | None:
    path = module.removeprefix("affekt.").replace(".", "/")
    for room in rooms():
        for member in room.members:
            if path == member.removesuffix(".py") or f"{path}/".startswith(member.rstrip("/") + "/"):
                return room
    return None


@cache
def imports() -> tuple[Import, ...]:
    """Every import of one module of the package by another."""
    return tuple(found for name, path in modules().items() for found in _imports_in(name, path))


def _imports_in(name: str, path: Path) -> Iterator[Import]:
    def walk(node: ast.AST, at_once: bool) -> Iterator[Import]:
        for child in ast.iter_child_nodes(node):
            later = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef) or _for_types(child)
            yield from walk(child, at_once and not later)
            if isinstance(child, ast.ImportFrom | ast.Import):
                for target in _targets(child):
                    yield Import(name, target, child.lineno, at_once)

    return walk(tree(path), True)


def _for_types(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"


def _targets(node: ast.ImportFrom | ast.Import) -> set[str]:
    if isinstance(node, ast.Import):
        return {alias.name for alias in node.names if alias.name.partition(".")[0] == "affekt"}
    home = node.module or ""
    if home.partition(".")[0] != "affekt":
        return set()
    inner = {f"{home}.{alias.name}" for alias in node.names}
    return {one if one in modules() else home for one in inner}


def test_every_module_has_a_room_in_the_design() -> None:
    homeless = [name for name in modules() if name not in ("affekt", "affekt.__main__") and not room_of(name)]
    assert not homeless, f"{', '.join(homeless)}: put into a row of the table of rooms in docs/design.md"


def test_the_design_lists_no_room_that_is_not_there() -> None:
    listed = {member for room in rooms() for member in room.members}
    gone = [name for name in listed if not (SRC / "affekt" / name).exists()]
    assert not gone, (
        f"{', '.join(sorted(gone))}: not in src/affekt; correct the table of rooms in docs/design.md"
    )


def test_imports_go_down() -> None:
    broken = []
    for found in imports():
        source, target = room_of(found.source), room_of(found.target)
        if source and target and source != target and target.floor >= source.floor:
            broken.append(
                f"{modules()[found.source].relative_to(ROOT)}:{found.line}: {found.source} (floor "
                f"{source.floor}) imports {found.target} (floor {target.floor}): move one of them, or what "
                "they share to a floor below both"
            )
    assert not broken, "\n".join(broken)


def test_the_package_itself_imports_only_the_ground_floor() -> None:
    above = [
        found.target
        for found in imports()
        if found.source == "affekt" and found.at_once and (room := room_of(found.target)) and room.floor
    ]
    assert not above, f"import affekt loads {', '.join(above)}; name it in _HOMES instead"


def test_no_module_waits_for_itself() -> None:
    """A circle of imports works or fails by which of its modules happens to be imported first."""
    edges: dict[str, set[str]] = {name: set() for name in modules()}
    for found in imports():
        if found.at_once:
            parts = found.target.split(".")
            packages = {".".join(parts[:size]) for size in range(1, len(parts) + 1)}
            # A module's own packages are under way when it is imported.
            edges[found.source] |= {one for one in packages if not f"{found.source}.".startswith(f"{one}.")}
    done: set[str] = set()

    def visit(name: str, path: tuple[str, ...]) -> None:
        assert name not in path, f"circle: {' -> '.join((*path[path.index(name) :], name))}"
        if name not in done:
            for target in sorted(edges[name]):
                visit(target, (*path, name))
            done.add(name)

    for name in edges:
        visit(name, ())


def test_files_and_functions_stay_short() -> None:
    long = []
    for path in modules().values():
        here = path.relative_to(ROOT)
        if (lines := len(path.read_text("utf-8").splitlines())) > MOST_FILE_LINES:
            long.append(f"{here}: {lines} lines, over {MOST_FILE_LINES}")
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                size = _size(node, options_count=path.parent.name != "cli")
                if size > MOST_FUNCTION_LINES:
                    long.append(
                        f"{here}:{node.lineno}: {node.name}: {size} lines, over {MOST_FUNCTION_LINES}"
                    )
    assert not long, "\n".join(long)


def _size(node: ast.FunctionDef | ast.AsyncFunctionDef, *, options_count: bool) -> int:
    """Lines without the docstring; a verb's signature is the table of its options, and may be left out."""
    docstring = node.body[0] if ast.get_docstring(node) is not None else None
    told = (docstring.end_lineno or 0) - docstring.lineno + 1 if docstring else 0
    return (node.end_lineno or 0) + 1 - (node if options_count else node.body[0]).lineno - told


def test_nothing_is_unpickled_or_run_from_data() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 0)}: {reason}"
        for path in modules().values()
        for node in ast.walk(tree(path))
        if id(node) not in _weights_only(path) and (reason := _runs_data(node))
    ]
    assert not found, "\n".join(found)


@cache
def _weights_only(path: Path) -> set[int]:
    """The `torch.load` of each `torch.load(..., weights_only=True)`, the one that reads tensors alone."""
    return {
        id(node.func)
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call)
        and any(
            one.arg == "weights_only" and isinstance(one.value, ast.Constant) and one.value.value is True
            for one in node.keywords
        )
    }


def _runs_data(node: ast.AST) -> str:
    """Why a node may execute what a file holds, or nothing; `network.eval()` is torch's and does not."""
    reason = ""
    match node:
        case ast.Import(names=names) if any(_pickles(alias.name) for alias in names):
            reason = "imports pickle or a relative"
        case ast.ImportFrom(module=str(module)) if _pickles(module):
            reason = "imports pickle or a relative"
        case ast.Call(func=ast.Name(id="eval" | "exec" | "compile" | "__import__" as name)):
            reason = f"calls {name}"
        case ast.Attribute(value=ast.Name(id="torch"), attr="load"):
            reason = "calls torch.load without weights_only=True"
        case ast.keyword(arg="allow_pickle", value=ast.Constant(value=True)):
            reason = "allows pickle"
        case ast.Attribute(value=ast.Name(id="yaml"), attr=name) if name in _UNSAFE_YAML:
            reason = f"uses yaml.{name}; use the safe loader"
    return reason


_UNSAFE_YAML = ("unsafe_load", "full_load", "UnsafeLoader", "FullLoader", "Loader")


def _pickles(module: str) -> bool:
    return module.partition(".")[0] in ("pickle", "dill", "cloudpickle", "joblib", "marshal", "shelve")


@pytest.mark.parametrize(
    "statement",
    ["import affekt", "import affekt.cli", "import sys; sys.argv = ['affekt', '--help']; affekt_main()"],
    ids=["import", "cli", "help"],
)
def test_starting_loads_nothing_heavy(statement: str) -> None:
    program = f"""
def affekt_main():
    from affekt.cli import main
    try:
        main()
    except SystemExit as end:
        assert not end.code, end.code

{statement}
"""
    loaded = _loaded(program)
    assert not loaded & set(HEAVY), (
        f"loads {', '.join(sorted(loaded & set(HEAVY)))}; import it where it is used"
    )


NOT_TO_PREDICT = ("affekt.recipe", "affekt.training", *(name for name in HEAVY if name != "onnxruntime"))


def test_a_first_prediction_waits_for_nothing_that_it_does_not_need() -> None:
    clip = SRC / "affekt" / "assets" / "examples" / "anger-03a01Wa.flac"
    loaded = _loaded(f"import affekt\nassert [row['emotion'] for row in affekt.predict({str(clip)!r})]")
    assert "affekt.sandbox.process" in loaded
    assert not loaded & set(NOT_TO_PREDICT), (
        f"loads {', '.join(sorted(loaded & set(NOT_TO_PREDICT)))}; import it where it is used"
    )


def _loaded(program: str) -> set[str]:
    """The modules that a fresh interpreter has loaded once it has run the program."""
    program += "\nimport json, sys\nprint()\nprint(json.dumps(sorted(sys.modules)))"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(json.loads(ran.stdout.splitlines()[-1]))
