"""Messages to the text that a model was trained on, by the model's own Jinja template.

Contents are rendered as sentinels that nobody can guess and put back afterwards, so that the template's markup and
people's words stay apart as Segments. A template that ignores or refuses the role `system` (Phi-3-mini-4k does the
former, Gemma the latter) gets the system text at the head of the first user turn. Templates come with model files and
are run in a sandbox (template_sandbox.py). Raises TemplateError when a template cannot be used, BadRequest when it
refuses the messages.
"""

import logging
import re
import secrets
from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby

from jinja2 import TemplateError

from server.errors import BadRequest
from server.llm.generator import Message
from server.llm.prompt_tokens import PromptPart
from server.llm.template_sandbox import RENDER_SECONDS, compile_template, render

logger = logging.getLogger("docent.template")

BETWEEN_MERGED = "\n\n"

CHATML = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
PHI = (
    "{% for message in messages %}<|{{ message.role }}|>\n{{ message.content }}<|end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>\n{% endif %}"
)
PLAIN = (
    "{% for message in messages %}{{ message.role | capitalize }}: {{ message.content }}\n\n{% endfor %}"
    "{% if add_generation_prompt %}Assistant:{% endif %}"
)
PLAIN_STOPS = ("\nUser:", "\nSystem:")  # a model that was not trained on turns writes the next one too
# For files without a template: by architecture, if the vocabulary has the marks; otherwise plain text.
FALLBACKS = {"phi3": (PHI, "<|end|>"), "phimoe": (PHI, "<|end|>")}


class ChatTemplate:
    """Renders conversations for one model."""

    def __init__(
        self,
        source: str,
        *,
        bos: str = "",
        eos: str = "",
        stops: tuple[str, ...] = (),
        seconds: float = RENDER_SECONDS,
    ) -> None:
        """`stops` are texts that end an answer; `seconds` is the longest time that rendering may take."""
        self.stops = stops
        self._bos, self._eos, self._seconds = bos, eos, seconds
        try:
            self._template = compile_template(source)
            self._render([Message("user", "x")])
        except TemplateError as error:
            raise TemplateError(f"The model's chat template cannot be used: {error}") from error
        self._trims = self._trims_contents()
        self.reads_system = self._keeps_system()

    def render(self, messages: Sequence[Message]) -> list[PromptPart]:
        """The prompt, ready for the assistant's turn."""
        turns = list(messages) if self.reads_system else _system_into_user(messages)
        try:
            return self._segments(turns)
        except TemplateError as first:
            try:
                return self._segments(_merge_neighbours(turns))  # templates that insist on roles in turn
            except TemplateError:
                raise BadRequest(
                    f"The model's chat template refuses these messages: {first}.",
                    "Let the roles user and assistant take turns, beginning with user.",
                    param="messages",
                ) from first

    def _segments(self, messages: Sequence[Message]) -> list[PromptPart]:
        key = secrets.token_hex(12)
        marked = [Message(message.role, f"S{key}N{i}E") for i, message in enumerate(messages)]
        parts = re.split(f"S{key}N([0-9]+)E", self._render(marked))
        segments = []
        for i, part in enumerate(parts):
            if i % 2:
                segments += _contents(messages[int(part)], trims=self._trims)
            elif part:
                segments.append(PromptPart(part, True))
        return segments

    def _render(self, messages: Sequence[Message]) -> str:
        """Raises TemplateError for whatever goes wrong inside the template."""
        values = {
            "messages": [{"role": message.role, "content": message.content} for message in messages],
            "add_generation_prompt": True,
            "bos_token": self._bos,
            "eos_token": self._eos,
            "tools": None,
        }
        return render(self._template, values, seconds=self._seconds)

    def _trims_contents(self) -> bool:
        key = secrets.token_hex(12)
        return f" {key} " not in self._render([Message("user", f" {key} ")])

    def _keeps_system(self) -> bool:
        key = secrets.token_hex(12)
        try:
            return key in self._render([Message("system", key), Message("user", "x")])
        except TemplateError:
            return False


def choose_template(
    source: str, architecture: str, special_texts: frozenset[str], *, bos: str, eos: str
) -> ChatTemplate:
    """The file's own template, or one that suits the architecture where it has none that works."""
    if source:
        try:
            return ChatTemplate(source, bos=bos, eos=eos)
        except TemplateError as error:
            logger.warning("%s. A plain one is used instead.", error)
    fallback, mark = FALLBACKS.get(architecture, (CHATML, "<|im_end|>"))
    if mark not in special_texts:
        fallback = CHATML if "<|im_end|>" in special_texts else PLAIN
    if not source:
        logger.warning("The model file has no chat template; one for %s models is used.", architecture)
    return ChatTemplate(fallback, bos=bos, eos=eos, stops=PLAIN_STOPS if fallback is PLAIN else ())


def _system_into_user(messages: Sequence[Message]) -> list[Message]:
    """System texts at the head of the first user turn, or as a user turn if there is none."""
    system = [message.content for message in messages if message.role == "system" and message.content]
    turns = [message for message in messages if message.role != "system"]
    if not system:
        return turns
    first = next((i for i, turn in enumerate(turns) if turn.role == "user"), None)
    if first is None:
        return [Message("user", BETWEEN_MERGED.join(system)), *turns]
    turns[first] = _behind(BETWEEN_MERGED.join([*system, ""]), turns[first])
    return turns


def _behind(text: str, message: Message) -> Message:
    """The message with `text` before it."""
    further = len(text)
    spans = tuple(replace(s, start=s.start + further, end=s.end + further) for s in message.passages)
    return Message(message.role, text + message.content, passages=spans)


def _contents(message: Message, *, trims: bool) -> list[PromptPart]:
    """A message's content, each of its passages a part of its own."""
    text, found, done = message.content, [], 0
    for span in message.passages:
        found.append(PromptPart(text[done : span.start], False))
        found.append(PromptPart(text[span.start : span.end], False, span))
        done = span.end
    found.append(PromptPart(text[done:], False))
    if trims:
        found[0] = replace(found[0], text=found[0].text.lstrip())
        found[-1] = replace(found[-1], text=found[-1].text.rstrip())
    return found


def _merge_neighbours(messages: Sequence[Message]) -> list[Message]:
    return [
        Message(role, BETWEEN_MERGED.join(message.content for message in group))
        for role, group in groupby(messages, key=lambda message: message.role)
    ]
