"""Real documents that nobody here wrote. Every file is read, or refused with a true reason."""

from pathlib import Path

import pytest

from benchmarks.extraction import field
from benchmarks.extraction.expected import parse
from benchmarks.extraction.score import score
from indexer.documents.extract.formats import extract_bytes
from indexer.documents.process import Reader
from indexer.errors import UnsupportedFile
from indexer.settings import IndexerSettings
from tests.indexer.documents.extract.invariants import check, outline


def test_every_file_is_read_or_has_no_text(shared: Path, settings: IndexerSettings) -> None:
    empty = []
    with Reader(settings) as reader:
        for path in sorted((shared / "corpora").rglob("*.*")):
            try:
                document = reader.read(path).document
            except UnsupportedFile as error:
                empty.append((path, error.what))
                continue
            check(document)
            if "shortcodes" not in path.name and "updating-the-handbook" not in str(path):
                assert "{%" not in document.text
                assert "{{" not in document.text
            assert "<!--" not in document.text
    assert 0 < len(empty) < 10
    for path, reason in empty:
        assert "no text" in reason
        after_front_matter = path.read_text().split("\n---", 1)[1]
        assert not any(line.strip() and line.strip()[0].isalnum() for line in after_front_matter.split("\n"))


@pytest.mark.parametrize("name", ["Northwind_Standard_Benefits_Details.pdf", "Benefit_Options.pdf", "PerksPlus.pdf"])
def test_benefit_documents(shared: Path, name: str) -> None:
    document = extract_bytes((shared / "corpora/contoso-benefits" / name).read_bytes(), name)
    check(document)
    assert document.title.startswith(("Contoso Electronics ", "PerksPlus Health"))
    assert all(block.page for block in document.blocks)


def test_the_table_that_is_a_picture_is_remarked(shared: Path) -> None:
    data = (shared / "corpora/contoso-benefits/Benefit_Options.pdf").read_bytes()
    assert (
        "Page 4 holds a picture; words inside are not searched." in extract_bytes(data, "Benefit_Options.pdf").remarks
    )


def test_letters_that_stand_one_by_one_form_words(shared: Path) -> None:
    data = (shared / "corpora/18f-handbook/downloads/my-form.pdf").read_bytes()
    assert "This page intentionally left blank, except for the text" in extract_bytes(data, "my-form.pdf").text


def test_pdfs_of_the_field_test_are_read_as_a_person_sees_them(shared: Path) -> None:
    if not (shared / "field").is_dir():
        pytest.skip("../shared/field is not there")
    found = [(case, extract_bytes(case.make(), case.name)) for case in field.cases() if case.family == "pdf"]
    assert found
    for case, document in found:
        one = score(parse(case.expected), outline(document))
        assert (one.found, one.clean, one.order, one.rows[0]) == (1, 1, 1, one.rows[1]), case.name


def test_leave_page_as_a_reader_sees_it(shared: Path) -> None:
    data = next((shared / "corpora/18f-handbook").rglob("leave.md")).read_bytes()
    document = extract_bytes(data, "leave.md")
    assert document.title == "Leave types"
    blocks = outline(document)
    assert blocks[0] == ("paragraph", "Current employees can use this leave comparison chart.")
    assert ("heading3", "Annual leave") in blocks
    assert ("item1", "Fewer than 3 years: 4 hours per pay period") in blocks
