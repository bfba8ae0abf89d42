"""Tables that are files: Excel, CSV, TSV.

What belongs here: which cells are a table, which name its columns, what else hangs on a sheet.
What does not: how a single cell's value is shown (`extract.office.cells`), since charts show values too.
Imports the top of `extract`, `extract.office` and `extract.text`.
"""
