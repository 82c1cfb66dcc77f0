"""Small wrong programs, made of a right one: each differs from it in one place.

Called by `tests.mutation.running`. `sites` lists them in an order that depends on the source alone, so that a number names the same one every time.

A decorated function, a table at the top of a module and the name of an event are changed like anything else: the hash of a draft is a property,
and who may confirm what is a table. Sentences are left alone, in which people are told something: cards and their tests hold those.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import singledispatch
from typing import Any, cast

#: What is nearly the same: the neighbour at a boundary, and the opposite.
_COMPARED: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
_COMPUTED: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.FloorDiv: ast.Mult,
    ast.Div: ast.Mult,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.BitXor: ast.BitAnd,
}
_CALLED = {"min": "max", "max": "min", "any": "all", "all": "any"}
#: What is only there for whoever reads or checks the source.
_NOT_RUN = (ast.Import, ast.ImportFrom)


@dataclass(frozen=True)
class Site:
    """One change: `node` in `field` of `parent` (at `index`, where that is a list) becomes `mutated`; None takes it out."""

    parent: ast.AST
    field: str
    index: int | None
    node: ast.AST
    mutated: ast.AST | None
    within: str

    @property
    def line(self) -> int:
        return cast(int, getattr(self.node, "lineno", getattr(self.parent, "lineno", 1)))

    @property
    def words(self) -> str:
        """The change as a person reads it, of one line."""
        before = _short(self.node)
        return f"{before} → {_short(self.mutated) if self.mutated else 'nothing'}"

    def apply(self) -> None:
        """Change the tree that this site was found in. There is no way back: parse it anew for the next one."""
        if self.index is None:
            setattr(self.parent, self.field, self.mutated)
        else:
            held: list[Any] = getattr(self.parent, self.field)
            held[self.index : self.index + 1] = [self.mutated] if self.mutated else []


def _short(node: ast.AST) -> str:
    text = " ".join(ast.unparse(node).split())
    return text if len(text) <= 90 else f"{text[:87]}…"


#: The number of no change at all.
UNCHANGED = -1


def mutated(source: str, number: int) -> ast.Module:
    """The tree of `source` with change `number` made."""
    tree = ast.parse(source)
    if number != UNCHANGED:
        list(sites(tree))[number].apply()
    return ast.fix_missing_locations(tree)


def sites(tree: ast.Module) -> Iterator[Site]:
    """Every change there is, in the order of the source."""
    yield from _below(tree, "module")


def _below(parent: ast.AST, within: str) -> Iterator[Site]:
    for field, value in ast.iter_fields(parent):
        if field in ("annotation", "returns", "decorator_list", "type_params"):
            continue
        held = value if isinstance(value, list) else [value]
        for index, node in enumerate(held):
            if not isinstance(node, ast.AST) or isinstance(node, _NOT_RUN) or _is_docstring(node) or _is_for_checkers(node):
                continue
            at = index if isinstance(value, list) else None
            for changed in _changes(node, parent, field):
                yield Site(parent, field, at, node, changed, within)
            name = getattr(node, "name", None) if isinstance(node, ast.FunctionDef | ast.ClassDef) else None
            yield from _below(node, (f"{within}.{name}" if within != "module" else name) if name else within)


def _is_docstring(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _is_for_checkers(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"


def _changes(node: ast.AST, parent: ast.AST, field: str) -> Iterator[ast.AST | None]:
    if field in ("test", "ifs", "guard") and not isinstance(node, ast.Compare | ast.BoolOp | ast.Constant):
        yield ast.Constant(value=False)
        if not isinstance(parent, ast.While):
            yield ast.Constant(value=True)
    if _is_one_of_many(node, parent, field):
        yield None
    yield from _of(node)


def _is_one_of_many(node: ast.AST, parent: ast.AST, field: str) -> bool:
    """An entry of a table, a named argument, a case: what remains can still be read."""
    if isinstance(parent, ast.Set | ast.List | ast.Tuple) and field == "elts":
        return isinstance(getattr(parent, "ctx", ast.Load()), ast.Load) and len(parent.elts) > 1
    if isinstance(parent, ast.Call) and field == "keywords":
        return isinstance(node, ast.keyword) and node.arg is not None
    return isinstance(parent, ast.Match) and field == "cases" and len(parent.cases) > 1


@singledispatch
def _of(_node: ast.AST) -> Iterator[ast.AST | None]:
    yield from ()


@_of.register
def _(node: ast.Compare) -> Iterator[ast.AST | None]:
    for at, operator in enumerate(node.ops):
        for other in _COMPARED[type(operator)]:
            yield ast.Compare(left=node.left, ops=[*node.ops[:at], other(), *node.ops[at + 1 :]], comparators=node.comparators)


@_of.register
def _(node: ast.BoolOp) -> Iterator[ast.AST | None]:
    """Without each of its parts in turn: every one has to matter."""
    for at in range(len(node.values)):
        left = [*node.values[:at], *node.values[at + 1 :]]
        yield left[0] if len(left) == 1 else ast.BoolOp(op=node.op, values=left)


@_of.register
def _(node: ast.UnaryOp) -> Iterator[ast.AST | None]:
    if isinstance(node.op, ast.Not | ast.USub):
        yield node.operand


@_of.register
def _(node: ast.MatchOr) -> Iterator[ast.AST | None]:
    for at in range(len(node.patterns)):
        left = [*node.patterns[:at], *node.patterns[at + 1 :]]
        yield left[0] if len(left) == 1 else ast.MatchOr(patterns=left)


@_of.register
def _(node: ast.BinOp) -> Iterator[ast.AST | None]:
    if isinstance(node.op, ast.BitOr) and ast.unparse(node.right).rpartition(".")[2][:1].isupper():
        # A union of types: without it the module could not even be read.
        return
    yield ast.BinOp(left=node.left, op=_COMPUTED[type(node.op)](), right=node.right)


@_of.register
def _(node: ast.Constant) -> Iterator[ast.AST | None]:
    value = node.value
    if isinstance(value, bool):
        yield ast.Constant(value=not value)
    elif isinstance(value, int):
        yield ast.Constant(value=value + 1)
    elif isinstance(value, str) and " " not in value:
        yield ast.Constant(value=f"{value}~" if value else "~")
    elif isinstance(value, bytes):
        yield ast.Constant(value=value + b"~")


@_of.register
def _(node: ast.Call) -> Iterator[ast.AST | None]:
    if isinstance(node.func, ast.Name) and node.func.id in _CALLED:
        yield ast.Call(func=ast.Name(id=_CALLED[node.func.id], ctx=ast.Load()), args=node.args, keywords=node.keywords)


@_of.register
def _(node: ast.Dict) -> Iterator[ast.AST | None]:
    for at in range(len(node.keys)):
        yield ast.Dict(keys=[*node.keys[:at], *node.keys[at + 1 :]], values=[*node.values[:at], *node.values[at + 1 :]])


@_of.register
def _(node: ast.Return) -> Iterator[ast.AST | None]:
    if node.value is not None and not (isinstance(node.value, ast.Constant) and node.value.value is None):
        yield ast.Return(value=ast.Constant(value=None))


@_of.register
def _(node: ast.Expr) -> Iterator[ast.AST | None]:
    if isinstance(node.value, ast.Call):
        yield ast.Pass()


@_of.register(ast.Raise)
@_of.register(ast.AugAssign)
@_of.register(ast.Continue)
@_of.register(ast.Break)
def _(_node: ast.AST) -> Iterator[ast.AST | None]:
    yield ast.Pass()


@_of.register
def _(node: ast.FunctionDef) -> Iterator[ast.AST | None]:
    """Without the check that pydantic makes of it."""
    for at, decorator in enumerate(node.decorator_list):
        if "validator" in ast.unparse(decorator):
            left = [*node.decorator_list[:at], *node.decorator_list[at + 1 :]]
            fields = {name: value for name, value in ast.iter_fields(node) if name != "decorator_list"}
            yield ast.copy_location(ast.FunctionDef(**fields, decorator_list=left), node)
