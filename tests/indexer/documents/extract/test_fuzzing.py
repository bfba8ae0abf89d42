"""Valid files of each format after accidents: whatever comes, a document or a FileError, and never much more of it."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from indexer.documents.extract.formats import FORMATS, extract_bytes
from indexer.errors import FileError
from tests.indexer.documents.extract.invariants import check, check_characters
from tests.indexer.documents.extract.mutations import ENDINGS, PACKED, PLAIN, mutated, mutated_package, named, valid

MOST_TEXT = 200_000  # characters; the valid files hold some two hundred
many = settings(
    max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
some = settings(many, max_examples=40)


def read(data: bytes, ending: str) -> None:
    try:
        document = extract_bytes(data, named(ending))
    except FileError as error:
        check_characters(str(error))
        return
    check(document)
    assert len(document.text) < MOST_TEXT
    assert len(document.remarks) < 100


def test_every_entry_is_tried() -> None:
    assert {FORMATS[ending].reader for ending in ENDINGS} == {one.reader for one in FORMATS.values()}
    assert set(PACKED) | set(PLAIN) == set(ENDINGS)


@pytest.mark.parametrize("ending", ENDINGS)
def test_the_files_are_valid(ending: str) -> None:
    document = extract_bytes(valid(ending), named(ending))
    check(document)
    assert "Anna" in document.text
    assert "30" in document.text


@pytest.mark.parametrize("ending", PLAIN)
def test_after_accidents(ending: str) -> None:
    many(given(mutated(valid(ending)))(lambda data: read(data, ending)))()


@pytest.mark.parametrize("ending", PACKED)
def test_after_accidents_to_the_archive(ending: str) -> None:
    some(given(mutated(valid(ending)))(lambda data: read(data, ending)))()


@pytest.mark.parametrize("ending", PACKED)
def test_after_accidents_inside_the_archive(ending: str) -> None:
    many(given(mutated_package(valid(ending)))(lambda data: read(data, ending)))()


@pytest.mark.parametrize("ending", ENDINGS)
def test_bytes_behind_a_true_beginning(ending: str) -> None:
    begins = valid(ending)[:40]
    some(given(st.binary(max_size=500))(lambda data: read(begins + data, ending)))()


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("other", ENDINGS)
def test_under_the_ending_of_another_format(ending: str, other: str) -> None:
    read(valid(other), ending)
