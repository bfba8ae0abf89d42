"""SECURITY.md promises nothing without a test, and names only tests that there are."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
NAMED = sorted(set(re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", PAGE)))


def rows() -> list[list[str]]:
    """The cells of each row of each table, without heads."""
    lines = [line for line in PAGE.splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [row for row in cells if not set(row[0]) <= {"-"} and row[-1] != "held by"]


def is_there(path: str, name: str) -> bool:
    file = ROOT / path
    tree = ast.parse(file.read_text(encoding="utf-8")) if file.is_file() else ast.Module([], [])
    functions = (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    return name in {function.name for function in functions}


def test_every_promise_has_a_test() -> None:
    assert len(rows()) > 30
    assert [row[0] for row in rows() if not re.search(r"`tests/[\w/]+\.py::test_\w+`", row[-1])] == []


@pytest.mark.parametrize(("path", "name"), NAMED)
def test_every_test_that_is_named_is_there(path: str, name: str) -> None:
    assert is_there(path, name)


def test_what_is_gone_is_noticed() -> None:
    assert not is_there("tests/test_security_page.py", "test_of_yesterday")
    assert not is_there("tests/yesterday.py", "test_what_is_gone_is_noticed")


def test_each_of_the_ten_risks_has_its_row() -> None:
    assert [row[0][:5] for row in rows() if row[0].startswith("LLM")] == [f"LLM{number:02}" for number in range(1, 11)]
