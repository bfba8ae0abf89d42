"""Writes tiny GGUF files with random weights and a small vocabulary of their own, Phi-3-shaped unless told otherwise.

Their text is noise, but everything else is real: the file format, llama.cpp's loading, its tokeniser, KV cache and
sampling. The weights are float32 and wide apart, so that greedy choices do not hang on the last bit of a sum.
"""

from dataclasses import dataclass, field
from pathlib import Path

import gguf
import numpy as np

TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}{% if message['role'] == 'user' %}"
    "{{ '<|user|>\n' + message['content'] + '<|end|>\n<|assistant|>\n' }}"
    "{% elif message['role'] == 'assistant' %}{{ message['content'] + '<|end|>\n' }}{% endif %}{% endfor %}"
)  # written anew after the shape of Phi-3-mini-4k's: it knows no role `system`
MARKS = ("<|endoftext|>", "<|assistant|>", "<|system|>", "<|end|>", "<|user|>")
WORDS = (
    "the of and to in is that for it as was with be by on not he his but at are this have from or had an they which "
    "one you were all her she there would their we him been has when who will no more if out so up said what its about"
).split()
BIASED = ("phi2", "phimoe")
SPLIT = ("llama", "qwen2", "gemma")  # queries, keys and values are matrices of their own
EXPERTS = 4  # of "phimoe"
NORMAL, UNKNOWN, CONTROL, USER_DEFINED, BYTE = 1, 2, 3, 4, 6


@dataclass(frozen=True)
class TinyModel:
    """What a test may want to change."""

    architecture: str = "phi3"
    name: str = "phi3-tiny"
    context: int = 512
    template: str = TEMPLATE
    layers: int = 2
    width: int = 32
    heads: int = 2
    kv_heads: int = 0  # grouped queries, as Phi-3-medium has them; 0: one for each head
    rope_share: int = 1  # one dimension in this many of a head is rotated
    trained_context: int = 0  # LongRoPE stretches it to `context`, with factors for short and long; 0: none
    has_output: bool = True  # False: the embeddings are the output too, as in Phi-4-mini
    seed: int = 0
    marks: tuple[str, ...] = MARKS
    end: str = "<|endoftext|>"  # of the marks, what the file declares as its end; none if it is not among them
    pre: str = ""  # bytes are joined by merges, cut before that as this says; "": SentencePiece
    mark_type: int = CONTROL  # of <|user|> and its like: early files have USER_DEFINED
    ends: bool = True  # whether <|end|> may be chosen; False makes answers run to max_tokens
    metadata: dict[str, int | str] = field(default_factory=dict)


def vocabulary(model: TinyModel) -> tuple[list[bytes], list[float], list[int]]:
    """Tokens, scores and types, in SentencePiece's manner: specials, bytes, letters, words, marks."""
    tokens: list[bytes] = [b"<unk>", b"<s>", b"</s>"]
    types = [UNKNOWN, CONTROL, CONTROL]
    tokens += [f"<0x{byte:02X}>".encode() for byte in range(256)]
    types += [BYTE] * 256
    letters = [chr(code) for code in range(33, 127)]
    words = ["\u2581" + word[:end] for word in WORDS for end in range(1, len(word) + 1)]
    plain = list(dict.fromkeys(["\u2581", *letters, *words]))
    tokens += [piece.encode() for piece in plain]
    types += [NORMAL] * len(plain)
    tokens += [mark.encode() for mark in model.marks]
    types += [model.mark_type] * len(model.marks)
    scores = [0.0] * 259 + [-float(i) for i in range(len(plain))] + [-1000.0] * len(model.marks)
    return tokens, scores, types


def byte_vocabulary(model: TinyModel) -> tuple[list[str], list[str], list[int]]:
    """Tokens, merges and types, in GPT-2's manner: bytes as printable characters, beginnings of words, marks."""
    shown = [*range(33, 127), *range(161, 173), *range(174, 256)]
    hidden = [byte for byte in range(256) if byte not in shown]
    letters = {byte: chr(byte) for byte in shown} | {byte: chr(256 + i) for i, byte in enumerate(hidden)}
    tokens = [letters[byte] for byte in range(256)]
    merges: dict[str, None] = {}
    for word in WORDS:
        spelt = letters[32] + word
        for end in range(1, len(spelt)):
            merges[f"{spelt[:end]} {spelt[end]}"] = None
    tokens += [merge.replace(" ", "") for merge in merges]
    return [*tokens, *model.marks], list(merges), [NORMAL] * len(tokens) + [model.mark_type] * len(model.marks)


def _add_vocabulary(out: gguf.GGUFWriter, model: TinyModel) -> int:
    """How many tokens there are."""
    if model.pre:
        words, merges, types = byte_vocabulary(model)
        out.add_tokenizer_model("gpt2")
        out.add_tokenizer_pre(model.pre)
        out.add_token_list(words)
        out.add_token_merges(merges)
        out.add_token_types(types)
        out.add_add_bos_token(False)
        if model.end in words:
            out.add_eos_token_id(words.index(model.end))
            out.add_bos_token_id(words.index(model.end))
        return len(words)
    tokens, scores, types = vocabulary(model)
    out.add_tokenizer_model("llama")
    out.add_tokenizer_pre("default")
    out.add_token_list(tokens)
    out.add_token_scores(scores)
    out.add_token_types(types)
    out.add_bos_token_id(1)
    if model.end.encode() in tokens:
        out.add_eos_token_id(tokens.index(model.end.encode()))
    out.add_unk_token_id(0)
    out.add_add_bos_token(True)
    return len(tokens)


