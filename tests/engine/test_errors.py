"""Errors: who must act."""

from __future__ import annotations

import pytest

from headcheck.errors import ProtocolError, StudentDied, StudentRaised, StudentTimeout, SubmissionError


@pytest.mark.parametrize("kind", [ProtocolError, StudentDied, StudentRaised, StudentTimeout])
def test_what_goes_wrong_in_a_submission_is_the_students_to_act_on(kind):
    """All of it is a SubmissionError, none of it the machine's."""
    assert issubclass(kind, SubmissionError)


@pytest.mark.parametrize(("message", "text"), [("no rows", "ValueError: no rows"), ("", "ValueError")])
def test_an_exception_of_the_student_reads_as_python_writes_it(message, text):
    """The kind, and the message if there is one."""
    assert str(StudentRaised("ValueError", message)) == text
