"""The language model's engine: token ids in, token ids out.

What belongs here: batches, slots, the KV cache and its prefixes, sampling, and llama.cpp itself (`llama`, alone).
What does not: messages, templates, text: all that is `llm`.
Imports nothing else of ours.
"""
