"""Similarity: disguised copies above all that is independent, measured on the course's own solutions."""

from __future__ import annotations

import ast
import random
from functools import cache
from itertools import combinations
from pathlib import Path

import pytest

from headcheck.course import read_course
from headcheck.outlines import outline
from headcheck.similarity import COMMON_AT_LEAST, LEAST, LEAST_PART, MAX_PAIRS, Work, similarities

ROOT = Path(__file__).parents[2]
COURSE = read_course(ROOT)
SOLUTIONS = {
    exercise.id: {f"{exercise.slug}/{path.stem}": path.read_text("utf-8") for path in exercise.alternatives}
    for exercise in COURSE.exercises
}
MISTAKES = [
    (exercise.id, path)
    for exercise in COURSE.exercises
    for path in sorted((ROOT / "tests" / "same_mistakes" / exercise.id).glob("*.py"))
]


class Disguise(ast.NodeTransformer):
    """New names, keywords and methods in another order, sums and comparisons turned round, other docstrings."""

    def __init__(self, tree, kept):
        nodes = list(ast.walk(tree))
        imports = [alias for node in nodes if isinstance(node, ast.Import | ast.ImportFrom) for alias in node.names]
        own = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
        own |= {node.arg for node in nodes if isinstance(node, ast.arg)}
        own |= {node.name for node in nodes if isinstance(node, ast.FunctionDef)}
        own -= {"self", "forward", "__init__", *kept, *(alias.asname or alias.name for alias in imports)}
        self.names = {name: f"renamed_{place}" for place, name in enumerate(sorted(own))}

    def visit_Name(self, node):
        node.id = self.names.get(node.id, node.id)
        return node

    def visit_arg(self, node):
        node.arg, node.annotation = self.names.get(node.arg, node.arg), None
        return node

    def visit_FunctionDef(self, node):
        node.name = self.names.get(node.name, node.name)
        self.generic_visit(node)
        return self._described(node)

    def visit_ClassDef(self, node):
        self.generic_visit(node)
        node.body.reverse()
        return self._described(node)

    def _described(self, node):
        if ast.get_docstring(node) is None:
            node.body.insert(0, ast.Expr(ast.Constant("Mine.")))
        return node

    def visit_Call(self, node):
        self.generic_visit(node)
        node.keywords.reverse()
        return node

    def visit_BinOp(self, node):
        self.generic_visit(node)
        if isinstance(node.op, ast.Add | ast.Mult):
            node.left, node.right = node.right, node.left
        return node

    def visit_Compare(self, node):
        self.generic_visit(node)
        if isinstance(node.ops[0], ast.Lt) and len(node.ops) == 1:
            return ast.Compare(node.comparators[0], [ast.Gt()], [node.left])
        return node


def disguised(text, exercise):
    """A copy that nobody recognises at a glance: laid out anew, its definitions in another order."""
    tree = ast.parse(text)
    tree = Disguise(tree, COURSE.exercise(exercise).written_names()).visit(tree)
    imports = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    rest = [node for node in tree.body if node not in imports]
    return "# Mine.\n" + ast.unparse(ast.Module(imports + rest[::-1], []))


outlined = cache(outline)


def work(student, text, exercise="s/a"):
    """What a student handed in."""
    return Work(exercise, student, text, *outlined(text))


@cache
def given(exercise):
    """What the stub and the reference of an exercise say; its alternatives are this test's students."""
    paths = (COURSE.exercise(exercise).stub, COURSE.exercise(exercise).reference)
    return {piece for path in paths for piece in outline(path.read_text("utf-8")).pieces}


def pairs(found):
    """Who is like whom."""
    return [{side.student for side in pair.sides} for pair in found.pairs]


# What is alike


