"""What goes into the model of an exported page, and what is mixed into what it says: the same as in Python."""

import random

import pytest
from export_browser import address_of, compared
from export_fixtures import PLAY, checkpoint, counted

import seqgen
from seqgen import registry
from seqgen.codecs.subword import Subword, SubwordOptions
from seqgen.experts.document import HISTORY
from seqgen.tokenizer import Tokenizer


@pytest.mark.parametrize("codec", ["byte", "char", "word", "subword"])
@pytest.mark.parametrize("labels", [(), ("one", "two")])
def test_counts_are_mixed_in_as_python_does(chromium, tmp_path, codec, labels):
    """Through the lengths that the gate tells apart; with a prompt that the counts know, and one that they do not."""
    path = tmp_path / "model.safetensors"
    counted(checkpoint(codec_name=codec, labels=labels, memory="lookback")).save(path)
    for prompt in ("ANNA:\nGood dæy, A, how is the a? 水 né\n\nANNA:\nGood", "zzz 𝄞"):
        how = {"prompt": prompt, "label": labels[-1] if labels else None, "length": 400}
        _, heard = compared(chromium, tmp_path, path, **how)
        _, bare = compared(chromium, tmp_path, path, memory=False, **how)
        assert heard.ids.tolist() != bare.ids.tolist()


def test_what_a_long_document_taught_is_forgotten_as_in_python(chromium, tmp_path):
    """Behind 32,768 tokens its older half is."""
    path = tmp_path / "model.safetensors"
    counted(checkpoint(hidden=8, layers=1)).save(path)
    compared(chromium, tmp_path, path, prompt=PLAY * 20, length=60)
    assert len(seqgen.load(path).tokenizer.encode((PLAY * 20).encode())) > HISTORY


ENCODE = """async ([address, texts]) => {
  const { load } = await import(address);
  const { codec } = await load();
  return texts.map((text) => codec.encode(text));
}"""
ODD = "\0\t\n\r \x0b\x1f\x7f\x85\xa0\xad\u0301\u200b\u200d\u2028\u2581\u2585\ufeff\ufffd\uffff🏳\U000e0001é水ßﬁ가"


@pytest.mark.parametrize("codec", ["subword unigram", "subword bpe", "subword nothing", "word", "char"])
def test_texts_have_the_ids_that_python_gives_them(chromium, tmp_path, codec):
    """Of what was learned from, of odd characters, of spaces and lines in a row, and of a line that goes on and on."""
    name, _, kind = codec.partition(" ")
    learned = PLAY + "hello  world\n\n\t   né \ufeffwo🏳rld, the thing's the (12) things\n" * 30
    if name == "subword":
        options = SubwordOptions(model_type=kind if kind == "bpe" else "unigram", vocab_size=400)
        made = Subword.fit([b"" if kind == "nothing" else learned.encode()], options)
    else:
        made = registry.load("codecs", name).fit([learned.encode()], registry.load("codecs", name).Options())
    tokenizer = Tokenizer(made, name)
    found = checkpoint(codec_name=name, tokenizer=tokenizer)
    path = tmp_path / "model.safetensors"
    found.save(path)
    draw = random.Random(1)
    letters = [*learned, *ODD * 20]
    texts = [learned, "", "a" * 9000, "the thing " * 900, *ODD, ODD]
    texts += ["".join(draw.choices(letters, k=draw.randint(1, 60))) for _ in range(300)]
    texts += [learned[at : at + 40] + draw.choice(ODD) + learned[at + 9 : at + 80] for at in range(0, 2000, 13)]
    page = chromium.page()
    for text, ids in zip(texts, page.evaluate(ENCODE, [address_of(tmp_path, path), texts])):
        assert ids == made.encode_prompt(text.encode()).tolist(), repr(text)[:200]
    assert page.problems == []
