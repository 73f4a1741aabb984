"""The packages depend on each other in one direction, start without heavy libraries, and stay readable."""

from __future__ import annotations

import ast
import functools
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
HOUSE = ("segrec", "segmenter", "recognizers")
MOST_LINES = 300
MOST_LINES_OF_A_FUNCTION = 50
"""Signature, docstring and body."""
HEAVY = ("torch", "torchvision", "cv2", "safetensors", "lmdb", "ray")

FLOORS = (
    ("segrec/core/",),
    ("segmenter/", "recognizers/", "segrec/training/", "segrec/weights.py"),
    ("segrec/data/",),
    ("segrec/importers/", "segrec/rendering/", "segrec/pages/"),
    ("segrec/evaluation/",),
    ("segrec/reports/",),
    ("segrec/reader.py",),
    ("segrec/jobs/",),
    ("segrec/__init__.py", "segrec/app/"),
    ("segrec/cli/",),
    ("segrec/__main__.py",),
)
"""The rooms of the house from the ground up. A room imports from itself and from floors below it, never from above or
from its neighbours, at any depth, inside functions and for typing too."""
ONLY_CORE = ("segmenter/", "recognizers/")
"""Packages that see nothing of segrec but `segrec.core`."""

SOURCES = sorted(path for package in HOUSE for path in (ROOT / package).rglob("*.py"))
SCRIPTS = sorted((ROOT / "scripts").rglob("*.py"))
Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def place(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@functools.cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


IMPORTERS = ("import_module", "package")
"""Functions that import what their first argument names."""


def imports(nodes: Iterator[ast.AST], package: str) -> Iterator[str]:
    """Yield the dotted names that import statements and literal calls of `IMPORTERS` among `nodes` ask for.

    `from a import b` asks for `a` and `a.b`, since `b` may be a module; `package` resolves relative imports.
    """
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parents = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join([*parents, *([node.module] if node.module else [])])
            yield from (base, *(f"{base}.{alias.name}" for alias in node.names))
        elif isinstance(node, ast.Call) and node.args and ast.unparse(node.func).split(".")[-1] in IMPORTERS:
            name = node.args[0]
            if isinstance(name, ast.Constant) and isinstance(name.value, str):
                yield name.value


@functools.cache
def imported_anywhere(path: Path) -> set[str]:
    return set(imports(ast.walk(parsed(path)), place(path.parent).replace("/", ".")))


def at_module_level(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes that run when the module is imported: all but bodies of functions and `if TYPE_CHECKING`."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            continue
        yield child
        yield from at_module_level(child)


@functools.cache
def imported_at_module_level(path: Path) -> set[str]:
    return set(imports(at_module_level(parsed(path)), place(path.parent).replace("/", ".")))


def within(name: str, module: str) -> bool:
    return name == module or name.startswith(f"{module}.")


def room(file: str) -> str:
    """Return the room of `FLOORS` that a file stands in."""
    found = [name for floor in FLOORS for name in floor if file == name or (name[-1] == "/" and file.startswith(name))]
    assert len(found) == 1, f"{file} stands in no room of the house; put it into one of the folders"
    return found[0]


def height(name: str) -> int:
    """Return the floor of a room, 0 the ground."""
    return next(index for index, floor in enumerate(FLOORS) if name in floor)


def module_files() -> dict[str, str]:
    """Return the file of each module of the house by its dotted name."""
    return {
        place(path).removesuffix(".py").replace("/", ".").removesuffix(".__init__"): place(path) for path in SOURCES
    }


@functools.cache
def arrows() -> dict[str, set[str]]:
    """Return the files of the house that each of its files imports."""
    files = module_files()
    return {
        place(path): {files[name] for name in imported_anywhere(path) if name in files} - {place(path)}
        for path in SOURCES
    }


def test_no_file_stands_loose():
    """Every file has a room, also each of `segmenter` and `recognizers`; a new folder is named in `FLOORS` first."""
    assert all(room(file) for file in arrows())
    assert {path.name for path in (ROOT / "segrec").glob("*.py")} == {
        "__init__.py",
        "__main__.py",
        "reader.py",
        "weights.py",
    }


@pytest.mark.parametrize("name", [name for floor in FLOORS for name in floor])
def test_imports_run_down(name):
    climbing = [
        f"{file} imports {other}"
        for file, others in arrows().items()
        if room(file) == name
        for other in sorted(others)
        if room(other) != name and height(room(other)) >= height(name)
    ]
    assert climbing == []


@pytest.mark.parametrize("folder", ONLY_CORE)
def test_the_inner_packages_see_only_the_core_of_segrec(folder):
    strangers = [
        f"{file} imports {other}"
        for file, others in arrows().items()
        if file.startswith(folder)
        for other in sorted(others)
        if other.startswith("segrec/") and room(other) != "segrec/core/"
    ]
    assert strangers == []


def test_no_files_import_each_other_in_a_circle():
    """A package's `__init__`, which hands names on, is left out: importing a part always runs it."""
    left = {
        file: {other for other in others if not other.endswith("/__init__.py")}
        for file, others in arrows().items()
        if not file.endswith("/__init__.py")
    }
    while ready := {file for file, others in left.items() if not others & left.keys()}:
        left = {file: others for file, others in left.items() if file not in ready}
    assert {file: sorted(others & left.keys()) for file, others in left.items()} == {}


@pytest.mark.parametrize(
    ("library", "door"),
    [
        ("cv2", "segrec/core/images.py"),
        ("ray", "segrec/jobs/precompute_ray.py"),
        ("onnxruntime", "segrec/core/onnx_runtime.py"),
        ("onnx2torch", "recognizers/onnx_graph.py"),
        ("gradio", "segrec/app/page.py"),
    ],
)
def test_opencv_ray_gradio_and_the_packages_of_onnx_have_one_door(library, door):
    assert [place(path) for path in SOURCES if any(within(name, library) for name in imported_anywhere(path))] == [door]


def test_tables_are_written_in_one_place():
    by_hand = [
        f"{place(path)}:{node.lineno}"
        for path in [*SOURCES, *SCRIPTS]
        if place(path) != "segrec/core/tables.py"
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.startswith(("| ", "|--"))
    ]
    assert by_hand == []


@pytest.mark.parametrize("library", ["torchvision", "ray", "onnx", "onnxruntime", "onnx2torch", "gradio"])
def test_libraries_that_may_be_missing_are_imported_only_inside_functions(library):
    assert [
        place(path)
        for path in [*SOURCES, *SCRIPTS]
        if any(within(name, library) for name in imported_at_module_level(path))
    ] == []


def test_the_checker_finds_every_kind_of_import():
    source = """
import a.b as c
from typing import TYPE_CHECKING
if TYPE_CHECKING:
    import typing_only
try:
    import tried
except ImportError:
    tried = None
class Here:
    import in_class
def later():
    from d import e
    importlib.import_module("f.g")
from ..core import images
from . import sibling
"""
    tree = ast.parse(source)
    everywhere = set(imports(ast.walk(tree), "segrec.data"))
    assert everywhere >= {"a.b", "typing_only", "tried", "in_class", "d", "d.e", "f.g"}
    assert everywhere >= {"segrec.core", "segrec.core.images", "segrec.data", "segrec.data.sibling"}
    now = set(imports(at_module_level(tree), "segrec.data"))
    assert now >= {"a.b", "tried", "in_class", "segrec.core.images"}
    assert now.isdisjoint({"typing_only", "d", "d.e", "f.g"})


@pytest.mark.parametrize(
    "code",
    [
        "import segrec",
        "import segmenter, recognizers, segrec.data, segrec.weights",
        "import segrec.cli; assert segrec.cli.main(['--help']) == 0",
    ],
)
def test_starting_up_loads_no_heavy_library(code):
    check = f"import sys\n{code}\nloaded = [name for name in {HEAVY} if name in sys.modules]\nassert not loaded, loaded"
    done = subprocess.run([sys.executable, "-c", check], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_no_file_is_too_long_to_read():
    lengths = {place(path): len(path.read_text(encoding="utf-8").splitlines()) for path in [*SOURCES, *SCRIPTS]}
    assert {path: lines for path, lines in lengths.items() if lines > MOST_LINES} == {}


def functions(path: Path) -> Iterator[tuple[str, int]]:
    """Yield the functions of a file, nested ones and methods too, with their number of lines."""
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno is not None
            yield f"{place(path)}: {node.name}", node.end_lineno - node.lineno + 1


def test_no_function_is_too_long_to_read():
    lengths = {name: lines for path in [*SOURCES, *SCRIPTS] for name, lines in functions(path)}
    assert len(lengths) > 1000
    assert {name: lines for name, lines in lengths.items() if lines > MOST_LINES_OF_A_FUNCTION} == {}


def test_the_length_of_a_function_counts_its_docstring(tmp_path, monkeypatch):
    monkeypatch.setattr(sys.modules[__name__], "ROOT", tmp_path)
    file = tmp_path / "long.py"
    file.write_text('@cached\ndef outer():\n    """Say.\n\n    More.\n    """\n    def inner():\n        return 1\n')
    assert list(functions(file)) == [("long.py: outer", 7), ("long.py: inner", 2)]


def public_definitions(node: ast.Module | ast.ClassDef, prefix: str = "") -> Iterator[tuple[str, Definition]]:
    """Yield the public functions and classes of a module, and the public methods of these classes."""
    for child in node.body:
        if isinstance(child, Definition) and not child.name.startswith("_"):
            yield f"{prefix}{child.name}", child
            if isinstance(child, ast.ClassDef):
                yield from public_definitions(child, f"{child.name}.")


def test_every_public_name_says_what_it_is():
    bare = [
        f"{place(path)}: {name}"
        for path in SOURCES
        for name, node in public_definitions(parsed(path))
        if not ast.get_docstring(node)
    ]
    assert bare == []


OTHER_MOODS = re.compile(
    r"[^A-Za-z]|(A|An|The|This|What|Whether|How|Which|Both|One|Two|All|Its|Those|Some|Of|Returns|Writes|Yields)\b"
)
"""How docstrings of functions do not begin: they say what the function does, "Return ...", "Write ..."."""


def test_docstrings_of_functions_are_in_the_imperative():
    others = [
        f"{place(path)}:{node.lineno} {node.name}"
        for path in [*SOURCES, *SCRIPTS]
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and not any("property" in ast.unparse(decorator) for decorator in node.decorator_list)
        and OTHER_MOODS.match(ast.get_docstring(node) or "Return")
    ]
    assert others == []


def test_every_module_says_what_it_is():
    assert [place(path) for path in [*SOURCES, *SCRIPTS] if not ast.get_docstring(parsed(path))] == []
