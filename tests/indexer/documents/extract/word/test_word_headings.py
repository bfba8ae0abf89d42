"""Bold lines of files without styles: headings where they stand alone above text, words where they do not."""

import pytest

from tests.indexer.documents.extract.word.words import cell_of, paragraph, read, row, seen, table, word


def bold(words: str) -> str:
    return paragraph(f"<w:r><w:rPr><w:b/></w:rPr><w:t>{words}</w:t></w:r>")


PLAIN = paragraph("Deliveries are made on weekdays.") + paragraph("They are free of charge.")


def headings(body: str) -> list[str]:
    return [text for kind, text in seen(body) if kind.startswith("heading")]


def test_bold_lines_alone_above_text_are_headings() -> None:
    body = (
        bold("Deliveries") + PLAIN + bold("1. Payment.") + PLAIN + bold("Who may be considered:") + table(row("a", "b"))
    )
    assert headings(body) == ["Deliveries", "1. Payment.", "Who may be considered:"]


def test_two_together_may_be_a_number_and_a_name() -> None:
    assert headings(bold("CHAPTER 1") + bold("Introduction") + PLAIN + bold("CHAPTER 2") + PLAIN * 2) == [
        "CHAPTER 1", "Introduction", "CHAPTER 2",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "body",
    [
        bold("Deliveries") + PLAIN,  # one alone may be anything
        (bold("Olga Trent") + bold("4 Quay Road") + bold("Oslo") + PLAIN) * 3,  # an address
        (bold("Never open the valve.") + PLAIN) * 3,  # a sentence
        (bold("word " * 30) + PLAIN) * 3,
        (bold("Yes") + paragraph("No")) * 5,  # bold is how it writes
        paragraph("Terms", "Heading1") + (bold("Mind this") + PLAIN) * 3,  # it has headings
        table(row(cell_of(bold("Deliveries")), "b"), row(cell_of(bold("Payment")), "c")) + PLAIN * 3,
        (bold("12,000") + PLAIN) * 3,
        (bold("p = 0.21 Chi") + PLAIN) * 3,
        (bold("bold words") + PLAIN) * 3,
    ],
)
def test_other_bold_lines_are_not(body: str) -> None:
    assert headings(body) in ([], ["Terms"])


def test_such_a_heading_is_not_taken_for_the_title() -> None:
    assert read(word((bold("CHAPTER") + PLAIN) * 2), "supply-terms.docx").title == "Supply terms"
