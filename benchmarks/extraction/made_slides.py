"""PowerPoint files, with python-pptx: bullets, tables, charts, pictures in the place of titles, groups, notes."""

from collections.abc import Callable, Sequence
from io import BytesIO
from typing import Any

import pptx
from PIL import Image
from pptx.chart.data import CategoryChartData
from pptx.enum.chart import XL_CHART_TYPE
from pptx.opc.constants import RELATIONSHIP_TYPE
from pptx.opc.package import Part
from pptx.opc.packuri import PackURI
from pptx.oxml import parse_xml
from pptx.util import Inches

from benchmarks.extraction.cases import Family

SLIDES = Family("slides")
_TITLE_SLIDE, _TITLE_AND_BODY, _TITLE_ONLY, _BLANK, _PICTURE = 0, 1, 5, 6, 8


def deck(fill: Callable[[Any], None]) -> bytes:
    made = pptx.Presentation()
    fill(made)
    stream = BytesIO()
    made.save(stream)
    return stream.getvalue()


def slide(made: Any, layout: int, title: str = "") -> Any:
    added = made.slides.add_slide(made.slide_layouts[layout])
    if title:
        added.shapes.title.text = title
    return added


def table(added: Any, rows: Sequence[Sequence[str]]) -> Any:
    made = added.shapes.add_table(len(rows), len(rows[0]), Inches(1), Inches(2), Inches(6), Inches(2)).table
    for number, row in enumerate(rows):
        for column, text in enumerate(row):
            made.cell(number, column).text = text
    return made


def box(added: Any, x: float, y: float, text: str) -> None:
    added.shapes.add_textbox(Inches(x), Inches(y), Inches(3), Inches(1)).text_frame.text = text


def picture() -> BytesIO:
    stream = BytesIO()
    Image.new("RGB", (200, 100), "navy").save(stream, "PNG")
    stream.seek(0)
    return stream


@SLIDES.case("bullets.pptx", "# Works council\nNews of March\n# What is new\nHealth\nDental too\nFrom July\nParking")
def bullets() -> bytes:
    def fill(made: Any) -> None:
        slide(made, _TITLE_SLIDE, "Works council").placeholders[1].text = "News of March"
        body = slide(made, _TITLE_AND_BODY, "What is new").placeholders[1].text_frame
        body.text = "Health"
        for text, level in (("Dental too", 1), ("From July", 2), ("Parking", 0)):
            added = body.add_paragraph()
            added.text, added.level = text, level

    return deck(fill)


@SLIDES.case("table.pptx", "# Plans\n|= Plan | Cost\n| Gold | 10 euros\n| Silver | 7 euros")
def plans() -> bytes:
    return deck(
        lambda made: table(
            slide(made, _TITLE_ONLY, "Plans"), [["Plan", "Cost"], ["Gold", "10 euros"], ["Silver", "7 euros"]]
        )
    )


SHIFTS_SEEN = "# Shifts\n|= Team | Person | Shift\n| Red | Anna Vik | early\n| ^Red | Bo Lund | late\n" + (
    "| Blue | Cleo Moor | early\n| ^Blue | Dan Ames | night"
)


@SLIDES.case("merged-labels.pptx", SHIFTS_SEEN)
def merged_labels() -> bytes:
    def fill(made: Any) -> None:
        rows = [["Team", "Person", "Shift"], ["Red", "Anna Vik", "early"], ["", "Bo Lund", "late"]]
        rows += [["Blue", "Cleo Moor", "early"], ["", "Dan Ames", "night"]]
        shifts = table(slide(made, _TITLE_ONLY, "Shifts"), rows)
        for first in (1, 3):
            shifts.cell(first, 0).merge(shifts.cell(first + 1, 0))

    return deck(fill)


