"""What programs call: chat completions, embeddings, search, health.

What belongs here: a file a route, and the shapes of requests and responses.
What does not: rules, and anything of pages.
Imports `web`, `runtime` and what stands below them; nothing imports it but `server.app`.
"""
