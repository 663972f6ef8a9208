"""The files that the model server reads: a model's configuration and the shim that imports its backend."""

from collections.abc import Sequence

from services.pool.handover import SOCKET_PARAMETER

_BACKENDS = {
    "text-generation": "services.pool.backends.causal_lm",
    "embeddings": "services.pool.backends.embeddings",
    "echo": "services.pool.backends.echo",
}

_CONFIGURATION = """\
name: "{name}"
backend: "python"
max_batch_size: 0
input [
  {{ name: "SESSION" data_type: TYPE_UINT8 dims: [ -1 ] }},
  {{ name: "REQUEST" data_type: TYPE_UINT8 dims: [ -1 ] }}
]
output [ {{ name: "RESPONSE" data_type: TYPE_UINT8 dims: [ -1 ] }} ]
model_transaction_policy {{ decoupled: true }}
instance_group [ {{ count: 1 kind: KIND_CPU }} ]
parameters {{ key: "{parameter}" value {{ string_value: "{socket}" }} }}
"""

_SHIM = """\
import sys

sys.path[:0] = {python_path!r}
from services.pool.handover import shut_memory  # noqa: E402

shut_memory()
from {module} import TritonPythonModel  # noqa: E402, F401
"""


def server_model_name(model_id: str) -> str:
    """Return a model's name inside the model server: letters, digits, "-" and "_", one for each id."""
    return model_id.replace(".", "_").replace(":", "__")


def configuration(name: str, socket: str) -> str:
    """Return config.pbtxt of a model whose process finds the agent at `socket`."""
    return _CONFIGURATION.format(name=name, parameter=SOCKET_PARAMETER, socket=socket)


def shim(task: str, python_path: Sequence[str]) -> str:
    """Return 1/model.py for a model of `task`. The model server ignores PYTHONPATH."""
    return _SHIM.format(python_path=list(python_path), module=_BACKENDS[task])
