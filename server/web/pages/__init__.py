"""What a browser opens: the chat, a conversation, a source, the documents, the settings.

What belongs here: a file a page: parse the request, call, render a template.
What does not: rules. What a page says stands in `views` and `templates/`, what it does in the rooms below.
Imports `web`, `runtime`, `views` and what stands below them; nothing imports it but `server.app`.
"""
