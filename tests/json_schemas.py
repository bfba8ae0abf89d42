"""JSON schemas as hypothesis makes them, and some that cost a naive grammar everything."""

from typing import Any

from hypothesis import strategies as st


def node(schema: dict[str, Any], **properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties), **schema}


NUMBERS = st.integers(-(10**6), 10**6) | st.floats(-1000, 1000)
COUNTS, MANY = st.integers(0, 4), st.sampled_from([0, 1, 5, 300, 10**5, 2**40])
TYPES = ["object", "array", "string", "integer", "number", "boolean", "null"]
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.text(max_size=5),
    lambda values: st.lists(values, max_size=3) | st.dictionaries(st.text(max_size=3), values, max_size=3),
    max_leaves=4,
)
LEAVES = st.fixed_dictionaries(
    {"type": st.sampled_from(TYPES) | st.lists(st.sampled_from(TYPES), min_size=1, unique=True)},
    optional={
        "enum": st.lists(VALUES, min_size=1, max_size=5),
        **dict.fromkeys(("minLength", "minItems"), COUNTS),
        **dict.fromkeys(("maxLength", "maxItems"), MANY),
        **dict.fromkeys(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"), NUMBERS),
        "multipleOf": st.sampled_from([1, 2, 3, 7, 10]),
        "pattern": st.sampled_from(
            ["^a+$", "b", "^(x|y){2,5}$", "[0-9]{3}", "^((a?){9}){9}$", "é|ü", '"', "^(a|b)*$", "^$"]
        ),
        "format": st.sampled_from(["date", "uuid", "ipv4", "color"]),
        "uniqueItems": st.booleans(),
        "title": st.text(max_size=4),
    },
) | st.fixed_dictionaries({"const": VALUES})
NAMES = ["a", "b", 'c"', "$ref", "é"]


def combined(parts: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    properties = st.dictionaries(st.sampled_from(NAMES), parts, max_size=4)
    objects = st.fixed_dictionaries(
        {"type": st.just("object"), "properties": properties},
        optional={
            "required": st.lists(st.sampled_from(NAMES), max_size=3, unique=True),
            "additionalProperties": st.booleans() | parts,
        },
    )
    arrays = st.fixed_dictionaries(
        {"type": st.just("array"), "items": parts},
        optional={"minItems": st.integers(0, 3), "maxItems": st.sampled_from([0, 3, 10**9])},
    )
    chosen = st.fixed_dictionaries({"anyOf": st.lists(parts, min_size=1, max_size=3)})
    every = st.fixed_dictionaries({"allOf": st.lists(parts, min_size=1, max_size=2)})
    return objects | arrays | chosen | every


def lists_of(schema: dict[str, Any]) -> dict[str, Any]:
    """What it is, or an object with such a one within."""
    return {"$ref": "#/$defs/x", "$defs": {"x": {"anyOf": [schema, node({}, x={"$ref": "#/$defs/x"})]}}}


PARTS = st.recursive(LEAVES | st.just({}) | st.just(True), combined, max_leaves=8).filter(lambda s: isinstance(s, dict))
SCHEMAS = PARTS | PARTS.map(lists_of)

HOSTILE: dict[str, dict[str, Any]] = {
    "a billion items": {"type": "array", "items": {"type": "integer"}, "maxItems": 10**9},
    "at least 100,000 items": {"type": "array", "items": {"type": "integer"}, "minItems": 100_000},
    "a million characters": {"type": "string", "minLength": 10**6},
    "lists of lists of strings": {
        "type": "array",
        "minItems": 1000,
        "maxItems": 2000,
        "items": {"type": "array", "minItems": 1000, "items": {"type": "string", "minLength": 1000}},
    },
    "nested repetitions": {"type": "string", "pattern": "^((((a?){30}){30}){30})$"},
    "many optional letters": {"type": "string", "pattern": "^(a?){60}b$"},
    "repeated ranges": {"type": "string", "pattern": "^((a{1,50}){1,50}){1,50}$"},
    "stars of stars": {"type": "string", "pattern": "^((a*)*)*$"},
    "an exponential automaton": {"type": "string", "pattern": "^(a|b)*a(a|b){16}$"},
    "words anywhere": {"type": "string", "pattern": "(.*a.{200}){20}"},
    "all letters": {"type": "string", "pattern": "^\\p{L}{1,200}\\w+\\d{3}$"},
    "the syntax of grammars": {"type": "string", "pattern": '^"] ::= root | \\x00$'},
    "2,500 values": {"enum": [f"x{i}" for i in range(2500)]},
    "400 properties": {"type": "object", "properties": {f"p{i}": {"type": "string"} for i in range(400)}},
    "properties with patterns": {
        "type": "object",
        "properties": {f"p{i}": {"type": "string", "pattern": f"^(a|b)*c{{1,{i + 3}}}$"} for i in range(200)},
    },
    "everything refers to everything": {
        "$ref": "#/$defs/a0",
        "$defs": {
            f"a{i}": {
                "type": "object",
                "properties": {f"x{j}": {"$ref": f"#/$defs/a{(i * 7 + j) % 60}"} for j in range(8)},
            }
            for i in range(60)
        },
    },
    "itself and nothing else": {"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/a"}}},
}
"""What each of them costs is said by its name; some are refused, and that is as well."""
