"""PDF files made for tests."""

from collections.abc import Sequence
from io import BytesIO

from PIL import Image, ImageDraw
from reportlab.lib import pagesizes, pdfencrypt
from reportlab.lib.styles import getSampleStyleSheet
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Paragraph, SimpleDocTemplate

LEFT, TOP = 72, 720
Drawn = tuple[float, float, str, float, str]  # x, y, font, size, text
BODY, BOLD = "Helvetica", "Helvetica-Bold"


def drawn(pages: Sequence[Sequence[Drawn]], title: str = "", password: str = "", pictures: Sequence[int] = ()) -> bytes:
    """Pages with strings at positions in points; `pictures` are pages that also hold a large picture."""
    stream = BytesIO()
    encrypt = pdfencrypt.StandardEncryption(password, "owner") if password else None
    canvas = Canvas(stream, pagesize=pagesizes.letter, encrypt=encrypt)
    canvas.setTitle(title)
    for number, page in enumerate(pages, start=1):
        for x, y, font, size, text in page:
            canvas.setFont(font, size)
            canvas.drawString(x, y, text)
        if number in pictures:
            canvas.drawImage(ImageReader(_picture()), 72, 72, 400, 300)
        canvas.showPage()
    canvas.save()
    return stream.getvalue()


def paragraph(text: str, x: float = LEFT, y: float = TOP, width: int = 80, step: float = 14) -> list[Drawn]:
    """`text` wrapped at `width` characters, in the body's font."""
    lines, line = [], ""
    for word in text.split(" "):
        if len(line) + len(word) >= width:
            lines.append(line)
            line = ""
        line = f"{line} {word}".strip()
    return [(x, y - index * step, BODY, 11, line) for index, line in enumerate([*lines, line])]


def _picture() -> Image.Image:
    picture = Image.new("RGB", (400, 300), "white")
    ImageDraw.Draw(picture).text((20, 20), "Gold $10", fill="black")
    return picture


def typeset(*stories: object) -> bytes:
    """Flowables of ReportLab, laid out by it: cells are drawn one after the other, marks apart from their text."""
    stream = BytesIO()
    SimpleDocTemplate(stream, pagesize=pagesizes.letter).build(list(stories))
    return stream.getvalue()


def styled(text: str, style: str = "BodyText") -> Paragraph:
    return Paragraph(text, getSampleStyleSheet()[style])
