"""What an operator can set: environment `DOCENT_*`, then `docent.toml` in the working folder, then what was changed on
the page and is kept in the data folder, then these defaults."""

import json
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from indexer.errors import StartError

DEFAULT_EMBEDDER = "all-MiniLM-L6-v2"
KEPT = "settings.json"  # in the data folder: what was changed on the page; server/settings.py writes it
KEPT_FIELDS = ("false_refusals",)  # of these settings; what else it holds is the server's


def _named(folder: object) -> object:
    """Raises ValueError for no name: it would be the working folder, from which others would lose their rights."""
    if folder == "":
        raise ValueError("it is empty; leave it out for the folder data")
    return folder


def read_kept(data: Path) -> dict[str, Any]:
    """What was changed on the page, by name; nothing where nothing was. Raises StartError for a damaged file."""
    path = data / KEPT
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is damaged"
        raise StartError(f"{path} cannot be read: {why}.", "Mend it, or delete it to begin with defaults.") from error
    if not isinstance(kept, dict):
        raise StartError(f"{path} cannot be read: it is damaged.", "Mend it, or delete it to begin with defaults.")
    return kept


class KeptSettings(PydanticBaseSettingsSource):
    """The source behind the others, which say where the data folder is."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        return read_kept(self._data()).get(field_name), field_name, False

    def __call__(self) -> dict[str, Any]:
        kept = read_kept(self._data())
        return {name: kept[name] for name in KEPT_FIELDS if name in kept}

    def _data(self) -> Path:
        given = self.current_state.get("data") or IndexerSettings.model_fields["data"].default
        return Path(given)


class IndexerSettings(BaseSettings):
    """Settings that indexing and searching need."""

    model_config = SettingsConfigDict(env_prefix="DOCENT_", toml_file="docent.toml", extra="ignore")

    data: Annotated[Path, BeforeValidator(_named)] = Field(
        Path("data"), description="Folder of knowledge.db, chat.db, indexes and models."
    )
    embedder: str = Field(
        DEFAULT_EMBEDDER,
        description="Embedding model: the built-in name, a folder, or a Hugging Face name.",
    )
    chunk_tokens: int = Field(
        256, ge=48, le=2048, description="Longest chunk, its prefix included, in word pieces of the embedder."
    )
    max_file_mb: int = Field(64, ge=1, description="Files larger than this many megabytes are skipped, with a reason.")
    extract_seconds: int = Field(120, ge=1, description="Longest time that reading one file may take, in seconds.")
    extract_memory_mb: int = Field(3072, ge=256, description="Most memory that reading one file may take, megabytes.")
    false_refusals: float = Field(
        0.05,
        ge=0,
        le=0.2,
        description="Share of answerable questions that may be refused, so that others are; 0: hardly any is refused.",
    )
    reranker: str = Field(
        "", description="Cross-encoder that reads the best passages again: a folder or a Hugging Face name."
    )
    rerank_ms: int = Field(400, ge=1, description="Longest time it may take for a question, in milliseconds.")
    threads: int = Field(0, ge=0, description="Processor threads for models; 0 means one for each core.")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls), KeptSettings(settings_cls)

    @property
    def knowledge_path(self) -> Path:
        return self.data / "knowledge.db"

    @property
    def index_path(self) -> Path:
        return self.data / "index"

    @property
    def models_path(self) -> Path:
        return self.data / "models"

    @property
    def uploads_path(self) -> Path:
        """Files that were given to the page, a folder for each collection."""
        return self.data / "uploads"

    @property
    def server_file(self) -> Path:
        """Where a running server says how local commands reach it."""
        return self.data / "server.json"
