"""Headers of good, damaged and hostile files."""

import struct
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from server.engine.gguf_header import GgufError, read_header
from tests.tiny_gguf import TEMPLATE, write_tiny_gguf


def gguf(*parts: bytes, keys: int = 1, tensors: int = 0, version: int = 3) -> bytes:
    return b"GGUF" + struct.pack("<IQQ", version, tensors, keys) + b"".join(parts)


def text(value: bytes) -> bytes:
    return struct.pack("<Q", len(value)) + value


def entry(key: bytes, kind: int, value: bytes) -> bytes:
    return text(key) + struct.pack("<I", kind) + value


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_gguf(tmp_path_factory.mktemp("header") / "tiny.gguf")


def test_a_real_header(tiny: Path) -> None:
    header = read_header(tiny)
    assert header.architecture == "phi3"
    assert header.name == "phi3-tiny"
    assert header.context_length == 512
    assert header.chat_template == TEMPLATE
    assert header.number("block_count") == 2
    assert header.numbers("attention.head_count_kv", 2) == (2, 2)
    assert header.file_size == tiny.stat().st_size
    assert "blk.1.ffn_down.weight" in header.tensors


def test_every_kind_of_value(tmp_path: Path) -> None:
    parts = [
        entry(b"general.architecture", 8, text(b"x")),
        entry(b"x.layers", 9, struct.pack("<IQ3I", 4, 3, 7, 8, 9)),
        entry(b"x.flag", 7, b"\1"),
        entry(b"x.small", 1, struct.pack("<b", -3)),
        entry(b"x.large", 10, struct.pack("<Q", 1 << 40)),
        entry(b"x.names", 9, struct.pack("<IQ", 8, 2) + text(b"a") + text("\u00fc".encode())),
        entry(b"x.long", 9, struct.pack("<IQ", 4, 2000) + b"\0" * 8000),
        entry(b"x.words", 9, struct.pack("<IQ", 8, 2000) + text(b"word") * 2000),
        entry(b"x.real", 12, struct.pack("<d", 0.5)),
    ]
    path = tmp_path / "kinds.gguf"
    path.write_bytes(gguf(*parts, keys=len(parts)))
    header = read_header(path)
    assert header.numbers("layers", 3) == (7, 8, 9)
    assert header.metadata["x.names"] == ("a", "\u00fc")
    assert header.number("small") == -3
    assert header.number("large") == 1 << 40
    assert header.metadata["x.real"] == 0.5
    assert header.number("missing") == 0
    assert not {"x.long", "x.words"} & set(header.metadata)  # walked over, not kept
    assert header.text("x.flag") == ""


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "empty"),
        (b"GG", "not a GGUF"),
        (b"PK\x03\x04 a zip", "not a GGUF"),
        (b"<!DOCTYPE html>", "not a GGUF"),
        (gguf(version=1, keys=0), "version is 1"),
        (gguf(version=0x03000000, keys=0), "version"),
        (gguf(keys=1 << 60), "metadata entries"),
        (gguf(keys=0, tensors=1 << 60), "tensors"),
        (gguf(struct.pack("<Q", 1 << 62)), "bytes in a text"),
        (gguf(text(b"k" * 2000)), "bytes in a text"),
        (gguf(entry(b"k", 8, struct.pack("<Q", 1 << 40))), "bytes in a text"),
        (gguf(entry(b"k", 9, struct.pack("<IQ", 4, 1 << 50))), "elements"),
        (gguf(entry(b"k", 9, struct.pack("<IQ", 8, 4_000_000))), "incomplete"),
        (gguf(entry(b"k", 9, struct.pack("<IQ", 5, 4_000_000))), "incomplete"),
        (gguf(entry(b"k", 9, struct.pack("<IQ", 9, 1))), "nests arrays"),
        (gguf(entry(b"k", 77, b"")), "unknown type"),
        (gguf(keys=0, tensors=1), "incomplete"),
        (gguf(text(b"t") + struct.pack("<I", 4_000_000_000), keys=0, tensors=1), "dimensions"),
        (gguf(text(b"t") + struct.pack("<IQIQ", 1, 8, 0, 1 << 40), keys=0, tensors=1), "beyond its end"),
    ],
)
def test_what_cannot_be_read_is_refused_in_a_sentence(tmp_path: Path, data: bytes, says: str) -> None:
    path = tmp_path / "bad.gguf"
    path.write_bytes(data)
    with pytest.raises(GgufError, match=says) as caught:
        read_header(path)
    assert str(caught.value).endswith(".")


def test_every_truncation_is_noticed(tiny: Path, tmp_path: Path) -> None:
    data = tiny.read_bytes()
    path = tmp_path / "cut.gguf"
    for length in [*range(400), *range(400, len(data) - 20_000, 997)]:
        path.write_bytes(data[:length])
        with pytest.raises(GgufError):
            read_header(path)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 3000), st.binary(min_size=1, max_size=12))
def test_damage_anywhere_is_a_refusal_or_a_header(tiny: Path, tmp_path: Path, at: int, damage: bytes) -> None:
    data = bytearray(tiny.read_bytes())
    data[at : at + len(damage)] = damage
    path = tmp_path / "damaged.gguf"
    path.write_bytes(data)
    try:
        header = read_header(path)
    except GgufError:
        return
    assert header.file_size == len(data)
