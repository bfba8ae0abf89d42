"""Every place at which a template shows a value: read with Jinja's own parser, and recorded as pages are made.

A place is an output expression of a template and where it stands in the HTML: inside an element, or in an attribute.
`recorded` makes the running application write down what each place shows.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

from jinja2 import nodes
from jinja2.ext import Extension
from jinja2.lexer import Token, TokenStream

from server.web.templating import ASSETS, ENVIRONMENT

TEMPLATES = sorted((ASSETS / "templates").glob("*.html"))
VOID = frozenset({"br", "hr", "img", "input", "link", "meta", "source", "wbr"})
ISOLATING = frozenset({"bdi", "title", "option", "textarea", "template"})
"""Elements whose text has a direction of its own, or that hold nothing but text."""


@dataclass(frozen=True)
class Place:
    """An output expression, and where it stands. `attribute` is empty for text."""

    template: str
    number: int  # the how manieth of its template, from 1
    expression: str
    element: str
    attribute: str
    begins: bool  # the attribute's value begins with it
    isolated: bool  # what it shows cannot turn round the words beside it
    constant: bool  # it shows nothing but words that stand in the template

    @property
    def name(self) -> str:
        return f"{self.template}: {self.expression}"

    @property
    def key(self) -> str:
        """What `Record.shown` calls it."""
        return f"{self.template} {self.number}"


class Recorder(Extension):
    """Wraps each output expression in a call: `{{ a }}` becomes `{{ __place("template 1", "a", a) }}`."""

    def filter_stream(self, stream: TokenStream) -> Iterator[Token]:
        number = 0
        for token in stream:
            yield token
            if token.type == "variable_begin":
                number += 1
                yield from self._wrapped(stream, f"{stream.name} {number}", token.lineno)

    def _wrapped(self, stream: TokenStream, key: str, line: int) -> Iterator[Token]:
        inside: list[Token] = []
        for token in stream:
            if token.type == "variable_end":
                for kind, value in (
                    *(("name", CALL), ("lparen", "("), ("string", key), ("comma", ",")),
                    *(("string", _words(inside)), ("comma", ",")),
                ):
                    yield Token(line, kind, value)
                yield from inside
                yield Token(line, "rparen", ")")
                yield token
                return
            inside.append(token)


CALL = "__place"


def _words(tokens: Iterable[Token]) -> str:
    """An expression as a person would write it, or nearly."""
    words = ""
    for token in tokens:
        value = repr(token.value) if token.type == "string" else str(token.value)
        apart = words and (words[-1].isalnum() or words[-1] in "_'\",") and (value[0].isalnum() or value[0] in "_'\"")
        words += f" {value}" if apart else value
    return words


@dataclass
class Record:
    """What each place showed, by the place's key."""

    shown: dict[str, set[Any]] = field(default_factory=lambda: defaultdict(set))

    def __call__(self, key: str, _expression: str, value: Any) -> Any:
        self.shown[key].add(value if isinstance(value, bool | int | float | type(None)) else str(value))
        return value


@contextmanager
def recorded() -> Iterator[Record]:
    """Whatever the application renders meanwhile is recorded."""
    record = Record()
    ENVIRONMENT.add_extension(Recorder)
    ENVIRONMENT.globals[CALL] = record
    assert ENVIRONMENT.cache is not None
    ENVIRONMENT.cache.clear()
    try:
        yield record
    finally:
        del ENVIRONMENT.extensions[Recorder.identifier]
        del ENVIRONMENT.globals[CALL]
        ENVIRONMENT.cache.clear()


def all_places() -> list[Place]:
    """Every place of every template, in the order in which they stand there."""
    found: list[Place] = []
    with recorded():
        for template in TEMPLATES:
            found += places(template.read_text(encoding="utf-8"), template.name)
    return found


def places(source: str, template: str) -> list[Place]:
    """The places of a template's source; call it inside `recorded`."""
    calls: list[nodes.Call] = []
    html = "".join(_linear(ENVIRONMENT.parse(source, template), calls))
    seen = _Places(len(calls))
    seen.feed(html)
    seen.close()
    assert all(seen.where), f"{template}: a place in a comment, or in the name of an element or attribute"
    return [
        _place(template, call, where, seen.has_words) for call, where in zip(calls, seen.where, strict=True) if where
    ]


def _linear(node: nodes.Node, calls: list[nodes.Call]) -> Iterator[str]:
    """The template with every branch taken once, and a mark instead of each output expression."""
    for child in node.iter_child_nodes():
        if not isinstance(child, nodes.Output):
            yield from _linear(child, calls)
            continue
        for part in child.nodes:
            if isinstance(part, nodes.TemplateData):
                yield part.data
            else:
                assert isinstance(part, nodes.Call)
                calls.append(part)
                yield f"{OPEN}{len(calls) - 1}{CLOSE}"


OPEN, CLOSE = "\ue000", "\ue001"  # private characters, which stand in no template


@dataclass
class _Element:
    tag: str
    attributes: dict[str, str]


@dataclass(frozen=True)
class _Where:
    path: tuple[_Element, ...]
    attribute: str
    begins: bool


class _Places(HTMLParser):
    """Where the marks stand, and which elements hold words of their own beside them."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.where: list[_Where | None] = [None] * count
        self.has_words: dict[int, _Element] = {}  # by id, and kept, so that no later element has the id of an earlier
        self._path: list[_Element] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = _Element(tag, {name: value or "" for name, value in attrs})
        for name, value in attrs:
            for at, number in _marks(value or ""):
                self.where[number] = _Where((*self._path, element), name, at == 0)
        if tag not in VOID:
            self._path.append(element)

    def handle_endtag(self, tag: str) -> None:
        for at in reversed(range(len(self._path))):
            if self._path[at].tag == tag:
                del self._path[at:]
                return

    def handle_data(self, data: str) -> None:
        rest = data
        for _at, number in _marks(data):
            self.where[number] = _Where(tuple(self._path), "", False)
            rest = rest.replace(f"{OPEN}{number}{CLOSE}", "")
        if rest.strip() and self._path:
            self.has_words[id(self._path[-1])] = self._path[-1]


def _marks(text: str) -> Iterable[tuple[int, int]]:
    at = text.find(OPEN)
    while at >= 0:
        end = text.index(CLOSE, at)
        yield at, int(text[at + 1 : end])
        at = text.find(OPEN, end)


def _place(template: str, call: nodes.Call, where: _Where, has_words: dict[int, _Element]) -> Place:
    key, expression, value = call.args
    assert isinstance(key, nodes.Const)
    assert isinstance(expression, nodes.Const)
    own = any(one.tag in ISOLATING or one.attributes.get("dir") == "auto" for one in where.path)
    alone = not where.path or id(where.path[-1]) not in has_words
    return Place(
        template,
        int(key.value.rpartition(" ")[2]),
        expression.value,
        where.path[-1].tag if where.path else "",
        where.attribute,
        where.begins,
        own or alone,
        _is_constant(value),
    )


def _is_constant(node: nodes.Node) -> bool:
    match node:
        case nodes.Const():
            return True
        case nodes.CondExpr():
            return node.expr2 is not None and _is_constant(node.expr1) and _is_constant(node.expr2)
        case nodes.Getitem(node=nodes.Dict(items=items)):
            return all(_is_constant(pair.value) for pair in items)
        case nodes.Call(node=nodes.Name(name="static"), args=args):
            return all(_is_constant(argument) for argument in args)
    return False
