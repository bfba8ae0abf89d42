"""llama.cpp behind two small classes: `Model` (the weights) and `Context` (KV cache and decoding).

The only module that imports llama_cpp, and it does so on first use (0.2 s), on the thread that loads the model.
A `Context` belongs to one thread, except for `abort`. llama.cpp's log goes to the logger `docent.llama`; its errors are
kept to explain a load that failed. Raises ModelRefused when a file cannot be loaded and DecodeError when a batch cannot
be evaluated.
"""

import collections
import ctypes
import importlib
import logging
import os
import re
import struct
import threading
import weakref
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from server.engine.barriers import wait_asleep
from server.engine.gguf_header import read_header
from server.engine.memory_fit import ModelRefused
from server.engine.sampling import Logits, TokenSampler
from server.engine.scheduler import DecodeError, Row
from server.engine.token_sampling import TokenSampling
from server.engine.vocabulary import Vocabulary

logger = logging.getLogger("docent.llama")

ERROR_LEVEL = 4  # GGML_LOG_LEVEL_ERROR; 1 is debug, 2 information, 3 a warning, 5 the rest of a line
LEVELS = {ERROR_LEVEL: logging.INFO}  # an error that matters is raised; an abort logs some too
ABORTED, NO_CELLS = 2, 1  # results of llama_decode
UNKNOWN_ARCHITECTURE = re.compile("unknown model architecture: '([^']{1,64})")
COPY_HEAD = 8  # bytes that a copied state begins with and a file's does not: a magic number, the sequence's number

_errors: collections.deque[str] = collections.deque(maxlen=20)
_errors_lock = threading.Lock()
_kept: list[Any] = []


@cache
def library() -> Any:
    """The llama_cpp package, imported and started once, its log led into Python's logging."""
    wait_asleep()
    lib = importlib.import_module("llama_cpp")
    callback = lib.llama_log_callback(_log)
    _kept.append(callback)  # llama.cpp keeps only the pointer
    lib.llama_log_set(callback, ctypes.c_void_p(0))
    lib.llama_backend_init()
    return lib


def _log(level: int, text: bytes, _data: int | None) -> None:
    line = text.decode("utf-8", "replace").strip(" .\n")
    if not line:
        return
    if level == ERROR_LEVEL:
        with _errors_lock:
            _errors.append(line)
    logger.log(LEVELS.get(level, logging.DEBUG), "%s", line)


def _recent_errors() -> list[str]:
    with _errors_lock:
        lines = list(_errors)
        _errors.clear()
    return lines


def check_card(gpu_layers: int) -> None:
    """Refuse layers on a graphics card where llama.cpp was built without one."""
    if gpu_layers and not library().llama_supports_gpu_offload():
        raise ModelRefused(
            f"DOCENT_GPU_LAYERS={gpu_layers} asks for a graphics card, but llama.cpp was built without one here.",
            "Leave it out, or build for the card: CMAKE_ARGS=-DGGML_CUDA=on make setup, after make clean.",
        )


class Model:
    """The weights of a GGUF file. Freed when nothing refers to it any more."""

    def __init__(
        self,
        path: Path,
        *,
        gpu_layers: int = 0,
        rope_length: int = 0,
        progress: Callable[[float], bool] = lambda fraction: True,
    ) -> None:
        """Load `path`; `progress` gets the fraction that is loaded and stops the loading by returning False.

        `rope_length` is put in place of the length up to which the file's short RoPE factors hold; 0 leaves it.
        """
        self.lib = library()
        check_card(gpu_layers)
        params = self.lib.llama_model_default_params()
        params.n_gpu_layers = gpu_layers
        # Read, not mapped: repacked weights are a copy, and a map kept beside it counts twice. Resident size of a
        # 297 MiB file 308 MiB instead of 561, of a 2,174 MiB one 2,206 instead of 3,907; loading takes as long.
        params.load_mode = self.lib.LLAMA_LOAD_MODE_NONE
        overrides = _rope_override(self.lib, rope_length, path) if rope_length else None
        if overrides is not None:
            params.kv_overrides = overrides
        params.progress_callback = self.lib.llama_progress_callback(lambda fraction, _data: progress(fraction))
        _recent_errors()
        pointer = self.lib.llama_model_load_from_file(str(path).encode(), params)
        if not pointer:
            raise ModelRefused(*_explain(path.name, _recent_errors()))
        self.pointer: int = pointer
        weakref.finalize(self, self.lib.llama_model_free, pointer)
        recurrent = self.lib.llama_model_is_recurrent(pointer) or self.lib.llama_model_is_hybrid(pointer)
        self.can_share_prefixes = not recurrent  # such a memory is one state, not a cell for each token
        self.rope: tuple[int, float] = (  # how keys are rotated, and how positions are scaled
            self.lib.llama_model_rope_type(pointer),
            self.lib.llama_model_rope_freq_scale_train(pointer),
        )

    def load_adapter(self, path: Path) -> int:
        """Read a LoRA adapter; what it gives goes to `Context`. Freed with the model."""
        _recent_errors()
        adapter: int | None = self.lib.llama_adapter_lora_init(self.pointer, str(path).encode())
        if not adapter:
            said = " ".join(_recent_errors())
            reason = "it was made for another model" if "base model" in said or "mismatch" in said else "it is damaged"
            raise ModelRefused(
                f"The adapter {path.name} cannot be used: {reason}.", "Take it out of DOCENT_LORA, or copy it again."
            )
        return adapter


