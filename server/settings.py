"""What an operator can set for the server, on top of what indexing needs; and keeping what is changed on the page."""

import json
import os
import secrets
from contextlib import suppress
from pathlib import Path
from typing import Any

from filelock import FileLock
from pydantic import Field, SecretStr
from pydantic_settings import TomlConfigSettingsSource

from indexer.errors import StorageError
from indexer.settings import KEPT, KEPT_FIELDS, IndexerSettings, read_kept

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
PASSWORD = "password"  # noqa: S105 (the name of its hash, among what is kept)
LOCK_SECONDS = 5.0  # that one change waits for another, which takes some milliseconds


class ServerSettings(IndexerSettings):
    """Settings of `docent serve` and its companions."""

    host: str = Field("127.0.0.1", description="Address to listen on. Other than loopback needs a key and a password.")
    port: int = Field(8000, ge=0, le=65535, description="Port to listen on.")
    hosts: str = Field("", description="More host names under which the server is reached, separated by commas.")
    trusted_proxies: str = Field(
        "",
        description="Reverse proxies whose X-Forwarded headers are believed: addresses or networks, with commas.",
    )
    api_key: SecretStr | None = Field(None, description="Key that programs send as a bearer token.")
    password: SecretStr | None = Field(None, description="Password of the page, asked for once a browser.")
    model: str = Field("", description="Language model: a GGUF file, a name in the models folder, or `none` for none.")
    context: int = Field(4096, ge=256, description="Context in tokens; never more than the model file declares.")
    cache_mb: int = Field(0, ge=0, description="Memory for conversations, megabytes; 0: at most half of what is free.")
    gpu_layers: int = Field(0, ge=0, description="Layers of the model to put on a graphics card; 0 means none.")
    lora: str = Field("", description="LoRA adapters for the model: GGUF files, each FILE or FILE=SCALE, with commas.")
    generator_url: str = Field("", description="OpenAI-compatible API that answers instead of a model file.")
    generator_key: SecretStr | None = Field(None, description="Key that this API asks for.")
    generator_model: str = Field("", description="Model to ask this API for; empty means the first that it lists.")
    max_answer_tokens: int = Field(400, ge=16, description="Longest answer in tokens, unless a request asks otherwise.")
    evidence_tokens: int = Field(440, ge=64, description="Most tokens of evidence put before the model for a question.")
    speculation: bool = Field(True, description="Guess words that an answer copies and check several in one step.")
    standalone: bool = Field(False, description="Let the model rewrite a follow-up before it is searched for.")
    queue: int = Field(32, ge=1, description="Questions that may wait for the model; the next one gets 429.")

    state_mb: int = Field(
        1024,
        ge=0,
        description="Megabytes on disk for Docent's own instructions as the model has read them; 0 keeps none.",
    )

    passage_cache: int = Field(
        0,
        ge=0,
        description=(
            "Megabytes of memory, and four times as many on disk, for passages as the model has read them, so that it "
            "need not read them again behind others; answers may then differ from those of a full read. 0: off."
        ),
    )

    keep_conversations_days: int = Field(
        0, ge=0, le=36_500, description="Days after its last question that a conversation is deleted; 0: never."
    )
    keep_feedback_days: int = Field(
        0, ge=0, le=36_500, description="Days after which what people thought of an answer is deleted; 0: never."
    )

    recordings: str = Field(
        "", description="Folder where greedy answers of the model are kept and taken from: for measuring alone."
    )

    @property
    def chat_path(self) -> Path:
        return self.data / "chat.db"

    @property
    def is_loopback(self) -> bool:
        return self.host in LOOPBACK

    @property
    def has_password(self) -> bool:
        """Whether the page asks for one: of the settings, or one that was set on the page and is kept as a hash."""
        given = self.password.get_secret_value() if self.password else ""
        return bool(given or read_kept(self.data).get(PASSWORD))

    def where_set(self, name: str) -> str:
        """Where a setting was given that the page cannot change therefore; empty where it may."""
        variable = f"DOCENT_{name.upper()}"
        if any(given.upper() == variable and value for given, value in os.environ.items()):
            return f"the environment ({variable})"
        if name in TomlConfigSettingsSource(type(self))():
            return f"docent.toml ({name})"
        is_kept = name in KEPT_FIELDS and name in read_kept(self.data)
        given_at_start = name in self.model_fields_set and getattr(self, name) and not is_kept
        return f"the command that starts Docent ({variable})" if given_at_start else ""


def keep(data: Path, **changed: Any) -> None:
    """Change some of what is kept in the data folder; None takes one out. What others change at the same time stays.

    The file is replaced as a whole, and is its owner's alone. Raises StorageError, StartError.
    """
    path, fresh = data / KEPT, data / f"{KEPT}.{secrets.token_hex(8)}"
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        with FileLock(data / f"{KEPT}.lock", timeout=LOCK_SECONDS):
            kept = {name: value for name, value in (read_kept(data) | changed).items() if value is not None}
            descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                json.dump(kept, file, ensure_ascii=False, indent=1)
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(path)
    except OSError as error:  # Timeout of the lock among them
        with suppress(OSError):
            fresh.unlink()
        why = error.strerror or "another program holds it"
        raise StorageError(f"The change could not be written to {path}: {why}.", "Nothing was changed.") from error
