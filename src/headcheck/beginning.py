"""Begin alone: the chapter that comes with headcheck, as one's own copy in a new directory.

The wheel carries the chapter's public files as data, which `hatch_build.py` picks by their paths; in a checkout they
are those of the checkout.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from headcheck.archive import tree_beside
from headcheck.course import COURSE_FILE, read_course
from headcheck.errors import CourseError
from headcheck.language import say_prose
from headcheck.release import public_files, refuse_leaks

if TYPE_CHECKING:
    from typing import Literal

    from headcheck.course import Course

    Form = Literal["py", "ipynb", "both"]

PACKAGE = Path(__file__).parent
CHAPTER = "chapter"
README = "README.md"


def shipped_course(package: Path = PACKAGE) -> Course:
    """The chapter in the package, or that of the checkout in which the package lies."""
    for root in (package / CHAPTER, package.parents[1]):
        if (root / COURSE_FILE).is_file():
            return read_course(root)
    raise CourseError("this installation of headcheck holds no exercises: install it again, or name a course: --course")


def write_copy(course: Course, directory: Path, form: Form) -> Course:
    """Write one's own copy of the course's public files to a directory that is new or empty, all of it or nothing."""
    directory = directory.absolute()
    if directory.is_symlink() or (directory.exists() and not directory.is_dir()):
        raise CourseError(f"{directory} is in the way: it is no directory; choose another")
    if directory.exists() and any(directory.iterdir()):
        raise CourseError(f"{directory} is not empty, and nothing in it is overwritten: choose a new directory")
    files = public_files(course, form) | {README: say_prose(_WELCOME, title=course.title).encode()}
    refuse_leaks(course, files)
    with tree_beside(directory, files) as new:
        if directory.exists():
            for path in new.iterdir():
                shutil.move(path, directory / path.name)
        else:
            new.rename(directory)
    return read_course(directory)


def missing_libraries(course: Course) -> str:
    """What some exercises need and is not installed, with the command that brings it; nothing if all is there."""
    try:
        course.libraries(list(course.exercises))
    except CourseError as error:
        return str(error)
    return ""


_WELCOME = """\
# {title}

This is your own copy. Everything that you write stays in `assignments/`.

```sh
headcheck check            # what comes next
headcheck check --watch    # again at every save
headcheck check --hint     # one hint more
```

An exercise is a file, or a cell of a notebook: its text says what to write, and a check says what is wrong with it, on
the smallest input on which it goes wrong. Nothing leaves your machine.
"""
