"""Rows of knowledge.db before they are in it."""

import pytest

from indexer.knowledge.tables import Collection, Document, known_id


def test_a_row_without_an_id_cannot_be_named() -> None:
    assert known_id(Collection(id=7, name="hr")) == 7
    with pytest.raises(RuntimeError, match="a Document was used before"):
        known_id(Document())
