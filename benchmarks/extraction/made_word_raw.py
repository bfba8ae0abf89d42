"""Word files part by part: numbers that Word counts, check boxes, text boxes, notes, charts, ruby, imported parts."""

import zipfile
from collections.abc import Mapping
from io import BytesIO
from typing import NamedTuple

from benchmarks.extraction.cases import Family
from benchmarks.extraction.made_charts import bar_chart

WORD = Family("word")

_NAMES = (
    'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
    ' xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"'
    ' xmlns:wp="http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing"'
    ' xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"'
    ' xmlns:c="http://schemas.openxmlformats.org/drawingml/2006/chart"'
    ' xmlns:wps="http://schemas.microsoft.com/office/word/2010/wordprocessingShape"'
    ' xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"'
    ' xmlns:w14="http://schemas.microsoft.com/office/word/2010/wordml"'
    ' xmlns:v="urn:schemas-microsoft-com:vml"'
)
_RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_WORDML = "application/vnd.openxmlformats-officedocument.wordprocessingml"


class Part(NamedTuple):
    """A part beside the document: the last word of its relation's type, its media type, its bytes."""

    relation: str
    media_type: str
    content: str


def package(body: str, parts: Mapping[str, Part] = {}) -> bytes:
    """A .docx; the relation of the nth of `parts`, from 1, has the id rIdn."""
    styles = "".join(
        f'<w:style w:type="paragraph" w:styleId="Heading{n}"><w:name w:val="heading {n}"/>'
        f'<w:pPr><w:outlineLvl w:val="{n - 1}"/></w:pPr></w:style>'
        for n in (1, 2)
    )
    every = {**parts, "styles.xml": Part("styles", f"{_WORDML}.styles+xml", f"<w:styles {_NAMES}>{styles}</w:styles>")}
    overrides = "".join(f'<Override PartName="/word/{n}" ContentType="{p.media_type}"/>' for n, p in every.items())
    relations = "".join(
        f'<Relationship Id="rId{number}" Type="{_RELATIONS}/{part.relation}" Target="{name}"/>'
        for number, (name, part) in enumerate(every.items(), start=1)
    )
    types = (
        '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/word/document.xml" ContentType="{_WORDML}.document.main+xml"/>{overrides}</Types>'
    )
    names = 'xmlns="http://schemas.openxmlformats.org/package/2006/relationships"'
    stream = BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        head = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
        archive.writestr("[Content_Types].xml", head + types)
        root = f'<Relationship Id="rId1" Type="{_RELATIONS}/officeDocument" Target="word/document.xml"/>'
        archive.writestr("_rels/.rels", f"{head}<Relationships {names}>{root}</Relationships>")
        archive.writestr("word/_rels/document.xml.rels", f"{head}<Relationships {names}>{relations}</Relationships>")
        archive.writestr(
            "word/document.xml", f"{head}<w:document {_NAMES}><w:body>{body}<w:sectPr/></w:body></w:document>"
        )
        for name, part in every.items():
            archive.writestr(f"word/{name}", part.content if part.content.startswith("<html") else head + part.content)
    return stream.getvalue()


def paragraph(text: str, style: str = "", numbered: tuple[int, int] | None = None) -> str:
    """`text` is a word or runs; `numbered` is a list and a level of it."""
    runs = text if text.startswith("<") else f'<w:r><w:t xml:space="preserve">{text}</w:t></w:r>'
    about = f'<w:pStyle w:val="{style}"/>' if style else ""
    if numbered:
        about += f'<w:numPr><w:ilvl w:val="{numbered[1]}"/><w:numId w:val="{numbered[0]}"/></w:numPr>'
    return f"<w:p><w:pPr>{about}</w:pPr>{runs}</w:p>"


def run(text: str) -> str:
    return f'<w:r><w:t xml:space="preserve">{text}</w:t></w:r>'


def _numbering() -> Part:
    """List 1 counts 1, 1.1; list 2 counts (a), (b)."""
    levels = (
        '<w:lvl w:ilvl="0"><w:start w:val="1"/><w:numFmt w:val="decimal"/><w:lvlText w:val="%1"/></w:lvl>'
        '<w:lvl w:ilvl="1"><w:start w:val="1"/><w:numFmt w:val="decimal"/><w:lvlText w:val="%1.%2"/></w:lvl>'
    )
    letters = '<w:lvl w:ilvl="0"><w:start w:val="1"/><w:numFmt w:val="lowerLetter"/><w:lvlText w:val="(%1)"/></w:lvl>'
    lists = "".join(
        f'<w:abstractNum w:abstractNumId="{number}">{one}</w:abstractNum>'
        for number, one in enumerate((levels, letters))
    )
    used = "".join(f'<w:num w:numId="{n}"><w:abstractNumId w:val="{n - 1}"/></w:num>' for n in (1, 2))
    return Part("numbering", f"{_WORDML}.numbering+xml", f"<w:numbering {_NAMES}>{lists}{used}</w:numbering>")


