"""No request is answered with a failure that was not planned: cases for every parameter of every route.

The cases come from the application's table of routes, so a new route is held to this as soon as it is there. 300 of
them are sent here; `python benchmarks/hostile_requests.py` sends all, and pairs of them, 10,000 or as many as told.
"""

import random
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, get_args

import pytest
from fastapi.dependencies.models import Dependant
from pydantic import BaseModel

from server.web.api.schemas import Sent
from tests.hostile_http.client import Answer, Target, hostile_target
from tests.hostile_http.described import Described
from tests.hostile_http.requests import Request, branches, ordinary, parameters, routes, variants

CASES = 300
SEED = 1


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("DOCENT_DATA", raising=False)
        with hostile_target(tmp_path_factory.mktemp("hostile") / "data") as target:
            yield target


def told(target: Target, request: Request) -> Answer:
    """The answer, in which there is nothing wrong."""
    assert target.faults(request) == ""
    assert target.last is not None
    return target.last


def sample(all_of: list[Request], count: int, seed: int) -> list[Request]:
    """One case of each parameter of each route and of everything else that is varied, then others, by chance."""
    draw = random.Random(seed)
    draw.shuffle(all_of)
    first: dict[tuple[str, ...], Request] = {}
    for one in all_of:
        place, _, value = one.name.partition(": ")
        group = (place, value) if place in ("headers", "body") else (one.method, one.path, place)
        first.setdefault(group, one)
    others = [one for one in all_of if one not in first.values()]
    return [*first.values(), *others[: max(0, count - len(first))]]


def test_an_ordinary_request_to_every_route_is_answered(target: Target) -> None:
    """The cases differ from these in one thing each: if these were refused, the cases would test nothing."""
    refused = {
        "POST /login": 401,  # no password
        "POST /documents/upload": 400,  # no file
        "GET /documents/{document_id}/original": 404,  # its document is in no folder
        "GET /documents/{document_id}/pages/{number}": 404,  # nor has it pages, except for one
        "POST /documents/files/{entry_id}/cancel": 409,  # none waits to be read
        "POST /documents/restore": 404,  # nothing was deleted at that moment
        "POST /documents/jobs/{job_id}/cancel": 404,  # there is none
        "POST /documents/collections/{collection_id}/move": 404,  # there is no other one
        "POST /settings/model": 400,  # no model is named
        "POST /settings/refusals": 400,
        "POST /settings/password": 403,  # the password is set elsewhere
    }
    draw = random.Random(SEED)
    for route in routes(target.app):
        for method in route.methods or ():
            usual = ordinary(route, method, target.world, draw)
            target.statuses.clear()
            assert target.faults(usual) == "", f"{method} {route.path}"
            (status,) = target.statuses
            assert status == refused.get(f"{method} {route.path}", status) or status < 400, f"{method} {route.path}"
            assert status < 400 or f"{method} {route.path}" in refused, f"{method} {route.path}: {status}"


def test_hostile_values_of_every_parameter_of_every_route_are_answered(target: Target) -> None:
    cases = sample(list(variants(target.app, target.world)), CASES, SEED)
    assert len(cases) >= CASES
    faults = [f"{one.method} {one.path} {one.name}: {fault}" for one in cases if (fault := target.faults(one))]
    assert faults == []


def test_what_the_api_describes_is_answered_as_it_describes(target: Target) -> None:
    described = Described(target)
    assert described.faults(CASES, SEED) == []
    assert described.sent >= CASES * 0.8  # a few are made twice


def test_every_parameter_of_every_route_has_cases(target: Target) -> None:
    cases = list(variants(target.app, target.world))
    named = {(one.path, one.name.partition(":")[0]) for one in cases}
    for route in routes(target.app):
        for one in parameters(route.dependant):
            place = "JSON " if one.place == "JSON" else f"{one.place} {one.name}"
            assert (route.path, place) in named, f"{route.path}: {one}"


# Cases that once failed, each by its own name


@pytest.mark.parametrize("number", ["9223372036854775808", "-9223372036854775808", "99999999999999999999", "9" * 4400])
@pytest.mark.parametrize("address", ["files/{}/delete", "files/{}/restore", "files/{}/again", "{}", "{}/original"])
def test_a_number_that_no_row_can_have_is_nowhere(target: Target, address: str, number: str) -> None:
    method = "POST" if address.startswith("files") else "GET"
    path = "/documents/" + address.format(number)
    request = Request(number, method, path, headers=tuple(target.world.opens["page"]))
    assert told(target, request).status == 404


