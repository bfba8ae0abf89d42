"""A report of `indexer evaluate` as one HTML file of its own: plots, figures, and the questions that went wrong (pure).

Everything that comes from questions, documents and answers is set as the text of an element, never put into markup; the
page carries no script, and its content security policy would run none and load nothing.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, tostring

from indexer.errors import DocentError
from indexer.evaluate.plots import bars, curve, element, histogram, intervals

DEPTH = 10
POLICY = "default-src 'none'; style-src 'unsafe-inline'"
STYLE = """
:root { color-scheme: light dark; --paper: #fdfcfa; --line: #ddd7cc; --ink: #26221c; --soft: #625a4e; --accent: #7a4a12
}
@media (prefers-color-scheme: dark) { :root { --paper: #1a1815; --line: #3d3830; --ink: #ece7de; --soft: #b0a799;
  --accent: #e5b074 } }
body { margin: 2rem auto; max-width: 56rem; padding: 0 1rem; background: var(--paper); color: var(--ink);
  font: 1rem/1.5 system-ui, "Segoe UI", Roboto, "Noto Sans", sans-serif; overflow-wrap: anywhere }
h1, h2, h3 { line-height: 1.2 } h2 { margin-top: 2.5rem }
svg { display: block; width: 100%; max-width: 44rem; height: auto } svg text { font-size: 13px; fill: var(--ink) }
.bar, .mark { fill: var(--accent) } .axis { stroke: var(--soft) } .line { fill: none; stroke: var(--accent);
  stroke-width: 2 } rect.grid { fill: var(--line) } line.grid { stroke: var(--line) }
table { border-collapse: collapse } th, td { border-bottom: 1px solid var(--line); padding: .25rem 1rem .25rem 0;
  text-align: left; vertical-align: top } th { color: var(--soft); font-weight: 600 }
td.number { text-align: right; font-variant-numeric: tabular-nums }
article { border-top: 1px solid var(--line); padding: .5rem 0 } article h3 { font-size: 1rem; margin: .5rem 0 }
dl { display: grid; grid-template-columns: 8rem 1fr; gap: .25rem 1rem; margin: 0 } dt { color: var(--soft) }
dd { margin: 0; white-space: pre-wrap }
@media (max-width: 30rem) { dl { grid-template-columns: 1fr } }
"""


def write_report(path: Path, report: Mapping[str, Any]) -> None:
    """Raises DocentError when it cannot be written."""
    try:
        path.write_text(report_html(report), encoding="utf-8", errors="replace")
    except OSError as error:
        raise DocentError(f"The report could not be written to {path} ({error}).", "Name another file.") from error


def report_html(report: Mapping[str, Any]) -> str:
    """The page for what `indexer evaluate --json` prints."""
    rows = report["per_question"]
    title = f"Evaluation of {report['folder']}"
    body = [element("h1", title), *_retrieval(report, rows), *_times(rows), *_comparison(report.get("comparison"))]
    body += [*_section("Every figure", _figures(report)), *_failures(rows), *_answers(rows)]
    head = element(
        "head",
        "",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=POLICY),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("title", title),
        element("style", STYLE),
    )
    page = element("html", "", head, element("body", "", *body), lang="en")
    return "<!doctype html>\n" + tostring(page, encoding="unicode", method="html") + "\n"


def _section(title: str, *content: Element) -> list[Element]:
    return [element("h2", title), *content]


def _retrieval(report: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> list[Element]:
    shares = [(name, value) for name, value in _flat(report) if _is_share(name, value)]
    ranks = [list(row["ranks"].values()) for row in rows if "hit@5" in row["measures"]]
    plots = [bars("Figures from 0 to 1", shares)]
    if ranks:
        found = [sum(any(rank <= k for rank in one) for one in ranks) / len(ranks) for k in range(1, DEPTH + 1)]
        plots += [
            element("h3", "Questions with a right passage among the first"),
            curve("Questions with a right passage among the first 1 to 10", found, "passages"),
        ]
    return _section(f"{report['questions']} questions with known passages", *plots)


def _is_share(name: str, value: object) -> bool:
    counted = ("latency_ms", "first_token_ms", "tokens", "questions", "words")
    return isinstance(value, int | float) and not any(part in counted for part in name.split("."))


def _times(rows: Sequence[Mapping[str, Any]]) -> list[Element]:
    plots: list[Element] = []
    for measure, title in (("latency_ms", "Time of a search"), ("first_token_ms", "Time to the first words")):
        values = [row["measures"][measure][0] for row in rows if measure in row["measures"]]
        if values:
            plots += [element("h3", title), histogram(title, values, "milliseconds")]
    return _section("Times", *plots) if plots else []


def _comparison(comparison: Mapping[str, Any] | None) -> list[Element]:
    if comparison is None:
        return []
    measures = comparison["measures"].items()
    scaled = [
        (name, one["interval"][0], one["difference"], one["interval"][1])
        for name, one in measures
        if _is_share(name, one["difference"])
    ]
    cells = [
        [name, one["before"], one["after"], one["difference"], "{} to {}".format(*one["interval"]), one["verdict"]]
        for name, one in measures
    ]
    return _section(
        f"Against the baseline: {comparison['questions']} questions in both",
        *([intervals("Differences with their 95% intervals", scaled)] if scaled else []),
        _table(("measure", "before", "after", "difference", "95% interval", ""), cells),
    )


def _figures(report: Mapping[str, Any]) -> Element:
    return _table(("figure", "value"), [[name, "no such questions" if v is None else v] for name, v in _flat(report)])


def _flat(figures: Mapping[str, Any], before: str = "") -> Iterable[tuple[str, Any]]:
    """Figures by their full name, groups opened; lists and the comparison stand elsewhere."""
    for name, value in figures.items():
        if isinstance(value, dict) and name != "comparison":
            yield from _flat(value, f"{before}{name}.")
        elif isinstance(value, int | float) or value is None:
            yield before + name, value


def _table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> Element:
    def cell(value: object) -> Element:
        return element("td", str(value), **({"class_": "number"} if isinstance(value, int | float) else {}))

    body = [element("tr", "", *map(cell, row)) for row in rows]
    head = element("tr", "", *(element("th", name, scope="col") for name in heads))
    return element("table", "", element("thead", "", head), element("tbody", "", *body))


FAILURES = (
    ("No right passage among the first five", "hit@5", 1),
    ("The answer holds none of the accepted answers", "contains", 1),
    ("A fact is missing in the answer and in the quotations beneath it", "facts_held.shown", 1),
    ("A number or name stands in none of the right documents", "wrong_facts", 0),
    ("No answer: empty, only marks, a sentence twice, or the question", "empty", 0),
    ("Cut off", "cut", 0),
    ("Refused, though the documents answer it", "abstention.false_refusals", 0),
    ("Answered, though the documents do not say", "abstention.recall", 1),
    ("Answered, though it is off topic", "off_topic.refused", 1),
)
"""Title, measure, and what a question's part of the measure is when nothing went wrong."""


def _failures(rows: Sequence[Mapping[str, Any]]) -> list[Element]:
    sections: list[Element] = []
    told = {name for row in rows for name in row["measures"]}
    for title, measure, right in FAILURES:
        measured = [row for row in rows if measure in row["measures"]]
        failed = [row for row in measured if row["measures"][measure][0] != right]
        if measured and not (measure == "contains" and "facts_held.shown" in told):  # which says the same, and more
            sections += _section(f"{title}: {len(failed)} of {len(measured)}", *map(_article, failed))
    return sections


def _answers(rows: Sequence[Mapping[str, Any]]) -> list[Element]:
    """All of them, to be read one by one."""
    answered = [row for row in rows if "answer" in row]
    if not answered:
        return []
    count = element("summary", f"{len(answered)} answers")
    return _section("Every answer", element("details", "", count, *map(_article, answered)))


def _article(row: Mapping[str, Any]) -> Element:
    parts = {
        "question": row["id"],
        "before it": "\n".join(row["history"]),
        "gold": "\n".join(row["gold"]),
        "found": "\n".join(map(_place, row["found"])),
        "accepted": "\n".join(row["accepted"]),
        "answer": row.get("answer", ""),
        "cited": "\n".join(f"[{one['n']}] {_quotation(one)}" for one in row.get("citations", ())),
        "quoted": "\n".join(map(_quotation, row.get("quotes", ()))),
        **_marked(row),
        "closed book": row.get("closed_book", ""),
    }
    terms = [part for name, text in parts.items() if text for part in (element("dt", name), element("dd", text))]
    return element("article", "", element("h3", row["question"]), element("dl", "", *terms))


def _marked(row: Mapping[str, Any]) -> dict[str, str]:
    """What a reader would mark in the answer."""
    facts = row.get("facts") or {}
    shown, written = facts.get("shown") or {}, facts.get("written") or {}
    beneath = [fact for fact in written.get("missing", ()) if fact not in shown.get("missing", ())]
    return {
        "held": "\n".join(shown.get("held", ())),
        "missing": "\n".join(shown.get("missing", ())),
        "only quoted": "\n".join(beneath),
        "wrong": "\n".join(map(_wrong, row.get("wrong", ()))),
        "no answer": row.get("flaw", ""),
        "refused": "yes" if row.get("answered") is False else "",
    }


def _wrong(one: Mapping[str, Any]) -> str:
    cited = "cited to words that hold it" if one["quoted"] else "cited" if one["cited"] else "not cited"
    return f"{', '.join(one['facts'])} ({cited}) in: {one['sentence']}"


def _quotation(one: Mapping[str, Any]) -> str:
    return f"{_place(one)}: {one['quote'] or ''}"


def _place(one: Mapping[str, Any]) -> str:
    return str(one["document"]) + (f", page {one['page']}" if one["page"] else "")
