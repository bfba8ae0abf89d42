"""Large answers are written as json.dumps writes them, in pieces that are short."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.web import json_pieces
from server.web.json_pieces import JsonInPieces, in_pieces

LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
VALUES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4) | st.tuples(inner, LEAVES)
    ),
    max_leaves=30,
)


@given(VALUES)
def test_the_pieces_are_what_json_dumps_gives(value: object) -> None:
    assert in_pieces(value) == json.dumps(value, ensure_ascii=False, separators=(",", ":"))


@pytest.mark.parametrize("value", [float("nan"), {"a": [[float("inf")]]}])
def test_what_is_no_json_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        in_pieces(value)


def test_no_piece_of_a_large_answer_is_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the two that are: many vectors, and a long answer with the log probabilities of its tokens."""
    lengths: list[int] = []
    dumps = json_pieces._dumps

    def noted(value: object) -> str:
        text = dumps(value)
        lengths.append(len(text))
        return text

    monkeypatch.setattr(json_pieces, "_dumps", noted)
    vectors = {"data": [{"object": "embedding", "index": n, "embedding": [0.123456789] * 384} for n in range(500)]}
    token = {"token": " a", "logprob": -0.5, "bytes": [32, 97]}
    content = [token | {"top_logprobs": [token] * 20} for _ in range(500)]
    answer = {"choices": [{"index": 0, "logprobs": {"content": content, "refusal": None}}]}
    for value in (vectors, answer):
        lengths.clear()
        assert json.loads(JsonInPieces(value).body) == value
        assert max(lengths) < 10_000
