"""Excel files to blocks: a sheet is a page with its name as heading, its tables below; then what hangs on the sheet."""

from collections.abc import Iterator

from indexer.documents.extract.builder import DocumentBuilder
from indexer.documents.extract.document import ExtractedDocument
from indexer.documents.extract.office.charts import Chart
from indexer.documents.extract.office.check import core_title, open_office
from indexer.documents.extract.sheets.drawings import Attached, attached
from indexer.documents.extract.sheets.rows import repeat_labels
from indexer.documents.extract.sheets.tables import add_tables
from indexer.documents.extract.sheets.workbook import Sheet, SheetContent, Workbook, area_of
from indexer.documents.extract.titles import choose_title


def extract_workbook(data: bytes, name: str) -> ExtractedDocument:
    archive = open_office(data, "Excel")
    workbook = Workbook(archive)
    builder = DocumentBuilder()
    for page, sheet in enumerate(workbook.sheets, start=1):
        if sheet.is_hidden:
            builder.remarks.append(f"The hidden sheet {sheet.name!r} is not searched.")
        else:
            _add_sheet(builder, workbook, sheet, page)
    return builder.build(choose_title(name, core_title(archive)), pages=len(workbook.sheets))


def _add_sheet(builder: DocumentBuilder, workbook: Workbook, sheet: Sheet, page: int) -> None:
    content = workbook.content(sheet)
    found = attached(workbook.package, sheet.relations, content.controls)
    lines = content.lines
    all_repeated = repeat_labels(lines, content.merged)
    if lines or found.texts or found.charts or found.notes:
        builder.add("heading", sheet.name, level=1, page=page)
    add_tables(builder, lines, page)
    for text in found.texts:
        builder.add("paragraph", text, page=page)
    named = {line.number: line.cells[min(line.cells)] for line in lines}
    visible = {other.name for other in workbook.sheets if not other.is_hidden}
    for chart in found.charts:
        _add_chart(builder, chart, visible, page)
    for cell, text in found.notes:
        area = area_of(cell)
        builder.add("paragraph", f"{named.get(area.top if area else 0, cell)}: {text}", page=page)
    for text in content.page_texts:
        builder.add("paragraph", text, page=page)
    builder.remarks += list(_remarks(sheet, content, found, visible))
    if not all_repeated:
        builder.remarks.append(f"Of the sheet {sheet.name!r} not every row repeats its merged labels: it is too much.")


def _add_chart(builder: DocumentBuilder, chart: Chart, visible: set[str], page: int) -> None:
    """Its words, and its values where they stand in no sheet that is read."""
    builder.add("paragraph", "\n".join([chart.title, *chart.axes]), page=page)
    if chart.rows and not chart.sources <= visible:
        has_names = any(chart.rows[0])
        builder.add_table(chart.rows[not has_names :], frozenset({0} if has_names else ()), page)


def _remarks(sheet: Sheet, content: SheetContent, found: Attached, visible: set[str]) -> Iterator[str]:
    name = f"The sheet {sheet.name!r}"
    if content.formulas_without_value:
        yield (
            f"{name} has {_count(content.formulas_without_value, 'formula')} without a stored value: open and save it"
            " in Excel to have them computed."
        )
    if content.hidden_rows or content.hidden_columns:
        rows, columns = _count(content.hidden_rows, "row"), _count(content.hidden_columns, "column")
        hidden = [text for text in (rows, columns) if not text.startswith("0")]
        yield f"{name} has hidden cells, which are searched: {' and '.join(hidden)}."
    lost = sum(1 for chart in found.charts if not chart.rows and not chart.sources <= visible)
    if lost:
        yield f"{name} has {_count(lost, 'chart')} whose values are not stored in it: its words alone are searched."
    if found.pictures:
        yield f"{name} holds {_count(found.pictures, 'picture')}; words inside are not searched."
    if found.objects:
        yield f"{name} holds {_count(found.objects, 'embedded file')}; words inside are not searched."


def _count(number: int, thing: str) -> str:
    return f"{number:,} {thing}{'s' * (number != 1)}"
