"""Has the language model forget what it has read of documents that are gone or changed.

A passage is only ever looked for by its very words, so what is forgotten late is read by nobody; but its words could be
made again from the files that it is kept in.
"""

from server.answering.passage_source import gone
from server.llm.generator import KeepsPassages
from server.runtime.services import Services


class GonePassages:
    """Called again and again; it looks at all that is kept when documents have changed, else at what is new."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._change = -1
        self._stands: frozenset[str] = frozenset()

    def forget(self) -> None:
        generator, change = self._services.generator, self._services.change
        if not isinstance(generator, KeepsPassages):
            return
        sources = generator.passage_sources()
        unsure = sources - self._stands if change == self._change else sources
        if unsure:
            catalog = self._services.catalog
            left = gone(unsure, lambda places: catalog.excerpts(places, catalog.everything()))
            generator.forget_passages(left)
            sources -= left
        self._change, self._stands = change, sources
