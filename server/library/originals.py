"""Where the file lies that a document was read from."""

from pathlib import Path

from indexer.knowledge.tables import Document


def original_path(found: Document) -> Path | None:
    """The file, if it is there and, with links followed, still inside the folder that was ingested."""
    try:
        root = Path(found.root).resolve(strict=True)
        path = (root / found.path).resolve(strict=True)
    except (OSError, RuntimeError, ValueError):
        return None
    return path if path.is_relative_to(root) and path.is_file() else None
