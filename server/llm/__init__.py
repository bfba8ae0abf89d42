"""Messages in, text out: the seam to a language model, and the two that stand behind it.

What belongs here: the seam (`generator`), the local engine and a remote API behind it, chat templates, model files.
What does not: questions, passages and citations (`answering`); batches and the KV cache (`engine`).
Imports `engine`.
"""
