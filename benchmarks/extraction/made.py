"""Every file that the set makes by itself."""

from benchmarks.extraction import (
    made_excel,
    made_html,
    made_pdf,
    made_pdf_letters,
    made_pdf_raw,
    made_pdf_tables,
    made_slides,
    made_text,
    made_word,
    made_word_raw,
)
from benchmarks.extraction.cases import Case


def cases() -> list[Case]:
    return [
        *made_pdf.PDF,
        *made_pdf_tables.PDF,
        *made_pdf_raw.PDF,
        *made_pdf_letters.PDF,
        *made_word.WORD,
        *made_word_raw.WORD,
        *made_excel.EXCEL,
        *made_slides.SLIDES,
        *made_html.HTML,
        *made_html.MARKDOWN,
        *made_text.CSV,
        *made_text.TEXT,
    ]
