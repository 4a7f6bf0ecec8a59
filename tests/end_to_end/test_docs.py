"""The documentation is true where a machine can tell: its links, its commands and options, its numbers."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import click
import pytest

from headcheck.cli import main
from headcheck.course import read_course
from headcheck.properties import load_misconceptions, load_properties

ROOT = Path(__file__).parents[2]
COURSE = read_course(ROOT)
EXPLAINED = sorted((ROOT / "tests" / "explained").glob("*.toml"))
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("examples/*/*.md")])
README = (ROOT / "README.md").read_text(encoding="utf-8")
LINK = re.compile(r"\]\((?!https?:)([^)\s#]*)#?([^)\s]*)\)")
CODE = re.compile(r"```.*?```|`[^`\n]+`", re.DOTALL)
CALL = re.compile(r"\bheadcheck(?: --(?:course|lang) \S+)* ([a-z]+(?: [^\s`#|]+)*)")


def anchors(page):
    """What the headings of a page are called in links."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return [re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings]


@pytest.mark.parametrize("page", PAGES, ids=[str(page.relative_to(ROOT)) for page in PAGES])
def test_links_lead_somewhere(page):
    """Each link within the repository leads to a file, and to a heading of it."""
    for place, anchor in LINK.findall(page.read_text(encoding="utf-8")):
        target = page.parent / place if place else page
        assert target.exists(), place
        assert not anchor or anchor in anchors(target), f"{place}#{anchor}"


@pytest.mark.parametrize("page", PAGES, ids=[str(page.relative_to(ROOT)) for page in PAGES])
def test_commands_exist_with_their_options(page):
    """Whatever a page has its reader run, headcheck knows."""
    for code in CODE.findall(page.read_text(encoding="utf-8")):
        for call in CALL.findall(code):
            words = call.split()
            command: click.Command = main
            while isinstance(command, click.Group):
                assert words[0] in command.commands, call
                command = command.commands[words.pop(0)]
            known = {name for parameter in command.params for name in parameter.opts} | {"--help"}
            assert {word for word in words if re.match("--?[a-z]", word)} <= known, call


def test_the_readme_names_every_command():
    """There is none that only the help tells of."""
    assert [name for name in main.commands if f"headcheck {name}" not in README] == []


def test_the_readme_counts_right():
    """Exercises, misconceptions, properties, alternatives, mistakes in other code, explained mutants, attacks."""
    exercises = COURSE.exercises
    shown = {
        "The whole chapter: {} exercises": sum(exercise.section != "bonus" for exercise in exercises),
        "{} references and": len(exercises),
        "{} alternatives everything": sum(len(exercise.alternatives) for exercise in exercises),
        "all {} misconceptions lose": sum(len(load_misconceptions(COURSE, exercise)) for exercise in exercises),
        "the {} properties": sum(len(load_properties(COURSE, exercise)) for exercise in exercises),
        "times of {}, and": sum("_unnamed" not in path.parts for path in ROOT.glob("tests/same_mistakes/*/*/*.py")),
        "but for {} that": sum(
            len(mutants) for path in EXPLAINED for mutants in tomllib.loads(path.read_text()).values()
        ),
        "in {} variants": sum(path.read_text().count("\n# --- ") for path in ROOT.glob("tests/security/attacks/*.py")),
    }
    assert [told for text, count in shown.items() if (told := text.format(f"{count:,}")) not in README] == []
