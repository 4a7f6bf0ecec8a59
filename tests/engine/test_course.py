"""Courses: found, read, and wrong ones refused with a reason."""

from __future__ import annotations

import pytest

from headcheck.course import COURSE_FILE, Limits, find_course, read_course
from headcheck.errors import CourseError

TOML = """
title = "Attention"
seed = 3
[limits]
call_seconds = 2.0
[[section]]
name = "scoring"
title = "Scoring"
[[section.exercise]]
slug = "mask"
title = "Mask"
given = ["given/data.py"]
[[section.exercise]]
slug = "softmax"
title = "Softmax"
uses = ["scoring/mask"]
shortcuts = ["torch.softmax"]
needs = ["matplotlib.pyplot"]
limits = { exercise_seconds = 90 }
weight = 2.0
[[section]]
name = "multihead"
title = "Heads"
[[section.exercise]]
slug = "heads"
title = "Heads"
uses = ["scoring/softmax"]
"""
STUB = "import torch\nLIMIT = 3\ndef mask(): ...\ndef _own(): ...\nclass Mask: ...\n"


@pytest.fixture
def root(tmp_path):
    """A course of three exercises, with its hidden files."""
    for exercise in ("scoring/mask", "scoring/softmax", "multihead/heads"):
        write(tmp_path / "assignments" / f"{exercise}.py", STUB)
        write(tmp_path / "reference" / f"{exercise}.py", f"# {exercise}")
        write(tmp_path / "graders" / exercise / "public.py", "")
        write(tmp_path / "graders" / exercise / "hidden.py", "")
    write(tmp_path / "assignments/given/data.py", "data = 1")
    write(tmp_path / COURSE_FILE, TOML)
    return tmp_path


def write(path, text):
    """A file, and the directories above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_a_course_is_found_from_any_directory_below(root):
    """The nearest one upward."""
    assert find_course(root / "reference" / "scoring").root == root.resolve()


def test_no_course_is_an_error_that_says_where_it_looked(tmp_path):
    """And how to name one."""
    with pytest.raises(CourseError, match="--course"):
        find_course(tmp_path)
    with pytest.raises(CourseError, match="is not a course"):
        read_course(tmp_path)


def test_the_file_says_title_seed_limits_and_sections(root):
    """What it leaves out has a default."""
    course = read_course(root)
    assert (course.title, course.seed, course.limits) == ("Attention", 3, Limits(call_seconds=2.0))
    assert course.sections == {"scoring": "Scoring", "multihead": "Heads"}


def test_an_exercise_knows_its_files(root):
    """By section and slug."""
    it = read_course(root).exercise("scoring/softmax")
    assert (it.id, it.module, it.weight, it.shortcuts) == (
        "scoring/softmax",
        "scoring.softmax",
        2.0,
        ("torch.softmax",),
    )
    files = [it.stub, it.reference, it.public, it.hidden, it.misconceptions]
    assert [str(path.relative_to(it.root)) for path in files] == [
        "assignments/scoring/softmax.py",
        "reference/scoring/softmax.py",
        "graders/scoring/softmax/public.py",
        "graders/scoring/softmax/hidden.py",
        "graders/scoring/softmax/misconceptions.py",
    ]


def test_an_exercise_has_the_courses_limits_or_its_own(root):
    """What it does not say is the course's."""
    course = read_course(root)
    assert course.exercise("scoring/mask").limits == Limits(call_seconds=2.0)
    assert course.exercise("scoring/softmax").limits == Limits(call_seconds=2.0, exercise_seconds=90.0)


def test_an_exercise_says_which_libraries_it_needs(root):
    """Besides torch."""
    assert read_course(root).exercise("scoring/softmax").needs == ("matplotlib.pyplot",)
    assert read_course(root).exercise("scoring/mask").needs == ()


