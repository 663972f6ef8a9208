"""The checked-in configuration fits the definition of the stack."""

import dataclasses
import shutil
from pathlib import Path

from deploy.local.drift import drift
from deploy.local.stack import Stack


def test_nothing_has_drifted() -> None:
    assert drift() == []


def test_a_moved_port_is_found() -> None:
    stack = Stack.here()
    services = list(stack.definition.services)
    services[0] = dataclasses.replace(services[0], port=7999)
    moved = dataclasses.replace(stack.definition, services=tuple(services))
    problems = drift(dataclasses.replace(stack, definition=moved))
    assert len(problems) == 2
    assert all(services[0].name in line for line in problems)


def test_swapped_uids_of_a_pool_are_found() -> None:
    stack = Stack.here()
    pool = stack.definition.pools[0]
    swapped = dataclasses.replace(pool, uid=pool.sandbox_uid, sandbox_uid=pool.uid)
    changed = dataclasses.replace(stack.definition, pools=(swapped, *stack.definition.pools[1:]))
    assert drift(dataclasses.replace(stack, definition=changed)) == [
        f"pool-{pool.name}.toml: users are not those of stack.toml"
    ]


def test_regions_are_listed_once(tmp_path: Path) -> None:
    stack = Stack.here()
    shutil.copytree(stack.root / "deploy/config", tmp_path / "deploy/config")
    moved = dataclasses.replace(stack, root=tmp_path)
    assert drift(moved) == []
    edge = tmp_path / "deploy/config/edge.toml"
    included = 'include = ["regions.toml", "private.toml"]'
    edge.write_text(edge.read_text().replace(included, 'include = ["private.toml"]\nregions = ["us-east-1"]'))
    assert drift(moved) == ["edge.toml: regions are not those of regions.toml; name it in include"]
    regions = tmp_path / "deploy/config/regions.toml"
    regions.write_text('regions = ["us-east-1"]')
    elsewhere = dataclasses.replace(moved.definition, region="eu-west-1")
    assert drift(dataclasses.replace(moved, definition=elsewhere)) == [
        "regions.toml does not serve the stack's own region, eu-west-1"
    ]


def test_auth_and_edge_know_the_same_private_listeners(tmp_path: Path) -> None:
    stack = Stack.here()
    shutil.copytree(stack.root / "deploy/config", tmp_path / "deploy/config")
    moved = dataclasses.replace(stack, root=tmp_path)
    private = tmp_path / "deploy/config/private.toml"
    private.write_text(private.read_text().replace(":8444", ":8555"))
    port = stack.definition.ports.private
    assert drift(moved) == [f"private.toml: listens on ['{stack.address}:8555'], stack.toml says port {port}"]
    private.write_text(private.read_text().replace(":8555", ":8444"))
    auth = tmp_path / "deploy/config/auth.toml"
    auth.write_text(auth.read_text().replace(', "private.toml"', ""))
    assert drift(moved) == [
        "auth.toml: private_listeners are not those of edge.toml; name private.toml in both includes"
    ]
