"""The embedder: what is refused before torch is imported, and (marked `models`) what the real one returns."""

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from indexer import embed
from indexer.embed import EmbeddingInput, SentenceTransformerEmbedder, model_folder
from indexer.errors import EmbedderError
from indexer.settings import DEFAULT_EMBEDDER, IndexerSettings
from indexer.text.word_pieces import LONGEST_TEXT, SPECIAL_TOKENS, WordPieces

BUILT_IN = model_folder(DEFAULT_EMBEDDER)


def test_a_folder_that_is_not_there(settings: IndexerSettings) -> None:
    for name in ("/missing/model", "./missing", "~/missing", "a/b/c"):
        with pytest.raises(EmbedderError, match="There is no embedding model folder"):
            SentenceTransformerEmbedder(settings.model_copy(update={"embedder": name}))


def test_a_folder_without_a_tokenizer(settings: IndexerSettings, tmp_path: Path) -> None:
    with pytest.raises(EmbedderError, match=r"no readable tokenizer\.json"):
        SentenceTransformerEmbedder(settings.model_copy(update={"embedder": str(tmp_path)}))


def test_damaged_weights_are_refused_before_anything_is_loaded(tmp_path: Path, settings: IndexerSettings) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"damaged")
    with pytest.raises(EmbedderError, match=r"not the official one .* Reinstall"):
        embed._verify(tmp_path / "model.safetensors", embed.BUILT_IN_SHA256)
    with pytest.raises(EmbedderError, match="cannot be read"):
        embed._verify(tmp_path / "missing", embed.BUILT_IN_SHA256)


def test_importing_needs_no_torch() -> None:
    script = (
        "import sys, indexer.embed, indexer.search.retrieve, indexer.commands.ingest; assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", script], check=True, cwd=Path(__file__).parents[2])


def test_an_ingest_loads_the_search_only_where_it_needs_it() -> None:
    """A tenth of what a small ingest beside a server takes would be the import of FAISS and what stands on it."""
    script = "import sys, indexer.commands.ingest; assert not {'faiss', 'torch'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", script], check=True, cwd=Path(__file__).parents[2])


def test_word_pieces_are_spans_of_the_text() -> None:
    pieces = WordPieces(BUILT_IN)
    text = "Überstunden 🙂 are paid."
    spans = pieces.offsets(text)
    assert "".join(text[start:end] for start, end in spans) == text.replace(" ", "")
    ids, with_special = pieces.encode(text)
    assert len(ids) == len(with_special) == len(spans) + SPECIAL_TOKENS
    assert len(pieces.offsets("word " * 5_000)) == 5_000


@pytest.mark.parametrize("unit", ["word ", "unbelievably ", ". ", "\u6f22", "e\u0301 ", "12-34 "])
def test_of_a_long_text_no_more_is_looked_at_than_the_model_reads(unit: str) -> None:
    pieces = WordPieces(BUILT_IN)
    assert pieces.longest == 256
    text = unit * 100_000
    beginning = pieces.beginning(text)
    assert len(beginning) <= LONGEST_TEXT
    read, whole = pieces.offsets(beginning), pieces.offsets(text[:20_000])
    assert read[: pieces.longest] == whole[: pieces.longest], "the pieces that are read are those of the whole text"
    assert pieces.read_of(text) == pieces.longest - SPECIAL_TOKENS
    assert (pieces.beginning(unit), pieces.read_of(unit)) == (unit, len(pieces.offsets(unit)))


def test_a_text_of_hardly_any_pieces_is_cut_all_the_same() -> None:
    pieces = WordPieces(BUILT_IN)
    assert len(pieces.beginning("a" * 1_000_000)) == LONGEST_TEXT
    assert pieces.read_of(" " * 1_000_000) == 0


def test_a_model_that_does_not_say_how_much_it_reads(tmp_path: Path) -> None:
    shutil.copy(BUILT_IN / "tokenizer.json", tmp_path)
    for said in (None, "", "[]", '{"max_seq_length": null}', '{"max_seq_length": "x"}'):
        if said is not None:
            (tmp_path / "sentence_bert_config.json").write_text(said)
        pieces = WordPieces(tmp_path)
        assert pieces.longest is None
        assert pieces.read_of("two words") == 2


