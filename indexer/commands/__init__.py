"""The commands of `indexer`, a file each.

What belongs here: what a command does with what it was given, what it prints, the status that it ends with.
What does not: its words and options, which stand in `indexer.cli`; rules that a server needs too.
Imports everything below; `indexer.cli` names its modules, and they are loaded when a command is run.
"""
