"""Numbers that stand in no Word file and on every page: of lists, clauses and headings."""

import pytest

from indexer.documents.extract.word.number_formats import formatted
from tests.indexer.documents.extract.word.words import cell_of, paragraph, part, row, seen, table, texts


def level(at: int, text: str, form: str = "decimal", more: str = "", start: int = 1) -> str:
    counts = f'<w:start w:val="{start}"/><w:numFmt w:val="{form}"/>'
    return f'<w:lvl w:ilvl="{at}">{counts}{more}<w:lvlText w:val="{text}"/></w:lvl>'


def kind(number: int, *levels: str) -> str:
    return f'<w:abstractNum w:abstractNumId="{number}">{"".join(levels)}</w:abstractNum>'


def used(number: int, of: int, over: str = "") -> str:
    return f'<w:num w:numId="{number}"><w:abstractNumId w:val="{of}"/>{over}</w:num>'


def numbered(*lines: tuple[int, int], lists: str, styles: str = "", body: str = "") -> list[str]:
    """The number of a paragraph for each of `lines`, a list and a level of it."""
    parts = {"numbering": part("numbering", lists), "own_styles": part("styles", styles)}
    made = "".join(paragraph("x", numbered=line) for line in lines)
    return [text.rpartition("x")[0].strip() for text in texts(made + body, parts)]


LEGAL = (level(0, "%1"), level(1, "%1.%2"), level(2, "(%3)", "lowerLetter"), level(3, "(%4)", "lowerRoman"))


def test_levels_start_over_below_each_other() -> None:
    lines = [(1, 0), (1, 1), (1, 1), (1, 2), (1, 2), (1, 3), (1, 1), (1, 2), (1, 0), (1, 1)]
    expected = ["1", "1.1", "1.2", "(a)", "(b)", "(i)", "1.3", "(a)", "2", "2.1"]
    assert numbered(*lines, lists=kind(0, *LEGAL) + used(1, 0)) == expected


def test_a_level_that_is_left_out_counts_as_begun() -> None:
    assert numbered((1, 1), (1, 1), (1, 0), lists=kind(0, *LEGAL) + used(1, 0)) == ["1.1", "1.2", "2"]


def test_lists_of_one_kind_go_on_unless_one_starts_over() -> None:
    over = '<w:lvlOverride w:ilvl="0"><w:startOverride w:val="1"/></w:lvlOverride>'
    lists = kind(0, level(0, "%1.")) + used(1, 0) + used(2, 0) + used(3, 0, over)
    lines = [(1, 0), (1, 0), (2, 0), (3, 0), (3, 0), (1, 0)]
    assert numbered(*lines, lists=lists) == ["1.", "2.", "3.", "1.", "2.", "3."]


def test_a_list_may_have_a_level_of_its_own() -> None:
    """It counts on in its kind, as Word does (testWORD_override_list_numbering.docx of Apache Tika)."""
    over = f'<w:lvlOverride w:ilvl="0">{level(0, "Clause %1:", "upperLetter")}</w:lvlOverride>'
    lists = kind(0, level(0, "%1.")) + used(1, 0) + used(2, 0, over)
    assert numbered((1, 0), (2, 0), (2, 0), (1, 0), lists=lists) == ["1.", "Clause B:", "Clause C:", "4."]


def test_a_level_without_a_start_begins_at_zero() -> None:
    bare = '<w:lvl w:ilvl="0"><w:numFmt w:val="ordinal"/><w:lvlText w:val="%1"/></w:lvl>'
    assert numbered((1, 0), (1, 0), lists=kind(0, bare) + used(1, 0)) == ["0th", "1st"]


def test_forms_given_by_examples() -> None:
    for sample, shown in (("001, 002, 003, ...", "001"), ("α, β, γ, ...", "α"), ("x", "1")):
        newer = f'<mc:Choice><w:numFmt w:val="custom" w:format="{sample}"/></mc:Choice>'
        older = '<mc:Fallback><w:numFmt w:val="decimal"/></mc:Fallback>'
        both = f"<mc:AlternateContent>{newer}{older}</mc:AlternateContent>"
        one = f'<w:lvl w:ilvl="0"><w:start w:val="1"/>{both}<w:lvlText w:val="%1"/></w:lvl>'
        assert numbered((1, 0), lists=kind(0, one) + used(1, 0)) == [shown]


def test_a_level_may_never_start_over_and_a_legal_one_counts_in_digits() -> None:
    never = level(1, "%2)", more='<w:lvlRestart w:val="0"/>')
    legal = level(2, "%1.%2.%3", more="<w:isLgl/>")
    lists = kind(0, level(0, "%1", "upperRoman"), never, legal) + used(1, 0)
    lines = [(1, 0), (1, 1), (1, 0), (1, 1), (1, 2)]
    assert numbered(*lines, lists=lists) == ["I", "1)", "II", "2)", "2.2.1"]


def test_bullets_and_unknown_lists_have_no_number() -> None:
    assert numbered((1, 0), (9, 0), (1, 5), lists=kind(0, level(0, "\u2022", "bullet")) + used(1, 0)) == ["", "", ""]