@WORD.case(
    "clause-numbers.docx",
    "# 1 Scope\n1.1 These terms hold for all deliveries.\n1.2 Other terms do not hold.\n# 2 Payment\n"
    "2.1 Invoices are due after thirty days, unless\n(a) the order says otherwise,\n(b) a deposit was paid.",
)
def clause_numbers() -> bytes:
    return package(
        paragraph("Scope", "Heading1", (1, 0))
        + paragraph("These terms hold for all deliveries.", numbered=(1, 1))
        + paragraph("Other terms do not hold.", numbered=(1, 1))
        + paragraph("Payment", "Heading1", (1, 0))
        + paragraph("Invoices are due after thirty days, unless", numbered=(1, 1))
        + paragraph("the order says otherwise,", numbered=(2, 0))
        + paragraph("a deposit was paid.", numbered=(2, 0)),
        {"numbering.xml": _numbering()},
    )


def _control(checked: bool) -> str:
    box = "☒" if checked else "☐"
    state = f'<w14:checkbox><w14:checked w14:val="{int(checked)}"/></w14:checkbox>'
    return f"<w:sdt><w:sdtPr>{state}</w:sdtPr><w:sdtContent><w:r><w:t>{box}</w:t></w:r></w:sdtContent></w:sdt>"


def _old_box(checked: bool) -> str:
    field = f'<w:ffData><w:name w:val="b"/><w:checkBox><w:default w:val="{int(checked)}"/></w:checkBox></w:ffData>'
    return (
        f'<w:r><w:fldChar w:fldCharType="begin">{field}</w:fldChar></w:r><w:r><w:instrText> FORMCHECKBOX </w:instrText>'
        '</w:r><w:r><w:fldChar w:fldCharType="separate"/></w:r><w:r><w:fldChar w:fldCharType="end"/></w:r>'
    )


@WORD.case(
    "check-boxes.docx",
    "# Release checklist\n[x] Security review passed\n[ ] Load test passed\n[ ] Legal approval given\n"
    "[x] Translation done\n[ ] Manual printed\n[x] Crate sealed",
)
def check_boxes() -> bytes:
    symbols = '<w:r><w:sym w:font="Wingdings" w:char="F0FE"/></w:r>'
    lines = [(_control(True), "Security review passed"), (_control(False), "Load test passed")]
    lines += [("<w:r><w:t>☐</w:t></w:r>", "Legal approval given"), (_old_box(True), "Translation done")]
    lines += [(_old_box(False), "Manual printed"), (symbols, "Crate sealed")]
    return package(
        paragraph("Release checklist", "Heading1") + "".join(paragraph(box + run(f" {text}")) for box, text in lines)
    )


@WORD.case("content-controls.docx", "# Order\nDepartment Logistics\nDate 2026-03-05\nName Greta Holm\nUrgent yes")
def content_controls() -> bytes:
    def control(kind: str, value: str) -> str:
        return f"<w:sdt><w:sdtPr>{kind}</w:sdtPr><w:sdtContent>{run(value)}</w:sdtContent></w:sdt>"

    def field(instruction: str, value: str) -> str:
        return (
            '<w:r><w:fldChar w:fldCharType="begin"/></w:r><w:r><w:instrText xml:space="preserve"> '
            f'{instruction} </w:instrText></w:r><w:r><w:fldChar w:fldCharType="separate"/></w:r>{run(value)}'
            '<w:r><w:fldChar w:fldCharType="end"/></w:r>'
        )

    return package(
        paragraph("Order", "Heading1")
        + paragraph(
            run("Department ") + control('<w:dropDownList><w:listItem w:value="L"/></w:dropDownList>', "Logistics")
        )
        + paragraph(run("Date ") + control('<w:date><w:dateFormat w:val="dd.MM.yyyy"/></w:date>', "05.03.2026"))
        + paragraph(run("Name ") + field("FORMTEXT", "Greta Holm"))
        + paragraph(run("Urgent ") + field("DOCPROPERTY Urgent", "yes"))
    )


