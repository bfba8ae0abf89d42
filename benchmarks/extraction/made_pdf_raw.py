"""PDF files as programs write them that ReportLab does not resemble: turned pages, sizes that stand in the parent of a
page, text drawn out of order or across, notes, hidden layers."""

from collections.abc import Sequence

from benchmarks.extraction.cases import Family
from benchmarks.extraction.raw_pdf import A4, Page, at, box, pdf

PDF = Family("pdf")

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
    "notes-on-the-page.pdf",
    "# Lease\nThe rent is due on the third working day.\nChecked by Mara Voss\nAsk for the annex",
)
def notes_on_the_page() -> bytes:
    drawn = at(72, 760, "Lease", "F2", 16) + at(72, 720, "The rent is due on the third working day.")
    typed = (
        "<< /Type /Annot /Subtype /FreeText /Rect [72 640 300 660] /Contents (Checked by Mara Voss)"
        " /DA (/Helv 11 Tf 0 g) >>"
    )
    sticky = "<< /Type /Annot /Subtype /Text /Rect [320 600 340 620] /Contents (Ask for the annex) >>"
    return pdf([Page(drawn, box(A4), (typed, sticky))])


@PDF.case("hidden-layer.pdf", "# Floor plan\nThe archive is in the cellar.")
def hidden_layer() -> bytes:
    """A layer that is switched off: no viewer shows its words."""
    drawn = at(72, 760, "Floor plan", "F2", 16) + at(72, 720, "The archive is in the cellar.")
    drawn += f"/OC /L BDC\n{at(72, 690, 'The safe is behind the mirror.')}EMC\n"
    layer = "<< /Type /OCG /Name (Private) >>"
    return pdf([Page(drawn, box(A4))], layer=layer)


@PDF.case("large-units.pdf", "# Site plan\nGate 3 is closed at night.\nGate 4 stays open.")
def large_units() -> bytes:
    """A plan as large as a table: a unit of this page is ten points."""
    drawn = at(20, 200, "Site plan", "F2", 8) + at(20, 180, "Gate 3 is closed at night.", size=4)
    return pdf([Page(drawn + at(20, 160, "Gate 4 stays open.", size=4), "/MediaBox [0 0 300 220] /UserUnit 10")])


@PDF.case(
    "drawn-by-column.pdf",
    "# Contacts\n|= Person | Task | Phone\n| Ina Falk | Keys and doors | 5501\n| Tom Reuter | Cars | 5502\n"
    "| Mara Voss | Letters | 5503",
)
def drawn_by_column() -> bytes:
    """A table whose columns are drawn one after the other."""
    columns = (("Person", "Ina Falk", "Tom Reuter", "Mara Voss"), ("Task", "Keys and doors", "Cars", "Letters"))
    drawn = at(72, 760, "Contacts", "F2", 16)
    for x, cells in zip((72, 220, 400), (*columns, ("Phone", "5501", "5502", "5503")), strict=True):
        for number, cell in enumerate(cells):
            drawn += at(x, 720 - 20 * number, cell, "F1" if number else "F2")
    return pdf([Page(drawn, box(A4))])


@PDF.case(
    "drawn-boxes.pdf",
    "# Handover\nWhat was handed over is ticked.\n[x] Keys of the yard\n[ ] Keys of the cellar\n[x] Parking permit",
)
def drawn_boxes() -> bytes:
    """Boxes to tick that are squares on the page, with crosses and ticks drawn into them."""
    drawn = at(72, 760, "Handover", "F2", 16) + at(72, 720, "What was handed over is ticked.")
    marks = ("72 {0} m 82 {1} l 72 {1} m 82 {0} l S", "", "74 {1} m 76 {0} l 84 {1} l S")
    for number, (label, mark) in enumerate(
        zip(("Keys of the yard", "Keys of the cellar", "Parking permit"), marks, strict=True)
    ):
        y = 680 - 24 * number
        drawn += f"72 {y} 10 10 re S {mark.format(y, y + 10)}\n" + at(90, y + 1, label)
    return pdf([Page(drawn, box(A4))])


@PDF.case(
    "line-numbers.pdf",
    "# Hearing of 4 May\nThe witness came in at nine and was asked where he had been on that night. He said that he "
    "had been at home with his brother, and that the door had been locked since seven.",
)
def line_numbers() -> bytes:
    """A transcript whose lines are counted in the margin."""
    texts = ("The witness came in at nine and was", "asked where he had been on that night.")
    texts += ("He said that he had been at home with", "his brother, and that the door had", "been locked since seven.")
    drawn = at(90, 760, "Hearing of 4 May", "F2", 16)
    for number, one in enumerate(texts):
        drawn += at(50, 720 - 24 * number, str(number + 1)) + at(90, 720 - 24 * number, one)
    return pdf([Page(drawn, box(A4))])
