"""Documents with orders in them for `benchmarks/injection.py`, and how answers to questions about them are judged.

What belongs here: the texts, the orders, the cases made of both, the judge. What does not: asking.
Imports `evaluate` and `text`.
"""
