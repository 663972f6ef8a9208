"""Opens a model's sealed files in memory and builds transformers objects from them, without a disk."""

import json
import mmap
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
from transformers.modeling_utils import PreTrainedModel
from transformers.models.auto.configuration_auto import AutoConfig
from transformers.utils import logging as transformers_logging

from services.chassis import safetensors
from services.chassis.sealing.frames import open_sealed
from services.chassis.sealing.memory import PlainMemory
from services.chassis.secret import SecretBytes
from services.pool.handover import Handover

# Its report of a checkpoint's tensors is judged here and not printed.
transformers_logging.set_verbosity_error()

_DTYPES = {
    "F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16,
    "F8_E4M3": torch.float8_e4m3fn, "F8_E5M2": torch.float8_e5m2,
    "I64": torch.int64, "I32": torch.int32, "I16": torch.int16, "I8": torch.int8, "U8": torch.uint8,
    "BOOL": torch.bool,
}  # fmt: skip


class ArtifactError(Exception):
    """The artifact cannot be served; the message names files and settings."""


class Artifact:
    """A model's files, decrypted into private memory."""

    def __init__(self, files: Mapping[str, PlainMemory]) -> None:
        """`files` by path."""
        self._files = dict(files)

    @classmethod
    def unseal(cls, material: Handover) -> "Artifact":
        """Decrypt every file that the pool's agent handed over. Raises SealingError."""
        key = SecretBytes(bytes(material.data_key))
        files = {}
        for file in material.files:
            with mmap.mmap(file.descriptor, file.size, flags=mmap.MAP_SHARED, prot=mmap.PROT_READ) as sealed:
                with memoryview(sealed) as view:
                    files[file.path] = open_sealed(view, key, file.path)
        return cls(files)

    def __contains__(self, path: str) -> bool:
        """Whether there is such a file."""
        return path in self._files

    def text(self, path: str) -> str:
        """A file as UTF-8 text. Raises ArtifactError when it is missing."""
        if path not in self._files:
            raise ArtifactError(f"the artifact has no {path}")
        return bytes(self._files[path].view).decode()

    def json(self, path: str) -> dict[str, Any]:
        """A JSON object. Raises ArtifactError when the file is missing or holds something else."""
        document = json.loads(self.text(path))
        if not isinstance(document, dict):
            raise ArtifactError(f"{path} is not a JSON object")
        return document

    def tensors(self) -> dict[str, torch.Tensor]:
        """All tensors of all safetensors files, as views of the decrypted memory.

        A checkpoint in shards needs no index: the shards' headers say it all. Raises ArtifactError,
        SafetensorsError.
        """
        result: dict[str, torch.Tensor] = {}
        for path in sorted(self._files):
            if not path.endswith(".safetensors") or "/" in path:
                continue
            for name, tensor in _read_tensors(self._files[path]):
                if name in result:
                    raise ArtifactError(f"{path} repeats a tensor of another file")
                result[name] = tensor
        if not result:
            raise ArtifactError("the artifact has no safetensors file")
        return result


def build_model(
    model_class: type[PreTrainedModel],
    config: Any,
    tensors: dict[str, torch.Tensor],
    dtype: torch.dtype,
    *,
    spare: Callable[[str], bool] = lambda name: name.endswith("rotary_emb.inv_freq"),
    **arguments: Any,
) -> Any:
    """Build a transformers model on decrypted tensors, ready for inference.

    transformers starts it without memory, takes the tensors as its parameters (no copy where the type is
    already `dtype`), ties what the configuration ties and computes the buffers that no file holds. `spare`
    names tensors that may be left over: by default rotary frequencies, which older checkpoints carry and
    which are computed. Raises ArtifactError when tensors are missing, left over or of another shape.
    """
    try:
        model, report = model_class.from_pretrained(
            None, config=config, state_dict=tensors, dtype=dtype, output_loading_info=True, **arguments
        )
    except (RuntimeError, ValueError) as error:
        raise ArtifactError(f"the weights do not fit the configuration: {error}") from error
    missing, wrong = set(report["missing_keys"]), list(report["mismatched_keys"])
    extra = {name for name in report["unexpected_keys"] if not spare(name)}
    if missing or wrong or extra:
        raise ArtifactError(
            f"the weights do not fit the configuration: {len(missing)} tensors missing, "
            f"{len(wrong)} of another shape, {len(extra)} unknown (first: {sorted([*missing, *extra])[:3]})"
        )
    model.requires_grad_(False)
    return model.eval()


def pick_dtype(wanted: str, tensors: Mapping[str, torch.Tensor], device: str) -> torch.dtype:
    """The type to compute in: "float32", "bfloat16", "float16", or "auto".

    auto is the checkpoint's own type on a GPU. On a CPU it is float32 for models below 256 MiB: small models
    are as fast in it, and its rounding is too fine for the company in a batch to show in a seeded answer.
    """
    named = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
    if wanted != "auto":
        if wanted not in named:
            raise ArtifactError(f"dtype must be auto or one of {', '.join(named)}")
        return named[wanted]
    size = sum(tensor.numel() * tensor.element_size() for tensor in tensors.values())
    if device == "cpu" and size < 1 << 28:
        return torch.float32
    floating = [tensor.dtype for tensor in tensors.values() if tensor.is_floating_point()]
    return max(set(floating), key=floating.count)


def load_config(settings: dict[str, Any]) -> Any:
    """A transformers configuration from the contents of config.json, without a path. Raises ArtifactError."""
    settings = dict(settings)
    model_type = str(settings.pop("model_type", ""))
    # auto_map names code beside the weights; nothing of an artifact is ever executed.
    if "auto_map" in settings:
        raise ArtifactError("models that bring their own code are not served")
    try:
        config = AutoConfig.for_model(model_type, **settings)
    except (ValueError, TypeError) as error:
        raise ArtifactError(f"transformers does not know the architecture {model_type!r}") from error
    config._attn_implementation = "sdpa"
    return config


def _read_tensors(memory: PlainMemory) -> Iterator[tuple[str, torch.Tensor]]:
    view = memory.view
    size = safetensors.header_size(bytes(view[:8]))
    for info in safetensors.parse_header(bytes(view[8 : 8 + size]), len(memory)):
        dtype = _DTYPES[info.dtype]
        count = (info.end - info.start) // dtype.itemsize
        if not count:
            yield info.name, torch.empty(info.shape, dtype=dtype)
            continue
        flat = torch.frombuffer(view, dtype=dtype, count=count, offset=info.start)
        # Files by other tools need not align their tensors, and kernels may rely on it.
        tensor = flat if info.start % dtype.itemsize == 0 else flat.clone()
        yield info.name, tensor.reshape(info.shape)