@WORD.case("text-box.docx", "# Visitors\nReport at the gate.\nBring your passport.\nThe gate closes at nine.")
def text_box() -> bytes:
    """The box stands twice in the file, for new and for old programs, and once on the page."""
    inside = f"<w:txbxContent>{paragraph('Bring your passport.')}</w:txbxContent>"
    new = (
        '<w:drawing><wp:inline><wp:extent cx="2000000" cy="600000"/><wp:docPr id="1" name="Box"/><a:graphic>'
        '<a:graphicData uri="http://schemas.microsoft.com/office/word/2010/wordprocessingShape">'
        f"<wps:wsp><wps:spPr/><wps:txbx>{inside}</wps:txbx><wps:bodyPr/></wps:wsp>"
        "</a:graphicData></a:graphic></wp:inline></w:drawing>"
    )
    old = f'<w:pict><v:shape style="width:100pt"><v:textbox>{inside}</v:textbox></v:shape></w:pict>'
    both = (
        f'<w:r><mc:AlternateContent><mc:Choice Requires="wps">{new}</mc:Choice>'
        f"<mc:Fallback>{old}</mc:Fallback></mc:AlternateContent></w:r>"
    )
    return package(
        paragraph("Visitors", "Heading1")
        + paragraph("Report at the gate.")
        + paragraph(both)
        + paragraph("The gate closes at nine.")
    )


@WORD.case(
    "footnotes.docx",
    "# Allowance\nEmployees get 28 euros a day{1} when they travel.\nMeals are taken off{i}.\n"
    "{1} Paid with the salary of the next month.\n{i} As the tax office says.",
)
def footnotes() -> bytes:
    def note(kind: str, number: int, text: str) -> str:
        return f'<w:{kind} w:id="{number}">{paragraph(f"<w:r><w:{kind}Ref/></w:r>{run(text)}")}</w:{kind}>'

    parts = {}
    for kind, text in (("footnote", "Paid with the salary of the next month."), ("endnote", "As the tax office says.")):
        content = f"<w:{kind}s {_NAMES}>{note(kind, 2, text)}</w:{kind}s>"
        parts[f"{kind}s.xml"] = Part(f"{kind}s", f"{_WORDML}.{kind}s+xml", content)
    mark = '<w:r><w:{0}Reference w:id="2"/></w:r>'
    return package(
        paragraph("Allowance", "Heading1")
        + paragraph(run("Employees get 28 euros a day") + mark.format("footnote") + run(" when they travel."))
        + paragraph(run("Meals are taken off") + mark.format("endnote") + run(".")),
        parts,
    )


@WORD.case(
    "chart.docx",
    "# Sales\nAll regions grew.\nUnits sold\n|= | 2025\n| Norway | 412\n| Portugal | 377\n| Ireland | 905",
)
def chart() -> bytes:
    drawing = (
        '<w:r><w:drawing><wp:inline><wp:extent cx="4000000" cy="2000000"/><wp:docPr id="1" name="Chart 1"/><a:graphic>'
        '<a:graphicData uri="http://schemas.openxmlformats.org/drawingml/2006/chart"><c:chart r:id="rId1"/>'
        "</a:graphicData></a:graphic></wp:inline></w:drawing></w:r>"
    )
    part = bar_chart("Units sold", "2025", (("Norway", 412), ("Portugal", 377), ("Ireland", 905)))
    return package(
        paragraph("Sales", "Heading1") + paragraph("All regions grew.") + paragraph(drawing),
        {"chart1.xml": Part("chart", "application/vnd.openxmlformats-officedocument.drawingml.chart+xml", part)},
    )


@WORD.case("ruby.docx", "# 案内\n本社は{とうきょう}東京{とうきょう}にあります。")
def ruby() -> bytes:
    word = (
        "<w:r><w:ruby><w:rubyPr/><w:rt><w:r><w:t>とうきょう</w:t></w:r></w:rt>"
        "<w:rubyBase><w:r><w:t>東京</w:t></w:r></w:rubyBase></w:ruby></w:r>"
    )
    return package(paragraph("案内", "Heading1") + paragraph(run("本社は") + word + run("にあります。")))


@WORD.case("imported-part.docx", "# Annex\nThe annex was merged in.\nSpare keys are in box 14.")
def imported_part() -> bytes:
    html = "<html><body><p>Spare keys are in box 14.</p></body></html>"
    return package(
        paragraph("Annex", "Heading1") + paragraph("The annex was merged in.") + '<w:altChunk r:id="rId1"/>',
        {"annex.html": Part("aFChunk", "text/html", html)},
    )


