"""The commands of `docent`, a file each.

What belongs here: what a command asks, prints and ends with.
What does not: rules that a running server needs too.
Imports everything below; nothing imports it but `server.cli`.
"""
