"""PDF files written object by object: what other programs write and ReportLab does not.

Turned pages, sizes that stand in the parent of a page, letters placed one by one, text drawn out of order, scripts that
run from right to left, notes on a page.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from reportlab.pdfbase.pdfmetrics import stringWidth

from benchmarks.extraction.cases import Family

PDF = Family("pdf")
A4, LETTER = (595, 842), (612, 792)
_WIDTH = 0.55  # of the font size: about the width of a letter, for what is placed letter by letter


@dataclass(frozen=True)
class Page:
    """A content stream, entries of the page's own dictionary, and annotations."""

    content: str
    entries: str = ""
    annotations: Sequence[str] = ()


def pdf(pages: Sequence[Page], tree: str = "", font: Sequence[str] = ()) -> bytes:
    """`tree` are entries of the parent of all pages; `font` are objects of a font F3, the first of which is the font
    and which refer to one another as {0}, {1}."""
    objects: list[str] = ["", "", "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>"]
    objects.append("<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica-Bold /Encoding /WinAnsiEncoding >>")
    names = [f"{len(objects) + 1 + index} 0 R" for index in range(len(font))]
    objects += [one.format(*names) if not one.startswith("stream:") else one for one in font]
    fonts = "/F1 3 0 R /F2 4 0 R" + (f" /F3 {names[0]}" if font else "")
    kids = []
    for page in pages:
        notes = []
        for note in page.annotations:
            objects.append(note)
            notes.append(f"{len(objects)} 0 R")
        objects.append(f"stream:{page.content}")
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /Contents {len(objects)} 0 R /Resources << /Font << {fonts} >> >>"
            f" /Annots [{' '.join(notes)}] {page.entries} >>"
        )
        kids.append(f"{len(objects)} 0 R")
    objects[0] = "<< /Type /Catalog /Pages 2 0 R >>"
    objects[1] = f"<< /Type /Pages /Kids [{' '.join(kids)}] /Count {len(kids)} {tree} >>"
    return _file(objects)


def _file(objects: Sequence[str]) -> bytes:
    written = bytearray(b"%PDF-1.7\n")
    offsets = []
    for number, body in enumerate(objects, start=1):
        offsets.append(len(written))
        if body.startswith("stream:"):
            stream = body.removeprefix("stream:")
            body = f"<< /Length {len(stream.encode('cp1252'))} >>\nstream\n{stream}\nendstream"
        written += f"{number} 0 obj\n{body}\nendobj\n".encode("cp1252")
    start = len(written)
    written += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n".encode()
    for offset in offsets:
        written += f"{offset:010} 00000 n \n".encode()
    written += f"trailer\n<< /Size {len(objects) + 1} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n".encode()
    return bytes(written)


def box(size: tuple[int, int], name: str = "MediaBox") -> str:
    return f"/{name} [0 0 {size[0]} {size[1]}]"


def at(x: float, y: float, text: str, font: str = "F1", size: float = 11, turn: str = "1 0 0 1") -> str:
    """`turn` are the first four numbers of the text matrix: "0 1 -1 0" runs up the page, "0 -1 1 0" down."""
    escaped = text.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)")
    return f"BT /{font} {size} Tf {turn} {x} {y} Tm ({escaped}) Tj ET\n"


TRAVEL = ["Item | Quarter | Euros", "Flights | second | 4200", "Hotels | second | 1900", "Trains | third | 640"]
TRAVEL_SEEN = "# Travel budget of the northern office\nApproved by the board in June.\n|= " + "\n| ".join(TRAVEL)


def _upright(heading: str, lead: str, rows: Sequence[str], top: float, columns: Sequence[float]) -> str:
    drawn = at(columns[0], top, heading, "F2", 16) + at(columns[0], top - 30, lead)
    for number, row in enumerate(rows):
        for x, cell in zip(columns, row.split(" | "), strict=True):
            drawn += at(x, top - 60 - 18 * number, cell)
    return drawn


