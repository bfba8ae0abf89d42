"""Word files (.docx) to blocks, by way of the HTML that mammoth makes of them: body, lists, tables, footnotes."""

from io import BytesIO
from typing import Any

import mammoth
import mammoth.images

from indexer.documents.extract.builder import DocumentBuilder
from indexer.documents.extract.document import ExtractedDocument
from indexer.documents.extract.html import read_html
from indexer.documents.extract.office import core_title, open_office
from indexer.documents.extract.titles import choose_title

_STYLES = """
p[style-name='Title'] => h1:fresh
p[style-name='Subtitle'] => p:fresh
p[style-name='Code'] => pre:separator('\\n')
p[style-name='HTML Preformatted'] => pre:separator('\\n')
"""


def extract(data: bytes, name: str) -> ExtractedDocument:
    archive = open_office(data, "Word", "word/document.xml")
    result = mammoth.convert_to_html(BytesIO(data), style_map=_STYLES, convert_image=mammoth.images.img_element(_image))
    builder = DocumentBuilder()
    read_html(result.value, builder)
    return builder.build(choose_title(name, builder.first_heading(1), core_title(archive), builder.first_heading()))


def _image(_image: Any) -> dict[str, str]:
    """Nothing of the picture itself; mammoth adds its alternative text."""
    return {}
