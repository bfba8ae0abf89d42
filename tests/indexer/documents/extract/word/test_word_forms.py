"""Fields, boxes and lists to choose from in Word files: what a person sees of them."""

import pytest

from tests.indexer.documents.extract.word.words import cell_of, paragraph, row, run, table, texts


def mark(kind: str, inside: str = "") -> str:
    return f'<w:r><w:fldChar w:fldCharType="{kind}">{inside}</w:fldChar></w:r>'


def code(text: str) -> str:
    return f'<w:r><w:instrText xml:space="preserve"> {text} </w:instrText></w:r>'


def field(instruction: str, result: str | None, form: str = "") -> str:
    data = f"<w:ffData>{form}</w:ffData>" if form else ""
    shown = mark("separate") + result if result is not None else ""
    return mark("begin", data) + code(instruction) + shown + mark("end")


def control(kind: str, inside: str) -> str:
    return f"<w:sdt><w:sdtPr>{kind}</w:sdtPr><w:sdtContent>{inside}</w:sdtContent></w:sdt>"


@pytest.mark.parametrize(
    ("inside", "text"),
    [
        (field("REF x", run("Table 3")), "Table 3"),
        (field('HYPERLINK "https://example.com"', run("the portal")), "the portal"),
        (field("IF " + "1 = 1", run("yes")), "yes"),
        (
            mark("begin")
            + code("IF")
            + field("MERGEFIELD a", run("inner"))
            + mark("separate")
            + run("outer")
            + mark("end"),
            "outer",
        ),
        (field("XE index", None) + run("word"), "word"),
        (field("MACROBUTTON NoMacro Click and type", None), "Click and type"),
        (field(r"EQ \f(1,2)", None), "1/2"),
        (field(r"EQ \* jc2 \o\ad(\s\up 9(とう),東)", None), "東(とう)"),
        (field(r"EQ \o\ac(○,印)", None), "○ 印"),
        (f'<w:fldSimple w:instr=" AUTHOR ">{run("Ann")}</w:fldSimple>', "Ann"),
        (run("see page ") + field("PAGEREF x", run("12")), "see page 12"),
        (mark("begin") + run("kept without an end"), "kept without an end"),
        (mark("end") + mark("separate") + run("kept"), "kept"),
        (field("FORMTEXT", run("Greta"), "<w:textInput/>"), "Greta"),
        (field("FORMCHECKBOX", None, '<w:checkBox><w:default w:val="1"/></w:checkBox>') + run("Sent"), "[x] Sent"),
        (field("FORMCHECKBOX", "", '<w:checkBox><w:default w:val="1"/><w:checked w:val="0"/></w:checkBox>'), "[ ]"),
        (field("FORMCHECKBOX", None, "<w:checkBox><w:checked/></w:checkBox>"), "[x]"),
        (
            field(
                "FORMDROPDOWN",
                "",
                '<w:ddList><w:result w:val="1"/><w:listEntry w:val="A"/><w:listEntry w:val="B"/></w:ddList>',
            ),
            "B",
        ),
        (field("FORMDROPDOWN", None, '<w:ddList><w:listEntry w:val="A"/></w:ddList>'), "A"),
        (control('<w14:checkbox><w14:checked w14:val="1"/></w14:checkbox>', run("Ja")) + run("Paid"), "[x] Paid"),
        (control('<w14:checkbox><w14:checked w14:val="0"/></w14:checkbox>', run("☐")) + run("Paid"), "[ ] Paid"),
        (control("<w14:checkbox/>", run("☐")), "[ ]"),
        (control('<w:comboBox><w:listItem w:value="x"/></w:comboBox>', run("Chosen")), "Chosen"),
        (control("<w:showingPlcHdr/>", run("Enter a name.")), "Enter a name."),
    ],
)
def test_what_a_field_or_control_shows(inside: str, text: str) -> None:
    assert texts(paragraph(inside)) == [text]


def test_a_field_may_go_over_paragraphs() -> None:
    """As a table of contents does; each of its lines is read once."""
    first = paragraph(
        mark("begin") + code(r"TOC \o") + mark("separate") + run("Scope") + "<w:r><w:tab/></w:r>" + run("3")
    )
    body = (
        first + paragraph(run("Law") + "<w:r><w:tab/></w:r>" + run("4")) + paragraph(mark("end")) + paragraph("Text.")
    )
    assert texts(body) == ["Scope 3", "Law 4", "Text."]


def test_a_field_whose_end_was_deleted_hides_nothing() -> None:
    body = paragraph(mark("begin") + run("seen") + f"<w:del>{mark('end')}</w:del>") + paragraph("After.")
    assert texts(body) == ["seen", "After."]


def test_boxes_in_cells_and_as_blocks() -> None:
    box = '<w14:checkbox><w14:checked w14:val="1"/></w14:checkbox>'
    in_cell = cell_of(paragraph(control(box, run("☒"))))
    assert texts(table(row("Task", "Done", "By"), row("Load test", in_cell, "Ann"))) == [
        "Task | Done | By", "Load test | [x] | Ann",
    ]  # fmt: skip
    own_sign = f"<w:sdt><w:sdtPr>{box}</w:sdtPr><w:sdtContent>{cell_of('JA')}</w:sdtContent></w:sdt>"
    assert texts(table(row("Task", "Done", "By"), f"<w:tr>{cell_of('Test')}{own_sign}{cell_of('Bo')}</w:tr>"))[1] == (
        "Test | [x] | Bo"
    )
    assert texts(control(box, paragraph("JA")) + paragraph("Paid")) == ["[x]", "Paid"]
    assert texts(control("<w:richText/>", paragraph("A block.") + paragraph("Another."))) == ["A block.", "Another."]
