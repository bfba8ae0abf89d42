"""A conversation as Markdown."""

from indexer.passages import Scope
from server.answering.events import Citation
from server.conversations.shapes import CitationView, TurnView
from server.views.export import conversation_markdown


def citation(n: int, at: int, quote: str) -> CitationView:
    return CitationView(at, Citation(n, at, 7, 1, "a/leave.md", "Leave", "A › B", 3, 0, 9, quote))


def test_sources_become_footnotes_that_no_other_turn_shares() -> None:
    answer = "It is 25 [1]. See days[1].\n\nMore.[2]"
    cited = (citation(1, 9, "25 days\na year."), citation(2, 33, "More of it."))
    turns = [
        TurnView(1, "c", "How\nmuch?", "done", answer=answer, citations=cited),
        TurnView(2, "c", "And?", "stopped", answer="Half"),
        TurnView(3, "c", "Zebras?", "done", answered=False),
    ]
    assert conversation_markdown("Leave", turns, Scope(frozenset({1}))) == (
        "# Leave\n\n## How much?\n\n"
        "It is 25[^1-1]. See days[1].\n\nMore.[^1-2]\n\n"
        "[^1-1]: Leave, page 3 (a/leave.md): “25 days a year.”\n\n"
        "[^1-2]: Leave, page 3 (a/leave.md): “More of it.”\n\n"
        "## And?\n\nHalf\n\n*This answer was stopped.*\n\n"
        "## Zebras?\n\n*The documents do not say.*\n"
    )
