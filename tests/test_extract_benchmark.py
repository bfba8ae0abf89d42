"""What is expected of a document, how a reading of it is scored, and readers that are missing or die."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.extraction import readers
from benchmarks.extraction.expected import parse, words
from benchmarks.extraction.markup import html_parts, markdown_parts
from benchmarks.extraction.running import run
from benchmarks.extraction.score import score, total

ROOT = Path(__file__).parents[1]
STAFF = "# Staff\n|= Department | Person\n| Sales | Olga Trent\n| ^Sales | Piet Haan\n{Page 1}"
RIGHT = [
    ("heading", "Staff"),
    ("header", "Department | Person"),
    ("row", "Sales | Olga Trent"),
    ("row", "Sales | Piet Haan"),
]


def test_names_of_columns_on_two_rows_may_be_joined() -> None:
    wanted = parse("|= | 2025 | <2025\n|= Region | Plan | Actual\n| North | 100 | 90")
    for header in (["2025 | 2025", "Region | Plan | Actual"], ["Region | 2025 Plan | 2025 Actual"]):
        one = score(wanted, [*(("header", text) for text in header), ("row", "North | 100 | 90")])
        assert (one.order, one.headed) == (1, (1, 1)), header
        assert one.rows[0] == one.rows[1], header
    apart = score(wanted, [("header", "2025 Region Plan Actual"), ("row", "North | 100 | 90")])
    assert apart.rows[0] < apart.rows[1]


def test_words_are_compared_without_what_says_nothing() -> None:
    assert words("ﬁne – “Co\xadop” [ ] ☑ it’s 5.3.2026 (12) 8.25% -3 a‑b 東京") == (
        ["fine", "coop", "☐", "☒", "it's", "2026-03-05", "-12", "8.25%", "-3", "a-b", "東", "京"]
    )


def test_all_is_found() -> None:
    found = score(parse(STAFF), RIGHT)
    assert (found.found, found.clean, found.order) == (1, 1, 1)
    assert (found.rows, found.headed, found.headings, found.false_headings) == ((3, 3), (2, 2), (1, 1), 0)


def test_a_label_that_is_not_repeated_costs_its_row_alone() -> None:
    found = score(parse(STAFF), [*RIGHT[:3], ("row", "| Piet Haan")])
    assert (found.found, found.clean, found.order) == (1, 1, 1)
    assert (found.rows, found.headed) == ((2, 3), (1, 2))


def test_a_row_under_other_names_is_whole_but_not_headed() -> None:
    found = score(
        parse(STAFF), [("heading", "Staff"), ("header", "Valid from May"), *(("row", t) for _, t in RIGHT[1:])]
    )
    assert (found.rows, found.headed) == ((3, 3), (0, 2))


def test_names_end_with_their_table() -> None:
    found = score(parse(STAFF), [RIGHT[0], RIGHT[1], ("paragraph", "As of May"), *RIGHT[2:]])
    assert found.headed == (0, 2)


def test_two_lines_of_names_count_together_or_apart() -> None:
    wanted = parse("|= | 2025 | <2025\n|= Region | Plan | Actual\n| North | 100 | 90")
    rows = [("row", "North | 100 | 90")]
    for header in (["| 2025", "Region | Plan | Actual"], ["Region | 2025 Plan | 2025 Actual"]):
        assert score(wanted, [*(("header", line) for line in header), *rows]).headed == (1, 1)


def test_rows_may_be_lines_of_a_text() -> None:
    assert score(parse(STAFF), [("paragraph", "Department Person\nSales Olga Trent\nSales Piet Haan")]).rows == (3, 3)
    assert score(parse(STAFF), [("paragraph", "Department Person Sales Olga Trent Sales Piet Haan")]).rows == (0, 3)


def test_order_is_the_edit_distance_of_words() -> None:
    wanted = parse("one two three four")
    assert score(wanted, [("paragraph", "one two three four")]).order == 1
    assert score(wanted, [("paragraph", "one three four")]).order == 0.75
    assert score(wanted, [("paragraph", "one two three four five six seven eight")]).order == 0.5
    assert score(wanted, [("paragraph", "four three two one")]).order == 0
    assert score(wanted, []).order == 0
    assert score(parse("one {2} two"), [("paragraph", "one two")]).order == 1
    assert score(parse("one {2} two"), [("paragraph", "one 2 two")]).order == 1


def test_sums_are_of_files_for_words_and_of_all_rows_for_rows() -> None:
    sums = total([score(parse(STAFF), RIGHT), score(parse("| a | b"), [])], failed=1)
    assert (sums.files, sums.failed, sums.found, sums.rows, sums.headed) == (2, 1, 0.5, 0.75, 1)
    assert sums.headings == 1


def test_markup_of_libraries_becomes_parts() -> None:
    assert markdown_parts("# Staff\n\n| A | B |\n|---|---|\n| 1 | 2 |\n\n- [x] done\n") == (
        [("heading", "Staff"), ("header", "A | B"), ("row", "1 | 2"), ("paragraph", "[x] done")]
    )
    assert html_parts("<p>a<br>b</p><script>c</script><input type=checkbox checked> d") == (
        [("paragraph", "a\nb"), ("paragraph", "[x]  d")]
    )


def test_a_library_that_is_not_installed_is_skipped(tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(b"%PDF")
    done = run("markitdown", sys.executable, tmp_path, ["a.pdf"])
    assert done.skipped.startswith("not installed")


def test_a_file_that_kills_its_reader_costs_itself_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The child is a script here that dies at a file of that name."""
    script = tmp_path / "python"
    script.write_text(
        f"#!{sys.executable}\nimport json, os, sys\nfor name in sys.argv[5:]:\n"
        "    if name == 'bad': os.abort()\n"
        "    print(json.dumps({'file': name, 'seconds': 1, 'parts': [['row', name]], 'error': ''}), flush=True)\n"
        "print(json.dumps({'peak_mb': 7}))\n"
    )
    script.chmod(0o700)
    done = run(readers.OWN, str(script), tmp_path, ["a", "bad", "b", "c"])
    assert (done.parts["a"], done.parts["bad"], done.parts["c"]) == ([("row", "a")], [], [("row", "c")])
    assert list(done.errors) == ["bad"]
    assert "crashed" in done.errors["bad"]
    assert (done.seconds, done.peak_mb) == (3, 7)


def test_the_benchmark_ends_with_a_line_of_json() -> None:
    command = [sys.executable, "benchmarks/extract.py", "--family", "csv", "--worst", "3"]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    figures = json.loads(ended.stdout.splitlines()[-1])
    assert figures["benchmark"] == "extract"
    assert figures["readers"]["docent"]["csv"]["files"] >= 10
