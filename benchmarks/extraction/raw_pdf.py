"""PDF files object by object, for what a library would not write."""

from collections.abc import Sequence
from dataclasses import dataclass

A4 = (595, 842)


@dataclass(frozen=True)
class Page:
    """A content stream, entries of the page's own dictionary, and annotations."""

    content: str
    entries: str = ""
    annotations: Sequence[str] = ()


def pdf(
    pages: Sequence[Page],
    tree: str = "",
    font: Sequence[str] = (),
    layer: str = "",
    catalog: str = "",
    form: str = "",
) -> bytes:
    """`tree` are entries of the parent of all pages; `font` are objects of a font F3, the first of which is the font
    and which refer to one another as {0}, {1}; `layer` is one that is switched off, and L in contents; `catalog` are
    entries of the catalog; `form` is a content stream that contents call X."""
    objects: list[str] = ["", "", "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>"]
    objects.append("<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica-Bold /Encoding /WinAnsiEncoding >>")
    names = [f"{len(objects) + 1 + index} 0 R" for index in range(len(font))]
    objects += [one.format(*names) if not one.startswith("stream:") else one for one in font]
    fonts = "/F1 3 0 R /F2 4 0 R" + (f" /F3 {names[0]}" if font else "")
    layers = f"{len(objects) + 1} 0 R"
    properties = f"/Properties << /L {layers} >>" if layer else ""
    objects += [layer] if layer else []
    drawn = f"/XObject << /X {len(objects) + 1} 0 R >>" if form else ""
    if form:
        objects.append(
            f"<< /Type /XObject /Subtype /Form /BBox [0 0 {A4[0]} {A4[1]}]"
            f" /Resources << /Font << {fonts} >> {properties} >> /Length {len(form.encode('cp1252'))} >>"
            f"\nstream\n{form}\nendstream"
        )
    kids = []
    for page in pages:
        notes = []
        for note in page.annotations:
            objects.append(note)
            notes.append(f"{len(objects)} 0 R")
        objects.append(f"stream:{page.content}")
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /Contents {len(objects)} 0 R"
            f" /Resources << /Font << {fonts} >> {properties} {drawn} >> /Annots [{' '.join(notes)}] {page.entries} >>"
        )
        kids.append(f"{len(objects)} 0 R")
    off = f"/OCProperties << /OCGs [{layers}] /D << /OFF [{layers}] >> >>" if layer else ""
    objects[0] = f"<< /Type /Catalog /Pages 2 0 R {off} {catalog} >>"
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


def mapped(letters: str) -> list[str]:
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
