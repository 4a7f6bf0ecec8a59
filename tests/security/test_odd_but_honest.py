"""Right code in odd styles: whatever an honest student writes, it keeps all its points at every level that grades.

One class holds them all, a student a style, and is graded by the real command: at level `full`, at level `strong`
(where bubblewrap is not on the PATH), and, when the tests run as root, once more as an ordinary user. As root it is
also hard: workers become `nobody`, and without namespaces they may not enter a Python that lives in root's home.
"""

# ruff: noqa: E501  (students do not wrap their lines)

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HEADS = '''\
import torch


def transpose_qkv(X, num_heads):
    """Head i of example b becomes row b * num_heads + i."""
    batch, positions, width = X.shape
    if width % num_heads:
        raise ValueError("the heads do not divide the features")
    return X.reshape(batch, positions, num_heads, width // num_heads).transpose(1, 2).flatten(0, 1)


def transpose_output(X, num_heads):
    """The way back."""
    rows, positions, size = X.shape
    if rows % num_heads:
        raise ValueError("the heads do not divide the rows")
    return X.reshape(rows // num_heads, num_heads, positions, size).transpose(1, 2).flatten(2)
'''
SOFTMAX = '''\
import torch


def masked_softmax(X, valid_lens=None):
    """Softmax over the first valid_lens keys."""
    if valid_lens is None:
        return torch.softmax(X, dim=-1)
    lengths = valid_lens.reshape(X.shape[0], -1, 1)
    padded = torch.arange(X.shape[-1]) >= lengths
    empty = lengths <= 0
    return X.masked_fill(padded & ~empty, float("-inf")).softmax(-1).masked_fill(padded, 0.0)
'''
ADDITIVE = """
import torch
from torch import nn
{imported}


class AdditiveAttention(nn.Module):
    def __init__(self, key_size, query_size, num_hiddens, dropout):
        super().__init__()
        self.W_k = nn.Linear(key_size, num_hiddens, bias=False)
        self.W_q = nn.Linear(query_size, num_hiddens, bias=False)
        self.w_v = nn.Linear(num_hiddens, 1, bias=False)
        self.dropout = nn.Dropout(dropout)

    def forward(self, queries, keys, values, valid_lens=None):
        hidden = self.W_q(queries).unsqueeze(2) + self.W_k(keys).unsqueeze(1)
        scores = self.w_v(torch.tanh(hidden)).squeeze(-1)
        self.attention_weights = {call}(scores, valid_lens)
        return torch.bmm(self.dropout(self.attention_weights), values)
"""

# What stands before the answer, in the same file.