def test_sentences_are_means_of_the_pieces_inside_them() -> None:
    tokens = np.array([[9, 9], [1, 0], [3, 0], [0, 2], [0, 5], [9, 9]], np.float32)
    spans = [(0, 0), (2, 4), (5, 7), (8, 9), (9, 12), (0, 0)]
    rows = embed._pool(tokens, spans, 2, [(0, 5), (6, 10), (0, 10), (10, 12)])
    expected = np.array([[1, 0], [0, 1], [4, 7], [0, 0]], np.float32)
    expected[2] /= np.linalg.norm(expected[2])
    assert rows == pytest.approx(expected)


# The real model


TEXTS = [
    EmbeddingInput("Leave", "Annual leave is thirty days. Ask your manager first.", ((0, 28), (29, 52))),
    EmbeddingInput("", "Pay.", ((0, 4),)),
    EmbeddingInput("Long › Section", "Overtime is paid. " * 30, tuple((n * 18, n * 18 + 17) for n in range(30))),
    EmbeddingInput("Other", "日本語 🙂 x. And words.", ((0, 8), (9, 19))),
    EmbeddingInput("No sentences", "Heading", ()),
]


@pytest.fixture(scope="module")
def real() -> SentenceTransformerEmbedder:
    embedder = SentenceTransformerEmbedder(IndexerSettings())
    embedder.load()
    return embedder


@pytest.mark.models
def test_vectors_have_unit_length(real: SentenceTransformerEmbedder) -> None:
    queries = real.encode_queries(["leave?", "", "🙂 " * 1_000])
    assert queries.shape == (3, real.dimension)
    assert queries.dtype == np.float32
    assert np.linalg.norm(queries, axis=1) == pytest.approx(np.ones(3), abs=1e-5)
    for chunk, vectors in zip(TEXTS, real.encode_chunks(TEXTS), strict=True):
        assert np.linalg.norm(vectors.vector) == pytest.approx(1, abs=1e-5)
        assert vectors.sentences.shape == (len(chunk.sentences), real.dimension)
        assert np.linalg.norm(vectors.sentences, axis=1) == pytest.approx(np.ones(len(chunk.sentences)), abs=1e-5)


@pytest.mark.models
def test_batches_change_nothing(real: SentenceTransformerEmbedder) -> None:
    """Padding beside a longer text must not be seen."""
    for chunk, together in zip(TEXTS, real.encode_chunks(TEXTS), strict=True):
        (alone,) = real.encode_chunks([chunk])
        assert np.abs(alone.vector - together.vector).max() < 1e-5
        assert np.abs(alone.sentences - together.sentences).max(initial=0) < 1e-5


@pytest.mark.models
def test_streams_change_nothing(real: SentenceTransformerEmbedder) -> None:
    """Texts that go through the model sorted, eight at a time and in two threads have the vectors, in the order, that
    they have one by one in one thread."""
    texts = [
        EmbeddingInput("", f"Rule {n}. {'Overtime is paid. ' * (n * 7 % 13)}".strip(), ((0, 7),)) for n in range(30)
    ]
    two = SentenceTransformerEmbedder(IndexerSettings(), threads=2)
    for text, together in zip(texts, two.encode_chunks(texts), strict=True):
        (alone,) = real.encode_chunks([text])
        assert np.abs(alone.vector - together.vector).max() < 1e-6
        assert np.abs(alone.sentences - together.sentences).max() < 2e-6


@pytest.mark.models
@pytest.mark.parametrize("unit", ["Annual leave is thirty days. ", "\u6f22\u5b57", "unbelievably-long "])
def test_what_of_a_long_text_is_left_out_moves_no_vector(real: SentenceTransformerEmbedder, unit: str) -> None:
    text = unit * 3_000
    whole = real.model.encode_query([text], normalize_embeddings=True, show_progress_bar=False)
    assert len(real.tokenizer.beginning(text)) < len(text)
    assert np.abs(real.encode_queries([text]) - whole).max() < 1e-6


@pytest.mark.models
def test_one_sentence_without_a_prefix_is_nearly_its_chunk(real: SentenceTransformerEmbedder) -> None:
    """The chunk's own vector also counts the special tokens; no more than that may differ."""
    (vectors,) = real.encode_chunks([EmbeddingInput("", "Annual leave is thirty days.", ((0, 28),))])
    assert vectors.sentences[0] @ vectors.vector > 0.9


