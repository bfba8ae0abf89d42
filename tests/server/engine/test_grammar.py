"""What a grammar lets an answer say, over a vocabulary of single bytes and a real one's shape."""

import json
import random
from dataclasses import dataclass, field
from typing import Any

import jsonschema
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from server.engine.grammar import Grammar, Grammars
from server.engine.token_sampling import SamplingError
from server.llm.json_schema import prepared
from tests.json_schemas import SCHEMAS, node

END = 256
LONG = [b'": ', b'"a', b'", "', b"true", b"null", b"12", b"{}", b"[]", b"  ", b'"}', b"\\n"]


@dataclass
class Bytes:
    """Every byte, a token that ends, and some of several bytes: a vocabulary without a model."""

    size: int = END + 1 + len(LONG)
    eos: int = END
    asked: list[str] = field(default_factory=list)

    def piece(self, token: int) -> bytes:
        return bytes([token]) if token < END else b"" if token == END else LONG[token - END - 1]

    def is_end(self, token: int) -> bool:
        return token == END

    def tokenize(self, text: str) -> list[int]:
        self.asked.append(text)
        return list(text.encode())


GRAMMARS = Grammars(Bytes())


@pytest.fixture
def grammars() -> Grammars:
    return GRAMMARS


def accepts(grammar: Grammar, text: str) -> bool:
    """Whether the text may be written and end there."""
    walk = grammar.begin()
    for byte in text.encode():
        if not walk.mask()[byte]:
            return False
        walk.accept(byte)
    return bool(walk.mask()[END])


def written(grammar: Grammar, seed: int, most: int = 400) -> str | None:
    """A text of random tokens that the grammar allows, ending as soon as it may. None: it did not end."""
    walk, chance, text = grammar.begin(), random.Random(seed), b""
    for _ in range(most):
        allowed = np.flatnonzero(walk.mask())
        if END in allowed:
            return text.decode()
        printable = [token for token in allowed if token >= END or 32 <= token < 127]
        token = int(chance.choice(printable or list(allowed)))
        walk.accept(token)
        text += Bytes().piece(token)
    return None


TREE = {
    "$ref": "#/$defs/tree",
    "$defs": {
        "tree": node({}, value={"type": "integer"}, left={"anyOf": [{"$ref": "#/$defs/tree"}, {"type": "null"}]})
    },
}


@pytest.mark.parametrize(
    ("schema", "right", "wrong"),
    [
        (TREE, '{"value": 1, "left": {"value": 2, "left": null}}', '{"value": 1, "left": 2}'),
        ({"const": 'a"\n]'}, '"a\\"\\n]"', '"a"'),
        ({"type": "integer", "minimum": -3, "maximum": 17}, "17", "18"),
        ({"type": "number", "exclusiveMaximum": 1.5}, "1.4", "1.5"),
        (node({}, yes=True), '{"yes": [null]}', '{"no": 1}'),
        ({"type": "object", "properties": {"no": False}}, "{}", '{"no": 1}'),
        ({"type": "string", "pattern": '^"] ::= root | \\x41$'}, '"\\"] ::= root "', '"root"'),
        ({"type": "string", "pattern": "^((((a?){30}){30}){30})$"}, '"aaa"', '"b"'),
        ({"type": "string", "pattern": "^(a?){60}b$"}, '"ab"', '"a"'),
        ({"type": "string", "pattern": "^((a*)*)*$"}, '"aa"', '"ab"'),
        ({"type": "string", "pattern": "^((a{1,50}){1,50}){1,50}$"}, '"a"', '""'),
        ({"type": "array", "items": {"type": "integer"}, "maxItems": 10**9}, "[1, 2]", '["a"]'),
        ({"type": "array", "items": {"type": "integer"}, "minItems": 3000}, "[" + "1," * 2_999 + "1]", "[1]"),
        ({"type": "string", "minLength": 2, "maxLength": 10**6}, '"äö"', '"ä"'),
        ({"enum": [f"x{i}" for i in range(2500)]}, '"x2499"', '"x2500"'),
        ({"enum": [None, True, 1.5, {"a": 1}, ["x"], '\0\n"\\']}, '{"a": 1}', '{"a": 2}'),
        (
            {"type": "object", "properties": {"a": {}}, "additionalProperties": {"type": "null"}},
            '{"b": null}',
            '{"b": 1}',
        ),
        ({"type": "string", "format": "uri-reference"}, '"x"', "1"),
        ({"type": "string", "format": "date"}, '"2026-11-30"', '"2026-13-30"'),
        ({}, '{\n  "a": [\n    1\n  ]\n}', "[]"),
        ({"type": "object"}, "{ }", "{   }"),
    ],
    ids=str,
)
def test_what_may_be_said(grammars: Grammars, schema: dict[str, Any], right: str, wrong: str) -> None:
    grammar = grammars.of_schema(prepared(schema))
    assert accepts(grammar, right)
    assert not accepts(grammar, wrong)


