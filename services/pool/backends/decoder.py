"""Builds the engine of a text generation model from an artifact."""

import time

from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING

from services.pool.backends.artifact import Artifact, ArtifactError, build_model, load_config, pick_dtype
from services.pool.backends.engine import Engine, mask_maker
from services.pool.backends.failures import log_failure
from services.pool.backends.kv_cache import SlotCache


def boottime() -> float:
    """Seconds since boot."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def build_engine(artifact: Artifact, parameters: dict[str, str]) -> tuple[Engine, int]:
    """Build model, cache and engine from an artifact; returns the engine and the context length in tokens.

    Raises ArtifactError when transformers has no such architecture or the weights do not fit.
    """
    device = parameters.get("device", "cpu")
    config = load_config(artifact.json("config.json"))
    model_class = MODEL_FOR_CAUSAL_LM_MAPPING.get(type(config), None)
    if model_class is None:
        raise ArtifactError(f"{config.model_type} is no text generation architecture that transformers knows")
    tensors = artifact.tensors()
    dtype = pick_dtype(parameters.get("dtype", "auto"), tensors, device)
    model = build_model(model_class, config, tensors, dtype).to(device)
    text = config.get_text_config()
    context = int(text.max_position_embeddings)
    shape = {
        "layers": int(text.num_hidden_layers),
        "kv_heads": int(text.num_key_value_heads),
        "context": context,
        "head_dim": int(getattr(text, "head_dim", None) or text.hidden_size // text.num_attention_heads),
    }
    budget = int(parameters.get("kv_cache_mib", "1024")) << 20
    slots = min(
        int(parameters.get("max_streams", "32")),
        budget // SlotCache.slot_bytes(**shape, item_size=dtype.itemsize),
    )
    if slots < 1:
        raise ArtifactError("kv_cache_mib is too small for one sequence of the model's context length")
    engine = Engine(
        model,
        SlotCache(**shape, slots=slots + 1, dtype=dtype, device=device),
        slots=slots,
        context=context,
        mask_for=mask_maker(text, context),
        boottime=boottime,
        on_error=log_failure,
    )
    return engine, context