class Context:
    """A KV cache of `cells` tokens shared by `sequences` sequences, and the evaluation of batches on it.

    Implements scheduler.Decoder. A batch holds at most `batch` rows.
    """

    def __init__(
        self,
        model: Model,
        vocabulary: Vocabulary,
        *,
        cells: int,
        sequences: int,
        batch: int,
        threads: int,
        adapters: Sequence[tuple[int, float]] = (),
    ) -> None:
        """`adapters`: what `Model.load_adapter` gave, each with its scale."""
        self._model = model
        self._lib = lib = model.lib
        self.vocabulary = vocabulary
        params = lib.llama_context_default_params()
        params.n_ctx = cells
        params.n_batch = params.n_ubatch = batch
        self.sequences = params.n_seq_max = min(sequences, batch)  # more sequences than rows end the process
        self.can_share = model.can_share_prefixes
        params.n_threads = params.n_threads_batch = threads
        params.type_k = params.type_v = lib.GGML_TYPE_F16  # quantised KV makes prefill slower on a processor
        # Off, as in llama_cpp.Llama, so that tokens are the same to the last bit. On a processor it gains nothing: at
        # depth 1,024 a 64-token piece took 524 ms without and 523 with it, one token 39 and 62 (one thread, 0.5B).
        params.flash_attn_type = lib.LLAMA_FLASH_ATTN_TYPE_DISABLED
        params.kv_unified = True
        params.swa_full = True  # a window's pruned cache could not be cut back to a shared prefix
        params.no_perf = True
        # strlen of a one-byte string is 1 when the byte is set and 0 when not: an abort callback without Python in it.
        self._abort_flag = ctypes.create_string_buffer(b"\0", 2)
        params.abort_callback = ctypes.cast(ctypes.CDLL(None).strlen, lib.ggml_abort_callback)
        params.abort_callback_data = ctypes.cast(self._abort_flag, ctypes.c_void_p)
        _recent_errors()
        self.pointer = lib.llama_init_from_model(model.pointer, params)
        if not self.pointer:
            raise ModelRefused(*_explain("The model", _recent_errors()))
        if adapters:
            count = len(adapters)
            pointers = (lib.llama_adapter_lora_p_ctypes * count)(*(pointer for pointer, _ in adapters))
            scales = (ctypes.c_float * count)(*(scale for _, scale in adapters))
            lib.llama_set_adapters_lora(self.pointer, pointers, count, scales)
        self._memory = lib.llama_get_memory(self.pointer)
        self._rows: int = lib.llama_n_batch(self.pointer)  # never more than there are cells
        self._batch = lib.llama_batch_init(self._rows, 0, 1)
        self._free = weakref.finalize(self, _free_context, lib, self.pointer, self._batch)

    def abort(self) -> None:
        """Make a running `decode` return soon. From any thread."""
        self._abort_flag[0] = b"\1"

    def resume(self) -> None:
        """Let the next `decode` run."""
        self._abort_flag[0] = b"\0"

    def decode(self, rows: Sequence[Row]) -> bool:
        """Evaluate one batch. False: aborted, and the cache is as before. Raises DecodeError."""
        if not 0 < len(rows) <= self._rows:
            raise DecodeError(f"a batch of {len(rows)} rows instead of 1 to {self._rows}")  # llama.cpp would exit
        batch = self._batch
        batch.n_tokens = len(rows)
        for i, row in enumerate(rows):
            batch.token[i] = row.token
            batch.pos[i] = row.position
            batch.n_seq_id[i] = 1
            batch.seq_id[i][0] = row.sequence
            batch.logits[i] = row.wants_logits
        result = self._lib.llama_decode(self.pointer, batch)
        if result == ABORTED:
            _recent_errors()
            return False
        if result != 0:
            reason = "the KV cache is full" if result == NO_CELLS else f"llama_decode returned {result}"
            raise DecodeError("; ".join([reason, *_recent_errors()]))
        self._lib.llama_synchronize(self.pointer)  # a graphics card may still work: batches are timed
        return True

    def logits(self, row: int) -> Logits:
        """The raw scores after batch row `row`: a view that the next `decode` overwrites."""
        pointer = self._lib.llama_get_logits_ith(self.pointer, row)
        return np.ctypeslib.as_array(pointer, (self.vocabulary.size,))

    def truncate(self, sequence: int, length: int) -> bool:
        """Forget what lies at position `length` and after. False: the model's memory cannot do that, all is gone."""
        if self._lib.llama_memory_seq_rm(self._memory, sequence, length, -1):
            return True
        self._lib.llama_memory_seq_rm(self._memory, sequence, -1, -1)
        return False

    def share(self, source: int, target: int, start: int, end: int) -> None:
        """Make the cells of `source` at positions [start, end) those of `target`, in its own's place. No copy."""
        self._lib.llama_memory_seq_rm(self._memory, target, start, end)
        self._lib.llama_memory_seq_cp(self._memory, source, target, start, end)

    def read_state(self, sequence: int) -> NDArray[np.uint8]:
        """A copy of the cells of a sequence, with their positions."""
        data = np.empty(self._lib.llama_state_seq_get_size(self.pointer, sequence), np.uint8)
        self._lib.llama_state_seq_get_data(self.pointer, _bytes_of(data), data.size, sequence)
        return data

    def write_state(self, sequence: int, data: NDArray[np.uint8]) -> bool:
        """Fill the empty `sequence` with cells that were read. False, and it is empty still: there is no room."""
        if self._lib.llama_state_seq_set_data(self.pointer, _bytes_of(data), data.size, sequence):
            return True
        _recent_errors()
        self.truncate(sequence, 0)
        return False

    def state_size(self, sequence: int) -> int:
        """Bytes that `read_state` would copy."""
        size: int = self._lib.llama_state_seq_get_size(self.pointer, sequence)
        return size

    def state_file(self, tokens: Sequence[int], data: NDArray[np.uint8]) -> tuple[bytes, NDArray[np.uint8]]:
        """The parts of a file that `load_state` reads, as llama_state_seq_save_file writes it. From any thread.

        `data` is what `read_state` gave of a sequence that holds just `tokens`. llama.cpp's own function can only
        write while nothing is evaluated.
        """
        magic, version = self._lib.LLAMA_STATE_SEQ_MAGIC, self._lib.LLAMA_STATE_SEQ_VERSION
        return struct.pack(f"=III{len(tokens)}i", magic, version, len(tokens), *tokens), data[COPY_HEAD:]

    def load_state(self, sequence: int, tokens: Sequence[int], path: Path) -> bool:
        """Read the cells of an empty sequence. False, and it is empty still: the file does not hold just `tokens`."""
        ids, count = (ctypes.c_int32 * len(tokens))(), ctypes.c_size_t()
        read = self._lib.llama_state_seq_load_file(
            self.pointer, os.fsencode(path), sequence, ids, len(tokens), ctypes.byref(count)
        )
        _recent_errors()
        last = self._lib.llama_memory_seq_pos_max(self._memory, sequence)
        if read and list(ids) == list(tokens) and last == len(tokens) - 1:
            return True
        self.truncate(sequence, 0)
        return False

    def sampler(self, sampling: TokenSampling) -> TokenSampler:
        return TokenSampler(self._lib, self.logits, sampling)

    def is_end(self, token: int) -> bool:
        return self.vocabulary.is_end(token)

    def close(self) -> None:
        """Give the KV cache back. The weights go with the last reference to the model."""
        self._free()