def test_an_object_that_names_its_properties_has_no_others(grammars: Grammars) -> None:
    grammar = grammars.of_schema(prepared(node({}, a={"type": "integer"}, b={"items": node({}, c=True)})))
    assert accepts(grammar, '{"a": 1, "b": [{"c": 2}]}')
    assert not accepts(grammar, '{"a": 1, "b": [], "d": 1}')
    assert not accepts(grammar, '{"a": 1, "b": [{"c": 2, "d": 1}]}')


def test_parts_that_are_put_together_are_left_open(grammars: Grammars) -> None:
    both = {"allOf": [node({}, a={"type": "integer"}), node({}, b={"type": "integer"})]}
    assert accepts(grammars.of_schema(prepared(both)), '{"a": 1, "b": 2}')


@pytest.mark.parametrize(
    ("schema", "why"),
    [
        ({"not": {"type": "string"}}, "not"),
        ({"type": "array", "uniqueItems": True}, "uniqueItems"),
        ({"if": {"type": "string"}, "then": {"maxLength": 3}}, "then"),
        ({"type": "integer", "minimum": 5, "maximum": 1}, "minimum"),
        ({"type": "string", "pattern": "^(((("}, "unclosed group"),
        ({"type": "string", "pattern": "^a\\"}, "backslash"),
        ({"type": "string", "pattern": "a)|(b"}, "group"),
        ({"type": "string", "pattern": "^" + "a?" * 2000 + "$"}, ""),
        ({"$ref": "https://example.org/schema.json"}, "example.org"),
        ({"$ref": "file:///etc/passwd"}, "file:///etc/passwd"),
        ({"$ref": "#/nowhere/at/all"}, "/nowhere"),
        ({"type": "nonsense"}, "nonsense"),
        ({"enum": []}, "empty"),
        ({"enum": ["x" * 40_000]}, "longer than 32,768"),
        ({"type": "integer", "maximum": 10**400}, "number"),
        ({"type": "array", "items": {"type": "integer"}, "minItems": -1}, "minItems"),
        ({"const": json.loads("[" * 140 + "]" * 140)}, "nested too deeply"),
        ({"x-guidance": {"lenient": True}, "not": {"type": "string"}}, "not"),
    ],
    ids=lambda value: str(value)[:60],
)
def test_what_cannot_be_enforced_is_refused_by_name(grammars: Grammars, schema: dict[str, Any], why: str) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        grammars.of_schema(prepared(schema))
    assert why in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) <= 200


@pytest.mark.parametrize("depth", [70, 400, 5000])
def test_a_schema_nested_too_deeply_is_refused(depth: int) -> None:
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(depth):
        schema = {"items": schema}
    with pytest.raises(ValueError, match="deep"):
        prepared(schema)


def test_a_grammar_that_becomes_too_costly_ends_its_answer_with_a_reason(grammars: Grammars) -> None:
    schema = {"type": "object", "properties": {f"p{i}": {"type": "string"} for i in range(1100)}}
    walk = grammars.of_schema(prepared(schema)).begin()
    with pytest.raises(SamplingError, match="it allows too many things at once"):
        walk.accept(ord("{"))


def test_several_answers_go_through_one_grammar_each_on_its_own_way(grammars: Grammars) -> None:
    grammar = grammars.of_schema(prepared({"enum": ["yes", "no"]}))
    first, second = grammar.begin(), grammar.begin()
    for byte in b'"ye':
        first.accept(byte)
    for byte in b'"n':
        second.accept(byte)
    assert [np.flatnonzero(walk.mask()).tolist() for walk in (first, second)] == [[ord("s")], [ord("o")]]


def test_nothing_satisfies_it(grammars: Grammars) -> None:
    endless = {"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/a"}}}
    with pytest.raises(ValueError, match="nothing satisfies it"):
        grammars.of_schema(prepared(endless))


@given(schema=SCHEMAS, seed=st.integers(0, 2**32))
@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=300)
def test_every_text_that_ended_by_itself_satisfies_its_schema(schema: dict[str, Any], seed: int) -> None:
    try:
        grammar = GRAMMARS.of_schema(prepared(schema))
    except ValueError:
        return
    try:
        text = written(grammar, seed)
    except SamplingError:
        return
    if text is not None:
        jsonschema.Draft202012Validator(schema or {"type": "object"}).validate(json.loads(text))
