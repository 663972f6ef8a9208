"""`craton invoke`."""

import json
import sys
from pathlib import Path

import click
from botocore.exceptions import BotoCoreError, ClientError

from cli.asked_receipt import AskedReceipt
from cli.bedrock import FAMILIES, Prompt, client, family_of, request_body, stream_text
from cli.output import CommandError, Exit, emit, grpc_errors, json_option
from cli.parameters import OutputFile
from cli.running import stopped
from deploy.local.stack import Stack

_EXIT_OF_ERROR = {
    "AccessDeniedException": Exit.REFUSED,
    "UnrecognizedClientException": Exit.REFUSED,
    "InvalidSignatureException": Exit.REFUSED,
    "ResourceNotFoundException": Exit.NOT_FOUND,
    "ServiceUnavailableException": Exit.UNAVAILABLE,
    "ModelNotReadyException": Exit.UNAVAILABLE,
}

_NO_SUCH_MODEL = (
    "The provided model identifier is invalid.",
    "Value at 'modelId' failed",
    "Value at 'modelIdentifier' failed",
)


@click.command()
@click.argument("model_id")
@click.argument("prompt")
@click.option(
    "--family", type=click.Choice(FAMILIES), help="Shape of the body; default: the model's manifest says."
)
@click.option(
    "--max-tokens",
    type=click.IntRange(min=1),
    default=200,
    show_default=True,
    help="Most tokens to generate.",
)
@click.option("--temperature", type=float, help="How freely tokens are drawn; default: the model's own.")
@click.option(
    "--top-p", type=float, help="Draw from the likeliest tokens of this total; default: the model's own."
)
@click.option("--region", default="", help="Default: the profile's.")
@click.option(
    "--receipt",
    "receipt_file",
    metavar="FILE",
    type=OutputFile(),
    help="Ask for a receipt, and write it there; request and response beside it, as it commits to them.",
)
@json_option
@grpc_errors
def invoke(
    model_id: str,
    prompt: str,
    family: str | None,
    max_tokens: int,
    temperature: float | None,
    top_p: float | None,
    region: str,
    receipt_file: Path | None,
    as_json: bool,
) -> None:
    """Ask a model and print the answer as it is generated; PROMPT - reads standard input.

    With --json the model's whole answer is printed, from a call that does not stream.

    \b
    Example:
      craton invoke craton.tiny-chat-v1 "What is the capital of France?"
      craton invoke craton.tiny-chat-v1 "What is the capital of France?" --receipt paris.json
    """
    stack = Stack.here()
    text = sys.stdin.read() if prompt == "-" else prompt
    try:
        family = family or family_of(stack, model_id, region=region)
        body = request_body(family, Prompt(text, max_tokens, temperature, top_p))
        runtime = client(stack, "bedrock-runtime", region=region)
        receipt = None if receipt_file is None else AskedReceipt(runtime)
        if as_json or family == "titan-embeddings":
            answer = runtime.invoke_model(modelId=model_id, body=json.dumps(body))
            content = answer["body"].read()
            emit(json.loads(content), as_json=True)
            if receipt is not None and receipt_file is not None:
                receipt.of_answer(answer["ResponseMetadata"], content).write(receipt_file)
            return
        pieces, request_id = stream_text(runtime, model_id, body, None if receipt is None else receipt.seen)
        for piece in pieces:
            print(piece, end="", flush=True)
        print()
        if receipt is not None and receipt_file is not None:
            own = client(stack, "craton-runtime", region=region)
            receipt.of_stream(own.get_receipt(requestId=request_id)).write(receipt_file)
    except ClientError as error:
        raise aws_error(error) from error
    except BotoCoreError as error:
        raise stopped(stack) or CommandError(str(error), Exit.UNAVAILABLE) from error


def aws_error(error: ClientError) -> CommandError:
    """Return the CommandError for an answer of AWS's form."""
    details = error.response.get("Error", {})
    code, message = details.get("Code", "Unknown"), details.get("Message", "")
    # AWS has no error code of its own for a model that there is not.
    unknown = code == "ValidationException" and any(words in message for words in _NO_SUCH_MODEL)
    number = Exit.NOT_FOUND if unknown else _EXIT_OF_ERROR.get(code, Exit.FAILED)
    return CommandError(f"{code}: {message}", number)
