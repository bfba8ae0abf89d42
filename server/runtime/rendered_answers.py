"""Answers as HTML, made once: rendering Markdown is most of the time that opening a long conversation takes.

In memory only, and by conversation, so that one that is deleted is forgotten with every version of its answers.
"""

from collections import OrderedDict
from collections.abc import Callable
from threading import Lock

from server.conversations.shapes import TurnView

CONVERSATIONS = 16  # those that were looked at last; one of a hundred answers takes about half a megabyte


class RenderedAnswers:
    """HTML by conversation and turn. Threads share it."""

    def __init__(self, conversations: int = CONVERSATIONS) -> None:
        self._most = conversations
        self._kept: OrderedDict[str, dict[int, str]] = OrderedDict()
        self._lock = Lock()

    def html(self, turn: TurnView, render: Callable[[TurnView], str]) -> str:
        """`render(turn)`, which is called once for a turn that is saved as it ended: nothing changes its answer."""
        if turn.state == "running" or turn.unsaved:
            return render(turn)
        with self._lock:
            answers = self._kept.setdefault(turn.conversation_id, {})
            self._kept.move_to_end(turn.conversation_id)
            if len(self._kept) > self._most:
                self._kept.popitem(last=False)
        if turn.id not in answers:  # what is forgotten meanwhile is written to a dict that nobody holds
            answers[turn.id] = render(turn)
        return answers[turn.id]

    def forget(self, conversation_id: str) -> None:
        """For a conversation that is deleted."""
        with self._lock:
            self._kept.pop(conversation_id, None)
