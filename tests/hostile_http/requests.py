"""Requests that no browser sends, made from the application's own table of routes: a new route has them at once.

variants(app, world)     a hostile value for every parameter of every route, and hostile heads and bodies
mixed(requests, draw)    two of them at once, without end
"""

import json
import random
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated, Any
from urllib.parse import quote_from_bytes

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.params import Form
from fastapi.routing import RouteContext, iter_route_contexts
from pydantic import TypeAdapter

from server.web.problems import is_for_machines
from tests.hostile_http.values import ADDRESSES, BODIES, FORM, FRAGMENTS, HEADS, JSON, METHODS, TEXTS

PLAUSIBLE: dict[str, bytes] = {
    "question": b"How many days of annual leave?",
    "title": b"Leave",
    "until": b"2026-11-30T12:00:00+00:00",
    "theme": b"dark",
    "name": b"docent",
    "value": b"1",
    "do": b"again",
    "moment": b"2026-11-30T12:00:00+00:00",
}
ALWAYS = ("root", "into", "file")  # sent although a route could do without: it refuses what is not known
PLAUSIBLE_JSON: dict[str, Any] = {
    "model": "docent",
    "role": "user",
    "content": "How many days of annual leave?",
    "query": "annual leave",
    "max_tokens": 4,
    "digest": "",
    "input": ["annual leave"],
}
HERE = "\0here\0"  # where a fragment goes into a JSON body


@dataclass(frozen=True)
class World:
    """What there is on the server under test.

    `known`: values of parameters by their names; `asked`: of fields of a JSON body, by the path of their route;
    `opens`: the headers that open a page, the API, and what is for local commands.
    """

    known: Mapping[str, Sequence[bytes]]
    asked: Mapping[str, Mapping[str, Any]]
    opens: Mapping[str, Sequence[tuple[bytes, bytes]]]


@dataclass(frozen=True)
class Request:
    """A request before it is written: what differs from an ordinary one says `name`."""

    name: str
    method: str
    path: str  # the route's, with names in braces
    target: Mapping[str, bytes] = field(default_factory=dict)  # percent-encoded values of the names in the path
    address: bytes = b""  # instead of all that, where it is not empty
    query: tuple[tuple[bytes, bytes], ...] = ()  # percent-encoded
    headers: tuple[tuple[bytes, bytes], ...] = ()
    form: tuple[tuple[bytes, bytes], ...] | None = None  # percent-encoded
    body: tuple[bytes, bytes] | None = None  # content type and bytes

    def written(self, host: bytes) -> bytes:
        """The bytes of the request, on a connection that ends with it."""
        address = self.address or re.sub(
            r"\{(\w+)(?::\w+)?\}", lambda match: self.target[match[1]].decode("latin-1"), self.path
        ).encode("latin-1")
        if self.query:
            address += b"?" + b"&".join(b"=".join(pair) for pair in self.query)
        kind, body = self.body or (b"", b"")
        if self.form is not None and self.body is None:
            kind, body = FORM, b"&".join(b"=".join(pair) for pair in self.form)
        given = {name.lower() for name, _ in self.headers}
        headers = [(b"Host", host)] if b"host" not in given else []
        headers += [(b"Connection", b"close")] if b"connection" not in given else []
        headers += [(b"Content-Type", kind)] if kind else []
        if body and not {b"content-length", b"transfer-encoding"} & given:
            headers.append((b"Content-Length", str(len(body)).encode()))
        head = [self.method.encode() + b" " + address + b" HTTP/1.1"]
        head += [name + b": " + value for name, value in (*headers, *self.headers)]
        return b"\r\n".join(head) + b"\r\n\r\n" + body


# What a route takes


@dataclass(frozen=True)
class Parameter:
    """`place`: path, query, header, cookie, form or JSON; `schema`: what its type says of it."""

    place: str
    name: str
    required: bool
    schema: Mapping[str, Any]


def routes(app: FastAPI) -> list[RouteContext]:
    """Every route that has an endpoint; what is mounted has none."""
    return [context for context in iter_route_contexts(app.routes) if getattr(context, "dependant", None) is not None]


