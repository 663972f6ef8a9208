"""Sentence embeddings with an encoder of transformers, as its sentence-transformers files describe them."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from transformers.models.auto.modeling_auto import MODEL_MAPPING

from services.pool.backends.artifact import Artifact, ArtifactError, build_model, load_config, pick_dtype
from services.pool.backends.prompts import encode, load_tokenizer

# Tokens of one pass, padding included: enough to fill the machine, few enough for the next to wait briefly.
_BATCH_TOKENS = 2048


class Encoder:
    """An encoder and its pooling."""

    def __init__(self, artifact: Artifact, parameters: dict[str, str]) -> None:
        """Build from an artifact. Raises ArtifactError when it is no sentence encoder that is known here."""
        self._device = parameters.get("device", "cpu")
        self._mean = _pools_by_mean(artifact)
        config = load_config(artifact.json("config.json"))
        model_class = MODEL_MAPPING.get(type(config), None)
        if model_class is None:
            raise ArtifactError(f"{config.model_type} is no encoder that transformers knows")
        if config.is_encoder_decoder:
            raise ArtifactError("encoder-decoder models are not served as embeddings")
        tensors = artifact.tensors()
        dtype = pick_dtype(parameters.get("dtype", "auto"), tensors, self._device)
        # Sentence embeddings pool the last layer themselves: the classifier's pooler is not needed.
        arguments = {"add_pooling_layer": False} if config.model_type in _WITH_POOLER else {}
        self._model = build_model(model_class, config, tensors, dtype, spare=_is_spare, **arguments)
        self._model = self._model.to(self._device)
        self._tokenizer = load_tokenizer(artifact)
        self._pad = int(config.pad_token_id or 0)
        self.dimensions = int(config.hidden_size)
        self.context = _context(artifact, config)

    def tokens(self, text: str) -> list[int]:
        """Tokens of a text, with those that the model expects around it."""
        return encode(self._tokenizer, text, special=True)

    def embed(
        self, texts: Sequence[Sequence[int]], between: Callable[[], None] = lambda: None
    ) -> list[list[float]]:
        """One vector a text (as tokens), in order, not normalised. `between` is called after each pass."""
        order = sorted(range(len(texts)), key=lambda index: len(texts[index]))
        result: list[list[float]] = [[] for _ in texts]
        with torch.inference_mode():
            for batch in _batches(order, [len(text) for text in texts]):
                vectors = self._pass([texts[index] for index in batch])
                for index, vector in zip(batch, vectors, strict=True):
                    result[index] = vector
                between()
        return result

    def _pass(self, texts: Sequence[Sequence[int]]) -> list[list[float]]:
        longest = max(map(len, texts))
        tokens = torch.tensor([[*text, *([self._pad] * (longest - len(text)))] for text in texts])
        lengths = torch.tensor([[len(text)] for text in texts])
        mask = (torch.arange(longest) < lengths).to(self._device)
        hidden = self._model(
            input_ids=tokens.to(self._device), attention_mask=mask.long()
        ).last_hidden_state.float()
        if not self._mean:
            return hidden[:, 0].tolist()  # type: ignore[no-any-return]
        weights = mask.unsqueeze(-1).float()
        return ((hidden * weights).sum(1) / weights.sum(1)).tolist()  # type: ignore[no-any-return]


# Architectures whose class adds a pooler unless it is told not to.
_WITH_POOLER = frozenset({"bert", "roberta", "xlm-roberta", "camembert", "mpnet", "electra"})


def _is_spare(name: str) -> bool:
    return name.startswith("pooler.") or name.endswith("embeddings.position_ids")


def _batches(order: Sequence[int], lengths: Sequence[int]) -> list[list[int]]:
    """Split indices sorted by length so that no batch has more than _BATCH_TOKENS padded tokens."""
    batches: list[list[int]] = []
    for index in order:
        # Sorted: the newest is the longest, and every text of its batch is padded to it.
        if not batches or (len(batches[-1]) + 1) * lengths[index] > _BATCH_TOKENS:
            batches.append([])
        batches[-1].append(index)
    return batches


def _pools_by_mean(artifact: Artifact) -> bool:
    if "1_Pooling/config.json" not in artifact:
        return True
    settings = artifact.json("1_Pooling/config.json")
    chosen = {name for name, value in settings.items() if name.startswith("pooling_mode_") and value}
    if chosen == {"pooling_mode_mean_tokens"}:
        return True
    if chosen == {"pooling_mode_cls_token"}:
        return False
    raise ArtifactError("only pooling by mean or by the first token is known")


def _context(artifact: Artifact, config: Any) -> int:
    context = int(config.max_position_embeddings)
    if "sentence_bert_config.json" in artifact:
        context = min(
            context, int(artifact.json("sentence_bert_config.json").get("max_seq_length") or context)
        )
    return context