def _turned(angle: int) -> str:
    """The travel budget, drawn so that it is upright where the page is shown turned by `angle`."""
    place = {90: "0 1 -1 0 595 0", 180: "-1 0 0 -1 595 842", 270: "0 -1 1 0 0 842"}[angle]
    height = 842 if angle == 180 else 595
    upright = _upright(
        "Travel budget of the northern office", "Approved by the board in June.", TRAVEL, height - 70, (72, 220, 360)
    )
    return f"q {place} cm\n{upright}Q\n"


@PDF.case("rotate-90.pdf", TRAVEL_SEEN)
def rotate_90() -> bytes:
    return pdf([Page(_turned(90), f"{box(A4)} /Rotate 90")])


@PDF.case("rotate-180.pdf", TRAVEL_SEEN)
def rotate_180() -> bytes:
    return pdf([Page(_turned(180), f"{box(A4)} /Rotate 180")])


@PDF.case("rotate-270-inherited.pdf", TRAVEL_SEEN)
def rotate_270_inherited() -> bytes:
    return pdf([Page(_turned(270))], f"{box(A4)} /Rotate 270")


@PDF.case("sideways-up.pdf", TRAVEL_SEEN)
def sideways_up() -> bytes:
    """A landscape table on an upright page: the text runs up."""
    return pdf([Page(_turned(90), box(A4))])


@PDF.case("sideways-down.pdf", TRAVEL_SEEN)
def sideways_down() -> bytes:
    return pdf([Page(_turned(270), box(A4))])


@PDF.case(
    "inherited-a4.pdf",
    "# Permit 2291 of the harbour office\nThe permit ends on 4 June.\nIt is shown at the gate on request.",
)
def inherited_a4() -> bytes:
    texts = at(72, 810, "Permit 2291 of the harbour office", "F2", 16) + at(72, 770, "The permit ends on 4 June.")
    return pdf([Page(texts + at(72, 740, "It is shown at the gate on request."))], box(A4))


STATIONS = ["Station | Inspector | Deadline", "Pier 4 | Nils Aker | 3 May", "Pier 5 | Eva Brandt | 9 May"]


@PDF.case("inherited-landscape.pdf", "# Inspections\nAll in one week.\n|= " + "\n| ".join(STATIONS))
def inherited_landscape() -> bytes:
    return pdf([Page(_upright("Inspections", "All in one week.", STATIONS, 540, (72, 320, 690)))], box((842, 595)))


@PDF.case("cropped.pdf", "# Notice\nThe lift is out of service until Thursday.")
def cropped() -> bytes:
    """The margin with the printer's marks is cut off: nobody sees it."""
    texts = at(100, 700, "Notice", "F2", 16) + at(100, 670, "The lift is out of service until Thursday.")
    return pdf([Page(texts + at(20, 20, "plate K 4711 cyan"), f"{box(A4)} /CropBox [60 60 535 782]")])


@PDF.case("letters-one-by-one.pdf", "# Warehouse order\nForklifts keep to the yellow lane.\nPedestrians have priority.")
def letters_one_by_one() -> bytes:
    def placed(x: float, y: float, text: str, font: str, size: float) -> str:
        wide, narrow = "mwMW", "fijlrt.,I"
        drawn = ""
        for letter in text:
            if letter != " ":
                drawn += at(round(x, 2), y, letter, font, size)
            x += size * (0.28 if letter in narrow or letter == " " else 0.83 if letter in wide else _WIDTH)
        return drawn

    drawn = placed(72, 760, "Warehouse order", "F2", 16)
    drawn += placed(72, 720, "Forklifts keep to the yellow lane.", "F1", 11)
    return pdf([Page(drawn + placed(72, 690, "Pedestrians have priority.", "F1", 11), box(A4))])


_PRINTED = (
    ("Guest wireless", 20),
    ("The guest network is named quayside. Its password is changed", 11),
    ("on the first Monday of each month and stands on the board", 11),
    ("beside the lift. Visitors may not use the office network.", 11),
)


