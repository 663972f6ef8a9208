"""Draws mutants: cosmic-ray's operators at places of some modules, by seed.

A place is drawn first and then an operator that fits it, so that a sum, which can be replaced in eleven ways,
is not drawn eleven times as often as a negation. Left out is what cannot change what a program does:

- annotations and docstrings, what makes records immutable and small (`frozen`, `slots`), whether parameters
  are given by name or place, and whether `zip` counts its arguments (`strict`);
- `is` for `==` and the other way round, which differ only for what redefines equality;
- code that does not compile, and code that is the same as before.
"""

import ast
import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from cosmic_ray.ast import Visitor, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator, operator_names

_NEED_NAMES = ("core/VariableInserter", "core/VariableReplacer")
"""Operators of programs that simulate something, to be told which variables they are about."""
_SAME_FOR_SINGLETONS = (
    "core/ReplaceComparisonOperator_Is_Eq",
    "core/ReplaceComparisonOperator_IsNot_NotEq",
    "core/ReplaceComparisonOperator_Eq_Is",
    "core/ReplaceComparisonOperator_NotEq_IsNot",
)
_LOOKS = ("frozen", "slots")
_ASSERTS = ("strict",)


@dataclass(frozen=True, slots=True)
class Mutant:
    """One changed module."""

    module: str
    """Path from the repository's root."""
    operator: str
    line: str
    """The line that was changed, as it stood, without the space around it."""
    number: int
    """Of the mutants of this operator on lines of this text, from 0: places move, lines stay."""
    row: int
    code: str
    """The whole changed module."""

    @property
    def key(self) -> tuple[str, str, str, int]:
        """What names it for as long as its line stands."""
        return (self.module, self.operator, self.line, self.number)

    def __str__(self) -> str:
        """Say where and what."""
        return (
            f"{self.module}:{self.row} {self.operator.removeprefix('core/')} #{self.number} in {self.line!r}"
        )


@dataclass(frozen=True, slots=True)
class _Place:
    module: str
    start: tuple[int, int]
    found: tuple[tuple[str, int, int], ...]
    """Operator, its occurrence in the module, its number among those on lines of the same text."""


class _Places(Visitor):  # type: ignore[misc]
    """Finds where operators apply, in the order in which cosmic-ray counts occurrences."""

    def __init__(self, operators: Sequence[tuple[str, Any]]) -> None:
        self._operators = operators
        self.found: dict[str, list[tuple[int, int]]] = defaultdict(list)

    def visit(self, node: Any) -> Any:
        for name, operator in self._operators:
            self.found[name] += [start for start, _ in operator.mutation_positions(node)]
        return node


class Drawing:
    """The mutants of one seed, in their order."""

    def __init__(self, root: Path, modules: Sequence[str], seed: int) -> None:
        """Draw from `modules`, files below `root`."""
        self._sources = {module: (root / module).read_text() for module in modules}
        self._seed = seed
        self._drawn: list[Mutant] = []
        self._more = self._mutants()

    def mutant(self, index: int) -> Mutant:
        """Return a mutant; after as many as there are places it begins again, with other operators."""
        while len(self._drawn) <= index:
            self._drawn.append(next(self._more))
        return self._drawn[index]

    @cached_property
    def places(self) -> list[_Place]:
        """Everywhere that something can be changed."""
        names = [
            name for name in sorted(operator_names()) if name not in (*_NEED_NAMES, *_SAME_FOR_SINGLETONS)
        ]
        operators = [(name, get_operator(name)()) for name in names]
        places = []
        for module, source in self._sources.items():
            finder, lines = _Places(operators), source.splitlines()
            finder.walk(get_ast(source))
            at: dict[tuple[int, int], list[tuple[str, int, int]]] = defaultdict(list)
            for name, starts in finder.found.items():
                numbers: dict[str, int] = defaultdict(int)
                for occurrence, start in enumerate(starts):
                    line = lines[start[0] - 1].strip()
                    at[start].append((name, occurrence, numbers[line]))
                    numbers[line] += 1
            places += [_Place(module, start, tuple(found)) for start, found in sorted(at.items())]
        return places

    def _mutants(self) -> Iterator[Mutant]:
        round_ = 0
        while True:
            random_ = random.Random(f"mutants/{self._seed}/{round_}")
            for place in random_.sample(self.places, len(self.places)):
                found = self._at(place, random_)
                if found is not None:
                    yield found
            round_ += 1

    def _at(self, place: _Place, random_: random.Random) -> Mutant | None:
        source = self._sources[place.module]
        bare = _bare(source)
        for name, occurrence, number in random_.sample(place.found, len(place.found)):
            code = mutate_code(source, get_operator(name)(), occurrence)
            if code is None or _bare(code) in ("", bare):
                continue
            row = place.start[0]
            return Mutant(place.module, name, source.splitlines()[row - 1].strip(), number, row, code)
        return None


def _bare(source: str) -> str:
    """Return what a module does, as text that two modules share when they do the same; "" if it is none."""
    try:
        tree = _Bare().visit(ast.parse(source))
        compile(ast.fix_missing_locations(tree), "mutant", "exec")
    except (SyntaxError, ValueError):
        return ""
    return ast.dump(tree)


class _Bare(ast.NodeTransformer):
    """Takes away what a program only says about itself."""

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        return node

    def visit_Expr(self, node: ast.Expr) -> ast.AST:
        if isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            return ast.Pass()
        return self.generic_visit(node)

    def visit_arg(self, node: ast.arg) -> ast.AST:
        node.annotation = None
        return node

    def visit_arguments(self, node: ast.arguments) -> ast.AST:
        # With those that can only be given by name, each of which has its default or None.
        required = len(node.posonlyargs) + len(node.args) - len(node.defaults)
        names = [*node.posonlyargs, *node.args]
        defaults = [*([None] * required), *node.defaults, *node.kw_defaults]
        node.posonlyargs, node.args = [], []
        node.kwonlyargs, node.kw_defaults, node.defaults = [*names, *node.kwonlyargs], defaults, []
        return self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        if isinstance(node.func, ast.Name) and node.func.id == "zip":
            node.keywords = [each for each in node.keywords if each.arg not in _ASSERTS]
        return self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        node.annotation = ast.Constant(None)
        return self.generic_visit(node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.returns = None
        return self.generic_visit(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        node.returns = None
        return self.generic_visit(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        for decorator in node.decorator_list:
            if isinstance(decorator, ast.Call):
                decorator.keywords = [each for each in decorator.keywords if each.arg not in _LOOKS]
        return self.generic_visit(node)
