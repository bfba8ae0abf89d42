"""What libraries raise in the middle of a command, in our words.

In a module of its own: it imports those libraries, which take longer to load than a help text takes to be read.
"""

import tomllib

from pydantic import ValidationError
from sqlalchemy.exc import DatabaseError, IntegrityError

from indexer.errors import StartError
from indexer.knowledge.database import storage_error


def in_our_words(error: Exception) -> StartError | None:
    """None where the error is a fault of ours, which must be seen as one."""
    match error:
        case IntegrityError():
            return None  # a mistake of ours, not of the disk
        case DatabaseError():
            return storage_error(error, "the data folder")
        case ValidationError():
            return _bad_setting(error)
        case tomllib.TOMLDecodeError():
            return StartError(f"docent.toml in this folder cannot be read: {error}.")
    return None


def _bad_setting(error: ValidationError) -> StartError:
    first = error.errors()[0]
    name = "_".join(str(part) for part in first["loc"])
    why = first["msg"].removeprefix("Value error, ")  # which pydantic puts before our own words
    return StartError(f"The setting {name} (DOCENT_{name.upper()} or docent.toml) cannot be used: {why}.")
