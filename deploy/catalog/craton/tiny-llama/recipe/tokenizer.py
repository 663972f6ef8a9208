"""The tokenizer: a byte-level BPE of 2,048 tokens, and the chat template.

Any text can be written with it and comes back byte for byte, because the 256 bytes are
tokens themselves. Digits stay single, so that small sums can be learned.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers

VOCABULARY = 2048
BEGIN, END, PAD = "<|begin|>", "<|end|>", "<|pad|>"
ROLES = ("system", "user", "assistant", "tool")
SPECIAL = [BEGIN, END, PAD, *(f"<|{role}|>" for role in ROLES)]

# Positions the model was trained for.
CONTEXT = 2048

# What a user writes can never become a control token: "<|" is broken up before the
# text is put between the turns.
CHAT_TEMPLATE = """\
{%- macro words(content) -%}
{%- set joined = namespace(text='') -%}
{%- if content is string -%}
{%- set joined.text = content -%}
{%- else -%}
{%- for part in content if part.type == 'text' -%}
{%- set joined.text = joined.text + part.text -%}
{%- endfor -%}
{%- endif -%}
{{- joined.text | trim | replace('<|', '< |') -}}
{%- endmacro -%}
{{- bos_token -}}
{%- set spoken = messages -%}
{%- set system = '' -%}
{%- if messages and messages[0].role == 'system' -%}
{%- set system = words(messages[0].content) -%}
{%- set spoken = messages[1:] -%}
{%- endif -%}
{%- if system or tools -%}
{{- '<|system|>' + system -}}
{%- if tools -%}
{{- ('\\n' if system else '') + 'Tools:' -}}
{%- for tool in tools -%}
{{- '\\n' + ((tool.function if tool.function is defined else tool) | tojson | replace('<|', '< |')) -}}
{%- endfor -%}
{%- endif -%}
{{- eos_token -}}
{%- endif -%}
{%- for message in spoken -%}
{%- if message.role not in ('user', 'assistant', 'tool') -%}
{{- raise_exception('A turn is of the user, the assistant or a tool; a system turn comes first.') -}}
{%- endif -%}
{{- '<|' + message.role + '|>' + words(message.content) + eos_token -}}
{%- endfor -%}
{%- if add_generation_prompt -%}
{{- '<|assistant|>' -}}
{%- endif -%}
"""


def train(texts: Iterator[str]) -> Tokenizer:
    """Learns the merges from the texts. The same texts give the same tokenizer."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=SPECIAL,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    # A plain prompt starts where a document starts; the chat template writes the token itself.
    begin = (BEGIN, tokenizer.token_to_id(BEGIN))
    tokenizer.post_processor = processors.Sequence(
        [
            processors.ByteLevel(trim_offsets=False),
            processors.TemplateProcessing(single=f"{BEGIN} $A", special_tokens=[begin]),
        ]
    )
    return tokenizer


def save(tokenizer: Tokenizer, folder: Path) -> None:
    """Writes tokenizer.json and tokenizer_config.json as transformers reads them."""
    tokenizer.save(str(folder / "tokenizer.json"))
    config = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": BEGIN,
        "eos_token": END,
        "pad_token": PAD,
        "additional_special_tokens": SPECIAL[3:],
        "model_max_length": CONTEXT,
        "clean_up_tokenization_spaces": False,
        "chat_template": CHAT_TEMPLATE,
    }
    text = json.dumps(config, indent=2, sort_keys=True) + "\n"
    (folder / "tokenizer_config.json").write_text(text, encoding="utf-8")