@SLIDES.case(
    "two-line-header.pptx",
    "# Budget\n|= Region | 2025 | <2025\n|= ^Region | Plan | Actual\n| North | 100 | 90\n| South | 200 | 210",
)
def two_line_header() -> bytes:
    def fill(made: Any) -> None:
        rows = [["Region", "2025", ""], ["", "Plan", "Actual"], ["North", "100", "90"], ["South", "200", "210"]]
        budget = table(slide(made, _TITLE_ONLY, "Budget"), rows)
        budget.cell(0, 1).merge(budget.cell(0, 2))
        budget.cell(0, 0).merge(budget.cell(1, 0))

    return deck(fill)


def _chart(added: Any) -> None:
    data = CategoryChartData()
    data.categories = ["Norway", "Portugal", "Ireland"]
    data.add_series("2024", (400, 350, 890))
    data.add_series("2025", (412, 377, 905))
    size = (Inches(1), Inches(2), Inches(6), Inches(4))
    chart = added.shapes.add_chart(XL_CHART_TYPE.COLUMN_CLUSTERED, *size, data).chart
    chart.has_title = True
    chart.chart_title.text_frame.text = "Units sold"


@SLIDES.case(
    "chart.pptx",
    "# Sales by region\nUnits sold\n|= | 2024 | 2025\n| Norway | 400 | 412\n| Portugal | 350 | 377\n"
    "| Ireland | 890 | 905",
)
def chart() -> bytes:
    return deck(lambda made: _chart(slide(made, _TITLE_ONLY, "Sales by region")))


@SLIDES.case("picture-as-title.pptx", "Evacuation point is the north car park\n# Alarm\nSecond slide stays readable")
def picture_as_title() -> bytes:
    def fill(made: Any) -> None:
        added = slide(made, _PICTURE)
        placed = added.placeholders[1].insert_picture(picture())
        title = added.shapes.title
        mark = placed._element.find(".//{*}nvPr/{*}ph")
        mark.set("type", "title")
        del mark.attrib["idx"]
        title._element.getparent().remove(title._element)
        added.placeholders[2].text = "Evacuation point is the north car park"
        slide(made, _TITLE_AND_BODY, "Alarm").placeholders[1].text = "Second slide stays readable"

    return deck(fill)


@SLIDES.case(
    "boxes.pptx",
    "# Two sites\nHarbour opens at six\nAirport opens at eight\nHarbour closes at nine\nAirport closes at ten",
)
def boxes() -> bytes:
    """Text boxes two by two, drawn in another order than they are read."""

    def fill(made: Any) -> None:
        added = slide(made, _TITLE_ONLY, "Two sites")
        box(added, 5, 4, "Airport closes at ten")
        box(added, 1, 4, "Harbour closes at nine")
        box(added, 5, 2, "Airport opens at eight")
        box(added, 1, 2, "Harbour opens at six")

    return deck(fill)


@SLIDES.case("group-and-notes.pptx", "# Escape plan\nStairs A\nStairs B\nMention the new alarm tone.")
def group_and_notes() -> bytes:
    def fill(made: Any) -> None:
        added = slide(made, _TITLE_ONLY, "Escape plan")
        group = added.shapes.add_group_shape()
        for x, text in ((1, "Stairs A"), (4, "Stairs B")):
            group.shapes.add_textbox(Inches(x), Inches(3), Inches(2), Inches(1)).text_frame.text = text
        added.notes_slide.notes_text_frame.text = "Mention the new alarm tone."

    return deck(fill)


@SLIDES.case("hidden-slide.pptx", "# Open\nThe plant stays open.")
def hidden_slide() -> bytes:
    def fill(made: Any) -> None:
        slide(made, _TITLE_AND_BODY, "Open").placeholders[1].text = "The plant stays open."
        secret = slide(made, _TITLE_AND_BODY, "Secret")
        secret.placeholders[1].text = "The plant may close."
        secret._element.set("show", "0")

    return deck(fill)


