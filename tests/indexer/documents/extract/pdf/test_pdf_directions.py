"""Text that does not run from left to right across an upright page."""

from collections.abc import Callable, Sequence

import pytest
from reportlab.pdfbase.pdfmetrics import stringWidth

from benchmarks.extraction.raw_pdf import A4, Page, at, box, mapped, pdf
from indexer.documents.extract import ExtractedDocument
from indexer.documents.extract.formats import extract_bytes
from tests.indexer.documents.extract.invariants import check, outline

LINES = ("Travel budget of the northern office", "Flights 4200 euros for the second quarter", "Hotels 1900 euros")
TURNS = {0: "1 0 0 1", 90: "0 1 -1 0", 180: "-1 0 0 -1", 270: "0 -1 1 0"}
PLACES: dict[int, Callable[[float, float], tuple[float, float]]] = {
    0: lambda along, down: (72 + along, 770 - down),
    90: lambda along, down: (72 + down, 72 + along),
    180: lambda along, down: (523 - along, 72 + down),
    270: lambda along, down: (523 - down, 770 - along),
}


def read(data: bytes) -> ExtractedDocument:
    document = extract_bytes(data, "budget.pdf")
    check(document)
    return document


def drawn(angle: int, lines: tuple[str, ...] = LINES, step: float = 30) -> str:
    """Lines that are read from the first to the last when the page is turned by `angle`."""
    return "".join(at(*PLACES[angle](0, step * n), line, turn=TURNS[angle]) for n, line in enumerate(lines))


@pytest.mark.parametrize("rotate", ["", "/Rotate 90", "/Rotate 180", "/Rotate 270", "/Rotate -90"])
@pytest.mark.parametrize("angle", TURNS)
def test_lines_are_whole_and_in_order_however_page_and_text_are_turned(angle: int, rotate: str) -> None:
    document = read(pdf([Page(drawn(angle), f"{box(A4)} {rotate}")]))
    assert [text for _, text in outline(document)] == list(LINES)


@pytest.mark.parametrize("angle", [90, 270])
def test_letters_that_are_placed_one_by_one_up_or_down_make_words(angle: int) -> None:
    words = "Flights 4200"
    places = [stringWidth(words[:n], "Helvetica", 11) + 0.4 * n for n in range(len(words))]
    drawn = [(place, letter) for place, letter in zip(places, words, strict=True) if letter != " "]
    content = "".join(at(*PLACES[angle](place, 0), letter, turn=TURNS[angle]) for place, letter in drawn)
    assert read(pdf([Page(content, box(A4))])).text == "Flights 4200"


def test_a_note_in_the_margin_stands_behind_the_text() -> None:
    upright = "".join(at(100, 700 - 14 * n, f"Line {n} of the letter goes on and on and") for n in range(3))
    note = at(40, 650, "Draft of 2 May", turn=TURNS[90])
    document = read(pdf([Page(note + upright, box(A4))]))
    assert document.text.endswith("\n\nDraft of 2 May")
    assert "and Line 1 of" in document.text


def test_a_note_that_runs_up_the_margin_of_most_pages_goes() -> None:
    pages = [
        Page(at(20, 300, f"Bulletin 17 page {n}", turn=TURNS[90]) + at(100, 500, f"Words of page {n} alone."), box(A4))
        for n in (1, 2, 3)
    ]
    text = read(pdf(pages)).text
    assert "Bulletin" not in text
    assert all(f"Words of page {n} alone." in text for n in (1, 2, 3))


def test_a_word_across_the_page_is_one_word() -> None:
    slanted = at(150, 300, "Confidential draft", size=60, turn="0.7071 0.7071 -0.7071 0.7071")
    text = read(pdf([Page(slanted + drawn(0), box(A4))])).text
    assert "Confidential draft" in text
    assert all(line in text for line in LINES)


def test_lines_of_a_page_that_was_laid_askew_on_the_scanner_stay_whole() -> None:
    askew = [at(72, 700 - 14 * n, line, turn="0.9994 0.0349 -0.0349 0.9994") for n, line in enumerate(LINES)]
    text = read(pdf([Page("".join(askew), box(A4))])).text
    assert all(line in text for line in LINES)


