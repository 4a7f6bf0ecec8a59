"""Tables as CSV: an instructor's, read with errors that name the line; ours, written so that no cell is a formula."""

from __future__ import annotations

import csv
import io
import unicodedata
from typing import TYPE_CHECKING, NamedTuple

from headcheck.errors import HeadcheckError
from headcheck.text import visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

_FORMULA = ("=", "+", "-", "@")


class Row(NamedTuple):
    """A line of a table: its number in the file, and its cells by the names of their columns."""

    line: int
    cells: dict[str, str]


def read_table(path: Path, required: Sequence[str], optional: Sequence[str], *, strict: bool = False) -> list[Row]:
    """The rows below the line of column names, in which case and order do not matter; with `strict` no others may be.

    UTF-8, with commas or, as some spreadsheets write it, semicolons; empty lines are passed over.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise HeadcheckError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise HeadcheckError(f"{path} is not text in UTF-8: save it as CSV UTF-8") from error
    head = text.partition("\n")[0]
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=";" if ";" in head and "," not in head else ",")
    lines = ((reader.line_num, [cell.strip() for cell in cells]) for cells in reader if any(map(str.strip, cells)))
    try:
        names = [name.lower() for name in next(lines, (0, []))[1]]
        _require_columns(path, names, required, (*required, *optional) if strict else None)
        rows = []
        for line, cells in lines:
            if len(cells) != len(names):
                raise HeadcheckError(
                    f"{path}, line {line}: the number of cells is {len(cells)}, that of columns {len(names)}"
                )
            rows.append(Row(line, dict(zip(names, cells, strict=True))))
    except csv.Error as error:
        raise HeadcheckError(f"{path}, line {reader.line_num}: this is not CSV: {error}") from error
    return rows


def _require_columns(path: Path, names: list[str], required: Sequence[str], known: Sequence[str] | None) -> None:
    lacking = [name for name in required if name not in names]
    if lacking:
        raise HeadcheckError(f"{path} has no column {', '.join(lacking)}; its first line must name the columns")
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise HeadcheckError(f"{path} has two columns {twice[0]!r}; leave one")
    for name in names:
        if known is not None and name not in known:
            raise HeadcheckError(f"{path} has a column {name!r}; there may be {', '.join(known)}")


def written(rows: Iterable[Sequence[str]]) -> str:
    """The rows as CSV."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue()


def plain(text: str) -> str:
    """A cell that no spreadsheet takes for a formula, wide signs and spaces before them included."""
    text = visible(text)
    return f"'{text}" if unicodedata.normalize("NFKC", text).lstrip().startswith(_FORMULA) else text


def points_cell(points: float | None) -> str:
    """Points without rounding noise; empty where there are none."""
    return "" if points is None else f"{points:.6f}".rstrip("0").rstrip(".")
