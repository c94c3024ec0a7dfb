"""How fillings are sampled: rules, `--max-copy`, `--mix`, `--best-of` and labels work; their takes replay."""

import json
from pathlib import Path

import numpy as np
import pytest
from fill_fixtures import TEXT, checkpoint, chorale, chorales, run_folder, text_checkpoint

import seqgen
from seqgen.cli import run
from seqgen.codecs.char import Char, CharOptions
from seqgen.generation.steps import SampledStream
from seqgen.jobs.fill.settings import VaryJob
from seqgen.jobs.fill.vary import vary
from seqgen.tokenizer import Tokenizer

LEFT, RIGHT = "ANNA:\nGood ", ", how is the b?\n"


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "scene.txt").write_text(f"{LEFT}{{{{fill}}}}{RIGHT}")
    (tmp_path / "play.txt").write_text(TEXT[:300])
    (tmp_path / "piece.mid").write_bytes(chorale(3))
    (tmp_path / "tune.mid").write_bytes(chorale(4, names=("Soprano",)))


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    text_checkpoint().save(folder / "text")
    text_checkpoint(seed=1).save(folder / "other")
    labelled = Tokenizer(Char.fit([TEXT.encode()], CharOptions()), "char", ("calm", "wild"))
    checkpoint(labelled, [TEXT.encode()]).save(folder / "labelled")
    chorales().save(folder / "music")
    chorales(seed=1).save(folder / "music2")
    run_folder(folder / "run", TEXT)
    return folder


FILL = ("fill", "text", "scene.txt")
VARY = ("vary", "text", "play.txt", "--amount", "0.3")
BARS = ("fill", "music", "piece.mid", "--bars", "2:3")
VOICES = ("accompany", "music", "tune.mid", "--parts", "alto,bass")
VARIED = ("vary", "music", "piece.mid", "--amount", "0.4")


@pytest.mark.parametrize(
    "call",
    [
        (*FILL, "-r", "top_p", "0.8", "-r", "repetition", "1.2", "-t", "0.6"),
        (*FILL, "--mix", "{}/other:0.4"),
        (*FILL, "--best-of", "3"),
        ("fill", "labelled", "scene.txt", "--label", "wild"),
        ("fill", "run", "scene.txt", "--max-copy", "3"),
        (*VARY, "-r", "min_p", "0.1", "--best-of", "2"),
        ("vary", "run", "play.txt", "--amount", "0.3", "--max-copy", "4"),
        ("vary", "labelled", "play.txt", "--label", "calm"),
        (*BARS, "-r", "top_k", "20", "--best-of", "2"),
        (*BARS, "--mix", "{}/music2"),
        (*VOICES, "-r", "top_k", "20", "--best-of", "2"),
        (*VOICES, "--mix", "{}/music2:0.5"),
        (*VARIED, "--best-of", "2"),
    ],
)
def test_takes_of_fillings_replay_byte_for_byte(models, call, tmp_path, capsys):
    command, model, file, *more = call
    made = tmp_path / ("new.mid" if "music" in model else "new.txt")
    words = [command, str(models / model), file, *(each.format(models) for each in more)]
    assert run([*words, "--seed", "3", "-o", str(made), "--json"]) == 0
    take = json.loads(capsys.readouterr().out.splitlines()[-1])["take"]
    assert run(["takes", "replay", take, "-o", f"again{made.suffix}"]) == 0
    assert (tmp_path / f"again{made.suffix}").read_bytes() == made.read_bytes()
    assert run([*words, "--seed", "3", "-o", f"more{made.suffix}", "--no-take"]) == 0
    again = (tmp_path / f"more{made.suffix}").read_bytes()
    assert again == made.read_bytes() if made.suffix == ".txt" else len(again) <= made.stat().st_size


def filled(model, *more):
    assert run(["fill", str(model), "scene.txt", "--seed", "5", "-o", "new.txt", "--force", "--no-take", *more]) == 0
    return Path("new.txt").read_text().removeprefix(LEFT).removesuffix(RIGHT)


def test_rules_and_mixtures_change_what_is_filled(models):
    plain = filled(models / "text")
    assert filled(models / "text", "-t", "0") != plain
    assert filled(models / "text", "--mix", f"{models}/other:0.7") != plain
    assert filled(models / "text", "--mix", f"{models}/other:0") == plain


def test_a_label_stands_before_all_that_is_read(models):
    model = seqgen.load(models / "labelled")
    for label in ("calm", "wild"):
        read = model.fill(LEFT, RIGHT, label=label, seed=1).prompt_ids.tolist()
        assert read[:2] == [model.tokenizer.document_id, model.tokenizer.label_id(label)]
    read = model.fill(LEFT, RIGHT, seed=1).prompt_ids.tolist()
    assert read[1] in (model.tokenizer.label_id("calm"), model.tokenizer.label_id("wild"))


def test_a_banned_letter_does_not_come(models):
    plain = filled(models / "text", "-l", "120", "-t", "1")
    often = max(set(plain) - set("\n "), key=plain.count)
    assert often not in filled(models / "text", "-l", "120", "-t", "1", "-r", "ban", often)


def test_no_filling_copies_more_than_it_may(models):
    for seed in range(4):
        how = {"length": 120, "temperature": 0.05, "seed": seed}
        model, words = seqgen.load(models / "run"), []
        for most in (None, 2):
            text = LEFT[-2:] + model.fill(LEFT, RIGHT, **how, max_copy=most).filling
            found = [text[at : at + 4] for at in range(len(text) - 3)]
            words.append(sum(each in TEXT[: int(0.9 * len(TEXT))] for each in found))
        assert words[1] == 0


def test_every_hole_of_a_variation_is_the_best_of_several(models, monkeypatch):
    import seqgen.jobs.fill.vary as work

    asked, finished = [], work.finished
    monkeypatch.setattr(
        work, "finished", lambda sampler, **more: asked.append(more.get("best_of")) or finished(sampler, **more)
    )
    job = VaryJob(checkpoint=str(models / "text"), file="play.txt", amount=0.5, seed=1, best_of=3, no_take=True)
    vary(job)
    assert len(asked) >= 2
    assert set(asked) == {3}


def test_the_best_of_several_is_the_likeliest_with_what_follows(models):
    from seqgen.api.filling import Hole, text_filling
    from seqgen.api.finishing import finished
    from seqgen.api.sampling import Sampling

    loaded = seqgen.load(models / "text")
    hole = text_filling(loaded, Hole(LEFT.encode(), RIGHT.encode()), None, True, None, alone=False)
    sampler = loaded.sampler(Sampling(seed=2), [hole.prompt] * 4, hole)
    every = [[], [], [], []]
    for step in sampler.steps():
        for place, token in enumerate(step.ids.tolist()):
            every[place] += [token] if token >= 0 else []
    best = finished(loaded.sampler(Sampling(seed=2), [hole.prompt], hole), best_of=4).ids.tolist()
    scores = hole.judged(loaded.engine, [SampledStream(each) for each in every])
    assert best == every[int(np.argmax(scores))]
