"""Jinja for templates that come with model files: no way out of it, no loop without end, no text without end.

    template = compile_template(source)
    text = render(template, values, seconds=5.0)

Jinja's sandbox keeps a template from Python's internals. Beside that, what multiplies text (operators, methods,
filters, joins) is bounded before it is computed, and lines of template code are watched by a clock: a trace function of
the rendering thread, since Python can end a loop of somebody else's in no other way. Raises TemplateError for whatever
goes wrong inside.
"""

import functools
import re
import sys
import time
from collections.abc import Callable, Iterable
from datetime import datetime
from types import FrameType
from typing import Any

from jinja2 import Template, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

RENDER_SECONDS = 5.0  # a conversation of forty turns takes milliseconds
MAX_SOURCE = 1 << 18  # characters; the longest templates in use stay under 1 << 16
MAX_TEXT = 1 << 24  # characters or elements; longer than any context
MAX_NUMBER = 10_000  # as a width, an indentation, a count
MAX_BITS = 4096  # of a whole number
WIDE_FORMAT = re.compile(r"%[^a-zA-Z%]*(\*|[0-9]{4,})")
FILE = "<template>"  # what Jinja calls code that has no file


def compile_template(source: str) -> Template:
    """A template ready for `render`."""
    if len(source) > MAX_SOURCE:
        raise TemplateError(f"it is longer than {MAX_SOURCE} characters")
    environment = _Environment(trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols"])
    environment.filters = {name: _bounded_filter(function) for name, function in environment.filters.items()}
    environment.globals["raise_exception"] = _raise_exception
    environment.globals["strftime_now"] = lambda layout: datetime.now().strftime(layout)  # the model's local date
    try:
        template = environment.from_string(source)
    except TemplateError:
        raise
    except Exception as error:  # nested deeper than the parser can go
        raise TemplateError(f"{type(error).__name__}: {error}") from error
    template.root_render_func.__globals__["str_join"] = _join  # what `~` is compiled to
    return template


def render(template: Template, values: dict[str, Any], *, seconds: float = RENDER_SECONDS) -> str:
    """The template's text."""
    deadline = time.monotonic() + seconds

    def watch(frame: FrameType, _event: str, _argument: Any) -> Any:
        if time.monotonic() > deadline:
            raise TemplateError(f"it took longer than {seconds:g} seconds")
        return watch if frame.f_code.co_filename == FILE else None

    before = sys.gettrace()
    sys.settrace(watch)
    try:
        return template.render(values)
    except TemplateError:
        raise
    except Exception as error:  # a template is a program: it can divide by zero
        raise TemplateError(f"{type(error).__name__}: {error}") from error
    finally:
        sys.settrace(before)


class _Environment(ImmutableSandboxedEnvironment):
    intercepted_binops = frozenset({"+", "*", "**", "%"})
    concat = staticmethod(lambda parts: _join(parts))  # of blocks and macros

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        if operator == "+":
            _bound(_length(left) + _length(right))
        elif operator == "*":
            _bound(max(_length(left) * _number(right), _length(right) * _number(left)))
            _bound(_bits(left) + _bits(right), MAX_BITS)
        elif operator == "**":
            _bound(_bits(left) * abs(_number(right)), MAX_BITS)
        elif isinstance(left, str) and WIDE_FORMAT.search(left):
            raise TemplateError("it formats wider than a text can be")
        return super().call_binop(context, operator, left, right)

    def call(self, context: Any, function: Any, /, *arguments: Any, **named: Any) -> Any:
        owner = getattr(function, "__self__", None)
        if isinstance(owner, str | bytes):
            given = [*arguments, *named.values()]
            widest = max((max(_length(value), _number(value)) for value in given), default=0)
            _bound(_length(owner) + widest if _is_padding(function) else (_length(owner) + 1) * (widest + 1))
        return super().call(context, function, *arguments, **named)


def _is_padding(function: Any) -> bool:
    """Whether a number among its arguments is a width, which is added to the text and not multiplied with it."""
    return getattr(function, "__name__", "") in {"ljust", "rjust", "center", "zfill", "split", "rsplit", "startswith"}


def _bounded_filter(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)  # its marks for Jinja too
    def bounded(*arguments: Any, **named: Any) -> Any:
        longest = 1
        for value in (*arguments, *named.values()):
            if isinstance(value, int) and abs(value) > MAX_NUMBER and function.__name__ not in PASSING:
                raise TemplateError("it gives a filter too large a number")
            longest *= _length(value) + 1  # `replace` and `join` multiply
        _bound(longest)
        found = function(*arguments, **named)
        _bound(_length(found))
        return found

    return bounded


PASSING = frozenset({"do_int", "do_float", "do_default", "do_round", "abs", "soft_str", "do_string"})
"""Filters that look at a number and make nothing as long as it."""


def _join(parts: Iterable[Any]) -> str:
    texts, count = [], 0
    for part in parts:
        texts.append(str(part))
        count += len(texts[-1])
        _bound(count)
    return "".join(texts)


def _bound(count: int, limit: int = MAX_TEXT) -> None:
    if count > limit:
        raise TemplateError("it makes more text than any model can read")


def _length(value: Any) -> int:
    return len(value) if isinstance(value, str | bytes | list | tuple | dict) else 0


def _number(value: Any) -> int:
    return value if isinstance(value, int) else 0


def _bits(value: Any) -> int:
    return value.bit_length() if isinstance(value, int) else 0


def _raise_exception(message: str) -> None:
    raise TemplateError(message)
