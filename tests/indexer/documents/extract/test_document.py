"""Blocks as they are stored."""

import json

import pytest

from indexer.documents.extract.document import PIECE, Block, blocks_from_json, blocks_to_json


@pytest.mark.parametrize("count", [0, 1, 2, 10_000])
def test_blocks_are_read_as_they_were_written_however_many(count: int) -> None:
    blocks = tuple(Block("row", n * 10, n * 10 + 9, n % 3, n or None) for n in range(count))
    text = blocks_to_json(blocks)
    assert blocks_from_json(text) == blocks
    assert (len(text) > PIECE) == (count == 10_000)


def test_many_blocks_are_read_a_piece_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    lengths: list[int] = []
    loads = json.loads
    monkeypatch.setattr(json, "loads", lambda text: (lengths.append(len(text)), loads(text))[1])
    text = blocks_to_json(tuple(Block("paragraph", n, n + 1) for n in range(20_000)))
    assert len(blocks_from_json(text)) == 20_000
    assert len(lengths) == -(-len(text) // PIECE)
    assert max(lengths) < PIECE + 100