def parameters(dependant: Dependant) -> Iterator[Parameter]:
    """Of a route and of what it depends on."""
    for place in ("path", "query", "header", "cookie", "body"):
        for one in getattr(dependant, f"{place}_params"):
            info = one.field_info
            kind = place if place != "body" else "form" if isinstance(info, Form) else "JSON"
            schema = TypeAdapter(Annotated[(info.annotation, None, *info.metadata)]).json_schema()
            yield Parameter(kind, one.alias, info.is_required(), schema)
    for other in dependant.dependencies:
        yield from parameters(other)


def places(schema: Mapping[str, Any], whole: Mapping[str, Any], depth: int = 6) -> Iterator[tuple[str, ...]]:
    """Every place in a JSON body: names of fields, `[]` for an item of a list, `{}` for a value under any name."""
    yield ()
    for branch in branches(schema, whole) if depth else ():
        for name, part in branch.get("properties", {}).items():
            yield from ((name, *rest) for rest in places(part, whole, depth - 1))
        for mark, part in (("[]", branch.get("items")), ("{}", branch.get("additionalProperties"))):
            if isinstance(part, dict):
                yield from ((mark, *rest) for rest in places(part, whole, depth - 1))


def branches(schema: Mapping[str, Any], whole: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """A schema, or each of those it may be instead, with references followed."""
    if "$ref" in schema:
        schema = whole["$defs"][schema["$ref"].rpartition("/")[2]]
    if "anyOf" in schema:
        for branch in schema["anyOf"]:
            yield from branches(branch, whole)
    else:
        yield schema


@dataclass(frozen=True)
class Example:
    """Ordinary bodies of a schema; `asked` are values of fields that only this route knows."""

    whole: Mapping[str, Any]
    asked: Mapping[str, Any] | None = None

    def to(self, place: tuple[str, ...] | None = None) -> Any:
        """The body with HERE at the place; only what is required stands in it besides."""
        return self._of(self.whole, place)

    def _of(self, schema: Mapping[str, Any], place: tuple[str, ...] | None) -> Any:
        if place == ():
            return HERE
        for branch in branches(schema, self.whole):
            kind = branch.get("type")
            if kind == "object" and (place is None or place[0] == "{}" or place[0] in branch.get("properties", {})):
                return self._object(branch, place)
            if kind == "array" and (place is None or place[0] == "[]"):
                items = branch.get("prefixItems", [branch.get("items", {})])
                return [self._of(one, place[1:] if place else None) for one in items]
            if place is None and kind != "null":
                usual = {"integer": branch.get("minimum", 0), "number": 0, "boolean": False}.get(str(kind), "x")
                return branch.get("enum", [usual])[0]
        return HERE

    def _object(self, branch: Mapping[str, Any], place: tuple[str, ...] | None) -> Any:
        if place is not None and place[0] == "{}":
            return {"5": self._of(branch["additionalProperties"], place[1:])}
        usual = PLAUSIBLE_JSON | dict(self.asked or {})
        fields = branch.get("properties", {})
        named = {*branch.get("required", ()), *(usual.keys() & fields.keys()), *(place or ())[:1]}
        value = {}
        for name in sorted(named):
            leads_there = place is not None and name == place[0]
            value[name] = usual.get(name) if name in usual and not leads_there else None
            if value[name] is None:
                value[name] = self._of(fields[name], place[1:] if place is not None and leads_there else None)
        return value


# Requests


def ordinary(route: RouteContext, method: str, world: World, draw: random.Random) -> Request:
    """What a browser or a program sends to a route."""
    found = list(parameters(route.dependant))
    path = str(route.path)

    def value(name: str) -> bytes:
        return quote_from_bytes(draw.choice(world.known.get(name, [PLAUSIBLE.get(name, b"1")])), safe="").encode()

    named = {one.name: value(one.name) for one in found if one.place == "path"}
    wanted = [one for one in found if one.required or one.name in {*PLAUSIBLE, *ALWAYS}]
    query = tuple((one.name.encode(), value(one.name)) for one in wanted if one.place == "query")
    fields = tuple((one.name.encode(), value(one.name)) for one in wanted if one.place == "form")
    schema = next((one.schema for one in found if one.place == "JSON"), None)
    body = (JSON, json.dumps(Example(schema, world.asked.get(path)).to()).encode()) if schema is not None else None
    part = "local" if path.startswith("/local/") else "api" if is_for_machines(path) else "page"
    headers = [*world.opens[part], *([(b"HX-Request", b"true")] if part == "page" and draw.random() < 0.5 else [])]
    form = fields if method == "POST" else None
    return Request("as usual", method, path, named, b"", query, tuple(headers), form, body)


def variants(app: FastAPI, world: World, seed: int = 0) -> Iterator[Request]:
    """For every route: one hostile value at a time, in each parameter, header and body."""
    draw = random.Random(seed)
    for route in routes(app):
        for method in sorted(route.methods or ()):
            usual = ordinary(route, method, world, draw)
            yield usual
            for one in parameters(route.dependant):
                yield from _of_body(usual, one, world) if one.place == "JSON" else _of_parameter(usual, one)
            yield from _of_heads(usual)
            if method == "POST":
                for name, body in BODIES.items():
                    yield replace(usual, name=f"body: {name}", body=body)
        for method in METHODS:
            yield replace(ordinary(route, method, world, draw), name=f"method {method}")
    for address in ADDRESSES:
        for method in ("GET", "POST", "HEAD", "OPTIONS"):
            yield Request(f"address {address[:40]!r}", method, "/", {}, address, (), tuple(world.opens["page"]))


def _of_parameter(usual: Request, one: Parameter) -> Iterator[Request]:
    key = one.name.encode()
    for name, raw in TEXTS.items():
        value = quote_from_bytes(raw, safe="").encode()
        changed = {
            "path": lambda value=value: {"target": {**usual.target, one.name: value}},
            "query": lambda value=value: {"query": (*usual.query, (key, value))},
            "form": lambda value=value: {"form": (*(p for p in usual.form or () if p[0] != key), (key, value))},
            "header": lambda raw=raw: {"headers": (*usual.headers, (key, _header(raw)))},
            "cookie": lambda raw=raw: {"headers": (*usual.headers, (b"Cookie", key + b"=" + _header(raw)))},
        }[one.place]()
        yield replace(usual, name=f"{one.place} {one.name}: {name}", **changed)
    if one.place == "query":
        yield replace(usual, name=f"query {one.name} twice", query=(*usual.query, (key, b"1"), (key, b"x")))


def _of_body(usual: Request, one: Parameter, world: World) -> Iterator[Request]:
    ordinary_body = Example(one.schema, world.asked.get(usual.path))
    for place in dict.fromkeys(places(one.schema, one.schema)):
        before, _, after = json.dumps(ordinary_body.to(place)).partition(json.dumps(HERE))
        for name, fragment in FRAGMENTS.items():
            body = (JSON, f"{before}{fragment}{after}".encode())
            yield replace(usual, name=f"JSON {'.'.join(place)}: {name}", body=body)


def _header(value: bytes) -> bytes:
    """What a header can hold of it."""
    return re.sub(rb"[\x00-\x08\x0a-\x1f\x7f]", b"?", value).strip()


def _of_heads(usual: Request) -> Iterator[Request]:
    for name, headers in HEADS.items():
        replaced = {header.lower() for header, _ in headers}
        kept = [pair for pair in usual.headers if pair[0].lower() not in replaced]
        yield replace(usual, name=f"headers: {name}", headers=(*kept, *headers))


def mixed(requests: Sequence[Request], draw: random.Random) -> Iterator[Request]:
    """Two hostile variants of one route in one request, without end."""
    of_route: dict[tuple[str, str], list[Request]] = {}
    for one in requests:
        of_route.setdefault((one.method, one.path), []).append(one)
    groups = list(of_route.values())
    while True:
        one, other = draw.choices(draw.choice(groups), k=2)
        yield replace(
            one,
            name=f"{one.name} | {other.name}",
            target={**one.target, **other.target} if draw.random() < 0.5 else one.target,
            query=(*one.query, *other.query),
            headers=other.headers if draw.random() < 0.5 else one.headers,
            form=(*one.form, *other.form) if one.form and other.form else one.form,
            body=other.body or one.body,
        )
