"""`python -m server`, for processes that start a server of their own."""

from server.cli import main

main()
