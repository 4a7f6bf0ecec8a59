"""What students are given to train on: the dates in two languages, and a reader of sentence pairs from a file."""

from __future__ import annotations

import subprocess
import sys
from datetime import date
from itertools import product

import pytest
import torch

from headcheck.loading import load

ENGLISH = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
FRENCH = ["janv", "févr", "mars", "avr", "mai", "juin", "juil", "août", "sept", "oct", "nov", "déc"]
WEEKDAYS = {
    "fr": ["lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche"],
    "zh": ["一", "二", "三", "四", "五", "六", "日"],
}


@pytest.fixture(scope="module")
def dates(course):
    """The module `given.dates`."""
    return load(course.given_sources(course.exercise("bahdanau/seq2seq_training")), "given.dates")


@pytest.fixture(scope="module")
def reader(course):
    """The module `given.sentence_pairs`."""
    return load(course.given_sources(course.exercise("bahdanau/seq2seq_training")), "given.sentence_pairs")


@pytest.fixture
def write(tmp_path):
    """Write a file of pairs, given by its lines or as bytes, and return its path."""

    def write(content):
        path = tmp_path / "pairs.tsv"
        path.write_bytes(content if isinstance(content, bytes) else "".join(f"{line}\n" for line in content).encode())
        return path

    return write


def made_up():
    """Sixty pairs in the layout of the file, longer sentences first."""
    who = [("We", "Nous"), ("They", "Ils"), ("The two of us", "Nous deux")]
    what = [("read", "lire"), ("sing", "chanter"), ("wait", "attendre"), ("write", "écrire")]
    when = [("", ""), (" now", " maintenant"), (" today", " aujourd'hui"), (" at noon", " à midi"), (" here", " ici")]
    pairs = [["".join((a[i], " ", b[i], c[i], ".")) for i in (0, 1)] for a, b, c in product(who, what, when)]
    return [f"{english}\t{french}\twritten by {i}" for i, (english, french) in enumerate(pairs)][::-1]


def words(ids, length, vocab):
    """The words of a row without `<eos>`, which has to be where it belongs."""
    assert ids[length - 1] == 2
    assert not ids[length:].any()
    return [vocab[i] for i in ids[: length - 1].tolist()]


def english_day(row):
    """The day that an English row names, with its weekday if it says one."""
    *_, month, day, _, a, b, c, d = row
    return date(int(a + b + c + d), 1 + ENGLISH.index(month[:3]), int(day)), row[1] == ","


def other_day(row, target):
    """The same of a translation."""
    if target == "zh":
        year, (month, _, day, _), rest = int("".join(row[:4])), row[5:9], row[9:]
        weekday = rest[-1] if rest else None
    else:
        *rest, day, name, a, b, c, d = row
        year, weekday = int(a + b + c + d), rest[0] if rest else None
        month = 1 + next(i for i, start in enumerate(FRENCH) if name.startswith(start))
    found = date(year, int(month), int(day))
    assert weekday is None or WEEKDAYS[target].index(weekday) == found.weekday()
    return found, weekday is not None


@pytest.mark.parametrize("target", ["fr", "zh"])
def test_a_date_and_its_translation_name_the_same_day(dates, target):
    """All 2,200 rows can be read back from their ids: one day in both languages, none twice, the weekday in both."""
    data = dates.make_dates(target)
    found = []
    for src, src_lens, labels, label_lens in (data.train, data.test):
        for source, n, label, m in zip(src, src_lens, labels, label_lens, strict=True):
            day = english_day(words(source, n, data.src_vocab))
            assert other_day(words(label, m, data.tgt_vocab), target) == day
            found.append(day[0])
    assert len(set(found)) == len(found) == 2200


@pytest.mark.parametrize(("target", "lengths", "most"), [("fr", {7, 8}, 70), ("zh", {10, 13}, 50)])
def test_dates_are_short_and_have_few_words(dates, target, lengths, most):
    """Sources have 8 or 10 steps, translations two lengths as well; every word of the vocabulary is learned."""
    data = dates.make_dates(target)
    assert set(data.train[1].tolist()) == set(data.test[1].tolist()) == {8, 10}
    assert set(data.train[3].tolist()) == set(data.test[3].tolist()) == lengths
    for ids, vocab, limit in ((data.train[0], data.src_vocab, 70), (data.train[2], data.tgt_vocab, most)):
        assert len(set(vocab)) == len(vocab) <= limit
        assert set(ids.unique().tolist()) == set(range(len(vocab))) - {dates.BOS}


def test_both_languages_have_the_same_dates(dates):
    """The English side does not depend on the language that it is translated to, only on the seed."""
    french, chinese, others = dates.make_dates(), dates.make_dates("zh"), dates.make_dates(seed=1)
    assert all(torch.equal(a, b) for a, b in zip(french.train[:2], chinese.train[:2], strict=True))
    assert not torch.equal(french.train[0], others.train[0])


