"""Results as JUnit XML, by the schema that Jenkins publishes for it: a suite a section of a student, a case a property.

The schema has no place for points on a case, so they are properties of the suite.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from headcheck.language import translated
from headcheck.tables import points_cell
from headcheck.terminal import plain_text, property_view
from headcheck.text import visible

if TYPE_CHECKING:
    from collections.abc import Iterable

    from headcheck.results import Outcome, PropertyResult, SectionResult

WIDTH = 100
MAX_TEXT = 20_000
ELEMENTS: dict[Outcome, str] = {
    "failed": "failure",
    "skipped": "skipped",
    "missing": "skipped",
    "timeout": "error",
    "crashed": "error",
    "broken": "error",
}


def junit_xml(results: Iterable[SectionResult]) -> bytes:
    """One document for all of them."""
    suites = [_suite(result) for result in results]
    root = ET.Element("testsuites", name="headcheck")
    root.extend(suites)
    for count in ("tests", "failures", "errors"):
        root.set(count, str(sum(int(suite.get(count, "0")) for suite in suites)))
    root.set("time", _seconds(sum(float(suite.get("time", "0")) for suite in suites)))
    ET.indent(root)
    document: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return document + b"\n"


def _suite(result: SectionResult) -> ET.Element:
    cases = [(exercise.exercise, prop) for exercise in result.exercises for prop in exercise.properties]
    marks = [ELEMENTS.get(prop.outcome, "") for _, prop in cases]
    suite = ET.Element("testsuite", name=_text(f"{result.student}/{result.section}"), tests=str(len(cases)))
    suite.set("failures", str(marks.count("failure")))
    suite.set("errors", str(marks.count("error")))
    suite.set("skipped", str(marks.count("skipped")))
    suite.set("time", _seconds(sum(prop.seconds for _, prop in cases)))
    said = ET.SubElement(suite, "properties")
    _say(said, "sandbox", result.sandbox)
    _say_points(said, "", result.points, result.max_points)
    for exercise, prop in cases:
        _say_points(said, f"{exercise}/{prop.name}.", prop.points, prop.max_points)
    for exercise, prop in cases:
        suite.append(_case(result.student, exercise, prop))
    return suite


def _case(student: str, exercise: str, prop: PropertyResult) -> ET.Element:
    class_name = _text(f"{student}.{exercise.replace('/', '.')}")
    case = ET.Element("testcase", classname=class_name, name=_text(prop.name), time=_seconds(prop.seconds))
    if element := ELEMENTS.get(prop.outcome):
        message = translated(prop.message or prop.sentence).partition("\n")[0]
        found = ET.SubElement(case, element, type=prop.outcome, message=_text(message))
        found.text = _text(plain_text(property_view(prop), width=WIDTH).strip("\n"))
    return case


def _say_points(parent: ET.Element, prefix: str, points: float, max_points: float) -> None:
    _say(parent, f"{prefix}points", points_cell(points))
    _say(parent, f"{prefix}max_points", points_cell(max_points))


def _say(parent: ET.Element, name: str, value: str) -> None:
    ET.SubElement(parent, "property", name=_text(name), value=value)


def _text(text: str) -> str:
    """What XML may hold: every character that it may not is one that `visible` writes as its escape."""
    return visible(text, lines=True, limit=MAX_TEXT)


def _seconds(seconds: float) -> str:
    return f"{seconds:.3f}"
