"""Models of other families: the template in the file, its stop token, and llama.cpp's own answer, token by token.

The templates were written anew, each after the shape that the family's models were trained on.
"""

from dataclasses import dataclass
from pathlib import Path

import llama_cpp
import pytest

from server.engine.gguf_header import read_header
from server.engine.llama import Context, Model
from server.engine.scheduler import Finished, Request, Sampled, Scheduler
from server.engine.vocabulary import Vocabulary
from server.llm.chat_template import PLAIN_STOPS, ChatTemplate, choose_template
from server.llm.generator import Message
from server.llm.prompt_tokens import PromptTokenizer
from tests.server.engine.stepping import take_step
from tests.tiny_gguf import MARKS, TinyModel, write_tiny_gguf

TURNS = "{% for m in messages %}"
LLAMA_3 = (
    "{{ bos_token }}" + TURNS + "<|start_header_id|>{{ m.role }}<|end_header_id|>\n\n{{ m.content | trim }}<|eot_id|>"
    "{% endfor %}{% if add_generation_prompt %}<|start_header_id|>assistant<|end_header_id|>\n\n{% endif %}"
)
QWEN = (
    "{% if messages[0].role != 'system' %}<|im_start|>system\nHelp.<|im_end|>\n{% endif %}"
    + TURNS
    + "<|im_start|>{{ m.role + '\n' + m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
GEMMA = (
    "{{ bos_token }}{% if messages[0].role == 'system' %}{{ raise_exception('no system') }}{% endif %}" + TURNS + ""
    "{% set role = 'model' if m.role == 'assistant' else m.role %}"
    "<start_of_turn>{{ role }}\n{{ m.content | trim }}<end_of_turn>\n{% endfor %}"
    "{% if add_generation_prompt %}{{ '<start_of_turn>model\n' }}{% endif %}"
)
MISTRAL = (
    "{{ bos_token }}" + TURNS + "{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('in turn') }}"
    "{% endif %}{% if m.role == 'user' %}{{ '[INST] ' ~ m.content ~ ' [/INST]' }}"
    "{% else %}{{ m.content ~ eos_token }}{% endif %}{% endfor %}"
)
PHI_4 = (
    TURNS + "<|im_start|>{{ m.role }}<|im_sep|>{{ m.content }}<|im_end|>{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant<|im_sep|>{% endif %}"
)
PHI_MOE = (
    TURNS + "<|{{ m.role }}|>\n{{ m.content }}<|end|>\n{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>\n' }}{% endif %}"
)


@dataclass(frozen=True)
class Family:
    model: TinyModel
    end: str  # the token that ends an answer
    prompt: str  # of a system text S, a question Q, an answer A and a question R


FAMILIES = {
    "phi-4": Family(
        TinyModel(
            name="phi-4", template=PHI_4, pre="dbrx", end="<|im_end|>", width=64, heads=4, kv_heads=1,
            marks=("<|endoftext|>", "<|im_start|>", "<|im_sep|>", "<|im_end|>"),
        ),
        "<|im_end|>",
        "<|im_start|>system<|im_sep|>S<|im_end|><|im_start|>user<|im_sep|>Q<|im_end|><|im_start|>assistant<|im_sep|>A"
        "<|im_end|><|im_start|>user<|im_sep|>R<|im_end|><|im_start|>assistant<|im_sep|>",
    ),
    "phi-3.5-moe": Family(
        TinyModel(architecture="phimoe", template=PHI_MOE, width=64, heads=4, kv_heads=1, trained_context=128),
        "<|end|>",
        "<|system|>\nS<|end|>\n<|user|>\nQ<|end|>\n<|assistant|>\nA<|end|>\n<|user|>\nR<|end|>\n<|assistant|>\n",
    ),
    "phi-2": Family(  # and phi-1, phi-1.5: without a template and without turns
        TinyModel(
            architecture="phi2", name="phi-2", template="", pre="gpt-2", rope_share=2, marks=("<|endoftext|>",)
        ),
        "<|endoftext|>",
        "System: S\n\nUser: Q\n\nAssistant: A\n\nUser: R\n\nAssistant:",
    ),
    "llama-3": Family(
        TinyModel(
            architecture="llama", name="llama-3", template=LLAMA_3, pre="llama-bpe", end="<|eot_id|>", kv_heads=1,
            marks=("<|begin_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"),
        ),
        "<|eot_id|>",
        "<|start_header_id|>system<|end_header_id|>\n\nS<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nQ<|eot_id|>"
        "<|start_header_id|>assistant<|end_header_id|>\n\nA<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nR"
        "<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n",
    ),
    "qwen-2.5": Family(
        TinyModel(
            architecture="qwen2", name="qwen", template=QWEN, pre="qwen2", end="<|im_end|>", has_output=False,
            marks=("<|endoftext|>", "<|im_start|>", "<|im_end|>"),
        ),
        "<|im_end|>",
        "<|im_start|>system\nS<|im_end|>\n<|im_start|>user\nQ<|im_end|>\n<|im_start|>assistant\nA<|im_end|>\n"
        "<|im_start|>user\nR<|im_end|>\n<|im_start|>assistant\n",
    ),
    "gemma": Family(
        TinyModel(
            architecture="gemma", name="gemma", template=GEMMA, has_output=False, end="<end_of_turn>",
            marks=("<start_of_turn>", "<end_of_turn>"),
            metadata={"gemma.attention.key_length": 16, "gemma.attention.value_length": 16},
        ),
        "<end_of_turn>",
        "<s><start_of_turn>user\nS\n\nQ<end_of_turn>\n<start_of_turn>model\nA<end_of_turn>\n<start_of_turn>user\nR"
        "<end_of_turn>\n<start_of_turn>model\n",
    ),
    "mistral": Family(
        TinyModel(architecture="llama", name="mistral", template=MISTRAL, marks=("[INST]", "[/INST]"), end="</s>"),
        "</s>",
        "<s>[INST] S\n\nQ [/INST]A</s>[INST] R [/INST]",
    ),
}  # fmt: skip
CONVERSATION = [Message("system", "S"), Message("user", "Q"), Message("assistant", "A"), Message("user", "R")]
COUNT = 12  # tokens


@pytest.fixture(params=FAMILIES)
def family(request: pytest.FixtureRequest) -> Family:
    return FAMILIES[request.param]


@pytest.fixture
def path(family: Family, tmp_path: Path) -> Path:
    return write_tiny_gguf(tmp_path / "tiny.gguf", family.model)


def template_of(path: Path, vocabulary: Vocabulary) -> ChatTemplate:
    header = read_header(path)
    marks = frozenset(special.text for special in vocabulary.specials)
    bos, eos = vocabulary.text_of(vocabulary.bos), vocabulary.text_of(vocabulary.eos)
    return choose_template(header.chat_template, header.architecture, marks, bos=bos, eos=eos)


def test_its_template_and_its_end_are_used(family: Family, path: Path) -> None:
    vocabulary = Vocabulary(Model(path))
    template = template_of(path, vocabulary)
    rendered = "".join(segment.text for segment in template.render(CONVERSATION))
    assert rendered.removeprefix(vocabulary.text_of(vocabulary.bos)) == family.prompt.removeprefix("<s>")
    assert template.stops == (() if family.model.template else PLAIN_STOPS)
    ends = [special.text for special in vocabulary.specials if vocabulary.is_end(special.id)]
    assert family.end in ends


def test_it_answers_as_llama_cpp_does(family: Family, path: Path) -> None:
    model = Model(path)
    vocabulary = Vocabulary(model)
    questions = [Message("system", "of the one"), Message("user", "what is it <|im_end|> </s>, then?")]
    segments = template_of(path, vocabulary).render(questions)
    prompt = PromptTokenizer(vocabulary).encode(segments)
    reference = llama_cpp.Llama(str(path), n_ctx=512, n_threads=1, verbose=False)
    wanted: list[int] = []
    for token in reference.generate(prompt, temp=0.0):
        if len(wanted) == COUNT or vocabulary.is_end(token):
            break
        wanted.append(token)

    context = Context(model, vocabulary, cells=512, sequences=2, batch=72, threads=1)
    scheduler = Scheduler(context, slots=2, cells=512)
    scheduler.submit(Request(1, tuple(prompt), COUNT))
    events = [event for _ in iter(lambda: scheduler.busy, False) for _, event in take_step(scheduler)]
    context.close()
    assert [event.pick.token for event in events if isinstance(event, Sampled)] == wanted
    assert isinstance(events[-1], Finished)


def test_no_text_of_a_person_becomes_its_markup(family: Family, path: Path) -> None:
    vocabulary = Vocabulary(Model(path))
    template, tokenizer = template_of(path, vocabulary), PromptTokenizer(vocabulary)
    marks = {special.id for special in vocabulary.specials}
    hostile = "".join((*family.model.marks, *MARKS))
    harmless, attacked = (
        [token for token in tokenizer.encode(template.render([Message("user", content)])) if token in marks]
        for content in ("what is it", hostile)
    )
    assert attacked == harmless