def test_a_course_says_what_installs_all_that_it_needs(root):
    """Headcheck alone where it says nothing; who lacks a library is told so, with its exercise."""
    assert read_course(root).installation == 'pip install "headcheck"'
    file = root / COURSE_FILE
    text = file.read_text().replace("matplotlib.pyplot", "nowhere.at_all")
    file.write_text('install = ["headcheck[some]", "nowhere>=2"]\n' + text)
    course = read_course(root)
    assert course.installation == 'pip install "headcheck[some]" "nowhere>=2"'
    assert course.libraries(course.select("multihead")) == ()
    with pytest.raises(CourseError, match=r'^scoring/softmax needs nowhere; .*: pip install "headcheck\[some\]" "no'):
        course.libraries(list(course.exercises))


def test_limits_that_do_not_exist_are_refused(root):
    """With the exercise's name."""
    text = TOML.replace("exercise_seconds", "seconds")
    write(root / COURSE_FILE, text)
    with pytest.raises(CourseError, match=r"scoring/softmax: limits: .*seconds"):
        read_course(root)


def test_an_exercise_asks_for_the_public_names_of_its_stub(root):
    """Functions and classes; not constants, not names with an underscore."""
    assert read_course(root).exercise("scoring/mask").written_names() == ["mask", "Mask"]


def test_translations_stand_beside_what_they_translate(root):
    """Those of the course and of the exercises that are asked for, as far as there are any."""
    names = ["assignments/course.zh.po", "assignments/scoring/mask.zh.po", "graders/scoring/mask/hidden.zh.po"]
    for name in [*names, "graders/scoring/softmax/public.zh.po", "assignments/course.fr.po"]:
        write(root / name, "")
    course = read_course(root)
    found = course.catalogues([course.exercise("scoring/mask")], "zh")
    assert [path.relative_to(course.root).as_posix() for path in found] == names


def test_alternatives_are_listed_by_name(root):
    """None where there is no directory."""
    it = read_course(root).exercise("scoring/mask")
    assert it.alternatives == []
    for name in ("b", "a"):
        write(root / f"tests/alternatives/scoring/mask/{name}.py", "")
    assert [path.stem for path in it.alternatives] == ["a", "b"]


def test_uses_are_followed_to_the_end(root):
    """What is used by what is used, in the course's order."""
    assert read_course(root).exercise("multihead/heads").uses == ("scoring/mask", "scoring/softmax")


@pytest.mark.parametrize(
    ("name", "ids"),
    [
        (None, ["scoring/mask", "scoring/softmax", "multihead/heads"]),
        ("scoring", ["scoring/mask", "scoring/softmax"]),
        ("scoring/mask", ["scoring/mask"]),
    ],
)
def test_exercises_are_selected_by_section_or_id(root, name, ids):
    """All of them without a name."""
    assert [exercise.id for exercise in read_course(root).select(name)] == ids


def test_an_unknown_exercise_is_an_error_that_lists_the_known(root):
    """A slip of the pen is soon found."""
    with pytest.raises(CourseError, match="no exercise 'scoring/maks'; there are: scoring/mask, scoring/softmax"):
        read_course(root).select("scoring/maks")


def test_what_exercises_use_comes_before_them(root):
    """Once each, in the course's order."""
    course = read_course(root)
    wanted = [course.exercise("multihead/heads"), course.exercise("scoring/softmax")]
    assert [exercise.slug for exercise in course.with_used(wanted)] == ["mask", "softmax", "heads"]


def test_references_come_with_all_that_they_import(root):
    """By module name: what is used, and what the course hands out with it."""
    course = read_course(root)
    assert course.reference_sources(course.exercise("scoring/softmax")) == {
        "scoring.mask": b"# scoring/mask",
        "scoring.softmax": b"# scoring/softmax",
        "given.data": b"data = 1",
    }


def test_a_file_that_is_not_there_is_named(root):
    """Of whatever kind."""
    course = read_course(root)
    (root / "reference/scoring/mask.py").unlink()
    with pytest.raises(CourseError, match=r"misses a file.*mask.py"):
        course.reference_sources(course.exercise("scoring/mask"))


