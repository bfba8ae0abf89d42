"""A cross-encoder by name: a small real one whose weights are random, since only what is done with it is tested."""

from pathlib import Path
from shutil import copy

import pytest

from indexer.embed import model_folder
from indexer.errors import EmbedderError
from indexer.passages import Scope
from indexer.search.rerank import READ, Reranker, open_reranker
from indexer.search.retrieve import Retriever
from indexer.search.store import Store
from indexer.settings import DEFAULT_EMBEDDER, IndexerSettings
from tests.indexer.small_knowledge import Knowledge
from tests.word_embedder import WordEmbedder

pytestmark = pytest.mark.models

TEXTS = [f"Leave rule {n}. " + "It is granted. " * n for n in range(READ + 5)]


def tiny(folder: Path, labels: int = 1) -> str:
    """One layer, with the built-in embedder's tokenizer."""
    import torch
    from transformers import BertConfig, BertForSequenceClassification

    torch.manual_seed(1)
    config = BertConfig(
        hidden_size=32, num_hidden_layers=1, num_attention_heads=2, intermediate_size=64, num_labels=labels
    )
    BertForSequenceClassification(config).save_pretrained(folder)
    for name in ("tokenizer.json", "tokenizer_config.json", "vocab.txt", "special_tokens_map.json"):
        copy(model_folder(DEFAULT_EMBEDDER) / name, folder)
    return str(folder)


def test_what_it_has_read_is_ordered_by_its_scores_and_the_rest_stays_behind(tmp_path: Path) -> None:
    name = tiny(tmp_path)
    places = Reranker(name, budget_ms=60_000).order("How is leave granted?", TEXTS)
    assert sorted(places[:READ]) == list(range(READ))
    assert places[READ:] == list(range(READ, len(TEXTS)))
    pairs = [("How is leave granted?", text) for text in TEXTS[:READ]]
    alone = Reranker(name, 1)._model.predict(pairs, show_progress_bar=False).tolist()
    assert [round(alone[place], 4) for place in places[:READ]] == sorted([round(s, 4) for s in alone], reverse=True)
    assert Reranker(name, 60_000).order("leave", []) == []
    assert Reranker(name, 60_000).order("", ["one"]) == [0]


def test_out_of_time_nothing_moves(tmp_path: Path) -> None:
    reranker = Reranker(tiny(tmp_path), budget_ms=0)
    assert reranker.order("leave", TEXTS) == list(range(len(TEXTS)))


def test_passages_come_in_its_order(tmp_path: Path, knowledge: Knowledge, settings: IndexerSettings) -> None:
    for number, text in enumerate(TEXTS[:6]):
        knowledge.put(f"{number}.md", text)
    settings = settings.model_copy(update={"reranker": tiny(tmp_path / "model"), "rerank_ms": 60_000})
    reranker = open_reranker(settings)
    assert reranker is not None
    store = Store(knowledge.engine, settings.index_path)
    store.follow()
    scope = Scope(frozenset({1}))
    plain, again = (
        Retriever(knowledge.engine, WordEmbedder(), store, settings, one).search("leave granted", [], scope)
        for one in (None, reranker)
    )
    places = reranker.order("leave granted", [f"{passage.prefix}\n{passage.text}" for passage in plain])
    assert [passage.document for passage in again] == [plain[place].document for place in places]
    assert [passage.rank for passage in again] == list(range(1, 7))


def test_without_a_name_there_is_none(settings: IndexerSettings) -> None:
    assert open_reranker(settings) is None


def test_what_cannot_be_used_is_said(tmp_path: Path) -> None:
    with pytest.raises(EmbedderError, match=r"cannot be loaded.*DOCENT_RERANKER"):
        Reranker(str(tmp_path), 100)
    with pytest.raises(EmbedderError, match="3 classes"):
        Reranker(tiny(tmp_path / "classes", labels=3), 100)
