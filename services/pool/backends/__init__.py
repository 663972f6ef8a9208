"""Model backends: the code that runs inside the sandbox, in Triton's Python stub.

Each of `causal_lm`, `embeddings` and `echo` holds a `TritonPythonModel`. They open sealed weights in memory,
read sealed requests and write sealed answers; nothing here dials, logs content or writes a file.
"""
