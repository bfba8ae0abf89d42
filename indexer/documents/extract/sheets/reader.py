"""Excel files to blocks: a sheet is a page with its name as heading, its tables below; then what hangs on the sheet."""

from indexer.documents.extract.builder import DocumentBuilder
from indexer.documents.extract.document import ExtractedDocument
from indexer.documents.extract.office.charts import Chart
from indexer.documents.extract.office.check import core_title, open_office
from indexer.documents.extract.sheets.content import area_of
from indexer.documents.extract.sheets.drawings import attached
from indexer.documents.extract.sheets.remarks import Unread, check, remarks
from indexer.documents.extract.sheets.rows import repeat_labels
from indexer.documents.extract.sheets.tables import Notes, add_tables
from indexer.documents.extract.sheets.workbook import Sheet, Workbook
from indexer.documents.extract.titles import choose_title


def extract_workbook(data: bytes, name: str) -> ExtractedDocument:
    archive = open_office(data, "Excel")
    workbook = Workbook(archive)
    builder = DocumentBuilder()
    unread = Unread(hidden_sheets=[sheet.name for sheet in workbook.sheets if sheet.is_hidden])
    unread.lost_sheets = workbook.lost_sheets
    for page, sheet in enumerate(workbook.sheets, start=1):
        if not sheet.is_hidden:
            _add_sheet(builder, workbook, sheet, page, unread)
    check(builder, unread, workbook.package.damaged)
    builder.remarks += remarks(unread, workbook.package.damaged)
    return builder.build(choose_title(name, core_title(archive)), pages=len(workbook.sheets))


def _add_sheet(builder: DocumentBuilder, workbook: Workbook, sheet: Sheet, page: int, unread: Unread) -> None:
    content = workbook.content(sheet)
    found = attached(workbook.package, sheet.relations, content.controls)
    all_repeated = repeat_labels(content.lines, content.merged)
    lines = content.lines
    if lines or found.texts or found.charts or found.notes:
        builder.add("heading", sheet.name, level=1, page=page)
    notes = add_tables(builder, lines, page, _notes(found.notes))
    for text in found.texts:
        builder.add("paragraph", text, page=page)
    shown = {other.name for other in workbook.sheets if not other.is_hidden}
    for chart in found.charts:
        is_elsewhere = chart.sources <= shown
        if not _add_chart(builder, chart, is_elsewhere, page):
            unread.meet("chart without stored values", sheet.name)
    for text in [*notes, *content.page_texts]:
        builder.add("paragraph", text, page=page)
    for kind, number in [*content.unread.items(), *found.unread.items()]:
        unread.meet(kind, sheet.name, number)
    unread.small_pictures += found.small_pictures
    if not all_repeated:
        unread.meet("table that does not repeat all of its merged labels", sheet.name)


def _notes(found: list[tuple[str, str]]) -> Notes:
    """What is noted on each cell, by row and column; what names no cell is noted on none."""
    notes: Notes = {}
    for cell, text in found:
        area = area_of(cell)
        row, column = (area.top, area.left) if area is not None else (0, 0)
        notes.setdefault(row, {}).setdefault(column, []).append(text)
    return notes


def _add_chart(builder: DocumentBuilder, chart: Chart, is_elsewhere: bool, page: int) -> bool:
    """Its words, and its values where they stand in no sheet that is read. False where there are none."""
    builder.add("paragraph", "\n".join([chart.title, *chart.axes]), page=page)
    if chart.rows and not is_elsewhere:
        has_names = any(chart.rows[0])
        builder.add_table(chart.rows[not has_names :], frozenset({0} if has_names else ()), page)
    return bool(chart.rows) or is_elsewhere