@pytest.mark.parametrize("turn", [90, 270])
@pytest.mark.parametrize("pitch", [18, 30, 60])
def test_heads_that_run_up_or_down_name_the_columns_below_them(turn: int, pitch: float) -> None:
    heads = ("First aid", "Fire drill", "Crane licence", "Forklift")
    content = at(72, 600, "Person")
    for n, head in enumerate(heads):
        foot = 600 if turn == 90 else 600 + stringWidth(head, "Helvetica", 10)
        content += at(200 + pitch * n + (10 if turn == 90 else 2), foot, head, size=10, turn=TURNS[turn])
    rows = (("Ina Falk", "x", "7", "9", ""), ("Tom Reuter", "", "5", "6", "x"))
    for m, (person, *cells) in enumerate(rows):
        content += at(72, 580 - 15 * m, person)
        content += "".join(at(202 + pitch * n, 580 - 15 * m, cell) for n, cell in enumerate(cells) if cell)
    assert outline(read(pdf([Page(content, box(A4))]))) == [
        ("header", "Person | First aid | Fire drill | Crane licence | Forklift"),
        ("row", "Ina Falk | x | 7 | 9"),
        ("row", "Tom Reuter | | 5 | 6 | x"),
    ]


def test_columns_of_japanese_run_down_and_follow_one_another_to_the_left() -> None:
    columns = ("食堂は七時半に開", "き午後二時まで温", "かい食事を出す")
    letters = sorted(set("".join(columns)))
    content = "".join(
        f"BT /F3 12 Tf 1 0 0 1 {400 - 20 * n} {700 - 12 * m} Tm <{65 + letters.index(letter):02X}> Tj ET\n"
        for n, column in enumerate(columns)
        for m, letter in enumerate(column)
    )
    text = read(pdf([Page(content, box(A4))], font=mapped("".join(letters)))).text
    assert text.replace(" ", "") == "".join(columns)


def test_a_small_raised_number_is_no_part_of_the_word_before_it() -> None:
    content = at(72, 700, "return") + at(105, 705, "2", size=7) + at(115, 700, "of 14 km") + at(157.5, 705, "2", size=7)
    assert read(pdf([Page(content, box(A4))])).text == "return 2 of 14 km2"


def leftwards(lines: Sequence[tuple[float, float, str]]) -> ExtractedDocument:
    """Lines that end at `x`: words in reverse, and their letters where they are Hebrew or Arabic, as they are seen."""
    letters = "".join(sorted({letter for _, _, line in lines for letter in line}))
    content = ""
    for x, y, line in lines:
        seen = " ".join(word if word.isascii() else word[::-1] for word in reversed(line.split(" ")))
        codes = "".join(f"{65 + letters.index(letter):02X}" for letter in seen)
        content += f"BT /F3 12 Tf 1 0 0 1 {x - 7.2 * len(line):.1f} {y} Tm <{codes}> Tj ET\n"
    return read(pdf([Page(content, box(A4))], font=mapped(letters)))


@pytest.mark.parametrize(
    "line", ["נוהל חופשה", "הסכם מספר 2024 נחתם עם Microsoft היום", "سياسة الإجازات لكل موظف 20 يوما", "שלום 7"]
)
def test_words_from_right_to_left_and_numbers_among_them_stand_as_they_are_read(line: str) -> None:
    assert leftwards([(500, 760, line)]).text == line


def test_tables_from_right_to_left_begin_on_the_right() -> None:
    table = [("מוצר", "מחיר", "מלאי"), ("פריט", "40", "9"), ("לוח", "65", "12")]
    cells = [(500 - 100 * n, 700 - 18 * m, cell) for m, row in enumerate(table) for n, cell in enumerate(row)]
    assert [text for _, text in outline(leftwards(cells))] == [" | ".join(row) for row in table]


@pytest.mark.parametrize("by_line", [True, False])
def test_columns_from_right_to_left_begin_on_the_right(by_line: bool) -> None:
    right = ["עובד חדש מקבל תג ביום הראשון", "והוא שומר עליו עד סוף העבודה", "בחברה ומחזיר אותו למשרד שלו"]
    left = ["החדר נפתח בשעה שמונה והוא נסגר", "בחצות אלא אם כן יש שם אירוע", "מיוחד בבניין הראשי של החברה"]
    columns = [[(x, 700 - 14 * n, line) for n, line in enumerate(column)] for x, column in ((550, right), (290, left))]
    lines = [line for pair in zip(*columns, strict=True) for line in pair] if by_line else [*columns[0], *columns[1]]
    assert leftwards(lines).text.replace("\n\n", " ") == " ".join([*right, *left])


def test_hebrew_in_a_line_from_left_to_right_is_read_from_right_to_left() -> None:
    letters = "".join(sorted(set("The word means leave ( חופשה )")))
    codes = "".join(f"{65 + letters.index(letter):02X}" for letter in "The word השפוח means leave")
    page = Page(f"BT /F3 12 Tf 1 0 0 1 72 700 Tm <{codes}> Tj ET\n" + at(72, 660, "And so on in English."), box(A4))
    assert read(pdf([page], font=mapped(letters))).text.startswith("The word חופשה means leave")
