"""What sets of questions say of search and answers: measures, comparisons, reports.

What belongs here: evaluation folders, measures, reports as JSON and HTML.
What does not: anything that a running server or an ingest needs.
Imports `progress`, `search`, `ingest`, `knowledge`, `documents`, `extract`, `passages`, `embed` and `text`. Only
commands import it.
"""