BEFORE = {
    "prints_at_import": """
        import sys
        print("hello", [1, 2, 3], flush=True)
        print("to stderr", file=sys.stderr)
        sys.stdout.write("no newline")
        sys.stdout.flush()
    """,
    "prints_tensors": """
        import torch
        print(torch.ones(3), torch.randn(2000), torch.nn.Linear(2, 3), torch.ones(2, requires_grad=True).exp())
        print(repr(torch.tensor([True])), str(torch.float16), torch.arange(3).tolist(), f"{torch.tensor(0.5):.3f}")
    """,
    "sets_up_its_output": """
        import sys
        sys.stdout.reconfigure(encoding="utf-8", line_buffering=True)
        sys.stderr.reconfigure(errors="replace")
        sys.stdout.buffer.write("bytes \\u2713".encode(sys.stdout.encoding))
        assert not sys.stdout.isatty() and sys.stdout.writable() and "surrogate \\ud800".isascii() is False
        print("a lone one: \\ud800", "a tick: \\u2713", end="")
    """,
    "megabytes_at_import": """
        import sys
        for _ in range(30):
            print("x" * 100_000)
            print("y" * 100_000, file=sys.stderr)
        print("z" * 8_000_000, end="")
    """,
    "warns_at_import": """
        import warnings
        warnings.warn("deprecated", DeprecationWarning)
        warnings.warn("look out")
    """,
    "warnings_are_errors": """
        import warnings
        warnings.simplefilter("error")
    """,
    "warnings_always": """
        import warnings
        warnings.simplefilter("always")
        warnings.warn("now", UserWarning, stacklevel=2)
    """,
    "logs": """
        import logging
        logging.basicConfig(level=logging.DEBUG, format="%(asctime)s %(name)s %(levelname)s %(message)s")
        log = logging.getLogger(__name__)
        log.debug("starting"); log.warning("careful")
        logging.captureWarnings(True)
    """,
    "torch_threads": """
        import torch
        torch.set_num_threads(4)
        A = torch.randn(600, 600)
        A @ A
    """,
    "seeds": """
        import random
        import numpy as np, torch
        random.seed(0); np.random.seed(0); torch.manual_seed(0)
        generator = torch.Generator().manual_seed(1)
    """,
    "default_dtype": """
        import torch
        torch.set_default_dtype(torch.float64)
    """,
    "torch_settings": """
        import torch
        torch.set_printoptions(precision=2, sci_mode=False)
        torch.use_deterministic_algorithms(True)
        torch.autograd.set_detect_anomaly(True)
        torch.set_grad_enabled(True)
        device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        torch.zeros(1).to(device)
        torch.backends.mps.is_available()
    """,
    "interpreter_settings": """
        import atexit, gc, os, sys
        sys.setrecursionlimit(20_000)
        sys.path.append("..")
        sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
        os.environ["CUDA_VISIBLE_DEVICES"] = ""
        os.environ.setdefault("KMP_DUPLICATE_LIB_OK", "TRUE")
        gc.disable()
        atexit.register(print, "bye")
        here = __import__("pathlib").Path(__file__).resolve().parent
        os.cpu_count(), os.getcwd(), os.path.exists("data.csv")
    """,
    "computes_at_import": """
        import torch
        model = torch.nn.Sequential(torch.nn.Linear(8, 32), torch.nn.ReLU(), torch.nn.Linear(32, 1))
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
        for _ in range(200):
            optimizer.zero_grad()
            loss = torch.nn.functional.mse_loss(model(torch.randn(16, 8)), torch.zeros(16, 1))
            loss.backward()
            optimizer.step()
        table = {n: sum(d for d in range(1, n) if n % d == 0) for n in range(1500)}
    """,
    "slow_to_import": """
        import time
        time.sleep(1.5)
    """,
    "a_gibibyte": """
        import torch
        kept = torch.zeros(2**28)
        kept[::16384] = 1
    """,
    "unicode_names": """
        größe, 注意力, π, ﬁeld = 3, "attention", 3.14159, 2
        def ähnlichkeit(schlüssel, θ=π): return schlüssel * θ * field
        class Köpfe: λ = ähnlichkeit(größe)
    """,
    "shadows_builtins": """
        max, min, sum, id, type, list, input, len_ = 3, 2, 1, "id", "kind", [1], "in", len
        def print(*args): pass
        def str(x): return x
        class object: pass
        def hash(x): return 0
        int = float
    """,
    "names_what_it_exports": """
        __all__ = ["transpose_output", "transpose_qkv"]
        __author__ = "Amber"; __version__ = "1.0"
    """,
    "aliases_and_new_types": """
        from typing import (Annotated, Any, Callable, Final, Generic, Literal, NewType, Optional, ParamSpec, Protocol,
                            TypeAlias, TypedDict, TypeVar, Union, cast, overload, runtime_checkable)
        import torch
        Heads = NewType("Heads", int)
        Rows: TypeAlias = "torch.Tensor"
        T, P = TypeVar("T"), ParamSpec("P")
        class Layer(Protocol):
            def __call__(self, X: Rows, num_heads: Heads, /) -> Rows: ...
        @runtime_checkable
        class Sized(Protocol):
            def __len__(self) -> int: ...
        assert isinstance([], Sized)
        class Options(TypedDict, total=False):
            heads: Heads
        class Box(Generic[T]):
            def __init__(self, content: T) -> None: self.content = content
        @overload
        def one(x: int) -> int: ...
        @overload
        def one(x: str) -> str: ...
        def one(x): return x
        SIZE: Final[int] = 3
        Mode = Literal["train", "eval"]
        Box[int](one(SIZE)); cast(Heads, 3)
    """,
    "dataclasses_and_enums": """
        from dataclasses import asdict, dataclass, field, replace
        from enum import Enum, Flag, IntEnum, auto, unique
        from typing import NamedTuple
        from collections import namedtuple
        @dataclass(frozen=True, order=True)
        class Size:
            heads: int = 2
            names: list = field(default_factory=list, compare=False)
        @dataclass(slots=True, kw_only=True)
        class Config(object):
            size: Size = Size()
        @unique
        class Mode(Enum):
            TRAIN = auto()
            EVAL = auto()
        class Level(IntEnum): LOW = 1
        class Bits(Flag): A = auto(); B = auto()
        class Shape(NamedTuple):
            batch: int
            width: int = 4
        Point = namedtuple("Point", "x y")
        assert asdict(replace(Config(), size=Size(3)))["size"]["heads"] == 3 and Shape(2)._replace(batch=1) < Shape(3)
    """,
    "abstract_and_meta": """
        from abc import ABC, ABCMeta, abstractmethod
        class Registry(type):
            known = []
            def __new__(cls, name, bases, body):
                made = super().__new__(cls, name, bases, body)
                cls.known.append(made)
                return made
        class Plain(metaclass=Registry):
            def __init_subclass__(cls, **options): super().__init_subclass__(**options)
        class Special(Plain): __slots__ = ()
        class Base(ABC):
            @property
            @abstractmethod
            def name(self): ...
            @classmethod
            def make(cls): return cls()
            @staticmethod
            def double(x): return 2 * x
        class Real(Base):
            name = "real"
        assert Real.make().name == "real" and Special in Registry.known
        from collections.abc import Callable, Iterable, Mapping
    """,
    "caches_and_decorators": """
        import functools, contextlib, time
        def timed(function):
            @functools.wraps(function)
            def wrapper(*args, **kwargs):
                started = time.perf_counter()
                try:
                    return function(*args, **kwargs)
                finally:
                    print(f"{function.__name__}: {time.perf_counter() - started:.3f} s")
            return wrapper
        @functools.lru_cache(maxsize=None)
        def fibonacci(n): return n if n < 2 else fibonacci(n - 1) + fibonacci(n - 2)
        @functools.singledispatch
        def show(x): return str(x)
        @show.register
        def _(x: int): return hex(x)
        class Lazy:
            @functools.cached_property
            def value(self): return fibonacci(80)
        @contextlib.contextmanager
        def block(): yield 1
        with block(): Lazy().value, show(3), timed(fibonacci)(10)
    """,
    "a_module_getattr": """
        def __getattr__(name):
            raise AttributeError(name)
        def __dir__(): return ["transpose_qkv"]
    """,
    "optional_imports": """
        from typing import TYPE_CHECKING
        if TYPE_CHECKING:
            import nowhere.at_all
            from torch import Tensor
        try:
            import a_library_that_is_not_there as tools
        except ImportError:
            tools = None
    """,
    "standard_library": """
        import abc, argparse, array, ast, base64, bisect, calendar, cmath, codecs, collections, colorsys, configparser
        import contextlib, copy, csv, datetime, decimal, difflib, dis, doctest, enum, fractions, functools, gc, getopt
        import glob, graphlib, gzip, hashlib, heapq, html, inspect, io, itertools, json, keyword, locale, logging, math
        import numbers, operator, optparse, os, pathlib, pdb, pickle, platform, pprint, queue, random, re, reprlib, sched
        import secrets, shlex, shutil, signal, statistics, string, struct, subprocess, sys, tempfile, textwrap
        import threading, time, timeit, token, tokenize, tomllib, traceback, tracemalloc, types, typing, unicodedata
        import unittest, uuid, warnings, weakref, zipfile, zlib, zoneinfo, cProfile, pstats, concurrent.futures
        import unittest.mock, xml.etree.ElementTree, logging.handlers, logging.config, multiprocessing, asyncio
        import urllib.parse, urllib.request, importlib, importlib.resources, importlib.metadata, collections.abc, pkgutil
        assert statistics.stdev([1, 2, 4]) > 1 and decimal.Decimal("0.1") + fractions.Fraction(1, 2).numerator
        datetime.datetime.strptime("2024-02-29", "%Y-%m-%d"), time.strftime("%Y"), datetime.datetime.now().isoformat()
        pprint.pformat({1: [2]}), textwrap.dedent(" x"), string.Template("$x").substitute(x=1), json.dumps({"a": [1]})
        hashlib.sha256(b"").hexdigest(), hashlib.md5(b"").hexdigest(), uuid.uuid4(), secrets.token_hex(4)
        random.shuffle(list(range(9))), re.compile(r"(?P<x>\\d+)").sub("y", "1"), copy.deepcopy([[1]]), timeit.timeit("1", number=9)
        locale.getlocale(), platform.system(), platform.python_version(), pickle.loads(pickle.dumps({1: 2}))
        "ä".encode("latin-1"), "ä".encode("cp1252"), "ä".encode("utf-16"), b"\\xef\\xbb\\xbfx".decode("utf-8-sig")
        sorted(glob.glob("*.txt")), pathlib.Path("x").with_suffix(".py").name, tokenize.detect_encoding(io.BytesIO(b"").readline)
    """,
    "numpy": """
        import numpy as np
        import numpy.typing as npt
        from numpy.random import default_rng
        from numpy.linalg import norm
        import numpy.testing, numpy.ma, numpy.fft
        np.set_printoptions(precision=3)
        rng = default_rng(3)
        mean: npt.NDArray = rng.normal(size=(3, 4)).mean(axis=0)
        assert norm(mean) > 0 and np.fft.fft(mean).shape == (4,) and repr(mean).startswith("array")
        np.testing.assert_allclose(np.einsum("ij,kj->ik", np.eye(2), np.eye(2)), np.eye(2))
    """,
    "much_of_torch": """
        import copy, torch
        import torch.nn as nn, torch.nn.functional as F
        from torch.nn import functional
        from torch.utils.data import DataLoader, Dataset, TensorDataset
        from torch.utils.checkpoint import checkpoint
        from torch.nn.utils.rnn import pad_sequence, pack_padded_sequence
        from torch.nn.utils import clip_grad_norm_
        from torch.optim.lr_scheduler import CosineAnnealingLR, LambdaLR
        import torch.distributions, torch.fft, torch.linalg, torch.testing, torch.profiler, torch.masked
        X = torch.randn(2, 3, 8, requires_grad=True)
        layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
        nn.TransformerEncoder(layer, 1, enable_nested_tensor=False)(X)
        nn.MultiheadAttention(8, 2, batch_first=True)(X, X, X)
        nn.LSTM(8, 8, batch_first=True)(X); nn.GRU(8, 8)(X)
        F.scaled_dot_product_attention(X, X, X), torch.einsum("bij,bkj->bik", X, X)
        torch.func.vmap(torch.sin)(X), torch.autograd.functional.jacobian(torch.sin, torch.ones(2))
        torch.autograd.gradcheck(torch.sin, torch.ones(2, dtype=torch.float64, requires_grad=True))
        checkpoint(torch.sin, X, use_reentrant=False).sum().backward()
        list(DataLoader(TensorDataset(torch.ones(8)), batch_size=2, shuffle=True))
        optimizer = torch.optim.AdamW(layer.parameters()); CosineAnnealingLR(optimizer, 10); clip_grad_norm_(layer.parameters(), 1)
        torch.distributions.Normal(0.0, 1.0).sample(), torch.testing.assert_close(X, X), copy.deepcopy(layer)
        nn.init.xavier_uniform_(layer.linear1.weight); nn.utils.parametrizations.weight_norm(nn.Linear(3, 3))
        with torch.autocast("cpu"), torch.random.fork_rng(): nn.Linear(8, 8)(X)
        with torch.profiler.record_function("x"): torch.fft.rfft(X.detach())
    """,
    "tests_itself": """
        import doctest, unittest
        class Test(unittest.TestCase):
            def test_one(self): self.assertEqual(1, 1)
        assert unittest.TextTestRunner(verbosity=0).run(unittest.defaultTestLoader.loadTestsFromTestCase(Test)).wasSuccessful()
        assert 1 + 1 == 2, "arithmetic works"
        def double(x):
            '''
            >>> double(2)
            4
            '''
            return 2 * x
        doctest.run_docstring_examples(double, {"double": double})
    """,
}