def test_a_released_copy_has_no_hidden_files(root):
    """No references, so nothing can be graded."""
    course = read_course(root)
    assert course.has_hidden_files
    (root / "reference").rename(root / "elsewhere")
    assert not course.has_hidden_files


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("reference/scoring/softmax.py", "x = 1"),
        ("reference/scoring/mask.py", "x = 1"),
        ("assignments/given/data.py", "data = 2"),
        ("graders/scoring/softmax/public.py", "x = 1"),
        ("graders/scoring/softmax/hidden.py", "x = 1"),
        ("graders/scoring/softmax/misconceptions.py", "x = 1"),
        ("graders/scoring/softmax/curves.json", "{}"),
        (COURSE_FILE, TOML.replace("call_seconds = 2.0", "call_seconds = 9.0")),
        (COURSE_FILE, TOML.replace("torch.softmax", "torch.exp")),
        (COURSE_FILE, TOML.replace("matplotlib.pyplot", "matplotlib")),
        (COURSE_FILE, TOML.replace('title = "Mask"', 'title = "Mask"\nneeds = ["sklearn"]')),
        (COURSE_FILE, TOML.replace('uses = ["scoring/mask"]', "")),
    ],
)
def test_the_fingerprint_follows_all_that_decides_a_result(root, path, text):
    """Graders, references and what they import, limits, and the libraries that are there."""
    before = fingerprint(root)
    write(root / path, text)
    assert fingerprint(root) != before


def test_the_fingerprint_tells_a_public_property_from_a_hidden_one(root):
    """Where only the name of the file changes."""
    public, hidden = (root / "graders/scoring/softmax" / name for name in ("public.py", "hidden.py"))
    hidden.unlink()
    before = fingerprint(root)
    public.rename(hidden)
    assert fingerprint(root) != before


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("reference/multihead/heads.py", "x = 1"),
        ("graders/scoring/mask/hidden.py", "x = 1"),
        ("graders/scoring/mask/misconceptions.py", "x = 1"),
        ("assignments/scoring/softmax.py", "x = 1"),
        (COURSE_FILE, TOML.replace('title = "Softmax"', 'title = "SOFTMAX"')),
        (COURSE_FILE, TOML.replace("weight = 2.0", "weight = 3.0")),
        (COURSE_FILE, TOML.replace("seed = 3", "seed = 3\nlate = {per_day = 0.1}")),
    ],
)
def test_the_fingerprint_ignores_the_rest(root, path, text):
    """Other exercises' graders, later references, the stub, titles, weights: nothing is graded again for them."""
    before = fingerprint(root)
    write(root / path, text)
    assert fingerprint(root) == before


def fingerprint(root):
    """Of the middle exercise, freshly read."""
    course = read_course(root)
    return course.fingerprint(course.exercise("scoring/softmax"))


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ('title = "Attention"', "", "title"),
        ('title = "Attention"', "title = ", "course.toml: "),
        ("seed = 3", 'seed = "x"', "seed"),
        ("seed = 3", "sed = 3", "sed"),
        ('slug = "softmax"', 'slug = "mask"', "scoring/mask is listed twice"),
        ('slug = "heads"', 'slug = "my-heads"', "must be Python identifiers"),
        ('name = "multihead"', 'name = ".."', "must be Python identifiers"),
        ('uses = ["scoring/mask"]', 'uses = ["multihead/heads"]', "uses multihead/heads, which must be listed before"),
    ],
)
def test_a_wrong_course_says_what_is_wrong(root, old, new, why):
    """With the file and the place in it."""
    write(root / COURSE_FILE, TOML.replace(old, new, 1))
    with pytest.raises(CourseError, match=why):
        read_course(root)


def test_a_course_file_that_is_no_text_is_refused(root):
    """Not a traceback."""
    (root / COURSE_FILE).write_bytes(b'title = "\xff"')
    with pytest.raises(CourseError, match=r"course\.toml"):
        read_course(root)