@PDF.case(
    "printed-by-a-browser.pdf",
    "# Guest wireless\nThe guest network is named quayside. Its password is changed on the first Monday of each month "
    "and stands on the board beside the lift. Visitors may not use the office network.",
)
def printed_by_a_browser() -> bytes:
    """As Chromium and Google Docs print: the page upside down, three quarters of its size, each letter moved to by
    itself, a word at a time and no spaces."""
    drawn = "1 0 0 -1 0 842 cm\nq .75 0 0 .75 72 72 cm\n"
    down = 0.0
    for line, size in _PRINTED:
        big, x = size / 0.75, 0.0
        down += big * 1.6
        for word in line.split(" "):
            drawn += f"BT /F1 {big:.4f} Tf 1 0 0 -1 {x:.4f} {down:.4f} Tm 0 -13.2773 Td"
            steps = [stringWidth(letter, "Helvetica", big) for letter in word]
            moves = [0.0, *steps[:-1]]
            drawn += "".join(f" {move:.4f} 0 Td ({letter}) Tj" for move, letter in zip(moves, word, strict=True))
            drawn += " ET\n"
            x += sum(steps) + stringWidth(" ", "Helvetica", big)
    return pdf([Page(f"{drawn}Q\n", box(A4))])


@PDF.case("gaps-for-spaces.pdf", "# Night shift\nThe night shift ends at six. Keys go to the porter.")
def gaps_for_spaces() -> bytes:
    """No space is drawn: the next word begins further right."""

    def spaced(x: float, y: float, text: str, font: str, size: float) -> str:
        return f"BT /{font} {size} Tf 1 0 0 1 {x} {y} Tm [({') -280 ('.join(text.split())})] TJ ET\n"

    drawn = spaced(72, 760, "Night shift", "F2", 16)
    return pdf(
        [Page(drawn + spaced(72, 720, "The night shift ends at six. Keys go to the porter.", "F1", 11), box(A4))]
    )


@PDF.case(
    "out-of-order.pdf",
    "# Crane inspection\nThe crane was inspected on 4 May.\nNo fault was found.\nThe next inspection is due in spring.",
)
def out_of_order() -> bytes:
    last = at(72, 660, "The next inspection is due in spring.") + at(72, 690, "No fault was found.")
    return pdf(
        [
            Page(
                last + at(72, 720, "The crane was inspected on 4 May.") + at(72, 760, "Crane inspection", "F2", 16),
                box(A4),
            )
        ]
    )


@PDF.case(
    "margin-note.pdf",
    "# Delivery terms\nGoods travel at the risk of the buyer.\nDamage is reported within three days.\nDraft of 2 May",
)
def margin_note() -> bytes:
    """A note that runs up the left margin does not cut through the lines beside it."""
    drawn = at(100, 760, "Delivery terms", "F2", 16) + at(100, 720, "Goods travel at the risk of the buyer.")
    drawn += at(100, 690, "Damage is reported within three days.")
    return pdf([Page(drawn + at(40, 600, "Draft of 2 May", turn="0 1 -1 0"), box(A4))])


@PDF.case(
    "vertical-heads.pdf",
    "# Courses\n|= Person | First aid | Fire drill | Crane licence\n| Ina Falk | 2024 | 2025 | 2021\n"
    "| Tom Reuter | 2023 | 2025 | 2022",
)
def vertical_heads() -> bytes:
    drawn = at(72, 780, "Courses", "F2", 16) + at(72, 660, "Person")
    for x, head in zip((200, 260, 320), ("First aid", "Fire drill", "Crane licence"), strict=True):
        drawn += at(x + 12, 660, head, turn="0 1 -1 0")
    for number, row in enumerate((("Ina Falk", "2024", "2025", "2021"), ("Tom Reuter", "2023", "2025", "2022"))):
        for x, cell in zip((72, 200, 260, 320), row, strict=True):
            drawn += at(x, 636 - 18 * number, cell)
    return pdf([Page(drawn, box(A4))])