# What stands after it.

AFTER = {
    "a_main_block": """
        if __name__ == "__main__":
            import sys
            sys.exit("never when graded")
    """,
    "checks_itself_below": """
        import torch
        for heads in (1, 2, 4):
            X = torch.arange(48.0).reshape(2, 3, 8)
            assert torch.equal(transpose_output(transpose_qkv(X, heads), heads), X), "there and back"
            print(heads, transpose_qkv(X, heads))
    """,
    "wrapped_functions": """
        import functools
        def logged(function):
            @functools.wraps(function)
            def wrapper(*args, **kwargs):
                print("calling", function.__name__, [getattr(each, "shape", each) for each in args])
                return function(*args, **kwargs)
            return wrapper
        transpose_qkv, transpose_output = logged(transpose_qkv), logged(transpose_output)
    """,
    "chatty_calls": """
        import sys, warnings
        def chatty(function):
            def wrapper(*args):
                print("o" * 30_000)
                print("e" * 30_000, file=sys.stderr)
                warnings.warn("as ever")
                return function(*args)
            return wrapper
        transpose_qkv, transpose_output = chatty(transpose_qkv), chatty(transpose_output)
    """,
    "slow_calls": """
        import time
        def slow(function):
            def wrapper(*args):
                time.sleep(0.01)
                return function(*args)
            return wrapper
        transpose_qkv, transpose_output = slow(transpose_qkv), slow(transpose_output)
    """,
    "a_thread_a_call": """
        from threading import Lock, Thread, local
        def threaded(function):
            def wrapper(*args):
                found = []
                def work():
                    try:
                        found.append(function(*args))
                    except ValueError as error:
                        found.append(error)
                thread = Thread(target=work, daemon=True)
                thread.start()
                thread.join()
                if isinstance(found[0], ValueError):
                    raise found[0]
                return found[0]
            return wrapper
        transpose_qkv, transpose_output = threaded(transpose_qkv), threaded(transpose_output)
    """,
    "a_pool_of_threads": """
        from concurrent.futures import ThreadPoolExecutor, as_completed
        pool = ThreadPoolExecutor(8)
        def pooled(function):
            return lambda *args: pool.submit(function, *args).result()
        list(pool.map(abs, range(-100, 0)))
        transpose_qkv, transpose_output = pooled(transpose_qkv), pooled(transpose_output)
    """,
    "callables_that_are_no_functions": """
        import functools
        class Back:
            def __call__(self, X, num_heads): return back(X, num_heads)
        back = transpose_output
        there = transpose_qkv
        transpose_qkv = functools.partial(there)
        transpose_output = Back()
    """,
    "static_methods": """
        class Heads:
            split_ = staticmethod(transpose_qkv)
            @staticmethod
            def join(X, num_heads): return _join(X, num_heads)
            @classmethod
            def split(cls, X, num_heads): return cls.split_(X, num_heads)
        _join = transpose_output
        transpose_qkv, transpose_output = Heads.split, Heads().join
    """,
    "memory_a_call": """
        import torch
        def roomy(function):
            def wrapper(*args):
                torch.empty(2**22).fill_(1.0)
                return function(*args)
            return wrapper
        transpose_qkv = roomy(transpose_qkv)
    """,
    "ends_with_a_comment": "# the end \\\\ of it",
}

