"""The tiny model's files are the ones that were released, and say about themselves what is true."""

import hashlib
import json
import math
from pathlib import Path

from services.chassis import safetensors

MODEL = Path(__file__).parents[3] / "deploy/catalog/craton/tiny-llama"


def _sums() -> dict[str, str]:
    lines = (MODEL / "SHA256SUMS").read_text().splitlines()
    return {name: digest for digest, name in (line.split("  ", 1) for line in lines)}


def test_every_file_has_the_hash_of_its_release() -> None:
    sums = _sums()
    assert sums == {name: hashlib.sha256((MODEL / name).read_bytes()).hexdigest() for name in sums}


def test_the_hashes_cover_everything_but_themselves_the_card_and_the_recipe() -> None:
    files = {path.name for path in MODEL.iterdir() if path.is_file()}
    assert files - {"SHA256SUMS", "MODEL_CARD.md"} == _sums().keys()


def test_the_card_names_the_released_weights() -> None:
    assert _sums()["model.safetensors"] in (MODEL / "MODEL_CARD.md").read_text()


def test_the_weights_have_the_shapes_of_the_configuration() -> None:
    config = json.loads((MODEL / "config.json").read_text())
    with (MODEL / "model.safetensors").open("rb") as file:
        header = file.read(safetensors.header_size(file.read(8)))
    size = (MODEL / "model.safetensors").stat().st_size
    shapes = {info.name: info.shape for info in safetensors.parse_header(header, size)}
    assert {info.dtype for info in safetensors.parse_header(header, size)} == {"BF16"}
    assert shapes["model.embed_tokens.weight"] == (config["vocab_size"], config["hidden_size"])
    layers = {name.split(".")[2] for name in shapes if name.startswith("model.layers.")}
    assert layers == {str(index) for index in range(config["num_hidden_layers"])}
    parameters = sum(math.prod(shape) for shape in shapes.values())
    assert parameters == json.loads((MODEL / "training.json").read_text())["parameters"]


def test_the_tokenizer_ends_a_turn_with_the_token_that_ends_generation() -> None:
    tokenizer = json.loads((MODEL / "tokenizer.json").read_text())
    ids = {token["content"]: token["id"] for token in tokenizer["added_tokens"]}
    names = json.loads((MODEL / "tokenizer_config.json").read_text())
    config = json.loads((MODEL / "config.json").read_text())
    generation = json.loads((MODEL / "generation_config.json").read_text())
    assert config["eos_token_id"] == generation["eos_token_id"] == ids[names["eos_token"]]
    assert config["bos_token_id"] == ids[names["bos_token"]]
    assert len(tokenizer["model"]["vocab"]) == config["vocab_size"]
