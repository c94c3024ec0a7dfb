"""What Python passes is refused as the command line refuses it: one sentence of the one tree, never a bare error."""

import ast
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pytest

import seqgen
from seqgen.api.mixture import Voice, mix
from seqgen.api.sampling import Sampling
from seqgen.arguments import check_types, checked, made
from seqgen.codecs.byte import Byte
from seqgen.errors import SettingError, UsageError
from seqgen.jobs.evaluate.settings import EvaluateCall, EvaluateJob, MusicJob, TextJob
from seqgen.jobs.tokenize import TokenizeJob
from seqgen.jobs.train.settings import TrainJob
from seqgen.music.request import Music
from seqgen.tokenization.settings import TokenizeSettings
from seqgen.tokenizer import Tokenizer

TINY = {"hidden": 8, "batch": 2, "window": 8}


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("arguments")
    (folder / "a.txt").write_text("ROMEO: what light is this?\n" * 40)
    return seqgen.train(folder / "a.txt", folder / "run", steps=2, seed=1, device="cpu", settings=TINY)


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({"length": -1}, "length is -1, expected a number of tokens, 0 to 1000000000000000, or inf"),
        ({"length": math.nan}, "length is nan, expected a number of tokens"),
        ({"length": 1.5}, "length is 1.5, expected a number of tokens"),
        ({"length": "10"}, "length is '10', expected a number or None"),
        ({"length": True}, "length is True, expected a number or None"),
        (
            {"rules": {"top_p": 0.9}},
            r"(?s)rules is {'top_p': 0.9}, expected a list of \(name, value\) pairs.*rules=\[\('top_p', 0.9\)\]",
        ),
        ({"rules": 5}, "rules is 5"),
        ({"stop": [b"\n"]}, r"stop is \[b'\\n'\], expected a list of texts"),
        ({"stop": None}, "stop is None, expected a list of texts"),
        ({"stop": [5]}, r"stop is \[5\], expected a list of texts or text"),
        ({"prompt": 5}, "the prompt is a int"),
        ({"seed": "a"}, "seed is 'a', expected a whole number"),
        ({"seed": 1.5}, "seed is 1.5, expected a whole number"),
        ({"seed": 1 << 64}, "seed is 18446744073709551616, expected 0 to 2"),
        ({"max_copy": 0}, "max_copy is 0, expected 1 to"),
        ({"max_copy": "8"}, "for music"),
        ({"temprature": 1}, "(?s)no argument is called 'temprature'.*did you mean 'temperature'"),
        ({"temperature": None}, "temperature is None, expected a number or text"),
        ({"grammar": "x"}, "no grammar is called 'x'"),
        ({"grammar": 3}, "grammar is 3, expected True or False or text"),
        ({"balanced": "yes"}, "balanced is 'yes', expected True or False"),
        ({"music": "C"}, "music is 'C', expected Music or None"),
    ],
)
def test_what_makes_no_sense_to_sampling_is_one_sentence(model, how, said):
    for sample in (model.sample, lambda **how: next(iter(model.generate(**how)))):
        with pytest.raises(UsageError, match=said):
            sample(**{"length": 5, "seed": 1, **how})


@pytest.mark.parametrize(
    "how",
    [{name: value} for name in ("minutes", "epochs", "steps") for value in (-1, 0, math.nan, math.inf, "5")]
    + [{"seed": "a"}, {"seed": -1}, {"workers": 0}, {"workers": 2.5}, {"settings": 5}, {"settings": {5: 5}}]
    + [{"codec": 5}, {"device": 3}, {"preset": 4}, {"model": 3}, {"resume": "yes"}, {"label": 4}, {"step": 4}],
)
def test_what_makes_no_sense_to_training_is_one_sentence(tmp_path, how):
    (tmp_path / "a.txt").write_text("so it is\n" * 50)
    with pytest.raises(UsageError, match=next(iter(how))):
        seqgen.train(tmp_path / "a.txt", tmp_path / "run", **{"device": "cpu", **how})
    assert not (tmp_path / "run").exists()


def test_calls_that_fit_no_signature_are_usage_errors(model, tmp_path):
    wrong = [
        lambda: seqgen.load(5),
        lambda: seqgen.load(b"run"),
        lambda: seqgen.load(model.name, engine="x"),
        lambda: seqgen.load(model.name, engin="numpy"),
        lambda: seqgen.evaluate(model.name, 5),
        lambda: seqgen.evaluate(model.name, average="x"),
        lambda: seqgen.evaluate(model.name, dynamic=5),
        lambda: seqgen.evaluate(model.name, avrage="logits"),
        lambda: seqgen.tokenize(None, tmp_path / "x.tokens"),
        lambda: seqgen.tokenize("a", 5),
        lambda: seqgen.tokenize("a", tmp_path / "x.tokens", workers="2"),
        lambda: seqgen.train([5], tmp_path / "run"),
        lambda: seqgen.train("a", tmp_path / "run", observer=5),
        lambda: model.sample(length=3, seed=1).save(5),
        lambda: model.sample(length=3, seed=1).save("a\0b"),
        lambda: model.sample(length=3, seed=1, label=5),
        lambda: model.prompt("text"),
        lambda: model.read(5),
        lambda: model.look("text", cells="layer1:cell1"),
        lambda: model.indexes(5),
        lambda: seqgen.load(model.name, engine=np.zeros(3)),
        lambda: seqgen.tokenize("a", "a\0b"),
        lambda: seqgen.Takes("a\0b"),
        lambda: seqgen.Takes(5),
        lambda: seqgen.Takes(tmp_path / "t.sqlite").find(5),
        lambda: seqgen.Takes(tmp_path / "t.sqlite").list("x"),
        lambda: seqgen.Takes(tmp_path / "t.sqlite").star(None),
        lambda: Voice(model, "x", 1),
        lambda: mix([5]),
        lambda: Music(tempo="x"),
        lambda: Music(tempo=math.nan),
        lambda: Music(meter=(3,)),
        lambda: Music(bars=2.5),
    ]
    for call in wrong:
        with pytest.raises(seqgen.SeqgenError):
            call()


