"""Ways of code to come by a thing without its name standing there: what only a run could tell, seen for what it is."""

import ast
from collections.abc import Callable

from labkit.grading.scopes import text

Paths = frozenset[str]
IMPORTS = {"importlib.import_module", "__import__", "builtins.__import__", "importlib.__import__"}
RUNS = {"exec", "eval", "compile", "builtins.exec", "builtins.eval", "builtins.compile"}
GETATTR = {"getattr", "builtins.getattr"}
VARS = {"vars", "builtins.vars"}
_SPACES = {"globals", "locals", "builtins.globals", "builtins.locals"}
_GETTERS = {"operator.attrgetter", "operator.methodcaller"}
_ALL_OF = {*VARS, "dir", "builtins.dir"}
_BACK_DOORS = {
    "IPython.get_ipython", "gc.get_objects", "gc.get_referrers", "get_ipython", "inspect.currentframe",
    "inspect.getmembers", "inspect.getmodule", "inspect.stack", "marshal.loads", "pickle.load", "pickle.loads",
    "pkgutil.resolve_name", "pydoc.locate", "runpy.run_module", "runpy.run_path", "sys._getframe", "sys.modules",
    "types.CodeType", "types.FunctionType",
}  # fmt: skip
_HIDDEN = {
    "__builtins__", "__closure__", "__code__", "__getattribute__", "__globals__", "__subclasses__", "f_back",
    "f_builtins", "f_globals", "f_locals", "tb_frame",
}  # fmt: skip


def always(node: ast.expr, paths: Callable[[ast.expr], Paths]) -> Paths:
    """The ways by which an expression comes by names of anything at all; none for what stands there or is followed.

    paths: what an expression may stand for, as dotted paths
    """
    match node:
        case ast.Call(func=function, args=arguments):
            called, given = paths(function), text(arguments[0]) if arguments else None
            if called & (IMPORTS | RUNS) and given is None:
                return _own_names(called & (IMPORTS | RUNS))
            if called & _SPACES or (called & VARS and not arguments):
                return _own_names(called & (_SPACES | VARS))
        case ast.Name() | ast.Attribute():
            if isinstance(node, ast.Attribute) and node.attr in _HIDDEN:
                return frozenset({node.attr})
            return _own_names(paths(node) & _BACK_DOORS)
    return frozenset()


def of_a_thing(node: ast.expr, paths: Callable[[ast.expr], Paths]) -> Paths:
    """The ways by which an expression comes by names of one thing, as getattr does with a name put together."""
    match node:
        case ast.Call(func=function, args=arguments):
            called, texts = paths(function), [text(argument) for argument in arguments]
            if called & GETATTR and (len(texts) < 2 or texts[1] is None):
                return frozenset({"getattr"})
            if called & _GETTERS and (not texts or texts[0] is None):
                return _own_names(called & _GETTERS)
            return _own_names(called & _ALL_OF) if arguments else frozenset()
        case ast.Attribute(attr="__dict__"):
            return frozenset({"__dict__"})
    return frozenset()


def is_followed(node: ast.Subscript, paths: Callable[[ast.expr], Paths]) -> bool:
    """Whether it takes one thing, by a name that stands there, of globals(), vars(…), ….__dict__ or sys.modules."""
    if text(node.slice) is None:
        return False
    match node.value:
        case ast.Call(func=function):
            return bool(paths(function) & (_SPACES | VARS))
        case ast.Attribute(attr="__dict__"):
            return True
    return "sys.modules" in paths(node.value)


def _own_names(found: Paths) -> Paths:
    """ "builtins.exec" and "exec" are one."""
    return frozenset(path.removeprefix("builtins.") for path in found)
