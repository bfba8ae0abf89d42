"""Word files (.docx) to blocks, by way of the HTML that mammoth makes of them: body, lists, tables, footnotes."""

import re
import zipfile
from io import BytesIO
from typing import Any

import mammoth
import mammoth.images

from indexer.documents.extract.builder import DocumentBuilder
from indexer.documents.extract.document import ExtractedDocument
from indexer.documents.extract.html import read_html
from indexer.documents.extract.office import core_title, open_office
from indexer.documents.extract.titles import choose_title
from indexer.errors import UnreadableFile

DEEPEST_FIELDS = 200
"""Fields open at once. Word nests a handful; mammoth goes through all of them for each run of text."""
_FIELD_CHARACTER = re.compile(rb"fldCharType\s*=\s*[\"'](begin|end)")
_STYLES = """
p[style-name='Title'] => h1:fresh
p[style-name='Subtitle'] => p:fresh
p[style-name='Code'] => pre:separator('\\n')
p[style-name='HTML Preformatted'] => pre:separator('\\n')
"""


def extract(data: bytes, name: str) -> ExtractedDocument:
    archive = open_office(data, "Word", "word/document.xml")
    _check_fields(archive)
    result = mammoth.convert_to_html(BytesIO(data), style_map=_STYLES, convert_image=mammoth.images.img_element(_image))
    builder = DocumentBuilder()
    read_html(result.value, builder)
    return builder.build(choose_title(name, builder.first_heading(1), core_title(archive), builder.first_heading()))


def _check_fields(archive: zipfile.ZipFile) -> None:
    """Raises UnreadableFile."""
    for part in archive.namelist():
        if not (part.startswith("word/") and part.endswith(".xml")):
            continue
        deep = 0
        for found in _FIELD_CHARACTER.finditer(archive.read(part)):
            deep = deep + 1 if found[1] == b"begin" else max(deep - 1, 0)
            if deep > DEEPEST_FIELDS:
                raise UnreadableFile("Its fields are nested too deeply to be read.", "Open and save it again.")


def _image(_image: Any) -> dict[str, str]:
    """Nothing of the picture itself; mammoth adds its alternative text."""
    return {}
