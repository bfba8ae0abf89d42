"""`python -m indexer`, for processes that start an ingest of their own."""

from indexer.cli import main

main()