def test_pairs_are_the_shortest_with_their_first_translation(reader, write):
    """The shortest sentences are taken, each with its first translation and authors; one in ten is to test."""
    lines = ["A late one has to wait for its turn here.\tTard.\tZ", "We read.\tEncore.\tY"]
    data = reader.read_pairs(write(made_up() + lines), max_pairs=20, max_words=6)
    found = {}
    for part, authors in ((data.train, data.credits[:18]), (data.test, data.credits[18:])):
        for source, n, label, m, credit in zip(*part, authors, strict=True):
            found[credit] = (" ".join(words(source, n, data.src_vocab)), " ".join(words(label, m, data.tgt_vocab)))
    assert (len(found), len(data.train[0]), len(data.test[0])) == (20, 18, 2)
    assert found["written by 0"] == ("we read .", "nous lire .")
    assert max(len(english.split()) for english, _ in found.values()) == 4
    assert "aujourd' hui" in {" ".join(french.split()[2:4]) for _, french in found.values()}


def test_long_translations_are_left_out(reader, write):
    """A pair of which either sentence has more than max_words words is not taken."""
    long = ["Go!\tUn deux trois quatre cinq six sept.\tA", "One two three four five six seven.\tUn.\tB"]
    data = reader.read_pairs(write(made_up() + long), max_pairs=100, max_words=6)
    assert not {"A", "B"} & set(data.credits)
    assert data.train[0].shape[1] <= 7 >= data.train[2].shape[1]  # six words and <eos>


def test_accents_and_marks_of_the_file_do_not_matter(reader, write):
    """A byte order mark, Windows line ends and accents written as two characters change nothing."""
    lines = made_up()
    wanted = reader.read_pairs(write(lines), max_words=9)
    text = "\ufeff" + "".join(f"{line}\r\n" for line in lines).replace("é", "e\u0301")
    found = reader.read_pairs(write(text.encode()), max_words=9)
    assert (found.src_vocab, found.tgt_vocab, found.credits) == (wanted.src_vocab, wanted.tgt_vocab, wanted.credits)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (["We read.\tNous lisons."], "line 1 has 2 columns, wanted three with tabs between: English sentence"),
        ([*made_up(), "We read, we sing."], "line 61 has 1 columns"),
        ([*made_up(), ""], "line 61 has 1 columns"),
        (b"", "line 1 has 1 columns"),
        (["We read.\t \tA"], "line 1 has no translation, wanted three"),
        (["We read.\tNous lisons.\t"], "line 1 has no authors"),
        ("We read.\tÉcrire.\tA\n".encode("latin-1"), r"is no UTF-8 text \(byte 9\): unpack it, or save it as UTF-8"),
        (made_up()[:9], "9 pairs with different English sentences have at most 10 words a side"),
        (["We read.\tNous lisons.\tA"] * 30, "1 pairs with different English sentences"),
    ],
)
def test_an_unfit_file_is_refused(reader, write, content, message):
    """A wrong layout, a wrong encoding or too few pairs are errors that say where, and what was wanted."""
    with pytest.raises(ValueError, match=message):
        reader.read_pairs(write(content))


def test_too_narrow_limits_are_refused(reader, write):
    """Limits that let too few pairs in are named."""
    path = write(made_up())
    with pytest.raises(ValueError, match="at most 2 words a side, max_pairs is 300, and it takes 10: raise max_words"):
        reader.read_pairs(path, max_words=2)
    with pytest.raises(ValueError, match="max_pairs is 9,"):
        reader.read_pairs(path, max_pairs=9)


def test_an_absent_file_is_named(reader, tmp_path):
    """No file, or a directory, is an error that names it and says what kind of file is wanted."""
    for path in (tmp_path / "fra.txt", tmp_path):
        with pytest.raises(FileNotFoundError, match=f"there is no file {path}: name one of three columns"):
            reader.read_pairs(str(path))


def test_a_file_of_pairs_can_be_translated(course, write):
    """The script learns made-up sentences by heart, and prints translations, BLEU and authors."""
    command = [sys.executable, str(course.root / "benchmarks" / "translate.py")]
    done = subprocess.run(
        [*command, str(write(made_up())), "--steps", "60"], capture_output=True, text=True, check=True
    )
    learned, unseen = (line for line in done.stdout.splitlines() if "mean BLEU" in line)
    assert learned.startswith("learned: 54 pairs, mean BLEU ")
    assert unseen.startswith("never seen: 6 pairs, mean BLEU ")
    assert float(learned.split()[-1]) > 0.9
    assert "[written by " in done.stdout
    refused = subprocess.run([*command, "nothing.tsv"], capture_output=True, text=True, check=False)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr.startswith("there is no file nothing.tsv")