@pytest.mark.models
def test_the_sentence_that_is_meant_is_nearest(real: SentenceTransformerEmbedder) -> None:
    body = "Annual leave is thirty days. Salaries are paid monthly."
    (vectors,) = real.encode_chunks([EmbeddingInput("Rules", body, ((0, 28), (29, 55)))])
    nearest = vectors.sentences @ real.encode_queries(["How much vacation?", "When do I get my money?"]).T
    assert nearest.argmax(axis=0).tolist() == [0, 1]


@pytest.mark.models
def test_it_loads_without_a_network() -> None:
    """In a process whose sockets refuse."""
    script = """
import socket, sys
def refused(*arguments, **options):
    raise OSError("no network")
socket.socket.connect = socket.getaddrinfo = refused
from indexer.embed import SentenceTransformerEmbedder
from indexer.settings import IndexerSettings
print(SentenceTransformerEmbedder(IndexerSettings()).encode_queries(["leave"]).shape)
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2]
    )
    assert (done.returncode, done.stdout) == (0, "(1, 384)\n"), done.stderr


@pytest.mark.models
def test_a_folder_whose_weights_cannot_be_read(tmp_path: Path, settings: IndexerSettings) -> None:
    copy = tmp_path / "model"
    shutil.copytree(BUILT_IN, copy, ignore=shutil.ignore_patterns("model.safetensors"))
    (copy / "model.safetensors").write_bytes(b"damaged")
    with pytest.raises(EmbedderError, match="cannot be loaded"):
        SentenceTransformerEmbedder(settings.model_copy(update={"embedder": str(copy)})).load()


@pytest.mark.models
def test_chunks_longer_than_the_model_reads_are_refused(settings: IndexerSettings) -> None:
    with pytest.raises(EmbedderError, match="Set DOCENT_CHUNK_TOKENS to 256 or less"):
        SentenceTransformerEmbedder(settings.model_copy(update={"chunk_tokens": 512})).load()


def test_the_e5_family_is_known_by_its_name() -> None:
    """Never by the folder, which the hub's cache names by a checksum: "snapshots/fb4e5d" is no such model."""
    for name in ("intfloat/multilingual-e5-small", "/models/e5-base-v2", "E5-mistral"):
        assert embed._is_e5(name)
    for name in ("all-MiniLM-L6-v2", "models--x/snapshots/fb4e5d", "intfloat/simlm"):
        assert not embed._is_e5(name)


@pytest.mark.models
def test_a_model_of_the_e5_family_gets_the_prompts_it_was_trained_with(tmp_path: Path) -> None:
    """A small one with random weights: its vectors are those of the same texts with the prompts written out."""
    folder = tiny_model(tmp_path / "multilingual-e5-tiny")
    e5 = SentenceTransformerEmbedder(IndexerSettings(embedder=str(folder)))
    plain = SentenceTransformerEmbedder(IndexerSettings(embedder=str(shutil.copytree(folder, tmp_path / "plain"))))
    assert e5.dimension == 32
    (question,) = e5.encode_queries(["Wie lang ist der Urlaub?"])
    assert question == pytest.approx(plain.encode_queries(["query: Wie lang ist der Urlaub?"])[0], abs=1e-5)
    (found,) = e5.encode_chunks(TEXTS[:1])
    (written_out,) = plain.encode_chunks([EmbeddingInput("passage: Leave", TEXTS[0].body, TEXTS[0].sentences)])
    assert found.vector == pytest.approx(written_out.vector, abs=1e-5)
    assert found.sentences == pytest.approx(written_out.sentences, abs=1e-5)


def tiny_model(folder: Path) -> Path:
    """A sentence-transformers model of one layer, with the built-in one's tokenizer."""
    from transformers import BertConfig, BertModel

    shutil.copytree(BUILT_IN, folder, ignore=shutil.ignore_patterns("*.safetensors", "*.bin", "onnx", "openvino"))
    config = BertConfig(hidden_size=32, num_hidden_layers=1, num_attention_heads=2, intermediate_size=64)
    BertModel(config).save_pretrained(folder)
    pooling = folder / "1_Pooling" / "config.json"
    pooling.write_text(pooling.read_text().replace("384", "32"))
    return folder