# The same text in other bytes.

NOTED = HEADS + "# Größe, naïve, §\n"
BYTES = {
    "windows_lines": HEADS.replace("\n", "\r\n").encode(),
    "old_mac_lines": HEADS.replace("\n", "\r").encode(),
    "mixed_lines": HEADS.replace("\n", "\r\n", 5).encode(),
    "byte_order_mark": b"\xef\xbb\xbf" + NOTED.encode(),
    "byte_order_mark_and_cookie": b"\xef\xbb\xbf# -*- coding: utf-8 -*-\r\n" + NOTED.encode(),
    "latin_1": b"# -*- coding: latin-1 -*-\n" + NOTED.encode("latin-1"),
    "windows_1252": b"# vim: set fileencoding=cp1252 :\n" + NOTED.encode("cp1252"),
    "cookie_on_line_two": b"#!/usr/bin/env python3\n# coding: iso-8859-15\n" + NOTED.encode("iso-8859-15"),
    "tabs": HEADS.replace("    ", "\t").encode(),
    "form_feeds": HEADS.replace("\n\n\n", "\n\f\n\n").encode(),
    "no_last_newline": HEADS.rstrip("\n").encode(),
    "a_long_line": HEADS.encode() + b"TABLE = [" + b"0.5, " * 20_000 + b"]\n",
    "trailing_spaces": HEADS.replace("\n", "   \n").encode(),
}

