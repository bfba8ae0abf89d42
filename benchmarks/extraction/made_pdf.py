"""PDF files as report programs make them, with ReportLab: text, columns, tables, lists, notes, forms."""

from collections.abc import Callable, Sequence
from io import BytesIO
from typing import Any

from reportlab.lib import colors, pagesizes
from reportlab.lib.styles import ParagraphStyle, getSampleStyleSheet
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import (
    BaseDocTemplate,
    Frame,
    ListFlowable,
    ListItem,
    PageBreak,
    PageTemplate,
    Paragraph,
    SimpleDocTemplate,
    Spacer,
)

from benchmarks.extraction.cases import Family

PDF = Family("pdf")
_STYLES = getSampleStyleSheet()
_GRID = [("GRID", (0, 0), (-1, -1), 0.5, colors.black), ("VALIGN", (0, 0), (-1, -1), "TOP")]
_BODY, _BOLD = "Helvetica", "Helvetica-Bold"

Furniture = Callable[[Canvas, Any], None]


def typeset(*story: Any, furniture: Furniture = lambda _canvas, _document: None) -> bytes:
    stream = BytesIO()
    document = SimpleDocTemplate(stream, pagesize=pagesizes.A4, invariant=1)
    document.build(list(story), onFirstPage=furniture, onLaterPages=furniture)
    return stream.getvalue()


def text(words: str, style: str = "BodyText") -> Paragraph:
    return Paragraph(words, _STYLES[style])


def drawn(draw: Callable[[Canvas], None], size: tuple[float, float] = pagesizes.A4) -> bytes:
    """One page, drawn by hand."""
    stream = BytesIO()
    canvas = Canvas(stream, pagesize=size, invariant=1)
    canvas.setFont(_BODY, 11)
    draw(canvas)
    canvas.save()
    return stream.getvalue()


def lines(canvas: Canvas, x: float, y: float, texts: Sequence[str], step: float = 15) -> None:
    for number, one in enumerate(texts):
        canvas.drawString(x, y - number * step, one)


LONG = (
    "The canteen opens at half past seven and serves warm meals until two in the afternoon. Guests of a department "
    "pay the price that is written on the board beside the till, and the department settles the rest at the end of "
    "the month. Whoever needs a meal without nuts, milk or gluten tells the kitchen one working day before."
)
SECOND = (
    "The rooms on the third floor are booked through the calendar. A booking that nobody has claimed fifteen minutes "
    "after its start is given to the next person in the queue. Projectors stay in the rooms; the reception lends "
    "adapters, pointers and one portable loudspeaker against a signature."
)


@PDF.case("report.pdf", f"# House rules\n# Canteen\n{LONG}\n# Rooms\n{SECOND}")
def report() -> bytes:
    return typeset(
        text("House rules", "Title"), text("Canteen", "Heading2"), text(LONG), text("Rooms", "Heading2"), text(SECOND)
    )


@PDF.case(
    "two-columns.pdf",
    f"# Canteen\n{LONG}\n# Rooms\n{SECOND}\n# Parking\nThe yard has forty places. Visitors use the row beside the gate "
    "and leave their number at the desk. Bicycles stand under the roof behind the workshop, never in the stairwell.",
)
def two_columns() -> bytes:
    stream = BytesIO()
    frames = [Frame(x, 430, 215, 360, id=str(x)) for x in (60, 320)]
    document = BaseDocTemplate(stream, pagesize=pagesizes.A4, invariant=1)
    document.addPageTemplates(PageTemplate(frames=frames))
    parking = (
        "The yard has forty places. Visitors use the row beside the gate and leave their number at the desk. "
        "Bicycles stand under the roof behind the workshop, never in the stairwell."
    )
    parts = (("Canteen", LONG), ("Rooms", SECOND), ("Parking", parking))
    document.build([flowable for head, body in parts for flowable in (text(head, "Heading2"), text(body))])
    return stream.getvalue()


@PDF.case(
    "columns-line-by-line.pdf",
    "# Opening hours\nThe workshop opens at six and the first shift begins at once. Tools are signed for.\n"
    "The office opens at eight. Letters are taken in until four. The desk is closed on Fridays.",
)
def columns_line_by_line() -> bytes:
    """Both columns drawn together from top to bottom, as programs do that lay text out in lines."""
    left = ["The workshop opens at six", "and the first shift begins", "at once. Tools are signed", "for."]
    right = ["The office opens at eight.", "Letters are taken in until", "four. The desk is closed", "on Fridays."]

    def draw(canvas: Canvas) -> None:
        canvas.setFont(_BOLD, 18)
        canvas.drawString(72, 760, "Opening hours")
        canvas.setFont(_BODY, 11)
        for number, pair in enumerate(zip(left, right, strict=True)):
            for x, one in zip((72, 300), pair, strict=True):
                canvas.drawString(x, 720 - 14 * number, one)

    return drawn(draw)


