"""A question in, a cited answer out: the web page, the API, the engine. Imports `indexer`, never the other way."""
