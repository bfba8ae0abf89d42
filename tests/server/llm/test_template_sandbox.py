"""Templates that loop, grow or break out: each ends in an error, soon, and without the memory that it asks for."""

import sys
import tracemalloc

import pytest
from jinja2 import TemplateError

from server.errors import BadRequest
from server.llm.chat_template import ChatTemplate, choose_template
from server.llm.generator import Message
from server.llm.template_sandbox import MAX_SOURCE, MAX_TEXT, compile_template, render

ENDLESS = [
    "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}",
    "{% macro deep(n) %}{% for i in range(99999) %}{{ deep(n - 1) if n }}{% endfor %}{% endmacro %}{{ deep(9) }}",
    "{% set ns = namespace(n=0) %}{% for i in range(99999) %}{% for j in range(99999) %}{% set ns.n = ns.n + 1 %}"
    "{% endfor %}{% endfor %}",
]
LARGE = [
    "{{ 'x' * 1000000000000 }}",
    "{{ 1000000000000 * messages[0].role }}",
    "{{ [0] * 100000000000 }}",
    "{{ 9 ** (9 ** 9) }}",
    "{% set ns = namespace(n=9) %}{% for i in range(60) %}{% set ns.n = ns.n * ns.n %}{% endfor %}",
    "{% set ns = namespace(t='xx') %}{% for i in range(60) %}{% set ns.t = ns.t ~ ns.t %}{% endfor %}",
    "{% set ns = namespace(t='xx') %}{% for i in range(60) %}{% set ns.t = ns.t + ns.t %}{% endfor %}",
    "{% set ns = namespace(t=[1]) %}{% for i in range(60) %}{% set ns.t = ns.t + ns.t %}{% endfor %}",
    "{% set ns = namespace(t='xx') %}{% for i in range(60) %}{% set t %}{{ ns.t }}{{ ns.t }}{% endset %}"
    "{% set ns.t = t %}{% endfor %}",
    "{% macro twice(t) %}{{ t }}{{ t }}{% endmacro %}{% set ns = namespace(t='x') %}"
    "{% for i in range(60) %}{% set ns.t = twice(ns.t) %}{% endfor %}",
    "{% set ns = namespace(t='xx') %}{% for i in range(60) %}{% set ns.t = ns.t.replace('x', ns.t) %}{% endfor %}",
    "{% set ns = namespace(t='xx') %}{% for i in range(60) %}{% set ns.t = ns.t | replace('x', ns.t) %}{% endfor %}",
    "{% set ns = namespace(t='xx') %}{% for i in range(60) %}{% set ns.t = ns.t.join(ns.t) %}{% endfor %}",
    "{% set ns = namespace(t='xx') %}{% for i in range(60) %}{% set ns.t = [ns.t, ns.t] | join %}{% endfor %}",
    "{{ 'x'.ljust(1000000000000) }}",
    "{{ 'x'.zfill(1000000000000) }}",
    "{{ 'x' | center(1000000000000) }}",
    "{{ 'x' | indent(1000000000000, true) }}",
    "{{ [1] | tojson(indent=1000000000000) }}",
    "{{ '%1000000000000d' % 1 }}",
    "{{ '%*d' % (1000000000000, 1) }}",
    "{{ '%1000000000000d' | format(1) }}",
    "{{ '{:1000000000000}'.format(1) }}",
    "{% for i in range(99999) %}{{ 'x' * 10000 }}{% endfor %}",
]
BROKEN = [
    "{{ ''.__class__.__mro__ }}",
    "{{ cycler.__init__.__globals__.os }}",
    "{{ messages.append(1) }}",
    "{{ messages[0].content.nothing.at.all }}",
    "{% macro again(n) %}{{ again(n) }}{% endmacro %}{{ again(1) }}",
    "{% include 'file' %}",
    "{% if %}",
    "(" * 10 + "{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}",
    "x" * (MAX_SOURCE + 1),
]
VALUES = {"messages": [{"role": "user", "content": "x"}]}


@pytest.mark.parametrize("source", ENDLESS)
def test_a_loop_without_end_is_ended(source: str) -> None:
    before = sys.gettrace()
    with pytest.raises(TemplateError, match=r"longer than 0\.1 seconds"):
        render(compile_template(source), VALUES, seconds=0.1)
    assert sys.gettrace() is before


@pytest.mark.parametrize("source", LARGE)
def test_text_without_end_is_refused_before_it_is_made(source: str) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(TemplateError):
            render(compile_template(source), VALUES)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 16 * MAX_TEXT


@pytest.mark.parametrize("source", BROKEN)
def test_what_cannot_be_rendered_is_one_kind_of_error(source: str) -> None:
    with pytest.raises(TemplateError):
        render(compile_template(source), VALUES)


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("{{ 3 * 'ab' ~ 4 }} {{ 2 ** 10 }} {{ '%s!' % 'ab' }} {{ [1] + [2] }}", "ababab4 1024 ab! [1, 2]"),
        (
            "{{ ' ab '.strip().upper().ljust(4) }}|{{ 'a,b'.split(',')[-1] }}|{{ 'abc'.startswith('ab') }}",
            "AB  |b|True",
        ),
        ("{{ [{'a': 1}] | tojson }} {{ ['a', 'b'] | join('-') }} {{ 'aa' | replace('a', 'b') }}", '[{"a": 1}] a-b bb'),
        ("{{ messages | map(attribute='role') | list | length }} {{ 123456789 | string | length }}", "1 9"),
        (
            "{{ 'x'.join(['a', 'b', 'c']) }} {{ messages[0]['content'] | trim | capitalize | indent(2, true) }}",
            "axbxc   X",
        ),
    ],
)
def test_what_templates_do_every_day_works(source: str, text: str) -> None:
    assert render(compile_template(source), VALUES) == text


def test_a_model_s_template_that_is_harmful_is_replaced_by_a_plain_one() -> None:
    chosen = choose_template("{{ 'x' * 1000000000000 }}", "phi3", frozenset({"<|end|>"}), bos="<s>", eos="")
    assert "<|user|>" in "".join(segment.text for segment in chosen.render([Message("user", "Who?")]))


def test_one_that_is_harmful_in_long_conversations_only_fails_their_requests() -> None:
    trap = (
        "{% if messages | length > 2 %}" + ENDLESS[0] + "{% endif %}{% for m in messages %}{{ m.content }}{% endfor %}"
    )
    template = ChatTemplate(trap, seconds=0.1)
    turns = [Message("user", "a"), Message("assistant", "b"), Message("user", "c")]
    for _ in range(2):
        with pytest.raises(BadRequest, match="longer than"):
            template.render(turns)
        assert template.render(turns[:1])
