"""JUnit XML: valid by the rules of Jenkins's schema, whatever the results hold."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headcheck.junit import junit_xml
from headcheck.results import Counterexample, ExerciseResult, PropertyResult, section_result

COUNT = r"\d+"
TIME = r"(([0-9]{0,3},)*[0-9]{3}|[0-9]{0,3})*(\.[0-9]{0,3})?"  # the schema's SUREFIRE_TIME
TEXT = r"(?s).*"
COUNTS = {"tests": COUNT, "failures": COUNT, "errors": COUNT, "time": TIME}
ENDED = {"type": TEXT, "message": TEXT}
SUITE = ("name", "group", "timestamp", "hostname", "id", "package", "file", "log", "url", "version")
ATTRIBUTES = {
    "testsuites": COUNTS | {"name": TEXT, "disabled": COUNT},
    "testsuite": COUNTS | {"skipped": COUNT} | dict.fromkeys(SUITE, TEXT),
    "properties": {},
    "property": {"name": TEXT, "value": TEXT},
    "testcase": {"name": TEXT, "classname": TEXT, "group": TEXT, "time": TIME},
    "failure": ENDED,
    "error": ENDED,
    "skipped": ENDED,
}
REQUIRED = {"testsuite": {"name", "tests"}, "property": {"name", "value"}, "testcase": {"name"}}
CHILDREN = {
    "testsuites": {"testsuite"},
    "testsuite": {"properties", "testcase"},
    "properties": {"property"},
    "testcase": {"failure", "error", "skipped"},
}
LEGAL = re.compile("[\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]*")
OUTCOMES = ["passed", "failed", "skipped", "timeout", "crashed", "broken", "missing"]


def prop(outcome, name="rows_sum", message="It says why.\nAt length.", **more):
    """One property of two points."""
    points = 2.0 if outcome in ("passed", "broken") else 0.0
    return PropertyResult(name, "public", "core", outcome, points, 2.0, message, seconds=0.0304, **more)


def section(properties, student="amber"):
    """One section with one exercise."""
    exercise = ExerciseResult("scoring/masked_softmax", "failed", 2.0, 4.0, 0.5, None, properties)
    return section_result(student, "scoring", "full", 0, [exercise])


def valid(data):
    """The document, each of whose elements is as the schema wants it."""
    root = ET.fromstring(data)
    assert root.tag == "testsuites"
    for element in root.iter():
        assert {child.tag for child in element} <= CHILDREN.get(element.tag, set())
        assert REQUIRED.get(element.tag, set()) <= set(element.attrib)
        for name, value in element.attrib.items():
            assert re.fullmatch(ATTRIBUTES[element.tag][name], value), (element.tag, name, value)
            assert LEGAL.fullmatch(value)
        if element.tag not in ("failure", "error", "skipped"):
            assert not (element.text or "").strip()
    return root


@pytest.mark.parametrize(
    ("outcome", "tag"),
    [
        ("failed", "failure"),
        ("skipped", "skipped"),
        ("missing", "skipped"),
        ("timeout", "error"),
        ("crashed", "error"),
        ("broken", "error"),
    ],
)
def test_each_outcome_has_its_element(outcome, tag):
    """With the first line of the message, and all of it below."""
    (case,) = valid(junit_xml([section([prop(outcome)])])).iter("testcase")
    (found,) = case
    assert (found.tag, found.get("type"), found.get("message")) == (tag, outcome, "It says why.")
    assert "At length." in found.text


def test_what_passed_says_nothing():
    """Its case is there, with its time."""
    (case,) = valid(junit_xml([section([prop("passed")])])).iter("testcase")
    assert case.attrib == {"classname": "amber.scoring.masked_softmax", "name": "rows_sum", "time": "0.030"}
    assert list(case) == []


def test_a_section_of_a_student_is_a_suite_that_counts_its_cases():
    """And the document counts over all of them."""
    every = [prop(outcome, name=outcome) for outcome in OUTCOMES]
    root = valid(junit_xml([section(every), section([prop("failed")], student="bruno")]))
    first, second = root
    assert [first.get(name) for name in ("name", "tests", "failures", "errors", "skipped", "time")] == [
        "amber/scoring", "7", "1", "3", "2", "0.213",
    ]  # fmt: skip
    assert second.get("name") == "bruno/scoring"
    assert [root.get(name) for name in ("tests", "failures", "errors")] == ["8", "2", "3"]


def test_points_are_properties_of_the_suite():
    """Of the section, and of each property."""
    root = valid(junit_xml([section([prop("failed"), prop("passed", name="shape")])]))
    said = {each.get("name"): each.get("value") for each in root.iter("property")}
    assert said == {
        "sandbox": "full",
        "points": "2",
        "max_points": "4",
        "scoring/masked_softmax/rows_sum.points": "0",
        "scoring/masked_softmax/rows_sum.max_points": "2",
        "scoring/masked_softmax/shape.points": "2",
        "scoring/masked_softmax/shape.max_points": "2",
    }


def test_the_counterexample_is_told():
    """As text, with got and wanted."""
    example = Counterexample({"scores": {"dtype": "float32", "shape": [2], "values": [1.0, 2.0]}}, {}, {})
    (found,) = valid(junit_xml([section([prop("failed", counterexample=example, hint="Look there.")])])).iter("failure")
    assert "scores" in found.text
    assert "Look there." in found.text


@given(st.text(st.characters(exclude_categories=()), max_size=30), st.sampled_from(OUTCOMES))
def test_any_text_makes_a_valid_document(text, outcome):
    """Lone surrogates, NUL, escapes, what is no character, and what looks like XML."""
    found = section([prop(outcome, name=text, message=text, sentence=text, hint=text)], student=text)
    (case,) = valid(junit_xml([found])).iter("testcase")
    assert LEGAL.fullmatch("".join(case.itertext()))


@pytest.mark.parametrize("text", ["\x00", "\x1b[31m", "\ud800", "\ufffe", "\uffff", "\x0b", "]]>", "<!--", "&#0;"])
def test_what_xml_cannot_hold_is_written_out(text):
    """So that the reader sees that it was there."""
    (found,) = valid(junit_xml([section([prop("failed", message=f"a{text}b")])])).iter("failure")
    seen = text if text.isascii() and text.isprintable() else text.encode("unicode_escape").decode()
    assert found.get("message") == f"a{seen}b"