@pytest.mark.parametrize(
    ("bullet", "font", "shown"),
    [
        ("\uf0a8", "Wingdings", "[ ]"),
        ("\uf0fe", "Wingdings", "[x]"),
        ("☐", "", "[ ]"),
        ("o", "Courier New", ""),
        ("\uf0a7", "Wingdings", ""),
        ("\uf0b7", "Symbol", ""),
    ],
)
def test_a_bullet_may_be_a_box(bullet: str, font: str, shown: str) -> None:
    fonts = f'<w:rPr><w:rFonts w:ascii="{font}"/></w:rPr>' if font else ""
    assert numbered((1, 0), lists=kind(0, level(0, bullet, "bullet", fonts)) + used(1, 0)) == [shown]


HEADINGS = (
    '<w:style w:type="paragraph" w:styleId="H1"><w:name w:val="heading 1"/>'
    '<w:pPr><w:numPr><w:numId w:val="1"/></w:numPr></w:pPr></w:style>'
    '<w:style w:type="paragraph" w:styleId="H2"><w:name w:val="heading 2"/>'
    '<w:pPr><w:numPr><w:numId w:val="1"/></w:numPr></w:pPr></w:style>'
    '<w:style w:type="paragraph" w:styleId="Plain"><w:name w:val="Heading plain"/><w:basedOn w:val="H1"/>'
    '<w:pPr><w:numPr><w:numId w:val="0"/></w:numPr></w:pPr></w:style>'
    '<w:style w:type="numbering" w:styleId="Clauses"><w:pPr><w:numPr><w:numId w:val="7"/></w:numPr></w:pPr></w:style>'
)


def test_headings_are_numbered_by_their_styles() -> None:
    """`1.1.2 Liability`: the style names the list, the list names the styles of its levels."""
    levels = (level(0, "%1", more='<w:pStyle w:val="H1"/>'), level(1, "%1.%2", more='<w:pStyle w:val="H2"/>'))
    parts = {
        "numbering": part("numbering", kind(0, *levels) + used(1, 0)),
        "own_styles": part("styles", HEADINGS),
    }
    no_list = '<w:pPr><w:pStyle w:val="H1"/><w:numPr><w:numId w:val="0"/></w:numPr></w:pPr>'
    off = f"<w:p>{no_list}<w:r><w:t>Annex</w:t></w:r></w:p>"
    body = (
        paragraph("Scope", "H1") + paragraph("Goods", "H2") + paragraph("Liability", "H2") + paragraph("Bare", "Plain")
    )
    assert seen(body + off + paragraph("Law", "H1"), parts) == [
        ("heading1", "1 Scope"),
        ("heading2", "1.1 Goods"),
        ("heading2", "1.2 Liability"),
        ("heading1", "Bare"),
        ("heading1", "Annex"),
        ("heading1", "2 Law"),
    ]


def test_a_kind_of_list_may_be_that_of_a_style() -> None:
    lists = kind(0, '<w:numStyleLink w:val="Clauses"/>') + kind(5, level(0, "§ %1")) + used(1, 0) + used(7, 5)
    assert numbered((1, 0), (7, 0), lists=lists, styles=HEADINGS) == ["§ 1", "§ 2"]


def test_numbers_that_stand_alone_in_cells_are_read() -> None:
    empty = cell_of('<w:p><w:pPr><w:numPr><w:ilvl w:val="0"/><w:numId w:val="1"/></w:numPr></w:pPr></w:p>')
    parts = {"numbering": part("numbering", kind(0, level(0, "%1.")) + used(1, 0))}
    body = table(row("No.", "Task", "Hours"), row(empty, "Plan", "4"), row(empty, "Build", "40"))
    assert texts(body, parts) == ["No. | Task | Hours", "1. | Plan | 4", "2. | Build | 40"]


def test_an_empty_item_counts_and_a_hidden_one_does_not() -> None:
    hidden = (
        '<w:p><w:pPr><w:numPr><w:ilvl w:val="0"/><w:numId w:val="1"/></w:numPr><w:rPr><w:vanish/></w:rPr></w:pPr>'
        "<w:r><w:rPr><w:vanish/></w:rPr><w:t>gone</w:t></w:r></w:p>"
    )
    body = hidden + paragraph("", numbered=(1, 0)) + paragraph("x", numbered=(1, 0))
    assert numbered(lists=kind(0, level(0, "%1.")) + used(1, 0), body=body) == ["2."]


@pytest.mark.parametrize(
    ("number", "form", "text"),
    [
        (4, "lowerRoman", "iv"),
        (1999, "upperRoman", "MCMXCIX"),
        (5000, "upperRoman", "5000"),
        (26, "lowerLetter", "z"),
        (28, "upperLetter", "BB"),
        (999_999, "lowerLetter", "999999"),
        (7, "decimalZero", "07"),
        (12, "decimalZero", "12"),
        (22, "ordinal", "22nd"),
        (13, "ordinal", "13th"),
        (21, "cardinalText", "Twenty-one"),
        (12, "ordinalText", "Twelfth"),
        (30, "ordinalText", "Thirtieth"),
        (3, "decimalEnclosedCircle", "③"),
        (21, "decimalEnclosedCircle", "21"),
        (12, "chineseCounting", "十二"),
        (21, "japaneseCounting", "二十一"),
        (103, "chineseCountingThousand", "一百零三"),
        (20, "ideographDigital", "二〇"),
        (3, "russianLower", "в"),
        (2, "hebrew2", "ב"),
        (3, "none", ""),
        (3, "somethingNew", "3"),
    ],
)
def test_numbers_in_every_form(number: int, form: str, text: str) -> None:
    assert formatted(number, form) == text
