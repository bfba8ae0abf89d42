"""Words and sentences of any text: search terms and where sentences begin.

What belongs here: functions from text to terms or spans, the same for documents and questions.
What does not: anything that knows of documents, files or a search. Imports nothing else of ours.
"""
