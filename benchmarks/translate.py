"""Bahdanau's decoder on real sentences, from a file that you name: not graded, and nothing is downloaded.

    python benchmarks/translate.py PATH [--max-pairs 300] [--max-words 10] [--steps 120] [--seed 0]

PATH has the layout of `assignments/given/sentence_pairs.py`. Printed are the loss on the way, some sentences with their
translations, BLEU of each and the authors, and the mean BLEU of the pairs that were learned and of those that were not.
Expect much of the first and little of the second: a few hundred sentences are learned by heart, and teach no language.
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"

import torch

from headcheck.course import read_course
from headcheck.loading import load_for_good

COURSE = read_course(Path(__file__).parents[1])
SIZE, BATCH, LR, NGRAMS = 64, 64, 1e-2, 2
SHOWN, EVERY = 5, 20


def train(training, given, data, *, steps, seed):
    """The reference's model after some steps of the reference's training."""
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    encoder = training.Seq2SeqEncoder(len(data.src_vocab), SIZE, SIZE, 1)
    decoder = training.Seq2SeqAttentionDecoder(len(data.tgt_vocab), SIZE, SIZE, 1)
    model = training.EncoderDecoder(encoder, decoder)
    optimizer = training.adam(model, LR)
    for step in range(1, steps + 1):
        loss = training.train_step(model, optimizer, given.minibatch(data.train, BATCH, generator=generator), given.BOS)
        if step % EVERY == 0 or step == steps:
            print(f"step {step}: loss {loss:.3f}")
    return model


def translations(training, given, model, data, pairs):
    """Source, translation, label and BLEU of every pair."""
    src, src_lens, labels, label_lens = pairs
    found = training.greedy_decode(model, src, src_lens, given.BOS, given.EOS, labels.shape[1])
    for ids, length, got, label, label_length in zip(src, src_lens, found, labels, label_lens, strict=True):
        source = given.sentence(ids[: length - 1].tolist(), data.src_vocab)
        answer = given.sentence(got, data.tgt_vocab)
        wanted = given.sentence(label[: label_length - 1].tolist(), data.tgt_vocab)
        yield source, answer, wanted, training.bleu(answer, wanted, NGRAMS)


def main():
    """Read, train, translate."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("path", type=Path)
    parser.add_argument("--max-pairs", type=int, default=300)
    parser.add_argument("--max-words", type=int, default=10)
    parser.add_argument("--steps", type=int, default=120)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    sources = COURSE.reference_sources(COURSE.exercise("bahdanau/seq2seq_training"))
    names = "bahdanau.seq2seq_training", "given.dates", "given.sentence_pairs"
    training, given, sentences = (load_for_good(sources, name) for name in names)
    try:
        data = sentences.read_pairs(arguments.path, max_pairs=arguments.max_pairs, max_words=arguments.max_words)
    except (OSError, ValueError) as error:
        raise SystemExit(str(error)) from error
    started = time.process_time()
    model = train(training, given, data, steps=arguments.steps, seed=arguments.seed)
    print(f"{arguments.steps} steps took {time.process_time() - started:.1f} s of CPU")
    learned, unseen = (list(translations(training, given, model, data, pairs)) for pairs in (data.train, data.test))
    for title, rows, authors in (
        ("learned", learned, data.credits),
        ("never seen", unseen, data.credits[len(learned) :]),
    ):
        print(f"\n{title}: {len(rows)} pairs, mean BLEU {sum(row[-1] for row in rows) / len(rows):.3f}")
        for (source, answer, wanted, score), credit in list(zip(rows, authors, strict=False))[
            :: -(-len(rows) // SHOWN)
        ]:
            print(f"    {source} -> {answer}    wanted: {wanted}    BLEU {score:.2f}    [{credit}]")


if __name__ == "__main__":
    main()