def test_the_numbers_of_numpy_and_both_kinds_of_paths_are_taken(model, tmp_path):
    one = model.sample(length=np.int64(5), seed=np.uint32(7), temperature=np.float32(0.5), stop=("zz",))
    assert one.text == model.sample(length=5, seed=7, temperature=0.5).text
    one.save(str(tmp_path / "a.txt"))
    one.save(tmp_path / "b.txt")
    assert (tmp_path / "a.txt").read_bytes() == (tmp_path / "b.txt").read_bytes() == one.bytes


def test_types_in_words():
    @dataclass
    class Wanted:
        path: str | Path = ""
        side: Literal["left", "right"] = "left"
        pair: tuple[int, int] | None = None

        def __post_init__(self) -> None:
            check_types(self)

    assert made(Wanted, "x", side="right", pair=(1, 2)).side == "right"
    for wrong, said in [({"path": 5}, "path is 5, expected text or a Path"), ({"pair": (1, "2")}, "a pair or None")]:
        with pytest.raises(SettingError, match=said):
            made(Wanted, **wrong)
    with pytest.raises(SettingError, match="side is 'up', expected 'left' or 'right'"):
        made(Wanted, side="up")


def test_a_checked_function_keeps_its_name_and_its_own_errors():
    @checked
    def halve(number: int, *, twice: bool = False) -> float:
        """Half of it."""
        if number < 0:
            raise TypeError("of the function itself")
        return number / 2

    assert (halve(3), halve.__name__, halve.__doc__) == (1.5, "halve", "Half of it.")
    with pytest.raises(TypeError, match="of the function itself"):
        halve(-1)
    with pytest.raises(UsageError, match="missing a required argument: 'number'"):
        halve()
    with pytest.raises(UsageError, match=r"(?s)twise.*did you mean 'twice'"):
        halve(3, twise=True)


def test_sampling_is_checked_however_it_is_made():
    with pytest.raises(SettingError, match="seed"):
        Sampling(seed=-1)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: TokenizeSettings("morse"), "no codec is called 'morse'"),
        (lambda: TokenizeSettings(5), "codec is 5, expected text or None"),
        (lambda: TokenizeSettings(options=5), "options is 5, expected a dict"),
        (lambda: TokenizeSettings(encoding="klingon"), "encoding is 'klingon'"),
        (lambda: TokenizeSettings(workers=0), "workers is 0, expected 1 to 1024"),
        (lambda: TokenizeSettings(workers=math.nan), "workers is nan, expected a whole number"),
        (lambda: TokenizeSettings(documents=" "), "the mark between documents is blank"),
        (lambda: TokenizeSettings("char", tokenizer=Tokenizer(Byte(), "byte")), "both a codec and"),
        (lambda: TokenizeJob(["a"], Path("b"), codec="morse"), "no codec is called 'morse'"),
        (lambda: TokenizeJob(["a"], Path("b"), encoding=""), "encoding is ''"),
        (lambda: TokenizeJob(["a"], Path("b"), include=["#"]), "include is '#'"),
        (lambda: TokenizeJob(["a"], Path("b"), settings={"skip_bad": "perhaps"}), "skip_bad is 'perhaps'"),
        (lambda: TokenizeJob(["a"], Path("b"), label_field="x"), "the field 'x' was given for labels"),
        (lambda: TrainJob(("a",), Path("b"), documents=" "), "the mark between documents is blank"),
        (lambda: TrainJob(("a",), Path("b"), exclude="x"), "exclude is 'x', expected a list of texts"),
        (lambda: EvaluateJob([]), "no checkpoint was given"),
        (lambda: EvaluateJob(["a"], include=[5]), r"include is \[5\]"),
        (lambda: MusicJob("a", 3), "samples is 3, expected 4 to 10000"),
        (lambda: MusicJob("a", 9, temperature=math.nan), "temperature is nan, expected 0 to 100"),
        (lambda: TextJob("a", ""), "text is empty"),
        (lambda: TextJob("a", b"x"), "text is b'x', expected text"),
        (lambda: EvaluateCall(["a"], label="x"), "--label was given without --text"),
        (lambda: EvaluateCall(["a"], settings={"decay": 1}), "-P was given without --dynamic"),
        (lambda: EvaluateCall(["a"], text="x", dynamic=True), "--dynamic is for a SOURCE"),
        (lambda: EvaluateCall(["a"], text="x", samples=9), "--samples is for music"),
        (lambda: EvaluateCall(["a"], report="x"), "--report was given without --samples"),
    ],
)
def test_every_settings_object_refuses_what_its_command_refuses(make, said):
    with pytest.raises(UsageError, match=said):
        make()


def test_few_values_make_a_call():
    """Nine with `self`; what takes more takes them in one settings object. click hands a command each of its own."""
    for path in Path(seqgen.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef) and path.parent.name != "cli":
                assert len([*node.args.args, *node.args.kwonlyargs]) <= 9, f"{path.name}: {node.name}"
