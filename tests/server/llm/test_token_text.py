"""Characters and stop strings, with the input cut at every place."""

from hypothesis import given
from hypothesis import strategies as st

from server.llm.token_text import StopScanner, Utf8Stream

TEXT = "a€\U0001f600ü\n"


def test_no_half_character_at_any_cut() -> None:
    data = TEXT.encode()
    for first in range(len(data) + 1):
        for second in range(first, len(data) + 1):
            stream = Utf8Stream()
            pieces = [stream.feed(part) for part in (data[:first], data[first:second], data[second:])]
            assert "".join(pieces) == TEXT
            assert "\ufffd" not in "".join(pieces)


def test_half_a_character_at_the_end_is_held_back() -> None:
    assert Utf8Stream().feed("ok €".encode()[:-1]) == "ok "


def test_bytes_that_are_no_text_become_replacement_characters() -> None:
    stream = Utf8Stream()
    assert stream.feed(b"a\xff\xc3(b") == "a\ufffd\ufffd(b"


def scan(stops: tuple[str, ...], pieces: list[str]) -> tuple[list[str], bool]:
    scanner = StopScanner(stops)
    shown = []
    for piece in pieces:
        shown.append(scanner.feed(piece))
        if scanner.stopped:
            break
    return [*shown, scanner.flush()], scanner.stopped


def test_stop_strings_at_every_cut() -> None:
    stops = ("STOP", "TOPS", "\n\n")
    for text, expected, ends in [
        ("one STOP two", "one ", True),
        ("a STO b", "a STO b", False),
        ("SSTOP", "S", True),
        ("x\n\ny", "x", True),
        ("x\ny\n", "x\ny\n", False),
        ("STSTOPS", "ST", True),
    ]:
        for first in range(len(text) + 1):
            for second in range(first, len(text) + 1):
                shown, stopped = scan(stops, [text[:first], text[first:second], text[second:]])
                assert ("".join(shown), stopped) == (expected, ends)


@given(
    st.lists(st.text(alphabet="ab", min_size=1, max_size=4), max_size=3),
    st.lists(st.text(alphabet="abc", max_size=4), max_size=8),
)
def test_what_is_shown_is_the_text_before_the_first_stop_string(stops: list[str], pieces: list[str]) -> None:
    shown, stopped = scan(tuple(stops), pieces)
    text = "".join(pieces)
    found = [text.find(stop) for stop in stops if stop in text]
    assert stopped == bool(found)
    if not found:
        assert "".join(shown) == text
    else:  # the pieces decide which of two overlapping stop strings is complete first, never what is shown of them
        assert text.startswith("".join(shown))
        assert not any(stop in "".join(shown) for stop in stops)


def test_without_stop_strings_nothing_is_held_back() -> None:
    scanner = StopScanner(("",))
    assert scanner.feed("all of it") == "all of it"
    assert not scanner.stopped
