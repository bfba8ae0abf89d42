"""A client's JSON schema as the engine's grammars take it (engine/grammar.py).

What cannot be enforced is refused by the grammar, by name; here a schema is bounded, what only describes is taken out,
and an object that names its properties is closed: a small model that may invent further ones goes on for ever.
"""

import json
import re
from collections.abc import Callable
from typing import Any

from server.errors import BadRequest

MAX_CHARACTERS = 32_768  # of the schema as JSON
MAX_DEPTH = 60  # schemas in schemas: two levels of JSON each, and llguidance's reader ends at 128

FORMATS = frozenset(
    {"date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uri", "uuid"}
)  # that llguidance knows; to JSON Schema an unknown format is a remark

ONE = frozenset(
    {"items", "additionalItems", "contains", "additionalProperties", "propertyNames", "not", "if", "then", "else"}
    | {"unevaluatedItems", "unevaluatedProperties"}
)  # keywords whose value is a schema,
SEVERAL = frozenset({"allOf", "anyOf", "oneOf", "prefixItems", "items"})  # a list of them,
NAMED = frozenset({"properties", "patternProperties", "$defs", "definitions", "dependentSchemas"})  # an object of them

OPENED = frozenset(
    {"additionalProperties", "unevaluatedProperties", "patternProperties", "minProperties", "propertyNames"}
    | {"allOf", "anyOf", "oneOf", "not", "if", "$ref", "$dynamicRef", "$recursiveRef"}
)  # beside these, `properties` do not say all that an object may have


def prepared(schema: dict[str, Any]) -> str:
    """JSON text for Grammars.of_schema; {} means any object. Raises ValueError with the reason."""
    given = schema or {"type": "object"}
    try:
        length = len(json.dumps(given))
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    if length > MAX_CHARACTERS:
        raise ValueError(f"it is longer than {MAX_CHARACTERS:,} characters")
    return json.dumps(_read(given, 0, closes="allOf" not in _keywords(given)))


def refused(why: ValueError) -> BadRequest:
    """What whoever sent the schema is told."""
    return BadRequest(
        f"The JSON schema cannot be used: {why}.",
        "Simplify it, or ask for json_object.",
        param="response_format",
    )


def _read(schema: Any, depth: int, *, closes: bool) -> Any:
    """A copy of a schema, or of what stands in its place. `closes`: whether objects may be closed."""
    if depth > MAX_DEPTH:
        raise ValueError(f"it is nested more than {MAX_DEPTH} levels deep")
    if not isinstance(schema, dict):
        return schema
    read = _below(schema, lambda part: _read(part, depth + 1, closes=closes))
    read.pop("x-guidance", None)  # llguidance's own switches: they would turn its rules off
    if isinstance(read.get("format"), str) and read["format"] not in FORMATS:
        del read["format"]
    for pattern in _patterns(read):
        _check_pattern(pattern)
    if closes and _is_closed(read):
        read["additionalProperties"] = False
    return read


def _below(schema: dict[str, Any], read: Callable[[Any], Any]) -> dict[str, Any]:
    """The schema with `read` applied to each schema right below it. Values, enumerations and remarks stay."""
    result: dict[str, Any] = {}
    for key, value in schema.items():
        if key in SEVERAL and isinstance(value, list):
            result[key] = [read(part) for part in value]
        elif key in NAMED and isinstance(value, dict):
            result[key] = {name: read(part) for name, part in value.items()}
        elif key in ONE:
            result[key] = read(value)
        else:
            result[key] = value
    return result


def _keywords(schema: Any) -> set[str]:
    """Every keyword of a schema and of those below it."""
    found: set[str] = set()
    rest = [schema]
    while rest:
        part = rest.pop()
        if isinstance(part, dict):
            found.update(part)
            _below(part, rest.append)
    return found


def _patterns(schema: dict[str, Any]) -> list[str]:
    named = schema.get("patternProperties")
    found = [schema.get("pattern"), *(named if isinstance(named, dict) else ())]
    return [pattern for pattern in found if isinstance(pattern, str)]


def _check_pattern(pattern: str) -> None:
    """A backslash at the end would reach beyond the pattern in the expression that it is put into."""
    if re.search(r"(?<!\\)(?:\\\\)*\\\Z", pattern):
        raise ValueError(f"the pattern {pattern[-40:]!r} ends with a single backslash")


def _is_closed(schema: dict[str, Any]) -> bool:
    properties, required = schema.get("properties"), schema.get("required", [])
    if not isinstance(properties, dict) or not properties or OPENED & schema.keys():
        return False
    return isinstance(required, list) and all(name in properties for name in required if isinstance(name, str))
