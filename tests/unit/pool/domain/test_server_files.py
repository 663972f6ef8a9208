"""Files of the model server."""

from hypothesis import given
from hypothesis import strategies as st

from services.pool.domain.server_files import configuration, server_model_name, shim

IDS = st.from_regex(r"[a-z0-9-]{1,9}\.[a-z0-9-]{1,9}([.:][a-z0-9-]{1,9})?", fullmatch=True)


@given(IDS, IDS)
def test_names_are_plain_and_differ_when_the_ids_do(first: str, second: str) -> None:
    name = server_model_name(first)
    assert set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789-_")
    assert (name == server_model_name(second)) == (first == second)


def test_the_configuration_is_decoupled_and_names_the_socket() -> None:
    text = configuration("a_b", "/run/handover/agent.sock")
    assert "decoupled: true" in text
    assert 'string_value: "/run/handover/agent.sock"' in text
    assert text.count("TYPE_UINT8") == 3


def test_the_shim_shuts_its_memory_before_it_loads_anything_else() -> None:
    text = shim("echo", ["/code"])
    compile(text, "model.py", "exec")
    assert text.index("shut_memory()") < text.index("import TritonPythonModel")
