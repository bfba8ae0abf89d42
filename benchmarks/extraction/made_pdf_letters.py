"""PDF files in which letters make trouble: placed one by one, without spaces, cut, joined, from right to left."""

from reportlab.pdfbase.pdfmetrics import stringWidth

from benchmarks.extraction.cases import Family
from benchmarks.extraction.raw_pdf import A4, Page, at, box, mapped, pdf

PDF = Family("pdf")
_WIDTH = 0.55  # of the font size: about the width of a letter, for what is placed letter by letter


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


HEBREW = ["נוהל חופשה", "לכל עובד יש עשרים ימי חופשה", "הבקשה נשלחת למנהל"]


@PDF.case("right-to-left.pdf", "\n".join(HEBREW))
def right_to_left() -> bytes:
    """Hebrew as programs draw it: letters from left to right in the order in which they stand on the page."""
    letters = "".join(sorted(set("".join(HEBREW))))
    drawn = ""
    for number, line in enumerate(HEBREW):
        codes = "".join(f"{65 + letters.index(letter):02X}" for letter in reversed(line))
        drawn += f"BT /F3 12 Tf 1 0 0 1 {500 - 7.2 * len(line):.1f} {760 - 30 * number} Tm <{codes}> Tj ET\n"
    return pdf([Page(drawn, box(A4))], font=mapped(letters))


@PDF.case("ligatures.pdf", "The first office files five fine offers in the final folder.")
def ligatures() -> bytes:
    text = "The ﬁrst oﬃce ﬁles ﬁve ﬁne oﬀers in the ﬁnal folder."
    letters = "".join(sorted(set(text)))
    codes = "".join(f"{65 + letters.index(letter):02X}" for letter in text)
    return pdf([Page(f"BT /F3 10 Tf 1 0 0 1 72 760 Tm <{codes}> Tj ET\n", box(A4))], font=mapped(letters))


@PDF.case("mixed-directions.pdf", "# נוהל 2026\nהמחיר 120 שקל\nקומה שלישית Office 12")
def mixed_directions() -> bytes:
    """Numbers and Latin words run from left to right inside of Hebrew."""
    shown = ["2026 להונ", "לקש 120 ריחמה", "Office 12 תישילש המוק"]
    letters = "".join(sorted(set("".join(shown))))
    drawn = ""
    for number, line in enumerate(shown):
        codes = "".join(f"{65 + letters.index(one):02X}" for one in line)
        size = 18 if number == 0 else 12
        drawn += f"BT /F3 {size} Tf 1 0 0 1 {500 - 0.6 * size * len(line):.1f} {760 - 30 * number} Tm <{codes}> Tj ET\n"
    return pdf([Page(drawn, box(A4))], font=mapped(letters))