# The answer itself in another manner.

MANNERS = {
    "annotations_as_text": """
        from __future__ import annotations
        def transpose_qkv(X: Float[Tensor, "batch positions width"], num_heads: Undefined) -> Nowhere[X]:
            if X.shape[2] % num_heads:
                raise ValueError
            return torch.stack(X.chunk(num_heads, dim=2), dim=1).flatten(0, 1)
        def transpose_output(X: "Tensor", num_heads: int) -> list[Tensor]:
            if X.shape[0] % num_heads:
                raise ValueError(num_heads)
            return torch.cat(list(X.unflatten(0, (-1, num_heads)).unbind(1)), dim=-1)
        import torch
    """,
    "annotations_of_jaxtyping": """
        import torch
        from jaxtyping import Float, Int, jaxtyped
        from torch import Tensor
        def transpose_qkv(X: Float[Tensor, "b n h"], num_heads: int) -> Float[torch.Tensor, "..."]:
            b, n, h = X.size()
            if (h // num_heads) * num_heads != h: raise ValueError(f"{h=} {num_heads=}")
            return X.view(b, n, num_heads, -1).permute(0, 2, 1, 3).reshape(b * num_heads, n, -1) \\
                if X.is_contiguous() else transpose_qkv(X.contiguous(), num_heads)
        def transpose_output(X: Float[Tensor, "r n s"], num_heads: int) -> "Float[Tensor, 'b n h']":
            r, n, s = X.size()
            if r % num_heads != 0: raise ValueError(f"{r=} {num_heads=}")
            return X.contiguous().view(r // num_heads, num_heads, n, s).permute(0, 2, 1, 3).reshape(-1, n, num_heads * s)
    """,
    "loops": """
        import torch as t
        class HeadError(ValueError): pass
        def transpose_qkv(X, num_heads):
            def slices():
                size = X.shape[-1] // num_heads
                for example in X:
                    for head in range(num_heads):
                        yield example[:, head * size:(head + 1) * size]
            if X.shape[-1] / num_heads != X.shape[-1] // num_heads: raise HeadError
            return t.stack([*slices()])
        def transpose_output(X, num_heads):
            examples, rest = divmod(len(X), num_heads)
            if rest: raise HeadError("rows")
            return t.stack([t.cat(tuple(X[e * num_heads + h] for h in range(num_heads)), 1) for e in range(examples)])
    """,
    "lambdas": """
        import torch
        def no(why): raise ValueError(why)
        transpose_qkv = lambda X, num_heads: no("width") if X.shape[2] % num_heads else torch.cat(
            [x.unflatten(1, (num_heads, -1)).swapaxes(0, 1) for x in X])
        transpose_output = (lambda X, num_heads:
            no("rows") if X.shape[0] % num_heads else
            torch.movedim(X.unflatten(0, (-1, num_heads)), 1, 2).flatten(2, 3))
    """,
    "modern_syntax": """
        import torch
        def transpose_qkv(X, num_heads, /, *rest, **options):
            match X.shape:
                case (batch, positions, width) if not (left := width % num_heads):
                    return torch.einsum("bphs->bhps", X.unflatten(-1, (num_heads, width // num_heads))).flatten(0, 1)
                case _:
                    raise ValueError(f"{left} features are left over")
        def transpose_output(X, num_heads):
            try:
                heads = X.unflatten(0, (-1, num_heads))
            except RuntimeError as error:
                raise ValueError("rows") from error
            else:
                return torch.einsum("bhps->bphs", heads).flatten(2)
    """,
    "helpers": """
        from dataclasses import dataclass
        from torch import Tensor, nn
        @dataclass
        class Split:
            X: Tensor
            heads: int
            def __post_init__(self): self.check(self.X.shape[-1])
            def check(self, n):
                if n % self.heads: raise ValueError(f"{n} and {self.heads}")
        class Mover(nn.Module):
            def forward(self, split: Split):
                return _merge(split.X.reshape(*split.X.shape[:2], split.heads, -1).transpose(1, 2))
        def _merge(X): return X.reshape(-1, *X.shape[2:])
        def transpose_qkv(X, num_heads): return Mover()(Split(X, num_heads))
        def transpose_output(X, num_heads):
            Split.check(type("Fake", (), {"heads": num_heads})(), X.shape[0])
            batch = X.shape[0] // num_heads
            return X.reshape(batch, num_heads, *X.shape[1:]).transpose(2, 1).reshape(batch, X.shape[1], -1)
    """,
}