@PDF.case(
    "hyphens.pdf",
    "# Cleaning\nThe maintenance department cleans the ventilation shafts twice a year and "
    "tells the tenants by letter.",
)
def hyphens() -> bytes:
    texts = ["The mainte-", "nance department cleans the venti-", "lation shafts twice a year and tells the ten-"]
    drawn = at(72, 760, "Cleaning", "F2", 16)
    for number, one in enumerate([*texts, "ants by letter."]):
        drawn += at(72, 720 - 14 * number, one)
    return pdf([Page(drawn, box(A4))])


@PDF.case(
    "notes-on-the-page.pdf",
    "# Lease\nThe rent is due on the third working day.\nChecked by Mara Voss\nAsk for the annex",
)
def notes_on_the_page() -> bytes:
    drawn = at(72, 760, "Lease", "F2", 16) + at(72, 720, "The rent is due on the third working day.")
    typed = (
        "<< /Type /Annot /Subtype /FreeText /Rect [72 640 300 660] /Contents (Checked by Mara Voss)"
        " /DA (/Helv 11 Tf 0 g) >>"
    )
    sticky = "<< /Type /Annot /Subtype /Text /Rect [320 715 340 735] /Contents (Ask for the annex) >>"
    return pdf([Page(drawn, box(A4), (typed, sticky))])


def _mapped(letters: str) -> list[str]:
    """A font without a file: a box for each letter, and a table that says which letter it stands for."""
    names = " ".join(f"/g{index}" for index in range(len(letters)))
    shapes = " ".join(f"/g{index} {{2}}" for index in range(len(letters)))
    entries = "\n".join(f"<{65 + i:02X}> <{letter.encode('utf-16-be').hex()}>" for i, letter in enumerate(letters))
    table = (
        "stream:/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapName /M def /CMapType 2 def\n"
        f"1 begincodespacerange <00> <FF> endcodespacerange\n{len(letters)} beginbfchar\n{entries}\nendbfchar\n"
        "endcmap CMapName currentdict /CMap defineresource pop end end"
    )
    font = (
        "<< /Type /Font /Subtype /Type3 /FontBBox [0 0 1000 1000] /FontMatrix [0.001 0 0 0.001 0 0]"
        f" /FirstChar 65 /LastChar {64 + len(letters)} /Widths [{'600 ' * len(letters)}]"
        f" /Encoding << /Type /Encoding /Differences [65 {names}] >> /CharProcs << {shapes} >>"
        " /ToUnicode {1} /Resources << >> >>"
    )
    doubled = font.replace("{", "{{").replace("}", "}}").replace("{{1}}", "{1}").replace("{{2}}", "{2}")
    return [doubled, table, "stream:600 0 0 0 500 700 d1 0 0 500 700 re f"]


HEBREW = ["נוהל חופשה", "לכל עובד יש עשרים ימי חופשה", "הבקשה נשלחת למנהל"]


@PDF.case("right-to-left.pdf", "\n".join(HEBREW))
def right_to_left() -> bytes:
    """Hebrew as programs draw it: letters from left to right in the order in which they stand on the page."""
    letters = "".join(sorted(set("".join(HEBREW))))
    drawn = ""
    for number, line in enumerate(HEBREW):
        codes = "".join(f"{65 + letters.index(letter):02X}" for letter in reversed(line))
        drawn += f"BT /F3 12 Tf 1 0 0 1 {500 - 7.2 * len(line):.1f} {760 - 30 * number} Tm <{codes}> Tj ET\n"
    return pdf([Page(drawn, box(A4))], font=_mapped(letters))


@PDF.case("ligatures.pdf", "The first office files five fine offers in the final folder.")
def ligatures() -> bytes:
    text = "The ﬁrst oﬃce ﬁles ﬁve ﬁne oﬀers in the ﬁnal folder."
    letters = "".join(sorted(set(text)))
    codes = "".join(f"{65 + letters.index(letter):02X}" for letter in text)
    return pdf([Page(f"BT /F3 10 Tf 1 0 0 1 72 760 Tm <{codes}> Tj ET\n", box(A4))], font=_mapped(letters))
