"""What of a file a document is: cutting text into items, and guessing that it is a list."""

import itertools
import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from seqgen.cli import run
from seqgen.codecs import Codec
from seqgen.codecs.byte import Byte, ByteOptions
from seqgen.codecs.char import Char, CharOptions
from seqgen.documents import Documents
from seqgen.errors import CorpusError, StreamError, UsageError
from seqgen.stream import TokenStream
from seqgen.tokenization import cutting, listing
from seqgen.tokenization.building import tokenize
from seqgen.tokenization.cache import cached_stream
from seqgen.tokenization.fitting import grown
from seqgen.tokenization.restoring import restore_folder
from seqgen.tokenization.settings import TokenizeSettings
from seqgen.tokenization.sources import resolve
from seqgen.tokenizer import Tokenizer

INLINE = Documents("marker", "<e>", True)
ALL = [*map(Documents.named, ("line", "blank", "%")), INLINE]


def decoded(stream: TokenStream) -> list[bytes]:
    tokenizer = Tokenizer.from_spec(stream.codec_spec)
    return [tokenizer.decode(stream.document(index)) for index in range(stream.documents)]


def names(count: int, seed: int = 1) -> list[str]:
    """Made-up names, each once."""
    random_ = random.Random(seed)
    syllables = [a + b for a in "bcdfglmnrst" for b in "aeio"]
    made = ["".join(random_.choices(syllables, k=random_.randint(2, 4))).title() for _ in range(3 * count)]
    return list(dict.fromkeys(made))[:count]


# Cutting


@pytest.mark.parametrize(
    ("cut", "data", "items"),
    [
        ("line", b"a\nb c\r\n\n  \nd", [b"a", b"b c", b"d"]),
        ("line", b" a \n\tb\n", [b" a ", b"\tb"]),
        ("blank", b"\n\na\nb\n\n\nc\r\n\r\n d\n \ne", [b"a\nb", b"c", b" d", b"e"]),
        ("%", b"50 % of\nit\n%\n%\nb\n % \r\nc\n", [b"50 % of\nit", b"b", b"c"]),
        ("file", b"a\nb\n", [b"a\nb"]),
    ],
)
def test_items_are_what_stands_between(cut: str, data: bytes, items: list[bytes]) -> None:
    assert Documents.named(cut).items(data, True)[0] == items


def test_a_mark_may_stand_anywhere() -> None:
    assert INLINE.items(b"a<e>b\n<e>\nc<e>", True)[0] == [b"a", b"b", b"c"]


@pytest.mark.parametrize("cut", ALL, ids=lambda cut: cut.plural)
def test_where_the_pieces_end_changes_nothing_and_items_come_back(cut: Documents) -> None:
    parts = [b"\n", b"\r\n", b"a", b" ", b"%", b"<e>", b"<e", b"bc", b"\n\n", b"\n%\n"]
    for seed in range(500):
        chance = random.Random(seed)
        data = b"".join(chance.choices(parts, k=chance.randrange(30)))
        ends = sorted(chance.sample(range(len(data) + 1), min(4, len(data))))
        pieces = [data[begin:end] for begin, end in zip([0, *ends], [*ends, len(data)])]
        whole = cut.items(data, True)[0]
        assert [item for some in cutting.items(cut, iter(pieces)) for item in some.documents] == whole
        assert cut is INLINE or cut.items(b"".join(cut.joined(whole)), True)[0] == whole


def test_a_byte_order_mark_is_no_part_of_the_first_item() -> None:
    found = cutting.items(Documents("line"), iter([b"\xef\xbb\xbfa\nb"]))
    assert [item for some in found for item in some.documents] == [b"a", b"b"]


def test_an_item_without_an_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cutting, "MAX_WHOLE", 1000)
    with pytest.raises(CorpusError, match=r"holds more than 1\.0 kB in one of its texts between blank lines"):
        list(cutting.items(Documents("blank"), iter([b"line\n" * 300] * 2)))


@pytest.mark.parametrize("bad", [{}, {"kind": "x", "marker": "", "inline": False}, {"kind": "marker", "marker": 3}])
def test_a_damaged_description_is_refused(bad: dict[str, object]) -> None:
    spec = Tokenizer(Byte(), "byte").spec() | {"documents": bad}
    with pytest.raises(StreamError, match="damaged"):
        Tokenizer.from_spec(spec)


# Encoding many at once


def odd(codec: type[Codec]) -> Codec:
    return codec.fit(["aé€水".encode()], ByteOptions() if codec is Byte else CharOptions())