@PDF.case(
    "lists.pdf",
    "# Packing\nTake along:\nthe badge\nthe laptop\ncharger and cable\nthe keys\nThen do this:\n"
    "{1.} lock the drawer\n{2.} switch off the printer\n{3.} tell the desk",
)
def lists() -> bytes:
    inner = ListFlowable([ListItem(text("charger and cable"))], bulletType="bullet", start="circle")
    bullets = [ListItem(text("the badge")), ListItem([text("the laptop"), inner]), ListItem(text("the keys"))]
    steps = [ListItem(text(one)) for one in ("lock the drawer", "switch off the printer", "tell the desk")]
    return typeset(
        text("Packing", "Heading1"),
        text("Take along:"),
        ListFlowable(bullets, bulletType="bullet"),
        text("Then do this:"),
        ListFlowable(steps, bulletType="1", bulletFormat="%s."),
    )


@PDF.case(
    "footnotes.pdf",
    "# Allowance\nEmployees get 28 euros a day{1} when they travel, and 14 on the day of return{2}.\n"
    "{1} Paid with the salary of the next month.\n{2} Not where meals are part of the ticket.",
)
def footnotes() -> bytes:
    def notes(canvas: Canvas, _document: Any) -> None:
        canvas.line(72, 110, 220, 110)
        canvas.setFont(_BODY, 8)
        canvas.drawString(72, 98, "1 Paid with the salary of the next month.")
        canvas.drawString(72, 86, "2 Not where meals are part of the ticket.")

    body = "Employees get 28 euros a day<super>1</super> when they travel, and 14 on the day of return<super>2</super>."
    return typeset(text("Allowance", "Heading1"), text(body), furniture=notes)


@PDF.case(
    "running-headers.pdf",
    "\n".join(
        f"{{Works agreement 17 - internal}}\n# {head}\n{body}\n{{Page {page} of 4}}"
        for page, (head, body) in enumerate(
            (("Scope", LONG), ("Hours", SECOND), ("Pay", LONG), ("Closing words", SECOND)), start=1
        )
    ),
)
def running_headers() -> bytes:
    def furniture(canvas: Canvas, document: Any) -> None:
        canvas.setFont(_BODY, 9)
        canvas.drawString(72, 815, "Works agreement 17 - internal")
        canvas.drawRightString(520, 30, f"Page {document.page} of 4")

    parts = (("Scope", LONG), ("Hours", SECOND), ("Pay", LONG), ("Closing words", SECOND))
    story = [part for head, body in parts for part in (text(head, "Heading2"), text(body), PageBreak())]
    return typeset(*story, furniture=furniture)


@PDF.case(
    "form-fields.pdf",
    "# Claim\nInsured person Greta Holm\nSum insured 48500 euros\n[x] Glass is included\n[ ] Theft is included\n"
    "Paid by [ ] invoice [x] debit",
)
def form_fields() -> bytes:
    def draw(canvas: Canvas) -> None:
        canvas.setFont(_BOLD, 18)
        canvas.drawString(72, 760, "Claim")
        canvas.setFont(_BODY, 11)
        lines(canvas, 72, 720, ["Insured person", "Sum insured"], 40)
        form = canvas.acroForm
        for number, value in enumerate(("Greta Holm", "48500 euros")):
            form.textfield(name=f"text{number}", value=value, x=180, y=712 - 40 * number, width=160, height=22)
        for number, (label, checked) in enumerate((("Glass is included", True), ("Theft is included", False))):
            form.checkbox(name=f"box{number}", checked=checked, x=72, y=632 - 30 * number, size=16)
            canvas.drawString(96, 636 - 30 * number, label)
        canvas.drawString(72, 560, "Paid by")
        for number, (label, selected) in enumerate((("invoice", False), ("debit", True))):
            form.radio(name="paid", value=label, selected=selected, x=130 + 90 * number, y=556, size=16)
            canvas.drawString(152 + 90 * number, 560, label)

    return drawn(draw)


