"""Import a course's or a submission's files from their text, by module name, without touching `sys.path`.

`scoring/masked_softmax.py` is the module `scoring.masked_softmax`; another file of the same family imports it plainly,
relatively, or by its slug alone. The same code loads references in the grader and submissions in the sandbox, so it
imports nothing but the standard library.
"""

from __future__ import annotations

import ast
import importlib
import sys
from contextlib import contextmanager
from importlib.abc import InspectLoader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import decode_source, spec_from_loader
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from types import CodeType, ModuleType


def file_name(module: str) -> str:
    """The name under which the lines of a module appear in tracebacks."""
    return module.replace(".", "/") + ".py"


def load(sources: Mapping[str, bytes], module: str, *, alone: bool = False) -> ModuleType:
    """Import `module` and the other sources, its `__family__`, and leave `sys.modules` as it was.

    `alone` imports of the others only what it needs.
    """
    with _importable(sources, module.partition(".")[0]):
        loaded = importlib.import_module(module)
        others = [name for name in sources if name != module and not alone]
        loaded.__dict__["__family__"] = [importlib.import_module(name) for name in others]
        return loaded


def load_for_good(sources: Mapping[str, bytes], module: str) -> ModuleType:
    """Import `module`, and keep the sources importable for the rest of this process."""
    sys.meta_path.insert(0, _Finder(sources, module.partition(".")[0]))
    return importlib.import_module(module)


@contextmanager
def _importable(sources: Mapping[str, bytes], section: str) -> Iterator[None]:
    finder = _Finder(sources, section)
    hidden = {name: sys.modules.pop(name) for name in list(sys.modules) if finder.provides(name)}
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
        for name in [name for name in sys.modules if finder.provides(name)]:
            del sys.modules[name]
        sys.modules.update(hidden)


class _Finder(MetaPathFinder, InspectLoader):
    """Serves modules from memory; what has no source but a child is a package, and a bare slug is its section's."""

    def __init__(self, sources: Mapping[str, bytes], section: str) -> None:
        self._sources = dict(sources)
        self._packages = {name[:dot] for name in sources for dot, character in enumerate(name) if character == "."}
        self._siblings = {
            slug: name
            for name in sources
            for package, _, slug in [name.partition(".")]
            if package == section and "." not in slug and slug not in self._packages
        }

    def provides(self, name: str) -> bool:
        return name in self._sources or name in self._packages or name in self._siblings

    def find_spec(self, fullname: str, _path: object = None, _target: object = None) -> ModuleSpec | None:
        if not self.provides(fullname):
            return None
        return spec_from_loader(fullname, self, origin=file_name(fullname), is_package=self.is_package(fullname))

    def is_package(self, fullname: str) -> bool:
        return fullname in self._packages

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        sibling = self._siblings.get(spec.name)
        return importlib.import_module(sibling) if sibling and spec.name not in self._sources else None

    def exec_module(self, module: ModuleType) -> None:
        name = module.__spec__.name if module.__spec__ else module.__name__
        if name in self._sources and not hasattr(module, "__loaded__"):
            module.__dict__["__loaded__"] = True
            module.__file__ = file_name(name)
            exec(_compiled(self._sources[name], name), module.__dict__)  # noqa: S102

    def get_source(self, fullname: str) -> str | None:
        source = self._sources.get(fullname)
        return None if source is None else decode_source(source)


def _compiled(source: bytes, module: str) -> CodeType:
    """The code of a module; what it imports from above its section, `from ..scoring import x`, goes by full name."""
    tree = ast.parse(source, file_name(module))
    above = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.level > 1 and node.module]
    for node in above:
        node.level = 0
    return compile(tree, file_name(module), "exec", dont_inherit=True)
