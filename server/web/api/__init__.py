"""What programs call: chat completions, embeddings, search, health.

What belongs here: a file a route, and the shapes of requests and responses with what each shape refuses.
What does not: what an answer says or who may read what, and anything of pages.
Imports `web`, `runtime`, `views`, `answering` and `llm`, and of the indexer `client`, `embed`, `embed_remote`,
`knowledge` and `passages`. Only `server.app` and `docent ask` import it.
"""
