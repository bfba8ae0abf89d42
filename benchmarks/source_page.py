"""How soon the page of a PDF is there with its marks, and whether the marks lie over the quoted words.

    python benchmarks/source_page.py [--pages 300] [--rounds 20] [--width 960] [--boxes FOLDER]

A PDF of `--pages` pages of text, tables and pictures is served by the real application, without models, over loopback.
Each time is that of the source panel's part and then of the page's picture, `--width` pixels wide, one after the other:

- cold: the first page after a start, or after nobody has looked for ten minutes
- first: the first page of a file that was not open, while the drawing process is warm
- later: other pages of that file, none of them drawn before
- kept: pages that were drawn before

With `--boxes`, every sentence of the PDFs in FOLDER, and of twenty made ones, is looked for: it is found where the
characters that PDFium says to stand inside its boxes are its own, no more and no fewer. The last line is JSON.
"""

import argparse
import json
import random
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
import pypdfium2 as pdfium
import pypdfium2.raw as raw
from PIL import Image
from reportlab.lib.pagesizes import A4
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

from benchmarks.extraction.made import cases
from indexer.documents.extract import ExtractedDocument, clean
from indexer.documents.extract.boxes import Area, areas
from indexer.documents.extract.formats import extract_bytes
from indexer.knowledge.database import open_knowledge
from indexer.text.sentences import sentence_spans
from server.app import Parts
from server.library.page_pictures import PagePictures
from server.runtime.services import Services
from server.settings import ServerSettings
from tests.pdf_documents import add_file
from tests.server.fakes import no_generator, open_fake_retriever, serving

WORDS = "the night shift begins at ten when porter comes back with every key of the north gate and its report".split()
NOT_ON_THE_PAGE = {"drawn-boxes.pdf", "form-fields.pdf", "notes-on-the-page.pdf"}
"""What is typed, ticked and noted is no text of the page for PDFium."""
MADE = 20
EDGE = 0.5  # points that the middle of a character may lie outside of a box, which is kept in eighths


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--pages", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--width", type=int, default=960)
    parser.add_argument("--boxes", type=Path)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        figures: dict[str, Any] = {
            "pages": chosen.pages,
            "width": chosen.width,
            "ms": measured(ServerSettings(data=Path(folder) / "data", port=0), chosen),
        }
    for name, one in figures["ms"].items():
        print(
            f"{name:8} p50 {one['p50']:7.1f} ms   p95 {one['p95']:7.1f} ms   of them the panel {one['panel']:6.1f} ms"
        )
    if chosen.boxes is not None:
        figures["boxes"] = boxes(sorted(chosen.boxes.rglob("*.pdf")))
        for name, one in figures["boxes"].items():
            print(f"{name:8} {one['found']} of {one['sentences']} sentences lie in their boxes")
    print(json.dumps(figures))


# Times


def measured(settings: ServerSettings, chosen: argparse.Namespace) -> dict[str, dict[str, float]]:
    data = book(chosen.pages)
    engine = open_knowledge(settings)
    root = settings.data / "files"
    other = [add_file(engine, root, f"{number}.pdf", data + b"\n%%%d" % number) for number in range(4)]
    made: list[Any] = []
    parts = Parts(open_retriever=open_fake_retriever, open_generator=no_generator)
    times: dict[str, list[tuple[float, float]]] = {"cold": [], "first": [], "later": [], "kept": []}
    with (
        serving(settings, parts, made) as address,
        httpx.Client(base_url=address, timeout=60, trust_env=False) as client,
    ):
        client.get("/")
        services: Services = made[0].state.services

        def look(document: int, page: int) -> tuple[float, float]:
            return looked(client, document, page, chosen.width)

        for number in range(chosen.rounds):
            services.pictures.close()
            services.pictures = PagePictures(settings)
            at = 1 + number * 7 % chosen.pages
            times["cold"].append(look(other[0], at))
            times["first"].append(look(other[1], at))
            look(other[2], at)
            look(other[3], at)  # the first two are closed again
            for page in (1 + (at + 31) % chosen.pages, 1 + (at + 90) % chosen.pages):
                times["later"].append(look(other[3], page))
                times["kept"].append(look(other[3], page))
    engine.dispose()
    return {name: spread(found) for name, found in times.items()}


def looked(client: httpx.Client, document: int, page: int, width: int) -> tuple[float, float]:
    """Milliseconds until the panel is there, and until the picture is."""
    began = time.perf_counter()
    panel = client.get(f"/documents/{document}?start=0&end=40&page={page}", headers={"HX-Request": "true"})
    panel_there = time.perf_counter()
    picture = client.get(f"/documents/{document}/pages/{page}?width={width}")
    ended = time.perf_counter()
    if 'class="sheet"' not in panel.text or picture.status_code != 200:
        raise SystemExit(f"page {page} was not drawn: {picture.status_code}")
    return 1000 * (panel_there - began), 1000 * (ended - began)


