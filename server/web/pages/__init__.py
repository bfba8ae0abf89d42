"""What a browser opens: the chat, a conversation, a source, the documents, the settings.

What belongs here: a file a page: parse the request, call, render a template.
What does not: rules, which stand in the rooms below, and the words for turns, sources and files, which stand in
`views`.
Imports `web`, `runtime`, `views`, `conversations`, `library`, `answering`, `llm` and `sessions`, and of the indexer
`search`, `knowledge`, `documents`, `extract` and `passages`. Only `server.app` imports it.
"""