def test_disguised_copies_rank_above_independent_solutions():
    """Of all alternatives, each beside a copy: the copies alone are found, and all of them."""
    works = []
    for exercise, solutions in SOLUTIONS.items():
        for name, text in solutions.items():
            works += [work(name, text, exercise), work(f"copy of {name}", disguised(text, exercise), exercise)]
    found = similarities(works, {exercise: given(exercise) for exercise in SOLUTIONS})
    copies = [{name, f"copy of {name}"} for solutions in SOLUTIONS.values() for name in solutions]
    assert all(pair in copies for pair in pairs(found))
    unsaid = sum(one.count for one in found.silent) // 2
    assert len(found.pairs) + found.more == len(copies) - unsaid > MAX_PAIRS
    assert unsaid <= 2
    assert all(pair.shared >= 0.8 * min(side.own for side in pair.sides) for pair in found.pairs)


def test_independent_solutions_are_not_alike():
    """None of the pairs of alternatives, with all of an exercise in one class."""
    works = [work(name, text, exercise) for exercise in SOLUTIONS for name, text in SOLUTIONS[exercise].items()]
    found = similarities(works, {exercise: given(exercise) for exercise in SOLUTIONS})
    assert sum(len(list(combinations(solutions, 2))) for solutions in SOLUTIONS.values()) > 80
    assert (pairs(found), found.more) == ([], 0)


def test_a_copied_mistake_comes_first_among_right_solutions():
    """Each of some 300 wrong files, with a disguised copy beside the exercise's alternatives."""
    for exercise, path in MISTAKES:
        text = path.read_text("utf-8")
        room = [work(name, other, exercise) for name, other in SOLUTIONS[exercise].items()]
        room += [work("a", text, exercise), work("b", disguised(text, exercise), exercise)]
        assert pairs(similarities(room, {exercise: given(exercise)}))[:1] == [{"a", "b"}], path


def test_an_edited_copy_is_still_alike():
    """One in which some statements are gone and others were added, beside the other solutions."""
    exercise, name = "transformer/transformer_decoder", "transformer_decoder/boolean_mask"
    lines = disguised(SOLUTIONS[exercise][name], exercise).split("\n")
    kept = [line for place, line in enumerate(lines) if place % 12 or not line.startswith("        self.")]
    edited = (
        "\n".join(kept).replace("        return ", "        more = [7 * 6]\n        return ")
        + "\n\ndef f(x):\n    return x\n"
    )
    room = [work(other, text, exercise) for other, text in SOLUTIONS[exercise].items()]
    assert pairs(similarities([*room, work("b", edited, exercise)], {exercise: given(exercise)})) == [{name, "b"}]


# What is taken away

MINE = "def f(x, y):\n    total = x.cumsum(0) / 3\n    return (total - y[::2]).abs().clamp(min=0.5) ** (\n        7)\n"
OTHER = "def f(x, y):\n    while y:\n        x, y = y[1:], not x\n    return {x: [y, -4], 5: sorted(x, key=len)}\n"


def test_what_is_given_or_right_is_nobodys():
    """Copies of the reference are not alike, and it is said that of them nothing can be said."""
    found = similarities([work("a", MINE), work("b", MINE)], {"s/a": outlined(MINE).pieces})
    assert (found.pairs, found.compared) == ([], 2)
    assert [(one.exercise, one.count, one.of) for one in found.silent] == [("s/a", 2, 2)]


@pytest.mark.parametrize("holders", [2, COMMON_AT_LEAST, COMMON_AT_LEAST + 1])
def test_what_a_good_part_of_a_class_has_is_common(holders):
    """A ring of five is shown, pair by pair; of six in a class of ten nothing is."""
    others = [work(f"other {place}", f"def f(x):\n    return x.{'abcd'[place]} * {place}\n") for place in range(4)]
    found = similarities([*others, *(work(f"{place}", MINE) for place in range(holders))], {})
    expected = holders * (holders - 1) // 2 if holders <= COMMON_AT_LEAST else 0
    assert len(found.pairs) == expected
    assert {pair.alone for pair in found.pairs} == (
        {found.pairs[0].shared} if holders == 2 else {0} if expected else set()
    )