def spread(found: Sequence[tuple[float, float]]) -> dict[str, float]:
    whole = sorted(time for _, time in found)
    at = min(len(whole) - 1, len(whole) * 95 // 100)
    panel = statistics.median(panel for panel, _ in found)
    return {"p50": round(statistics.median(whole), 1), "p95": round(whole[at], 1), "panel": round(panel, 1)}


def book(pages: int) -> bytes:
    """A4 pages of text, each third with a table, each tenth with a photograph."""
    draw, stream = random.Random(1), BytesIO()
    canvas = Canvas(stream, pagesize=A4)
    noise = Image.effect_noise((600, 400), 60).convert("RGB")
    for number in range(1, pages + 1):
        canvas.setFont("Helvetica-Bold", 18)
        canvas.drawString(72, 780, f"Chapter {number}")
        canvas.setFont("Times-Roman", 11)
        for line in range(40 if number % 10 else 20):
            canvas.drawString(72, 750 - 15 * line, " ".join(draw.choices(WORDS, k=14)))
        if number % 3 == 0:
            for line in range(8):
                for column in range(4):
                    canvas.rect(72 + 110 * column, 140 - 14 * line, 110, 14)
                    canvas.drawString(75 + 110 * column, 144 - 14 * line, f"{draw.randrange(1000)} days")
        if number % 10 == 0:
            canvas.drawImage(ImageReader(noise), 72, 180, 450, 240)
        canvas.showPage()
    canvas.save()
    return stream.getvalue()


# Boxes


def boxes(files: Sequence[Path]) -> dict[str, dict[str, float]]:
    """How many sentences lie in their boxes, of files and of made ones."""
    of = {"files": [(path.name, path.read_bytes()) for path in files]}
    of["made"] = [(case.name, case.make()) for case in made_ones()]
    found = {}
    for kind, every in of.items():
        counts = [sentences_found(data, extract_bytes(data, name)) for name, data in every]
        lying, count = sum(one for one, _ in counts), sum(one for _, one in counts)
        share = round(lying / max(count, 1), 4)
        found[kind] = {"files": len(every), "sentences": count, "found": lying, "share": share}
    return found


def made_ones() -> list[Any]:
    return [case for case in cases() if case.family == "pdf" and case.name not in NOT_ON_THE_PAGE][:MADE]


def sentences_found(data: bytes, document: ExtractedDocument) -> tuple[int, int]:
    """(sentences in whose boxes just their own characters stand, sentences), as they are cited."""
    file = pdfium.PdfDocument(data)
    letters = cache(lambda number: tuple(_letters(file[number - 1])))
    found, spans = 0, list(_sentences(document))
    for start, end in spans:
        inside: Counter[str] = Counter()
        for area in areas(document.boxes or b"", start, end):
            inside.update(plain("".join(letter for letter, x, y in letters(area[0]) if _holds(area, x, y))))
        found += inside == Counter(plain(document.text[start:end]))
    return found, len(spans)


def _sentences(document: ExtractedDocument) -> Iterator[tuple[int, int]]:
    for block in document.blocks:
        if block.kind == "heading":
            continue
        if block.kind in ("header", "row"):
            yield block.start, block.end
        else:
            yield from sentence_spans(document.text, block.start, block.end)


def _letters(page: pdfium.PdfPage) -> Iterator[tuple[str, float, float]]:
    """Each character of a page and its middle, on the page as it is shown."""
    left, bottom, right, top = page.get_bbox()
    quarter, text = page.get_rotation() // 90, page.get_textpage()
    for index in range(raw.FPDFText_CountChars(text)):
        letter = chr(raw.FPDFText_GetUnicode(text, index))
        x0, y0, x1, y1 = text.get_charbox(index)
        x, y = (x0 + x1) / 2, (y0 + y1) / 2
        yield (
            letter,
            *((x - left, top - y), (y - bottom, x - left), (right - x, y - bottom), (top - y, right - x))[quarter],
        )


def _holds(area: Area, x: float, y: float) -> bool:
    _, x0, y0, x1, y1 = area
    return x0 - EDGE <= x <= x1 + EDGE and y0 - EDGE <= y <= y1 + EDGE


def plain(text: str) -> str:
    """PDFium has a sign of its own for a hyphen at the end of a line; bars between cells are ours."""
    return "".join(
        letter for letter in clean.readable(text) if not letter.isspace() and letter not in "\u00ad\x02\ufffe|-"
    )


if __name__ == "__main__":
    main()
