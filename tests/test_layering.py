"""The packages depend on each other in one direction, start without heavy libraries, and stay readable."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
HOUSE = ("segrec", "segmenter", "recognizers")
MOST_LINES = 320
HEAVY = ("torch", "torchvision", "cv2", "safetensors", "lmdb", "ray")

FORBIDDEN = {
    "segmenter": ("recognizers", *[f"segrec.{part}" for part in ("data", "jobs", "cli")]),
    "recognizers": ("segmenter", *[f"segrec.{part}" for part in ("data", "jobs", "cli")]),
    "segrec/core": ("segmenter", "recognizers", "segrec.data", "segrec.jobs", "segrec.cli"),
    "segrec/data": ("segrec.jobs", "segrec.cli"),
    "segrec/jobs": ("segrec.cli",),
}
"""Which folder must not import what, at any depth, also not inside a function or for typing."""
ONLY_CORE = ("segmenter", "recognizers", "segrec/core")
"""Folders that see nothing of segrec but `segrec.core`."""

SOURCES = sorted(path for package in HOUSE for path in (ROOT / package).rglob("*.py"))
SCRIPTS = sorted((ROOT / "scripts").rglob("*.py"))
Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def place(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def imports(nodes: Iterator[ast.AST], package: str) -> Iterator[str]:
    """Yield the dotted names that import statements and literal `import_module` calls among `nodes` ask for.

    `from a import b` asks for `a` and `a.b`, since `b` may be a module; `package` resolves relative imports.
    """
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parents = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join([*parents, *([node.module] if node.module else [])])
            yield from (base, *(f"{base}.{alias.name}" for alias in node.names))
        elif isinstance(node, ast.Call) and node.args and ast.unparse(node.func).split(".")[-1] == "import_module":
            name = node.args[0]
            if isinstance(name, ast.Constant) and isinstance(name.value, str):
                yield name.value


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


def imported_at_module_level(path: Path) -> set[str]:
    return set(imports(at_module_level(parsed(path)), place(path.parent).replace("/", ".")))


def within(name: str, module: str) -> bool:
    return name == module or name.startswith(f"{module}.")


def offences(folder: str, forbidden: tuple[str, ...]) -> list[str]:
    return [
        f"{place(path)} imports {name}"
        for path in SOURCES
        if place(path).startswith(f"{folder}/")
        for name in sorted(imported_anywhere(path))
        if any(within(name, module) for module in forbidden)
    ]


@pytest.mark.parametrize("folder", FORBIDDEN)
def test_imports_follow_the_arrows(folder):
    assert offences(folder, FORBIDDEN[folder]) == []


@pytest.mark.parametrize("folder", ONLY_CORE)
def test_the_inner_packages_see_only_the_core_of_segrec(folder):
    strangers = [
        f"{place(path)} imports {name}"
        for path in SOURCES
        if place(path).startswith(f"{folder}/")
        for name in sorted(imported_anywhere(path))
        if within(name, "segrec") and name != "segrec" and not within(name, "segrec.core")
    ]
    assert strangers == []


@pytest.mark.parametrize(
    ("library", "door"),
    [
        ("cv2", "segrec/core/images.py"),
        ("ray", "segrec/jobs/precompute_ray.py"),
        ("onnxruntime", "recognizers/ppocr.py"),
    ],
)
def test_opencv_ray_and_onnxruntime_have_one_door(library, door):
    assert [place(path) for path in SOURCES if any(within(name, library) for name in imported_anywhere(path))] == [door]


@pytest.mark.parametrize("library", ["torchvision", "ray", "onnxruntime"])
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
        "import segmenter, recognizers, segrec.data",
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


def test_every_module_says_what_it_is():
    assert [place(path) for path in [*SOURCES, *SCRIPTS] if not ast.get_docstring(parsed(path))] == []
