"""Loading: modules from text, by name, without a trace."""

from __future__ import annotations

import inspect
import sys

import pytest

from headcheck.loading import file_name, load, load_for_good


@pytest.fixture
def import_system(monkeypatch):
    """Puts the import system back as it was."""
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        del sys.modules[name]


def test_a_module_is_loaded_from_its_text():
    """No file, no path."""
    assert load({"scoring.softmax": b"answer = 42"}, "scoring.softmax").answer == 42


@pytest.mark.parametrize(
    "line",
    ["from scoring.mask import *", "from .mask import *", "from mask import *", "from ..scoring.mask import answer"],
)
def test_a_sibling_is_imported_plainly_relatively_or_by_its_slug(line):
    """The ways students write it; above the sections there is nothing, so that a path from there is a full name."""
    module = load({"scoring.softmax": line.encode(), "scoring.mask": b"answer = 42"}, "scoring.softmax")
    assert module.answer == 42


def test_a_sibling_is_one_module_by_whatever_name():
    """Its classes are the same classes, and its lines run once."""
    text = b"import mask\nfrom scoring import mask as again\nsame = mask is again"
    assert load({"scoring.softmax": text, "scoring.mask": b""}, "scoring.softmax").same


def test_another_section_is_imported_by_its_full_name_only():
    """A bare slug means the own section."""
    sources = {"scoring.softmax": b"import other.mask", "other.mask": b""}
    assert load(sources, "scoring.softmax")
    with pytest.raises(ModuleNotFoundError):
        load(sources | {"scoring.softmax": b"import mask"}, "scoring.softmax")


def test_loading_leaves_no_trace():
    """Neither in the modules nor in the finders."""
    modules, finders = dict(sys.modules), list(sys.meta_path)
    load({"scoring.softmax": b"import mask", "scoring.mask": b""}, "scoring.softmax")
    assert (dict(sys.modules), sys.meta_path) == (modules, finders)


def test_loading_that_fails_leaves_no_trace():
    """An exception in the text is the caller's; the modules are as before."""
    modules, finders = dict(sys.modules), list(sys.meta_path)
    with pytest.raises(ZeroDivisionError):
        load({"scoring.softmax": b"1 / 0"}, "scoring.softmax")
    assert (dict(sys.modules), sys.meta_path) == (modules, finders)


def test_a_module_of_the_same_name_is_hidden_and_put_back():
    """A submission called `json` does not replace Python's, nor the other way round."""
    import json

    assert load({"json": b"answer = 42"}, "json").answer == 42
    assert sys.modules["json"] is json


def test_two_loads_share_nothing():
    """What one submission does to its module, another does not see."""
    first = load({"s.a": b"seen = []"}, "s.a")
    first.seen.append(1)
    assert load({"s.a": b"seen = []"}, "s.a").seen == []


def test_lines_appear_under_the_exercises_name():
    """Tracebacks and `inspect` show the student's own lines."""
    module = load({"s.a": b"def f():\n    return 1 / 0\n"}, "s.a")
    with pytest.raises(ZeroDivisionError) as caught:
        module.f()
    assert caught.traceback[-1].frame.code.raw.co_filename == file_name("s.a") == module.__file__ == "s/a.py"


def test_the_text_of_a_module_can_be_asked_for():
    """Decoded by its own declaration; a package that is only a prefix has none."""
    module = load({"s.asked": "# coding: latin-1\nword = 'é'".encode("latin-1")}, "s.asked")
    assert module.__loader__.get_source("s.asked").endswith("word = 'é'")
    assert module.__loader__.get_source("s") is None
    assert "word = 'é'" in inspect.getsource(module)


def test_what_is_loaded_for_good_can_import_later(import_system):
    """In the worker a function may import its sibling when it is called."""
    module = load_for_good({"late.a": b"def f():\n    from b import x\n    return x", "late.b": b"x = 42"}, "late.a")
    assert module.f() == 42


def test_a_module_knows_the_others_that_came_with_it():
    """Also those that it does not import."""
    loaded = load({"tiny.double": b"", "given.data": b"SIZE = 3"}, "tiny.double")
    assert [module.SIZE for module in loaded.__family__] == [3]


def test_a_module_that_is_loaded_alone_imports_only_what_it_needs():
    """Others may need what is not there."""
    sources = {"s.a": b"from s.b import SIZE", "s.b": b"SIZE = 3", "given.c": b"import not_here"}
    assert load(sources, "s.a", alone=True).SIZE == 3
    with pytest.raises(ModuleNotFoundError):
        load(sources, "s.a")


def test_an_exercise_may_have_its_sections_name():
    """The bare name is the section's then, as it is for Python."""
    loaded = load(
        {"attention.attention": b"SIZE = 3", "attention.more": b"from attention.attention import SIZE"},
        "attention.more",
    )
    assert loaded.SIZE == 3