@PDF.case(
    "invoice.pdf",
    "# Invoice 2026-117\nSeestern GmbH\nHafenstrasse 4\n20457 Hamburg\nCustomer number 5521\nDate 14 March 2026\n"
    "|= Item | Quantity | Price | Amount\n| Cable drum | 4 | 35.00 | 140.00\n| Mounting | 2 | 90.00 | 180.00\n"
    "Total 320.00\nPayable within 14 days.",
)
def invoice() -> bytes:
    def draw(canvas: Canvas) -> None:
        canvas.setFont(_BOLD, 18)
        canvas.drawString(72, 770, "Invoice 2026-117")
        canvas.setFont(_BODY, 11)
        lines(canvas, 72, 735, ["Seestern GmbH", "Hafenstrasse 4", "20457 Hamburg"])
        lines(canvas, 380, 735, ["Customer number 5521", "Date 14 March 2026"])
        rows = [["Item", "Quantity", "Price", "Amount"], ["Cable drum", "4", "35.00", "140.00"]]
        for number, row in enumerate([*rows, ["Mounting", "2", "90.00", "180.00"]]):
            canvas.setFont(_BODY if number else _BOLD, 11)
            canvas.drawString(72, 640 - 18 * number, row[0])
            for x, cell in zip((290, 380, 470), row[1:], strict=True):
                canvas.drawRightString(x, 640 - 18 * number, cell)
        canvas.drawString(72, 570, "Total")
        canvas.drawRightString(470, 570, "320.00")
        canvas.drawString(72, 540, "Payable within 14 days.")

    return drawn(draw)


@PDF.case(
    "contents.pdf",
    "# Contents\nPurpose 3\nScope and terms 4\nApproval of expenses 11\n# Purpose\nThis guide says who may order what.",
)
def contents() -> bytes:
    dots = ParagraphStyle("dots", fontName="Courier", fontSize=10, leading=14)
    entries = (("Purpose", 3), ("Scope and terms", 4), ("Approval of expenses", 11))
    listed = [Paragraph(f"{name} {'.' * (50 - len(name))} {page}", dots) for name, page in entries]
    return typeset(
        text("Contents", "Heading1"),
        *listed,
        Spacer(1, 30),
        text("Purpose", "Heading1"),
        text("This guide says who may order what."),
    )


@PDF.case(
    "numbered-sections.pdf",
    f"# Works agreement\n# 1 Scope\n# 1.1 Persons\n{LONG}\n# 1.2 Places\n{SECOND}\n# 2 Closing words\n"
    "Both sides signed.",
)
def numbered_sections() -> bytes:
    heads = (("1 Scope", "Heading2", ""), ("1.1 Persons", "Heading3", LONG), ("1.2 Places", "Heading3", SECOND))
    story = [text("Works agreement", "Title")]
    for head, style, body in (*heads, ("2 Closing words", "Heading2", "Both sides signed.")):
        story += [text(head, style), *([text(body)] if body else [])]
    return typeset(*story)


_KANJI = (
    "食堂は七時半に開き、午後二時まで温かい",
    "食事を出します。来客は掲示板の料金を",
    "払い、残りは部署が月末に精算します。",
)


@PDF.case("japanese.pdf", f"# 社員食堂\n{''.join(_KANJI)}")
def japanese() -> bytes:
    """A paragraph whose lines break anywhere, in a font that is not in the file."""
    pdfmetrics.registerFont(UnicodeCIDFont("HeiseiMin-W3"))

    def draw(canvas: Canvas) -> None:
        canvas.setFont("HeiseiMin-W3", 18)
        canvas.drawString(72, 760, "社員食堂")
        canvas.setFont("HeiseiMin-W3", 11)
        lines(canvas, 72, 720, _KANJI)

    return drawn(draw)


@PDF.case(
    "side-box.pdf",
    "# Fire drill\nThe drill begins at ten. Everybody leaves the house by the nearest stairs and waits in the yard.\n"
    "Wardens count.\n# Remember\nLifts stay closed.\nDoors stay open.",
)
def side_box() -> bytes:
    """A framed box beside a paragraph, drawn before it."""

    def draw(canvas: Canvas) -> None:
        canvas.rect(380, 640, 140, 80)
        canvas.setFont(_BOLD, 11)
        canvas.drawString(390, 700, "Remember")
        canvas.setFont(_BODY, 11)
        lines(canvas, 390, 680, ["Lifts stay closed.", "Doors stay open."])
        canvas.setFont(_BOLD, 18)
        canvas.drawString(72, 760, "Fire drill")
        canvas.setFont(_BODY, 11)
        body = [
            "The drill begins at ten. Everybody leaves the",
            "house by the nearest stairs and waits in the",
            "yard.",
        ]
        lines(canvas, 72, 715, body)
        canvas.drawString(72, 640, "Wardens count.")

    return drawn(draw)