@WORD.case("special-hyphens.docx", "# Codes\nUse form A-17 for self-service. Delivery by van, ½ day. 10 °C.")
def special_hyphens() -> bytes:
    runs = run("Use form A") + "<w:r><w:noBreakHyphen/></w:r>" + run("17 for self") + "<w:r><w:noBreakHyphen/></w:r>"
    runs += run("service. Deliv") + "<w:r><w:softHyphen/></w:r>" + run("ery by van, ½ day. 10")
    degree = '<w:r><w:sym w:font="Symbol" w:char="F0B0"/></w:r>'
    return package(paragraph("Codes", "Heading1") + paragraph(runs + run(" ") + degree + run("C.")))


@WORD.case("styled-header.docx", "# Limits\n|= City | Limit\n| Oslo | 120\n| Lyon | 95")
def styled_header() -> bytes:
    """The style of the table, not a mark of the row, says that its first row is a head."""
    rows = "".join(
        f"<w:tr>{''.join(f'<w:tc><w:tcPr/>{paragraph(cell)}</w:tc>' for cell in row)}</w:tr>"
        for row in (("City", "Limit"), ("Oslo", "120"), ("Lyon", "95"))
    )
    look = '<w:tblLook w:val="04A0" w:firstRow="1" w:lastRow="0" w:firstColumn="0" w:lastColumn="0"/>'
    about = f'<w:tblPr><w:tblStyle w:val="GridTable4"/>{look}</w:tblPr><w:tblGrid><w:gridCol/><w:gridCol/></w:tblGrid>'
    return package(paragraph("Limits", "Heading1") + f"<w:tbl>{about}{rows}</w:tbl>")


@WORD.case("smart-art.docx", "# Way of an order\nOrder\nCheck\nShip\nEvery step is signed.")
def smart_art() -> bytes:
    dgm = "http://schemas.openxmlformats.org/drawingml/2006/diagram"
    points = "".join(
        f'<dgm:pt modelId="{n}"><dgm:t><a:bodyPr/><a:p><a:r><a:t>{word}</a:t></a:r></a:p></dgm:t></dgm:pt>'
        for n, word in enumerate(("Order", "Check", "Ship"), start=1)
    )
    model = f'<dgm:dataModel xmlns:dgm="{dgm}" {_NAMES}><dgm:ptLst>{points}</dgm:ptLst><dgm:cxnLst/></dgm:dataModel>'
    ids = " ".join(f'r:{kind}="rId1"' for kind in ("dm", "lo", "qs", "cs"))
    drawing = (
        '<w:r><w:drawing><wp:inline><wp:extent cx="4000000" cy="2000000"/><wp:docPr id="1" name="Diagram 1"/>'
        f'<a:graphic><a:graphicData uri="{dgm}"><dgm:relIds xmlns:dgm="{dgm}" {ids}/></a:graphicData></a:graphic>'
        "</wp:inline></w:drawing></w:r>"
    )
    media_type = "application/vnd.openxmlformats-officedocument.drawingml.diagramData+xml"
    return package(
        paragraph("Way of an order", "Heading1") + paragraph(drawing) + paragraph("Every step is signed."),
        {"diagrams/data1.xml": Part("diagramData", media_type, model)},
    )


@WORD.case("numbers-that-start-over.docx", "# Steps\n3. Close the valve.\n4. Call the desk.\nIII. Appendix")
def numbers_that_start_over() -> bytes:
    """A list that goes on at three after a pause, and one in Roman numbers."""
    lists = (
        '<w:abstractNum w:abstractNumId="0"><w:lvl w:ilvl="0"><w:start w:val="1"/><w:numFmt w:val="decimal"/>'
        '<w:lvlText w:val="%1."/></w:lvl></w:abstractNum><w:abstractNum w:abstractNumId="1"><w:lvl w:ilvl="0">'
        '<w:start w:val="3"/><w:numFmt w:val="upperRoman"/><w:lvlText w:val="%1."/></w:lvl></w:abstractNum>'
    )
    over = '<w:lvlOverride w:ilvl="0"><w:startOverride w:val="3"/></w:lvlOverride>'
    used = f'<w:num w:numId="1"><w:abstractNumId w:val="0"/>{over}</w:num>'
    used += '<w:num w:numId="2"><w:abstractNumId w:val="1"/></w:num>'
    part = Part("numbering", f"{_WORDML}.numbering+xml", f"<w:numbering {_NAMES}>{lists}{used}</w:numbering>")
    body = "".join(paragraph(one, numbered=(1, 0)) for one in ("Close the valve.", "Call the desk."))
    return package(
        paragraph("Steps", "Heading1") + body + paragraph("Appendix", numbered=(2, 0)), {"numbering.xml": part}
    )
