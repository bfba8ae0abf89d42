"""An answer fed to the checker of citations, and what must hold of it at any time."""

from server.answering.checker import Dropped, DropReason
from server.answering.citations import CitationChecker
from server.answering.events import Citation, Doubt, Evidence
from tests.server.passages import numbered

LEAVE = "Employees have 25 days of annual leave. Leave is booked in the people portal. Five days carry over."
DENTAL = "The dental plan covers two cleanings a year. Crowns are covered at half their price."
EVIDENCE = numbered(LEAVE, DENTAL)


def at_once(text: str, evidence: tuple[Evidence, ...] = EVIDENCE) -> CitationChecker:
    return in_pieces([text], evidence)


def in_pieces(deltas: list[str], evidence: tuple[Evidence, ...] = EVIDENCE) -> CitationChecker:
    return fed(CitationChecker(evidence), deltas)


def rewritten(deltas: list[str]) -> CitationChecker:
    """Of an answer in another form, of which nothing is dropped that was not said before."""
    return fed(CitationChecker(EVIDENCE, another_form=True), deltas)


def fed(checker: CitationChecker, deltas: list[str]) -> CitationChecker:
    """The checker after an answer that came in these pieces; what holds at any time is checked."""
    handed, written, cited = "", "", list[Citation]()
    for delta in [*deltas, None]:
        checked = checker.flush() if delta is None else checker.feed(delta)
        handed += checked.delta
        written += delta or ""
        cited += checked.citations
        assert checker.text == handed, "what was handed out was taken back"
        assert checker.judged <= len(written)
        for citation in checked.citations:
            assert handed.startswith(f"[{citation.n}]", citation.at)
    assert cited == checker.citations
    assert checker.judged == len(written)
    for dropped in checker.dropped:
        assert 0 <= dropped.start < dropped.end <= len(written)
    return checker


def spans(checker: CitationChecker) -> list[tuple[int, int]]:
    return [(doubt.start, doubt.end) for doubt in checker.unsupported]


def outcome(checker: CitationChecker) -> tuple[str, list[Citation], list[Doubt], list[Dropped]]:
    return checker.text, checker.citations, checker.unsupported, checker.dropped


def shown(text: str, evidence: tuple[Evidence, ...] = EVIDENCE) -> str:
    return at_once(text, evidence).text


def reasons(checker: CitationChecker) -> list[DropReason]:
    return [dropped.reason for dropped in checker.dropped]
