"""Measure the shape of the code and exit with 1 where a limit is broken: `make shape`."""

import ast
import re
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from statistics import median, quantiles

ROOT = Path(__file__).parents[2]
SOURCES = ("api", "client", "local", "samples", "shared", "simulation", "worker")
MAX_FOLDER_FILES = 20
MAX_FUNCTION_LINES = 45
MAX_FILE_LINES = 350
FRAGMENT = re.compile(r"(Of|As|What|Who|Whose|Whom|That|Those|Whether|Where|When|How)\b")
ANSWERS = re.compile(r"\banswers\b", re.IGNORECASE)
UNIT = Path("tests/unit")
Function = ast.FunctionDef | ast.AsyncFunctionDef


def main() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "*.py", "*.lua"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    texts = {
        Path(name): (ROOT / name).read_text() for name in listed.stdout.splitlines() if (ROOT / name).exists()
    }
    trees = {path: ast.parse(text) for path, text in texts.items() if path.suffix == ".py"}
    broken = [
        *large_folders(texts),
        *long_files(texts),
        *long_functions(trees),
        *unclear_docstrings(trees),
        *untested_sources(trees),
    ]
    sources = [text for path, text in texts.items() if path.parts[0] in SOURCES]
    print(f"lines outside tests and bench: {sum(len(text.splitlines()) for text in sources)}")
    print("\n".join(broken) or "every limit holds")
    sys.exit(bool(broken))


def large_folders(texts: dict[Path, str]) -> Iterator[str]:
    """Yield the folders of code, tests and benchmarks with too many files."""
    counts = Counter(path.parent for path in texts if path.name != "__init__.py")
    print("files per folder:", ", ".join(f"{folder} {count}" for folder, count in counts.most_common(12)))
    for folder, count in counts.items():
        if count > MAX_FOLDER_FILES:
            yield f"{folder}: {count} files, at most {MAX_FOLDER_FILES}"


def long_files(texts: dict[Path, str]) -> Iterator[str]:
    lengths = {path: len(text.splitlines()) for path, text in texts.items()}
    print_spread("lines per file", list(lengths.values()))
    for path, length in lengths.items():
        if length > MAX_FILE_LINES:
            yield f"{path}: {length} lines, at most {MAX_FILE_LINES}"


def long_functions(trees: dict[Path, ast.Module]) -> Iterator[str]:
    functions = [
        (f"{path}:{node.lineno} {node.name}", (node.end_lineno or node.lineno) - node.lineno + 1)
        for path, tree in trees.items()
        for node in ast.walk(tree)
        if isinstance(node, Function)
    ]
    print_spread("lines per function", [length for _, length in functions])
    for name, length in functions:
        if length > MAX_FUNCTION_LINES:
            yield f"{name}: {length} lines, at most {MAX_FUNCTION_LINES}"


def print_spread(title: str, lengths: list[int]) -> None:
    p90 = quantiles(lengths, n=10)[-1]
    print(f"{title}: median {median(lengths):.0f}, p90 {p90:.0f}, max {max(lengths)} ({len(lengths)} in all)")


def unclear_docstrings(trees: dict[Path, ast.Module]) -> Iterator[str]:
    for path, tree in trees.items():
        for node in ast.walk(tree):
            if not isinstance(node, Function | ast.ClassDef | ast.Module):
                continue
            text = ast.get_docstring(node) or ""
            place = f"{path}:{getattr(node, 'lineno', 1)}"
            if FRAGMENT.match(text):
                yield f"{place}: the docstring opens with a fragment: {text.splitlines()[0]}"
            if ANSWERS.search(text):
                yield f'{place}: "answers" in a docstring; a function returns, a server responds'


def untested_sources(trees: dict[Path, ast.Module]) -> Iterator[str]:
    """Yield sources that neither a unit test imports nor elsewhere.toml covers, and lines that are stale."""
    unit = [path for path in trees if path.is_relative_to(UNIT) and path.name.startswith("test_")]
    imported = {name for path in unit for name in imported_names(trees[path])}
    sources = [path for path in trees if path.parts[0] in SOURCES and path.name != "__init__.py"]
    untested = [path for path in sources if ".".join(path.with_suffix("").parts) not in imported]
    elsewhere: dict[str, list[str]] = tomllib.loads((ROOT / UNIT / "elsewhere.toml").read_text())
    print(f"sources: {len(sources) - len(untested)} with a unit test, {len(untested)} tested elsewhere")
    for path in untested:
        if str(path.parent) not in elsewhere:
            yield f"{path}: no test in {UNIT} imports it, and elsewhere.toml has no line for {path.parent}"
    for package in elsewhere.keys() - {str(path.parent) for path in untested}:
        yield f"elsewhere.toml: every file of {package} has a unit test"
    for tests in {name for names in elsewhere.values() for name in names}:
        if not (ROOT / "tests" / tests).exists():
            yield f"elsewhere.toml: there is no tests/{tests}"
    for folder in {path.parent.relative_to(UNIT) for path in unit}:
        if not (ROOT / folder).is_dir():
            yield f"{UNIT / folder}: the source has no folder {folder}"


def imported_names(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield from (node.module, *(f"{node.module}.{alias.name}" for alias in node.names))


if __name__ == "__main__":
    main()