def test_a_few_shared_pieces_are_no_likeness():
    """Although they are a good part of what is each one's own."""
    shared = "def g(x):\n    return (x.exp() + 1).log() / 2 - 3\n\n"
    few = set(outlined(shared).pieces) - {0}
    works = [work("a", f"{shared}def f(x):\n    return x.a(1, 2, 3, 4, 5, 6, 7, 8)\n"),
             work("b", f"{shared}def f(x):\n    return x.b(2, 3, 4, 5, 6, 7, 8, 9)\n")]  # fmt: skip
    assert all(LEAST <= len(set(one.pieces) - {0}) <= len(few) / LEAST_PART for one in works)
    assert len(few) < LEAST
    found = similarities(works, {})
    assert (found.pairs, found.silent) == ([], [])


def test_of_two_lines_nothing_can_be_said():
    """Work with few own pieces is in no pair, however like another it is."""
    short = "def f(x):\n    return x.exp() / (1 + x.exp())\n"
    assert len(set(outlined(short).pieces) - {0}) < LEAST
    found = similarities([work("a", short), work("b", short), work("c", MINE)], {})
    assert (found.pairs, [(one.count, one.of) for one in found.silent]) == ([], [(2, 3)])


# What is said


def test_a_pair_says_what_is_shared_and_where():
    """In pieces: shared, each one's own, in nobody else's; and by lines of each text."""
    found = similarities([work("a", f"{MINE}\n\n{OTHER}"), work("b", f"# Mine\n{MINE}"), work("c", OTHER)], {})
    (first, second) = sorted(found.pairs, key=lambda pair: pair.sides[1].student)
    a, b = first.sides
    assert (a.student, b.student, second.sides[1].student) == ("a", "b", "c")
    assert (first.shared, b.own, first.alone) == (b.own, first.shared, first.shared)
    assert a.own == first.shared + second.shared
    marked = [(line, is_shared) for line, is_shared in b.lines() if line]
    assert marked == [("# Mine", False), *((line, True) for line in MINE.splitlines())]
    assert [line for line, is_shared in a.lines() if is_shared] == MINE.splitlines()


def test_the_rarer_pair_comes_first():
    """Of two pairs with the same texts, the one in the class where nobody else has any of it."""
    works = [work(name, MINE, "s/a") for name in "abcd"] + [work(name, MINE, "s/b") for name in "ef"]
    works += [work(name, OTHER.replace("4", str(place)), "s/b") for place, name in enumerate("gh")]
    found = similarities(works, {})
    assert pairs(found)[0] == {"e", "f"}
    assert {pair.rank for pair in found.pairs[2:]} == {found.pairs[-1].rank}


def test_the_pair_that_shares_the_larger_part_comes_first():
    """Of two pairs with the same in common, the one that has nothing else."""
    third = (
        "def f(x):\n    for y in x:\n        x = {y for z in x if z is not y}\n    return [*x, *y, lambda x: 3 <= x]\n"
    )
    works = [
        work("a", MINE + OTHER, "s/a"),
        work("b", MINE + third, "s/a"),
        *(work(name, MINE, "s/b") for name in "cd"),
    ]
    found = similarities(works, {})
    assert pairs(found) == [{"c", "d"}, {"a", "b"}]
    assert found.pairs[0].shared == found.pairs[1].shared


def test_the_order_of_students_changes_nothing():
    """The same class read in another order comes to the same pairs and ranks."""
    exercise = "scoring/masked_softmax"
    works = [work(name, text, exercise) for name, text in SOLUTIONS[exercise].items()]
    works += [work(f"copy of {one.student}", disguised(one.text, exercise), exercise) for one in works]
    shuffled = random.Random(0).sample(works, len(works))
    ranks = [{frozenset(names): pair.rank for names, pair in zip(pairs(found), found.pairs, strict=True)}
             for found in (similarities(works, {}), similarities(shuffled, {}))]  # fmt: skip
    assert ranks[0] == pytest.approx(ranks[1])


def test_no_more_pairs_than_a_person_may_look_at():
    """And how many more there are."""
    works = [work(name, MINE, f"s/{place}") for place in range(MAX_PAIRS + 3) for name in "ab"]
    found = similarities(works, {})
    assert (len(found.pairs), found.more) == (MAX_PAIRS, 3)
