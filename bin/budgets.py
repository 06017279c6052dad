"""The budgets of the code: sizes of files and functions, arguments, where commits and broad excepts may be."""

import ast
import statistics
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FILE_MEDIAN, FILE_P95, FILE_MOST = 90, 300, 400
FUNCTION_MEDIAN, FUNCTION_P95, FUNCTION_MOST = 10, 35, 60
ARGUMENTS_MOST = 6
FORBIDDEN = ("Manager", "Helper", "Util", "Handler", "Processor")
FORBIDDEN_FILES = ("utils", "util", "helpers", "common", "misc", "info", "data")
# The staging table of an import is filled through the raw driver, on a connection of its own.
COMMIT_ALLOWED = {"core/db.py", "migrations/env.py", "abm/imports/staging.py"}


def tracked() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "core", "campaigns", "abm", "worker.py", "wsgi.py"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    return [ROOT / name for name in listed if name.endswith(".py") and (ROOT / name).exists()]


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def argument_problems(name: str, node: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[str]:
    args = node.args
    own = [arg for arg in [*args.posonlyargs, *args.args, *args.kwonlyargs] if arg.arg not in ("self", "cls")]
    is_command = any("click" in ast.dump(item) or "option" in ast.dump(item) for item in node.decorator_list)
    if len(own) > ARGUMENTS_MOST + 2 * bool(args.kwonlyargs) and not is_command:
        yield f"{name}:{node.lineno} {node.name} takes {len(own)} arguments (most {ARGUMENTS_MOST})"


def tree_problems(name: str, tree: ast.AST, source: str) -> Iterator[str]:
    lines = source.splitlines()
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and any(word in node.name for word in FORBIDDEN):
            yield f"{name}:{node.lineno} class {node.name}: a forbidden name"
        if isinstance(node, ast.ExceptHandler) and getattr(node.type, "id", "Exception") in (
            "Exception",
            "BaseException",
        ):
            here = lines[node.lineno - 1]
            if (node.type is None or isinstance(node.type, ast.Name)) and "#" not in here:
                yield f"{name}:{node.lineno} a broad except without its reason on the line"
        if isinstance(node, ast.Attribute) and node.attr == "commit" and name not in COMMIT_ALLOWED:
            yield f"{name}:{node.lineno} commit() outside core/db.py"


def percentile(values: list[int], share: float) -> int:
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def judge(what: str, sizes: list[int], limits: tuple[int, int, int]) -> list[str]:
    median, p95, most = statistics.median(sizes), percentile(sizes, 0.95), max(sizes)
    print(f"{what}: median {median:g} (≤ {limits[0]}), p95 {p95} (≤ {limits[1]}), most {most} (≤ {limits[2]})")
    return [] if median <= limits[0] and p95 <= limits[1] else [f"{what}: median or p95 over budget"]


def main() -> int:
    problems: list[str] = []
    file_sizes, function_sizes = [], []
    for path in tracked():
        name = str(path.relative_to(ROOT))
        source = path.read_text()
        tree = ast.parse(source)
        file_sizes.append(source.count("\n"))
        if file_sizes[-1] > FILE_MOST:
            problems.append(f"{name}: {file_sizes[-1]} lines (most {FILE_MOST})")
        if path.stem in FORBIDDEN_FILES:
            problems.append(f"{name}: a forbidden file name")
        problems.extend(tree_problems(name, tree, source))
        for node in functions(tree):
            function_sizes.append((node.end_lineno or node.lineno) - node.lineno + 1)
            if function_sizes[-1] > FUNCTION_MOST:
                problems.append(f"{name}:{node.lineno} {node.name}: {function_sizes[-1]} lines (most {FUNCTION_MOST})")
            problems.extend(argument_problems(name, node))
    problems += judge("files", file_sizes, (FILE_MEDIAN, FILE_P95, FILE_MOST))
    problems += judge("functions", function_sizes, (FUNCTION_MEDIAN, FUNCTION_P95, FUNCTION_MOST))
    print("\n".join(problems) or "within budget")
    return 1 if problems else 0


sys.exit(main())
