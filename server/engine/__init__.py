"""The language model's engine: token ids in, token ids out. Nothing here knows of messages or templates."""