def _bytes_of(data: NDArray[np.uint8]) -> Any:
    return data.ctypes.data_as(ctypes.POINTER(ctypes.c_uint8))


def build() -> str:
    """Tells builds of llama.cpp apart, and the processors that they were made for."""
    lib = library()
    return f"{lib.__version__} {lib.llama_print_system_info().decode()}"


def _rope_override(lib: Any, length: int, path: Path) -> Any:
    """llama.cpp takes the long factors for a cache of more cells than this, however short the conversations are."""
    architecture = read_header(path).architecture
    overrides = (lib.llama_model_kv_override * 2)()  # the second has no key: it ends the list
    overrides[0].key = f"{architecture}.rope.scaling.original_context_length".encode()
    overrides[0].tag = lib.LLAMA_KV_OVERRIDE_TYPE_INT
    overrides[0].value.val_i64 = length
    return overrides


def _free_context(lib: Any, pointer: int, batch: Any) -> None:
    lib.llama_batch_free(batch)
    lib.llama_free(pointer)


def _explain(name: str, errors: list[str]) -> tuple[str, str]:
    """What llama.cpp's own words mean for a person, and what to do."""
    said = " ".join(errors)
    pull = "docent models list names others that can be installed."
    if unknown := UNKNOWN_ARCHITECTURE.search(said):
        return f"{name} has the architecture {unknown[1]}, which this version of llama.cpp does not know.", pull
    if "not within the file bounds" in said or "corrupted or incomplete" in said:
        return (
            f"{name} is incomplete: its weights end before they should.",
            "Copy or pull it again: docent models pull NAME.",
        )
    if "failed to allocate" in said or "unable to allocate" in said:
        return f"{name} does not fit into this machine's memory.", "Lower DOCENT_CONTEXT or choose a smaller model."
    detail = f" llama.cpp says: {errors[0]}." if errors else ""
    return f"{name} could not be loaded.{detail}", pull
