"""A first call with boto3, unmodified: run it with the environment that `make up` printed."""

import json

import boto3

runtime = boto3.client("bedrock-runtime")
body = {
    "anthropic_version": "bedrock-2023-05-31",
    "max_tokens": 100,
    "messages": [{"role": "user", "content": "Tell me a short story about a fox."}],
}
answer = runtime.invoke_model_with_response_stream(modelId="craton.tiny-chat-v1", body=json.dumps(body))
for event in answer["body"]:
    chunk = json.loads(event["chunk"]["bytes"])
    print(chunk.get("delta", {}).get("text", ""), end="", flush=True)
print()
