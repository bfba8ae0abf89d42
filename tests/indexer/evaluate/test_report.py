"""The page: one file that loads and runs nothing, whatever the questions say; plots that show the figures."""

from collections.abc import Sequence
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.errors import DocentError
from indexer.evaluate.plots import bars, curve, histogram, intervals
from indexer.evaluate.report import POLICY, report_html, write_report

HOSTILE = '</h3><script>alert(1)</script><img src=x onerror="alert(2)">&lt;b&gt; </style> ]]> \x00 \ud800'
TAGS = set(
    "html head meta title style body h1 h2 h3 svg rect line polyline circle text table thead tbody tr th td article "
    "dl dt dd details summary".split()
)


class Page(HTMLParser):
    """What a browser would make of a page: tags, attributes and text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: set[str] = set()
        self.words: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes |= {name for name, _ in attributes}

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def row(text: str = "How long?", /, **measures: Sequence[float]) -> dict[str, Any]:
    return {
        "id": text,
        "question": text,
        "history": [text],
        "answerable": True,
        "gold": [text],
        "accepted": [text],
        "found": [{"document": text, "page": 3}],
        "ranks": {text: 2} if measures else {},
        "measures": measures,
        "answer": text,
        "answered": True,
        "citations": [{"n": 1, "document": text, "page": None, "quote": text}],
        "quotes": [{"document": text, "page": 2, "quote": text}],
        "facts": {"written": {"held": [], "missing": [text]}, "shown": {"held": [text], "missing": []}},
        "wrong": [{"sentence": text, "facts": [text], "cited": True, "quoted": False}],
        "flaw": "",
        "closed_book": text,
    }


def report(*rows: dict[str, Any], **more: Any) -> dict[str, Any]:
    figures = {"questions": len(rows), "hit@5": 0.25, "latency_ms": {"p50": 3.5, "p95": 9.0}, "contains": None}
    return {"folder": "set", **figures, "per_question": list(rows), **more}


@pytest.mark.parametrize("text", [HOSTILE, "javascript:alert(1)", "' onload='x", "{{ 7 * 7 }}", "\u202e", "x" * 50_000])
def test_hostile_text_stays_text(text: str) -> None:
    html = report_html(report(row(text, **{"hit@5": [0, 1], "latency_ms": [3, 1]}), folder=text))
    page = Page(html)
    assert set(page.tags) <= TAGS
    assert not {name for name in page.attributes if name.startswith("on")} | page.attributes & {"src", "href"}
    assert text in page.words


@settings(deadline=None)
@given(st.text())
def test_any_text_stays_text(text: str) -> None:
    page = Page(report_html(report(row(text, **{"hit@5": [0, 1]}))))
    assert set(page.tags) <= TAGS
    assert not text or text.replace("\r", "") in "".join(page.words).replace("\r", "")


def test_it_loads_and_runs_nothing() -> None:
    html = report_html(report(row(**{"hit@5": [0, 1]})))
    assert POLICY.startswith("default-src 'none'")
    assert f'content="{POLICY}"' in html
    assert "http" not in html.replace("http-equiv", "")
    assert "url(" not in html
    assert "prefers-color-scheme: dark" in html


def test_only_what_went_wrong_is_listed() -> None:
    wrong = {"hit@5": [0, 1], "contains": [0, 1], "abstention.false_refusals": [1, 1]}
    right = {"hit@5": [1, 1], "contains": [1, 1], "abstention.false_refusals": [0, 1]}
    page = Page(report_html(report(row("missed", **wrong), row("found it", **right), row("unmeasured"))))
    words = "\n".join(page.words)
    words = words[: words.index("Every answer")]
    assert "No right passage among the first five: 1 of 2" in words
    assert "The answer holds none of the accepted answers: 1 of 2" in words
    assert "Refused, though the documents answer it: 1 of 2" in words
    assert "Answered, though" not in words
    assert "missed, page 3" in words
    assert "found it" not in words


def test_every_answer_can_be_read_with_what_a_reader_would_mark() -> None:
    marked = {
        "question": "How long?", "answer": "20 days, says Paul [1].", "answered": True,
        "citations": [{"n": 1, "document": "pay.md", "page": 7, "quote": "Paul pays."}],
        "quotes": [{"document": "leave.md", "page": None, "quote": "Leave is 25 days."}],
        "facts": {
            "written": {"held": ["says"], "missing": ["25 days", "manager"]},
            "shown": {"held": ["says", "25 days"], "missing": ["manager"]},
        },
        "wrong": [{"sentence": "20 days, says Paul [1].", "facts": ["20", "paul"], "cited": True, "quoted": True}],
        "flaw": "a sentence twice",
    }  # fmt: skip
    page = Page(report_html(report({**row(), **marked}, {**row("Whether?"), "answered": False, "wrong": []})))
    at = page.words.index("Every answer")
    assert page.words[at + 1] == "2 answers"
    terms = [word for word in page.words[at:] if word.strip()]
    pairs = dict(pairwise(terms))
    assert pairs["cited"] == "[1] Whether?: Whether?"  # the second answer's
    first = terms[: terms.index("Whether?")]
    pairs = dict(pairwise(first))
    assert pairs["cited"] == "[1] pay.md, page 7: Paul pays."
    assert pairs["quoted"] == "leave.md: Leave is 25 days."
    assert (pairs["held"], pairs["missing"], pairs["only quoted"]) == ("says\n25 days", "manager", "25 days")
    assert pairs["wrong"] == "20, paul (cited to words that hold it) in: 20 days, says Paul [1]."
    assert pairs["no answer"] == "a sentence twice"
    assert "refused" in terms[terms.index("Whether?") :]
    assert "refused" not in first


def test_what_lacks_a_fact_is_listed_once() -> None:
    partly = {"contains": [0, 1], "facts_held.shown": [0.5, 1], "wrong_facts": [1, 3], "off_topic.refused": [0, 1]}
    right = {"contains": [1, 1], "facts_held.shown": [1, 1], "wrong_facts": [0, 2], "empty": [0, 1]}
    words = "\n".join(Page(report_html(report(row("partly", **partly), row("right", **right)))).words)
    assert "A fact is missing in the answer and in the quotations beneath it: 1 of 2" in words
    assert "A number or name stands in none of the right documents: 1 of 2" in words
    assert "No answer: empty, only marks, a sentence twice, or the question: 0 of 1" in words
    assert "Answered, though it is off topic: 1 of 1" in words
    assert "none of the accepted answers" not in words


def test_a_report_without_answers_lists_none() -> None:
    searched = {name: value for name, value in row().items() if name not in ("answer", "facts", "wrong", "quotes")}
    assert "Every answer" not in report_html(report(searched))


def test_the_comparison_is_shown() -> None:
    one = {"before": 0.5, "after": 0.4, "difference": -0.1, "interval": [-0.2, -0.01], "verdict": "loss"}
    page = Page(report_html(report(row(), comparison={"questions": 7, "only_one": 0, "measures": {"mrr": one}})))
    assert {"Against the baseline: 7 questions in both", "-0.2 to -0.01", "loss", "-0.100"} <= set(page.words)


def test_no_questions_are_no_error() -> None:
    assert "0 questions" in report_html(report())


def test_it_is_written_whatever_it_holds(tmp_path: Path) -> None:
    write_report(tmp_path / "a.html", report(row("Über \ud800", **{"hit@5": [0, 1]})))
    assert "Über ?" in (tmp_path / "a.html").read_text(encoding="utf-8")
    with pytest.raises(DocentError, match="could not be written"):
        write_report(tmp_path / "missing" / "a.html", report())


def test_only_shares_are_drawn_from_0_to_1() -> None:
    closed = {"contains": 0.5, "tokens": {"prompt": 300.0}, "first_token_ms": 900.0}
    page = Page(report_html(report(row(), closed_book=closed, first_token_ms=5.0)))
    drawn = page.words[: page.words.index("Every figure")]
    assert {"hit@5", "closed_book.contains"} <= set(drawn)
    assert not [word for word in drawn if "token" in word or "latency" in word]


# Plots


def widths(plot: Element, class_: str) -> list[float]:
    return [float(one.get("width", 0)) for one in plot.iter("rect") if one.get("class") == class_]


def test_a_bar_is_as_long_as_its_value() -> None:
    plot = bars("x", [("all", 1.0), ("half", 0.5), ("none", 0.0), ("beyond", 7.0), ("below", -1.0)])
    full = widths(plot, "grid")[0]
    assert widths(plot, "bar") == [full, full / 2, 0, full, 0]
    assert plot.get("aria-label") == "x"


def test_a_curve_goes_up_where_values_do() -> None:
    (line,) = curve("x", [0.0, 0.5, 1.0], "k").iter("polyline")
    points = [tuple(map(float, point.split(","))) for point in line.get("points", "").split()]
    assert [y for _, y in points] == [190, 100, 10]
    assert [x for x, _ in points] == sorted(x for x, _ in points)


def test_a_histogram_counts_every_value_once() -> None:
    plot = histogram("x", [0, 1, 1, 50, 100, 100, 100], "ms")
    counts = [int((one.findtext("title") or "").rpartition(": ")[2]) for one in plot.iter("rect")]
    assert (sum(counts), counts[0], counts[-1]) == (7, 3, 3)


@pytest.mark.parametrize("values", [[], [0.0], [0.0, 0.0], [5.0]])
def test_small_and_empty_plots(values: list[float]) -> None:
    for plot in (histogram("x", values, "ms"), curve("x", values, "k"), bars("x", [("a", v) for v in values])):
        assert plot.get("viewBox")
    assert intervals("x", [("a", v, v, v) for v in values]).get("viewBox")


def test_an_interval_stands_on_its_side_of_zero() -> None:
    plot = intervals("x", [("worse", -0.4, -0.3, -0.2), ("better", 0.1, 0.2, 0.3)])
    axis, worse, better = list(plot.iter("line"))
    zero = float(axis.get("x1", 0))
    assert float(worse.get("x2", 0)) < zero < float(better.get("x1", 0))
