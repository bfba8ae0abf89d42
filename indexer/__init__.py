"""Documents to knowledge: extract, chunk, embed, store, search. Never imports `server`."""