@pytest.mark.parametrize(
    "until",
    [
        "2026-01-01",
        "2026-01-01T00:00:00",
        "9999-12-31T23:59:59",
        "9999-12-31T23:59:59-14:00",
        "0001-01-01T00:00:00%2B14:00",
    ],
)
def test_a_time_without_a_zone_or_outside_of_the_calendar_is_refused(target: Target, until: str) -> None:
    form = ((b"until", until.encode()),)
    request = Request(until, "POST", "/documents/seen", headers=tuple(target.world.opens["page"]), form=form)
    assert told(target, request).status == 400


@pytest.mark.parametrize("query", [b"deleted=99999999999999999999", b"collection=-99999999999999999999"])
def test_a_number_over_64_bits_in_an_address_is_refused(target: Target, query: bytes) -> None:
    request = Request("", "GET", "/documents?" + query.decode(), headers=tuple(target.world.opens["page"]))
    assert told(target, request).status == 400


@pytest.mark.parametrize("length", [257, 300, 5000])
def test_an_upload_with_a_long_boundary_is_told_so(target: Target, length: int) -> None:
    body = (b"multipart/form-data; boundary=" + b"B" * length, b"--" + b"B" * length + b"--\r\n")
    request = Request("", "POST", "/documents/upload", headers=tuple(target.world.opens["page"]), body=body)
    answer = told(target, request)
    assert answer.status == 400
    assert str(length).encode() in answer.body


@pytest.mark.parametrize("seen", [b"9" * 5000, "\u0663".encode(), b"-1", b"x", b"18446744073709551616"])
def test_a_stream_ends_whatever_event_was_seen_last(target: Target, seen: bytes) -> None:
    turn = target.world.known["turn_id"][0].decode()
    headers = (*target.world.opens["page"], (b"Last-Event-ID", seen))
    request = Request("", "GET", f"/turns/{turn}/events", headers=headers)
    answer = told(target, request)
    assert (answer.status, b"event: end" in answer.body) == (200, True)


@pytest.mark.parametrize("origin", [b"http://[::1", b"http://[", b"//[x]", b"\xff"])
def test_an_origin_that_is_none_is_foreign(target: Target, origin: bytes) -> None:
    headers = (*target.world.opens["page"], (b"Origin", origin))
    request = Request("", "POST", "/theme", headers=headers, form=())
    assert told(target, request).status == 403


# By construction


def test_every_number_has_its_bounds_and_every_list_its_longest_length(target: Target) -> None:
    loose = []
    for route in routes(target.app):
        for one in parameters(route.dependant):
            found = unbounded(one.schema, one.schema)
            loose += [f"{route.path} {one.name}{place}: {part}" for place, part in found]
    assert loose == []


def unbounded(
    schema: Mapping[str, Any], whole: Mapping[str, Any], place: str = ""
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for part in branches(schema, whole):
        upper, lower = {"maximum", "exclusiveMaximum"} & part.keys(), {"minimum", "exclusiveMinimum"} & part.keys()
        if part.get("type") == "integer" and not (upper and lower):
            yield place, part
        if part.get("type") == "array" and "maxItems" not in part:
            yield place, part
        for name, inner in part.get("properties", {}).items():
            yield from unbounded(inner, whole, f"{place}.{name}")
        for inner in (part.get("items"), part.get("additionalProperties"), *part.get("prefixItems", ())):
            if isinstance(inner, dict):
                yield from unbounded(inner, whole, f"{place}[]")


def test_every_object_of_a_body_has_few_fields(target: Target) -> None:
    found = {model for route in routes(target.app) for model in models(body_types(route.dependant))}
    assert found, "no route takes JSON"
    assert [model.__name__ for model in found if not issubclass(model, Sent)] == []


def body_types(dependant: Dependant) -> Iterator[Any]:
    yield from (one.field_info.annotation for one in dependant.body_params)
    for other in dependant.dependencies:
        yield from body_types(other)


def models(types: Iterable[Any]) -> Iterator[type[BaseModel]]:
    """The models that types name, and those within them."""
    for one in types:
        if isinstance(one, type) and issubclass(one, BaseModel):
            yield one
            yield from models(info.annotation for info in one.model_fields.values())
        else:
            yield from models(get_args(one))
