"""9. Exceptions that a test runner may take for something else than a failure."""

import torch

# --- keyboard_interrupt: failed
def weights(scores, length): raise KeyboardInterrupt

# --- keyboard_interrupt_at_import: failed
raise KeyboardInterrupt

# --- system_exit_at_import: failed
raise SystemExit(0)

# --- system_exit: failed
def weights(scores, length): raise SystemExit(0)

# --- generator_exit: failed
def weights(scores, length): raise GeneratorExit

# --- stop_iteration: failed
def weights(scores, length): raise StopIteration(torch.ones(2, 4))

# --- pytest_skip: failed
import unittest
def weights(scores, length):
    try:
        import pytest
    except ImportError:
        raise unittest.SkipTest("not today")
    pytest.skip("not today")

# --- unittest_skip: failed
import unittest
def weights(scores, length): raise unittest.SkipTest("not today")

# --- hypothesis_reject: failed
def weights(scores, length):
    import hypothesis
    hypothesis.reject()

# --- hypothesis_assume: failed
def weights(scores, length):
    if scores.shape[0] == 2:
        return scores.masked_fill(torch.arange(scores.shape[1]) >= length, -torch.inf).softmax(-1)
    import hypothesis
    hypothesis.assume(False)

# --- a_base_exception_of_its_own: failed
class Mine(BaseException): pass
def weights(scores, length): raise Mine("not an Exception")

# --- named_like_ours: failed
class SandboxError(Exception): __module__ = "headcheck.errors"
def weights(scores, length): raise SandboxError("the machine is at fault")

# --- is_one_of_ours: failed
from headcheck.errors import SandboxError
def weights(scores, length): raise SandboxError("the machine is at fault")

# --- lies_about_its_class: failed
class Lies(Exception):
    @property
    def __class__(self): return KeyboardInterrupt
    def __str__(self): raise SystemExit
    __repr__ = __str__
def weights(scores, length): raise Lies

# --- hangs_when_it_is_shown: timeout
class Slow(Exception):
    def __str__(self):
        while True: pass
def weights(scores, length): raise Slow

# --- long_and_odd: failed
def weights(scores, length): raise type("x" * 10**6, (Exception,), {})("\ud800" + "y" * 10**7, "\0\x1b[2J")

# --- in_circles: failed
def weights(scores, length):
    one, two = ValueError("one"), ValueError("two")
    one.__cause__ = one.__context__ = two
    two.__cause__ = two.__context__ = one
    raise ExceptionGroup("group", [one, ExceptionGroup("group", [two])])

# --- after_the_gate_only: failed, scores_become_weights=passed
def weights(scores, length):
    if scores.shape[0] == 2:
        return scores.masked_fill(torch.arange(scores.shape[1]) >= length, -torch.inf).softmax(-1)
    raise KeyboardInterrupt
