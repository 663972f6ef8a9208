"""Programs that begin as a copy of a process are like those that begin by themselves."""

import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.fakes.begun import Begun

PROGRAM = """
import json, os, sys
sys.stderr.write("said aside")
print(json.dumps([sys.argv[1:], sorted(os.environ), os.getcwd(), "colorsys" in sys.modules, __name__]))
sys.exit(int(sys.argv[1]))
"""


@pytest.fixture(scope="module")
def begun() -> Iterator[Begun]:
    one = Begun("colorsys")
    yield one
    one.end()


@pytest.fixture
def program(tmp_path: Path) -> str:
    file = tmp_path / "program.py"
    file.write_text(PROGRAM)
    return str(file)


def test_everything_is_the_programs_own(begun: Begun, program: str, tmp_path: Path) -> None:
    done = begun.run(program, ["3", "b"], env={"ONE": "1"}, cwd=tmp_path)
    assert done.returncode == 3
    assert done.stderr == "said aside"
    assert done.stdout == f'[["3", "b"], ["ONE"], "{tmp_path}", true, "__main__"]\n'
    with pytest.raises(subprocess.CalledProcessError) as caught:
        begun.run(program, ["1"], env={}, check=True)
    assert caught.value.stderr == "said aside"


def test_several_run_at_a_time(begun: Begun, program: str) -> None:
    with ThreadPoolExecutor(8) as threads:
        codes = threads.map(lambda code: begun.run(program, [str(code)], env={}).returncode, range(16))
        assert list(codes) == list(range(16))


def test_one_that_does_not_end_is_killed(begun: Begun, tmp_path: Path) -> None:
    (tmp_path / "sleeps.py").write_text("import time\ntime.sleep(60)")
    with pytest.raises(subprocess.TimeoutExpired):
        begun.run(str(tmp_path / "sleeps.py"), [], env={}, timeout=0.5)


def test_a_module_and_a_traceback(begun: Begun) -> None:
    done = begun.run("json.tool", ["/nowhere"], env={})
    assert done.returncode != 0
    assert "/nowhere" in done.stderr