# How an exercise imports an earlier one.

IMPORTS = {
    "plainly": ("from scoring.masked_softmax import masked_softmax", "masked_softmax"),
    "renamed": ("from scoring.masked_softmax import masked_softmax as softmax_with_mask", "softmax_with_mask"),
    "as_a_module": ("import scoring.masked_softmax as m", "m.masked_softmax"),
    "by_its_whole_name": ("import scoring.masked_softmax", "scoring.masked_softmax.masked_softmax"),
    "from_its_section": ("from scoring import masked_softmax", "masked_softmax.masked_softmax"),
    "everything": ("from scoring.masked_softmax import *", "masked_softmax"),
    "relatively": ("from .masked_softmax import masked_softmax", "masked_softmax"),
    "from_here": ("from . import masked_softmax", "masked_softmax.masked_softmax"),
    "from_above": ("from ..scoring.masked_softmax import masked_softmax", "masked_softmax"),
    "section_from_above": ("from ..scoring import masked_softmax as _", "_.masked_softmax"),
    "by_slug": ("from masked_softmax import masked_softmax", "masked_softmax"),
    "slug_as_a_module": ("import masked_softmax", "masked_softmax.masked_softmax"),
    "at_run_time": ("import importlib\nm = importlib.import_module('scoring.masked_softmax')", "m.masked_softmax"),
    "whichever_works": (
        "try:\n    from nowhere import masked_softmax\nexcept ImportError:\n    from scoring.masked_softmax import masked_softmax",
        "masked_softmax",
    ),
    "once_more_by_hand": (SOFTMAX.removeprefix("import torch\n"), "masked_softmax"),
}


