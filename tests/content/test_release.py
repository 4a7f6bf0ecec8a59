"""The students' copy of this course: every exercise can be checked in it, and by nothing hidden."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest

from headcheck.cells import cell_id, sources_of
from headcheck.course import read_course
from headcheck.diagnosis import Suspects
from headcheck.grading import Exam, Exams, Grader, examine
from headcheck.loading import load
from headcheck.notebooks import code_of
from headcheck.properties import draw_cases, load_properties, property_seed
from headcheck.release import write_release
from headcheck.student import local
from headcheck.submission import Submission, read_directory

COURSE = read_course(Path(__file__).parents[2])
EXERCISES = [exercise.id for exercise in COURSE.exercises]
THOROUGHLY = ["scoring/masked_softmax", "scoring/dot_product_attention", "multihead/head_reshape"]


@pytest.fixture(scope="module")
def released(tmp_path_factory):
    """The copy, as a course."""
    out = tmp_path_factory.mktemp("release") / "copy"
    write_release(COURSE, out, "both")
    return read_course(out)


def gates(course, exercise):
    """An exam of the gates alone, made from what is in the copy."""
    properties = [prop for prop in load_properties(course, exercise) if prop.worth.gate]
    seeds = {prop.name: property_seed(course.seed, exercise, prop) for prop in properties}
    cases = {prop.name: draw_cases(prop, seeds[prop.name]) for prop in properties}
    return Exam(exercise, properties, cases, seeds, None, {}, Suspects({}, None))


def outcomes(course, exercise, sources):
    """How the gates end on these texts, in this process."""
    connection = local(load(sources, exercise.module))
    return {result.outcome for result in examine(gates(course, exercise), lambda: connection, shrink=False)}


def without_neighbours(exercise):
    """A reference without what it imports of its own section, as in a notebook."""
    text = exercise.reference.read_text()
    return code_of(text, ast.parse(text), COURSE.select(exercise.section))


@pytest.mark.parametrize("name", EXERCISES)
def test_stubs_fail_the_gates_of_a_release_and_references_pass_them(name, released):
    """All public graders load without anything hidden; what was handed out earns nothing."""
    exercise = released.exercise(name)
    used = [released.exercise(each) for each in (*exercise.uses, name)]
    stubs = {each.module: each.stub.read_bytes() for each in used} | released.given_sources(exercise)
    assert "passed" not in outcomes(released, exercise, stubs)
    assert outcomes(released, exercise, COURSE.reference_sources(COURSE.exercise(name))) == {"passed"}


@pytest.mark.parametrize("section", list(COURSE.sections))
def test_a_solved_notebook_holds_the_references(section, released):
    """With each reference in its cell, without imports of what stands above, every exercise is found as it was."""
    path = released.root / "assignments" / section / f"{section}.ipynb"
    content = json.loads(path.read_text())
    for exercise in COURSE.select(section):
        (cell,) = [cell for cell in content["cells"] if cell["id"] == cell_id(exercise.module, "code")]
        cell["source"] = without_neighbours(exercise)
    stubs = released.stubs(section)
    available = {exercise.module for exercise in COURSE.exercises}
    taken = sources_of(json.dumps(content).encode(), stubs, available, name=section)
    assert set(map(tuple, taken.findings.values())) == {()}
    for exercise in COURSE.select(section):
        found = taken.sources[exercise.module].decode()
        assert without_neighbours(exercise).partition("\n\n")[2] in found
        assert imports(found, section) >= imports(exercise.reference.read_text(), section)


def imports(text, section):
    """What a text imports of a section and uses, by module and name."""
    tree = ast.parse(text)
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    nodes = [node for node in tree.body if isinstance(node, ast.ImportFrom) and node.module.startswith(f"{section}.")]
    return {(node.module, alias.name) for node in nodes for alias in node.names if alias.name in used}


@pytest.mark.parametrize("name", THOROUGHLY)
@pytest.mark.parametrize("form", ["files", "notebooks"])
def test_references_pass_all_public_properties_of_a_release(name, form, released, sandbox, tmp_path):
    """In the sandbox, put in place of the stubs or into the notebooks, of which another section's is used, too."""
    exercise = released.exercise(name)
    for each in (COURSE.exercise(used) for used in (*exercise.uses, name)):
        directory = tmp_path / each.section
        directory.mkdir(exist_ok=True)
        if form == "files":
            (directory / f"{each.slug}.py").write_bytes(each.reference.read_bytes())
            continue
        path = directory / f"{each.section}.ipynb"
        given = path if path.exists() else released.root / "assignments" / each.section / path.name
        content = json.loads(given.read_text())
        (cell,) = [cell for cell in content["cells"] if cell["id"] == cell_id(each.module, "code")]
        cell["source"] = without_neighbours(each)
        path.write_text(json.dumps(content))
    grader = Grader(released, Exams(released, released.seed, public_only=True), sandbox)
    (result,) = grader.check(read_directory(tmp_path, released), [exercise])
    assert [(prop.name, prop.message) for prop in result.properties if prop.outcome != "passed"] == []


@pytest.mark.parametrize("solution", ["reference", "stub", "alternative"])
def test_a_notebook_earns_the_points_of_the_same_files(solution, grader):
    """A section's four exercises, of which one uses another section's notebook, whatever they are worth."""
    wanted = [COURSE.exercise("scoring/dot_product_attention"), COURSE.exercise("multihead/multi_head_attention")]
    exercises = COURSE.with_used(wanted)
    paths = {each: each.alternatives[0] if solution == "alternative" else getattr(each, solution) for each in exercises}
    files = Submission("files", {each.id: path.read_bytes() for each, path in paths.items()})
    books = {}
    for section in dict.fromkeys(each.section for each in exercises):
        cells = [
            {"cell_type": "code", "id": cell_id(each.module, "code"), "source": path.read_text()}
            for each, path in paths.items()
            if each.section == section
        ]
        books[section] = json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells}).encode()
    by_file = grader.grade_submission(files, exercises)
    by_notebook = grader.grade_submission(Submission("notebooks", {}, notebooks=books), exercises)
    assert points(by_file) == points(by_notebook)
    assert (sum(section.points for section in by_file) > 0) == (solution != "stub")


def points(sections):
    """Every property's points."""
    return [
        (exercise.exercise, prop.name, prop.points)
        for section in sections
        for exercise in section.exercises
        for prop in exercise.properties
    ]
