"""Tokens of a prompt or a conversation."""

from datetime import UTC, datetime
from typing import Any

from craton.pool.v1.model_exchange_pb2 import FailureReason, GenerateRequest
from jinja2 import TemplateError
from jinja2.ext import loopcontrols
from jinja2.sandbox import ImmutableSandboxedEnvironment
from tokenizers import Tokenizer

from services.pool.backends.artifact import Artifact, ArtifactError
from services.pool.backends.generation import Limits, RequestRefused

# No vocabulary has tokens of so many bytes in running text; longer prompts are refused before they cost
# the time of being split.
_MOST_BYTES_A_TOKEN = 128


class Prompter:
    """Renders and splits prompts as the model's own files say."""

    def __init__(self, artifact: Artifact) -> None:
        """Read tokenizer.json, tokenizer_config.json and the chat template. Raises ArtifactError."""
        self.tokenizer = load_tokenizer(artifact)
        settings = artifact.json("tokenizer_config.json") if "tokenizer_config.json" in artifact else {}
        self._special = {
            name: _token_text(settings[name])
            for name in ("bos_token", "eos_token", "unk_token", "pad_token")
            if settings.get(name)
        }
        self._template = _compile(_template_source(artifact, settings))

    @property
    def has_chat_template(self) -> bool:
        """Whether conversations can be rendered."""
        return self._template is not None

    def end_tokens(self, artifact: Artifact) -> frozenset[int]:
        """The tokens that end the model's turn, from every file that may name them."""
        ends: set[int] = set()
        for path in ("generation_config.json", "config.json"):
            value = artifact.json(path).get("eos_token_id") if path in artifact else None
            ends.update(value if isinstance(value, list) else [] if value is None else [value])
        eos = self.tokenizer.token_to_id(self._special.get("eos_token", ""))
        return frozenset(ends if eos is None else {*ends, eos})

    def encode(self, request: GenerateRequest, limits: Limits) -> list[int]:
        """Tokens of a request's prompt. Raises RequestRefused."""
        if request.messages:
            text, special = self._render(request), False
        else:
            text, special = request.prompt, True
        if len(text) > _MOST_BYTES_A_TOKEN * limits.max_input_tokens:
            raise RequestRefused(
                FailureReason.FAILURE_REASON_PROMPT_TOO_LONG,
                f"the prompt is longer than the {limits.max_input_tokens} tokens that this model takes",
            )
        # A rendered conversation already holds its special tokens.
        return encode(self.tokenizer, text, special=special)

    def decode(self, ids: list[int]) -> str:
        """Text of tokens, without special ones."""
        return str(self.tokenizer.decode(ids, skip_special_tokens=True))

    def _render(self, request: GenerateRequest) -> str:
        if self._template is None:
            raise RequestRefused(
                FailureReason.FAILURE_REASON_INVALID_PARAMETER, "this model takes no conversations"
            )
        messages = [{"role": message.role, "content": message.text} for message in request.messages]
        try:
            return str(self._template.render(messages=messages, add_generation_prompt=True, **self._special))
        except TemplateError as error:
            # Templates refuse orders of roles that the model was not trained on.
            raise RequestRefused(
                FailureReason.FAILURE_REASON_INVALID_PARAMETER,
                "the model's chat template does not take this order of roles",
            ) from error


def load_tokenizer(artifact: Artifact) -> Tokenizer:
    """The fast tokenizer, as it is: neither cutting nor padding. Raises ArtifactError."""
    if "tokenizer.json" not in artifact:
        raise ArtifactError("the artifact needs a tokenizer.json; save it with a fast tokenizer")
    tokenizer = Tokenizer.from_str(artifact.text("tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    # The tokenizer would keep words of earlier prompts, for speed.
    if hasattr(tokenizer.model, "_resize_cache"):
        tokenizer.model._resize_cache(0)
    return tokenizer


def encode(tokenizer: Tokenizer, text: str, *, special: bool) -> list[int]:
    """Tokens of `text`; `special` adds those that the model expects around every text."""
    return list(tokenizer.encode(text, add_special_tokens=special).ids)


def _template_source(artifact: Artifact, settings: dict[str, Any]) -> str | None:
    if "chat_template.jinja" in artifact:
        return artifact.text("chat_template.jinja")
    template = settings.get("chat_template")
    if isinstance(template, list):
        # Several named templates: the one for plain conversations.
        template = next((each["template"] for each in template if each.get("name") == "default"), None)
    return template


def _compile(source: str | None) -> Any:
    if source is None:
        return None
    # The template is the provider's program: it runs without access to attributes that lead anywhere.
    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[loopcontrols], autoescape=False
    )

    def refuse(message: str) -> None:
        raise TemplateError(message)

    environment.globals["raise_exception"] = refuse
    environment.globals["strftime_now"] = lambda pattern: datetime.now(UTC).strftime(pattern)
    return environment.from_string(source)


def _token_text(value: Any) -> str:
    return str(value["content"]) if isinstance(value, dict) else str(value)