def _dedented(text: str) -> str:
    import textwrap

    return textwrap.dedent(text).lstrip("\n")


def a_class() -> dict[str, dict[str, bytes]]:
    """Every style as a student's files, by exercise."""
    heads = {name: _dedented(text) + "\n\n" + HEADS for name, text in BEFORE.items()}
    heads |= {name: HEADS + "\n\n" + _dedented(text) for name, text in AFTER.items()}
    heads |= {name: _dedented(text) for name, text in MANNERS.items()}
    found = {name: {"multihead/head_reshape": text} for name, text in BYTES.items()}
    found |= {name: {"multihead/head_reshape": text.encode()} for name, text in heads.items()}
    for name, (imported, call) in IMPORTS.items():
        additive = ADDITIVE.format(imported=imported, call=call).encode()
        found[f"imports_{name}"] = {"scoring/masked_softmax": SOFTMAX.encode(), "scoring/additive_attention": additive}
    return found


CLASS = a_class()


def graded(submitted: Path, results: Path, *before: str, **environment: str) -> dict[tuple[str, str], dict]:
    """Grade the class by the real command, and read its results."""
    for student, files in CLASS.items():
        for exercise, text in files.items():
            path = submitted / student / f"{exercise}.py"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text)
    command = [*before, sys.executable, "-m", "headcheck.cli", "grade", submitted, "-o", results]
    done = subprocess.run(command, cwd=ROOT, env=os.environ | environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    sections = [json.loads(path.read_bytes()) for path in results.glob("[!.]*/*.json")]
    return {
        (section["student"], exercise["exercise"]): exercise | {"sandbox": section["sandbox"]}
        for section in sections
        for exercise in section["exercises"]
    }


@pytest.fixture(scope="session", params=["full", "strong", "ordinary user"])
def results(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], dict]:
    """The class's exercises by student and exercise, graded in one of three ways."""
    home = tmp_path_factory.mktemp("odd")
    if not shutil.which("bwrap"):
        (pytest.fail if os.environ.get("CI") else pytest.skip)("bubblewrap is not installed")
    if request.param == "strong":
        (home / "nothing").mkdir()
        return graded(home / "submitted", home / "results", PATH=str(home / "nothing"))
    if request.param == "full":
        return graded(home / "submitted", home / "results")
    if os.geteuid() != 0:
        pytest.skip("the tests run as an ordinary user already")
    as_a_user = ("bwrap", "--unshare-user", "--uid", "1000", "--gid", "1000", "--dev-bind", "/", "/", "--")
    return graded(home / "submitted", home / "results", *as_a_user)


@pytest.mark.parametrize("style", CLASS)
def test_right_code_in_an_odd_style_keeps_all_its_points(results, style):
    """All points, whatever it prints, imports, computes, or looks like."""
    for exercise in CLASS[style]:
        result = results[style, exercise]
        lost = {each["name"]: each["message"] for each in result["properties"] if each["outcome"] != "passed"}
        assert (lost, result["status"], result["points"]) == ({}, "passed", result["max_points"])
