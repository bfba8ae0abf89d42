"""The list of conversations: under their days, told apart, with the words that a search found (pure)."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from indexer.passages import Scope
from server.conversations.shapes import ConversationLine, FoundTurn
from server.views.source_view import TextSpan

BEFORE, EXCERPT = 25, 80  # characters shown of a turn: before the first word that was searched for, and in all
_NO_WORDS = re.compile(r"\[\d{1,4}\]|[*_`#>|]+|:?-{2,}:?")  # marks and Markdown


@dataclass(frozen=True)
class ListedConversation:
    """One line of the list."""

    id: str
    title: str
    when: str  # where another has the same title
    turn: int | None = None  # that holds the words that were searched for
    excerpt: tuple[TextSpan, ...] = ()


def by_day(
    lines: Sequence[ConversationLine],
    now: datetime,
    found: Mapping[str, FoundTurn] | None = None,
    search: str = "",
    scope: Scope | None = None,
) -> list[tuple[str, list[ListedConversation]]]:
    """Conversations under the day they were last used, newest first, in the server's time zone.

    `found`: by conversation the turn that holds words of `search`; of it what the asker of `scope` may read is shown.
    """
    today = _local(now).date()
    titles = Counter(line.title.casefold() for line in lines)
    groups: dict[str, list[ListedConversation]] = {}
    for line in lines:
        used = _local(line.updated_at)
        if used.date() >= today:
            name = "Today"
        elif used.date() == today - timedelta(days=1):
            name = "Yesterday"
        elif used.date() > today - timedelta(days=7):
            name = "Last 7 days"
        else:
            name = f"{used:%B %Y}"
        when = "" if titles[line.title.casefold()] < 2 else f"{used:%H:%M}"
        if when and name not in ("Today", "Yesterday"):
            when = f"{used.day} {used:%b}, {when}"
        turn = (found or {}).get(line.id)
        words = excerpt(turn, line.title, search, scope) if turn is not None and scope is not None else ()
        listed = ListedConversation(line.id, line.title, when, turn.id if turn and words else None, words)
        groups.setdefault(name, []).append(listed)
    return list(groups.items())


def excerpt(turn: FoundTurn, title: str, search: str, scope: Scope) -> tuple[TextSpan, ...]:
    """Words of a turn around the first one that was searched for, all of them marked; none where the title says them.

    Of an answer that is quotations nothing is shown where one of them may not be read any more.
    """
    wanted = re.compile("|".join(map(re.escape, sorted(search.split(), key=len, reverse=True))), re.IGNORECASE)
    readable = turn.mode != "extractive" or all(citation.is_in(scope) for citation in turn.citations)
    for text in (turn.question if turn.question != title else "", turn.answer if readable else ""):
        line = " ".join(_NO_WORDS.sub(" ", text).split())
        hit = wanted.search(line)
        if hit is not None:
            return tuple(_spans(line, hit.start(), wanted))
    return ()


def _spans(line: str, hit: int, wanted: re.Pattern[str]) -> Iterator[TextSpan]:
    begin = line.rfind(" ", 0, max(0, hit - BEFORE)) + 1 if hit > BEFORE else 0
    cut = line[begin : begin + EXCERPT]
    if begin + EXCERPT < len(line):
        cut = f"{cut.rpartition(' ')[0] or cut} …"
    if begin:
        cut = f"… {cut}"
    yield from _marked(cut, wanted.finditer(cut))


def _marked(line: str, hits: Iterable[re.Match[str]]) -> Iterator[TextSpan]:
    done = 0
    for hit in hits:
        if done < hit.start():
            yield TextSpan(line[done : hit.start()])
        yield TextSpan(hit[0], marked=True)
        done = hit.end()
    if done < len(line):
        yield TextSpan(line[done:])


def _local(moment: datetime) -> datetime:
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone()