@SLIDES.case("smart-art.pptx", "# Way of an order\nOrder\nCheck\nPack\nShip")
def smart_art() -> bytes:
    """The words of SmartArt stand in a part of their own, to which a frame on the slide refers."""
    dgm, main = (
        "http://schemas.openxmlformats.org/drawingml/2006/diagram",
        "http://schemas.openxmlformats.org/drawingml/2006/main",
    )
    points = "".join(
        f'<dgm:pt modelId="{number}"><dgm:prSet/><dgm:spPr/><dgm:t><a:bodyPr/><a:p><a:r><a:t>{text}</a:t></a:r></a:p>'
        "</dgm:t></dgm:pt>"
        for number, text in enumerate(("Order", "Check", "Pack", "Ship"), start=1)
    )
    listed = f"<dgm:ptLst>{points}</dgm:ptLst><dgm:cxnLst/>"
    model = f'<dgm:dataModel xmlns:dgm="{dgm}" xmlns:a="{main}">{listed}</dgm:dataModel>'

    def fill(made: Any) -> None:
        added = slide(made, _TITLE_ONLY, "Way of an order")
        media_type = "application/vnd.openxmlformats-officedocument.drawingml.diagramData+xml"
        part = Part(PackURI("/ppt/diagrams/data1.xml"), media_type, added.part.package, model.encode())
        relation = added.part.relate_to(part, RELATIONSHIP_TYPE.DIAGRAM_DATA)
        frame = (
            '<p:graphicFrame xmlns:p="http://schemas.openxmlformats.org/presentationml/2006/main"'
            f' xmlns:a="{main}" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships">'
            '<p:nvGraphicFramePr><p:cNvPr id="9" name="Diagram 1"/><p:cNvGraphicFramePr/><p:nvPr/></p:nvGraphicFramePr>'
            '<p:xfrm><a:off x="914400" y="1828800"/><a:ext cx="5486400" cy="2743200"/></p:xfrm><a:graphic>'
            f'<a:graphicData uri="{dgm}"><dgm:relIds xmlns:dgm="{dgm}" r:dm="{relation}" r:lo="{relation}"'
            f' r:qs="{relation}" r:cs="{relation}"/></a:graphicData></a:graphic></p:graphicFrame>'
        )
        added.shapes._spTree.append(parse_xml(frame))

    return deck(fill)


@SLIDES.case("footer.pptx", "# Strategy\nWe grow in the north.\n{Board, 4 March}\n{1}")
def footer() -> bytes:
    def fill(made: Any) -> None:
        added = slide(made, _TITLE_AND_BODY, "Strategy")
        added.placeholders[1].text = "We grow in the north."
        for layout_shape in made.slide_layouts[_TITLE_AND_BODY].placeholders:
            if layout_shape.placeholder_format.idx in (11, 12):
                added.shapes.clone_placeholder(layout_shape)
        for shape in added.placeholders:
            if shape.placeholder_format.idx in (11, 12):
                shape.text_frame.text = "Board, 4 March" if shape.placeholder_format.idx == 11 else "1"

    return deck(fill)


@SLIDES.case("pie-chart.pptx", "# Waste\nShare of waste\n| Paper | 61%\n| Glass | 27%\n| Other | 12%")
def pie_chart() -> bytes:
    def fill(made: Any) -> None:
        data = CategoryChartData(number_format="0%")
        data.categories = ["Paper", "Glass", "Other"]
        data.add_series("Share of waste", (0.61, 0.27, 0.12))
        size = (Inches(1), Inches(2), Inches(6), Inches(4))
        slide(made, _TITLE_ONLY, "Waste").shapes.add_chart(XL_CHART_TYPE.PIE, *size, data)

    return deck(fill)


@SLIDES.case("only-boxes.pptx", "Night shift\nThe night shift begins at ten.\nDoors are locked at eleven.")
def only_boxes() -> bytes:
    """No title placeholder: everything is a text box."""

    def fill(made: Any) -> None:
        added = slide(made, _BLANK)
        box(added, 1, 3, "Doors are locked at eleven.")
        box(added, 1, 2, "The night shift begins at ten.")
        box(added, 1, 0.5, "Night shift")

    return deck(fill)