@pytest.mark.parametrize("kind", [Byte, Char])
@pytest.mark.parametrize("more", [[], [b"\n"], [b"\n", b"\0"], [b"\n", b"\0", b"\x1e"]], ids=len)
def test_several_documents_are_encoded_as_each_is(kind: type[Codec], more: list[bytes]) -> None:
    codec = odd(kind)
    texts = ["né".encode(), b"\xe6\xb0", b"\xb4 tail", "水€".encode(), b"", b"plain", *more]
    ids, lengths = codec.encode_several(texts)
    each = [codec.encode(text) for text in texts]
    assert lengths.tolist() == [len(one) for one in each]
    assert np.array_equal(ids, np.concatenate(each))


def test_items_are_framed_with_labels_of_their_own() -> None:
    tokenizer = Tokenizer(Byte(), "byte", ("x", "y"))
    framed = tokenizer.encode_items([b"ab", b"", b"c", b"d"], ["y", "x", None, "x"])
    assert framed.ids.tolist() == [256, 258, 97, 98, 256, 99, 256, 257, 100]
    assert framed.ends.tolist() == [4, 6, 9]
    assert framed.labels.tolist() == [1, -1, 0]


# Files


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("codec", ["char", "byte", "subword"])
def test_a_list_becomes_documents_and_a_list_again(
    tmp_path: Path, codec: str, workers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("seqgen.tokenization.reading.PIECE", 1000)
    folder = tmp_path / "lists"
    for index, language in enumerate(("de", "fr")):
        (folder / language).mkdir(parents=True)
        (folder / language / "names.txt").write_text("\n".join(names(300, index)) + "\n")
    out = tmp_path / "x.tokens"
    stream = tokenize(resolve([folder]), TokenizeSettings(codec, documents="line", workers=workers), out)
    texts = [name.encode() for index in range(2) for name in names(300, index)]
    assert decoded(stream) == texts
    assert [source["documents"] for source in stream.sources] == [300, 300]
    assert stream.codec_spec["labels"] == ["de", "fr"]
    assert stream.labels.tolist() == [0] * 300 + [1] * 300
    assert restore_folder(stream, Tokenizer.from_spec(stream.codec_spec), tmp_path / "back") == 2
    made = sorted(path.read_bytes() for path in (tmp_path / "back").rglob("*.txt"))
    assert made == sorted(path.read_bytes() for path in folder.rglob("*.txt"))


def test_the_stream_says_how_and_other_files_are_cut_alike(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEQGEN_CACHE", str(tmp_path / "cache"))
    (tmp_path / "a.txt").write_bytes(b"ab\n%\ncd\nef\n")
    (tmp_path / "b.txt").write_bytes(b"a\n\nb\n%\nc")
    paths = {
        cached_stream(resolve([tmp_path / "a.txt"]), TokenizeSettings(documents=cut)).path
        for cut in (None, "line", "blank", "%")
    }
    assert len(paths) == 4
    stream = cached_stream(resolve([tmp_path / "a.txt"]), TokenizeSettings(documents="%"))
    tokenizer = Tokenizer.from_spec(stream.codec_spec)
    assert tokenizer.documents == Documents("marker", "%")
    assert decoded(cached_stream(resolve([tmp_path / "b.txt"]), TokenizeSettings(tokenizer=tokenizer))) == [
        b"a\n\nb",
        b"c",
    ]
    assert grown(resolve([tmp_path / "b.txt"]), tokenizer).documents == tokenizer.documents
    assert grown(resolve([tmp_path / "b.txt"]), tokenizer, TokenizeSettings(documents="line")).documents == Documents(
        "line"
    )
    whole = cached_stream(resolve([tmp_path / "b.txt"]), TokenizeSettings(tokenizer=tokenizer, documents="file"))
    assert (whole.documents, "documents" in whole.codec_spec) == (1, False)


def test_a_mark_on_a_line_of_its_own_wins_over_one_in_a_line(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"1 % b\n%\nc")
    (tmp_path / "b.txt").write_bytes(b"1 % b")

    def cut(*files: str) -> list[bytes]:
        sources = resolve([tmp_path / name for name in files])
        return decoded(tokenize(sources, TokenizeSettings("byte", documents="%"), tmp_path / "x.tokens"))

    assert cut("a.txt") == [b"1 % b", b"c"]
    assert cut("b.txt") == [b"1 ", b" b"]
    assert cut("b.txt", "a.txt") == [b"1 % b", b"1 % b", b"c"]


@pytest.mark.parametrize(
    ("arguments", "code", "message", "hint"),
    [
        (["a.txt", "--documents", "<|end|>"], 1, "the mark '<|end|>' occurs nowhere in the file", "file, line, blank"),
        (["a.txt", "--documents", " "], 2, "the mark between documents is blank", "--documents blank"),
        (["a.mid", "--documents", "line"], 2, "documents is 'line', but a file of music is one", "leave it out"),
    ],
)
def test_refusals(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    code: int,
    message: str,
    hint: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.txt").write_bytes(b"ab\ncd\n")
    (tmp_path / "a.mid").write_bytes(b"MThd")
    before = sorted(tmp_path.iterdir())
    assert run(["tokenize", *arguments, "-o", "x.tokens"]) == code
    said = capsys.readouterr().err
    assert message in said
    assert hint in said
    assert "Traceback" not in said
    assert sorted(tmp_path.iterdir()) == before


def test_a_stream_is_cut_already(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.txt").write_bytes(b"ab\ncd\n")
    assert run(["tokenize", "a.txt", "--documents", "line", "-o", "x.tokens"]) == 0
    assert run(["train", "x.tokens", "--documents", "line", "-o", "r", "--steps", "1"]) == 2
    assert "--documents is 'line', but the corpus is tokenized already" in capsys.readouterr().err


# Guessing


VERSE = "The owl that wakes before the day\nhas nothing that it wants to say\nand so it calls along the shore\n"
PLAY = "HAMLET: Who is there?\nOWL: Nobody is here\n\nHAMLET\nThen I go\n\n"
CODE = "int main(void)\n{\n    return 0;\n}\n"
LOG = "2024-01-02 10:11:12 worker started\n2024-01-02 10:11:13 worker stopped\n"
BULLETS = "- milk\n- bread\n- two eggs\n"
CHAT = "hello there\nhi\nhow are you?\nfine\n"


@pytest.mark.parametrize(
    "text",
    [
        *(text * 100 for text in (VERSE, PLAY, CODE, LOG, BULLETS, CHAT, "name,age,city\nAnna,33,Ulm\n")),
        "".join(f"{name},{index},{index % 7}\n" for index, name in enumerate(names(500))),
        "".join(f"{name}\t{name[::-1]}\n" for name in names(500)),
        "".join(f"{name}\n\n" for name in names(500)),
        "".join(f"    {name}\n" for name in names(500)),
        "".join(f"{name} = {index}\n" for index, name in enumerate(names(500))),
        "".join(f"{index * 7919 % 10007}\n" for index in range(500)),
        "\n".join(names(50)),
        " ".join(names(500)),
        "".join(" ".join(names(9, index)) + "\n" for index in range(200)),
        "".join(f"{name} and {name[::-1]}, said the owl\n" for name in names(500)),
        "",
    ],
)
def test_what_is_no_list_stays_whole(tmp_path: Path, text: str) -> None:
    (tmp_path / "x.txt").write_text(text)
    assert guessed(tmp_path / "x.txt") == (Documents(), [])


def guessed(*files: Path, kind: type[Codec] = Char) -> tuple[Documents, list[str]]:
    said: list[str] = []
    return listing.resolved(None, kind, resolve(files), None, None, said.append), said


@pytest.mark.parametrize(
    "edit",
    [
        sorted,
        lambda items: [f"{a} {b}" for a, b in zip(items, items[::-1])],
        lambda items: [name.replace("a", "é") for name in items],
        lambda items: ["".join(chr(0x4E00 + ord(letter)) for letter in name) for name in items],
        lambda items: [f"The {name} of {other}" for name, other in itertools.pairwise(items)],
    ],
    ids=["sorted", "two words", "accents", "Chinese", "titles"],
)
def test_a_list_is_told_by_its_lines_and_said(tmp_path: Path, edit: Callable[[list[str]], list[str]]) -> None:
    items = edit(names(300))
    (tmp_path / "x.txt").write_text("\n".join(items) + "\n", "utf-8")
    cut, said = guessed(tmp_path / "x.txt")
    assert cut == Documents("line")
    assert said == [
        f"A list: each line is a document ({items[0]!r}, {items[1]!r}, {items[2]!r}, …); "
        "--documents file takes each file as one."
    ]


def test_one_file_that_is_no_list_keeps_all_of_them_whole(tmp_path: Path) -> None:
    (tmp_path / "x.txt").write_text("\n".join(names(300)))
    (tmp_path / "y.txt").write_text(VERSE * 10)
    (tmp_path / "x.py").write_text("\n".join(names(300)))
    assert guessed(tmp_path / "x.txt", tmp_path / "y.txt")[0].whole
    assert guessed(tmp_path / "x.py")[0].whole


def test_who_says_file_is_not_asked(tmp_path: Path) -> None:
    (tmp_path / "x.txt").write_text("\n".join(names(300)))
    said: list[str] = []
    known = Documents()
    assert listing.resolved("file", Char, resolve([tmp_path / "x.txt"]), None, None, said.append) == Documents()
    assert listing.resolved(None, Char, resolve([tmp_path / "x.txt"]), None, known, said.append) == known
    assert said == []
    assert listing.resolved("blank", Char, [], None, None, said.append) == Documents("blank")
    with pytest.raises(UsageError):
        Documents.named("")
