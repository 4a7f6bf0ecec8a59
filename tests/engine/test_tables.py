"""Tables: what an instructor saved is read, and what is wrong with it is said by its line."""

from __future__ import annotations

import pytest

from headcheck.errors import HeadcheckError
from headcheck.tables import points_cell, read_table


@pytest.fixture
def read(tmp_path):
    """Read a table with the columns `student` and, perhaps, `days`."""

    def read(data, *, strict=False):
        path = tmp_path / "table.csv"
        path.write_bytes(data if isinstance(data, bytes) else data.encode())
        return [(row.line, row.cells) for row in read_table(path, ["student"], ["days"], strict=strict)]

    return read


@pytest.mark.parametrize(
    "text",
    [
        "student,days\namber,1\n",
        "\ufeffstudent,days\r\namber,1\r\n",
        "student;days\namber;1",
        " Days ,STUDENT\n 1 , amber \n",
    ],
)
def test_a_table_is_read_as_spreadsheets_save_it(read, text):
    """With a mark of byte order, with semicolons, in any order and case, with spaces."""
    assert read(text) == [(2, {"student": "amber", "days": "1"})]


def test_lines_have_their_numbers_in_the_file(read):
    """Empty lines and cells of several lines count."""
    assert [line for line, _ in read('student\n\nx\n"a\nb"\n')] == [3, 5]


def test_other_columns_are_passed_over_or_refused(read):
    """A roster may hold more; where a misspelt column would cost points, it may not."""
    text = "student,day\namber,1\n"
    assert read(text) == [(2, {"student": "amber", "day": "1"})]
    with pytest.raises(HeadcheckError, match=r"has a column 'day'; there may be student, days"):
        read(text, strict=True)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "has no column student; its first line must name the columns"),
        ("name,days\nx,1\n", "has no column student"),
        ("student,Student\nx,y\n", "has two columns 'student'; leave one"),
        ("student,days\nx\n", "line 2: the number of cells is 1, that of columns 2"),
        ("student,days\nx,1\nx,1,2\n", "line 3: the number of cells is 3, that of columns 2"),
        (b"student\n\xff\n", "is not text in UTF-8: save it as CSV UTF-8"),
        ("student\n" + "x" * 200_000, "line 2: this is not CSV"),
    ],
)
def test_what_is_no_table_is_refused(read, text, says):
    """By the file's name, and the line where there is one."""
    with pytest.raises(HeadcheckError, match=r"table\.csv") as refused:
        read(text)
    assert says in str(refused.value)


def test_a_file_that_is_not_there_is_named(tmp_path):
    """With what the system says."""
    with pytest.raises(HeadcheckError, match=r"nowhere\.csv cannot be read: No such file"):
        read_table(tmp_path / "nowhere.csv", [], [])


@pytest.mark.parametrize(
    ("points", "cell"), [(None, ""), (0.0, "0"), (10.0, "10"), (0.1 + 0.2, "0.3"), (1234.5678, "1234.5678")]
)
def test_points_keep_their_digits_and_no_noise(points, cell):
    """Large totals, too."""
    assert points_cell(points) == cell