def write_tiny_gguf(path: Path, model: TinyModel | None = None) -> Path:
    """Write `model` to `path` and return it."""
    model = model or TinyModel()
    out = gguf.GGUFWriter(str(path), model.architecture)
    out.add_name(model.name)
    out.add_context_length(model.context)
    out.add_embedding_length(model.width)
    out.add_feed_forward_length(2 * model.width)
    out.add_block_count(model.layers)
    out.add_head_count(model.heads)
    out.add_head_count_kv(model.kv_heads or model.heads)
    out.add_layer_norm_rms_eps(1e-5)
    out.add_layer_norm_eps(1e-5)
    if model.architecture == "phimoe":
        out.add_expert_count(EXPERTS)
        out.add_expert_used_count(2)
    out.add_rope_dimension_count(model.width // model.heads // model.rope_share)
    out.add_rope_freq_base(10000.0)
    if model.trained_context:
        out.add_rope_scaling_orig_ctx_len(model.trained_context)
        out.add_rope_scaling_attn_factors(1.19)
    tokens = _add_vocabulary(out, model)
    if model.template:
        out.add_chat_template(model.template)
    for key, value in model.metadata.items():
        (out.add_uint32 if isinstance(value, int) else out.add_string)(key, value)
    _Weights(out, model, tokens).add()
    out.write_header_to_file()
    out.write_kv_data_to_file()
    out.write_tensors_to_file()
    out.close()
    return path


class _Weights:
    """Random tensors of one model, in the order in which they are written: another order would be another model."""

    def __init__(self, out: gguf.GGUFWriter, model: TinyModel, tokens: int) -> None:
        self._out, self._model, self._tokens = out, model, tokens
        self._random = np.random.default_rng(model.seed)

    def add(self) -> None:
        model, width = self._model, self._model.width
        self._matrix("token_embd.weight", self._tokens, width)
        self._ones("output_norm.weight")
        if model.trained_context:
            pairs = width // model.heads // model.rope_share // 2
            self._out.add_tensor("rope_factors_short.weight", np.full(pairs, 1.05, np.float32))
            self._out.add_tensor("rope_factors_long.weight", np.linspace(1, 30, pairs, dtype=np.float32))
        self._add_output()
        for i in range(model.layers):
            self._add_attention(f"blk.{i}")
            if model.architecture == "phimoe":
                self._add_experts(f"blk.{i}")
            else:
                self._add_feed_forward(f"blk.{i}")

    def _add_output(self) -> None:
        model, width, tokens = self._model, self._model.width, self._tokens
        output = self._normal(1.5 / np.sqrt(width), (tokens, width))
        if not model.ends:  # a score of 0 is never the highest
            output[[*([] if model.pre else [2]), *range(tokens - len(model.marks), tokens)]] = 0
        if model.has_output:
            self._out.add_tensor("output.weight", output)
        self._bias("output_norm.bias", width)
        if model.architecture in BIASED:
            self._out.add_tensor("output.bias", np.zeros(tokens, np.float32))

    def _add_attention(self, block: str) -> None:
        model, width = self._model, self._model.width
        side = (model.kv_heads or model.heads) * (width // model.heads)
        self._ones(f"{block}.attn_norm.weight")
        self._bias(f"{block}.attn_norm.bias", width)
        if model.architecture in SPLIT:
            for name, rows in (("q", width), ("k", side), ("v", side)):
                self._matrix(f"{block}.attn_{name}.weight", rows, width)
                if model.architecture == "qwen2":
                    self._out.add_tensor(f"{block}.attn_{name}.bias", self._normal(0.1, rows))
        else:
            self._matrix(f"{block}.attn_qkv.weight", width + 2 * side, width)
        self._bias(f"{block}.attn_qkv.bias", width + 2 * side)
        self._matrix(f"{block}.attn_output.weight", width, width)
        self._bias(f"{block}.attn_output.bias", width)

    def _add_experts(self, block: str) -> None:
        width = self._model.width
        self._ones(f"{block}.ffn_norm.weight")
        self._bias(f"{block}.ffn_norm.bias", width)
        self._matrix(f"{block}.ffn_gate_inp.weight", EXPERTS, width)
        for name, shape in (("gate", (2 * width, width)), ("up", (2 * width, width)), ("down", (width, 2 * width))):
            self._out.add_tensor(f"{block}.ffn_{name}_exps.weight", self._normal(0.3, (EXPERTS, *shape)))

    def _add_feed_forward(self, block: str) -> None:
        model, width = self._model, self._model.width
        if model.architecture == "phi2":  # one norm for both halves, and no gate
            self._matrix(f"{block}.ffn_up.weight", 2 * width, width)
        elif model.architecture in SPLIT:
            self._ones(f"{block}.ffn_norm.weight")
            self._matrix(f"{block}.ffn_gate.weight", 2 * width, width)
            self._matrix(f"{block}.ffn_up.weight", 2 * width, width)
        else:
            self._ones(f"{block}.ffn_norm.weight")
            self._matrix(f"{block}.ffn_up.weight", 4 * width, width)
        self._bias(f"{block}.ffn_up.bias", 2 * width)
        self._matrix(f"{block}.ffn_down.weight", width, 2 * width)
        self._bias(f"{block}.ffn_down.bias", width)

    def _normal(self, deviation: float, shape: int | tuple[int, ...]) -> np.ndarray:
        return self._random.normal(0, deviation, shape).astype(np.float32)

    def _matrix(self, name: str, rows: int, columns: int) -> None:
        self._out.add_tensor(name, self._normal(1.5 / np.sqrt(columns), (rows, columns)))

    def _ones(self, name: str) -> None:
        self._out.add_tensor(name, np.ones(self._model.width, np.float32))

    def _bias(self, name: str, rows: int) -> None:
        if self._model.architecture in BIASED:
            self._out.add_tensor(name, self._normal(0.1, rows))
