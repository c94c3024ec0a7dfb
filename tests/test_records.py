"""Tables as documents: rows and objects by field, labels by field, and one sentence where there is none."""

import csv
import json
import sys

import pytest

import seqgen
from seqgen.cli import run
from seqgen.errors import CorpusError, SeqgenError, UsageError
from seqgen.tokenization.building import tokenize as build
from seqgen.tokenization.meaning import tokenizer_of
from seqgen.tokenization.settings import TokenizeSettings
from seqgen.tokenization.sources import resolve

ROWS = [
    ("Ann, the first", "a", "So it is.\nAnd so it is."),
    ('Bob "the second"', "b", "é; 水\tand more"),
    ("Cid", "a", "  spaces stay  "),
    ("Dan", "", "no label"),
]


TOLD = ["text", "meta.title", "meta.of.x"]


def write_csv(path, delimiter=",", encoding="utf-8"):
    with path.open("w", newline="", encoding=encoding) as file:
        csv.writer(file, delimiter=delimiter).writerows([("title", "kind", "text"), *ROWS])
    return path


def write_json(path, lines=True):
    records = [{"title": title, "kind": kind, "meta": {"text": text}, "text": text} for title, kind, text in ROWS]
    path.write_text("\n".join(map(json.dumps, records)) + "\n" if lines else json.dumps(records, indent=1))
    return path


def write_parquet(path):
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    columns = dict(zip(("title", "kind", "text"), map(list, zip(*ROWS))))
    parquet.write_table(pyarrow.table(columns), path)
    return path


def read(path, tmp_path, **how):
    """(text, label) of each document."""
    stream = seqgen.tokenize(path, tmp_path / "out.tokens", **how)
    tokenizer = tokenizer_of(stream)
    labels = [None if label < 0 else tokenizer.labels[label] for label in stream.labels.tolist()]
    return [(tokenizer.decode(stream.document(at)).decode(), labels[at]) for at in range(stream.documents)]


@pytest.mark.parametrize("codec", ["char", "byte"])
@pytest.mark.parametrize(
    ("name", "write", "field"),
    [
        ("a.csv", write_csv, "text"),
        ("semicolons.csv", lambda path: write_csv(path, ";"), "text"),
        ("mark.csv", lambda path: write_csv(path, encoding="utf-8-sig"), "text"),
        ("a.jsonl", write_json, "meta.text"),
        ("lines.json", write_json, "text"),
        ("array.json", lambda path: write_json(path, lines=False), "text"),
        ("a.parquet", write_parquet, "text"),
    ],
)
def test_each_record_is_a_document_with_its_label(tmp_path, codec, name, write, field):
    path = write(tmp_path / name)
    found = read(path, tmp_path, codec=codec, field=field, label_field="kind")
    assert found == [(text, kind or None) for _, kind, text in ROWS]
    assert [text for text, _ in read(path, tmp_path, codec=codec, field=field)] == [text for *_, text in ROWS]


def test_tabs_part_the_columns_of_tsv_and_quotes_are_letters(tmp_path):
    path = tmp_path / "a.tsv"
    path.write_text('title\tkind\n"quoted ""so"""\ta\n"open\tb\nin "the" middle\tb\n')
    assert read(path, tmp_path, field="title", label_field="kind") == [
        ('quoted "so"', "a"), ('"open', "b"), ('in "the" middle', "b"),
    ]  # fmt: skip


def test_strings_of_json_are_decoded_and_numbers_are_written_as_they_stand(tmp_path):
    path = tmp_path / "a.ndjson"
    path.write_text(
        '{"x": "\\u00e9\\n\\ud83d\\ude80"}\n\n{"x": 5}\n{"x": null}\n{"y": 1}\n{"x": "\\ud800"}\n{"x": " "}\n'
    )
    stream = seqgen.tokenize(path, tmp_path / "out.tokens", field="x")
    assert stream.report.dropped == {"records without text": 3}
    assert [text for text, _ in read(path, tmp_path, field="x")] == ["é\n🚀", "5", "?"]


FAULTS = {
    "cut.jsonl": (
        '{"text": "a"}\n{"text": \n{"text": "b"}\n',
        r"line 2 is no JSON \(Expecting value: line 2, character 10\)",
    ),
    "null.jsonl": ('{"text": null}\n{"text": null}\n', "has no text in the field 'text'"),
    "bad.jsonl": ('{"text": "a"}\n\n{"text": }\n', "line 3 is no JSON"),
    "list.jsonl": ('{"text": "a"}\n[1]\n', "line 2 is no JSON object"),
    "inner.jsonl": ('{"text": ["a"]}\n', "line 1: field 'text' is a list, expected text"),
    "twice.jsonl": ('{"text": "a", "text": "b"}\n', "line 1: two fields are called 'text'"),
    "other.jsonl": ('{"txt": "a"}\n', "(?s)has no field 'text'.*did you mean 'txt'"),
    "deep.jsonl": ("[" * 100_000 + "\n", "line 1 is nested too deeply"),
    "twice.csv": ("text,text\n1,2\n", "two columns are called 'text'"),
    "other.csv": ("txt,b\n1,2\n", "(?s)has no field 'text'.*did you mean 'txt'"),
    "short.csv": ("a,text\n1\n", "record 2 has 1 field, expected 2"),
    "open.csv": ('text,b\n"1,2\n3,4\n', "line 3 is no row of a table"),
    "empty.csv": ("", "has no field 'text'"),
    "none.parquet": ("PAR1", "is no Parquet file, or a damaged one"),
    "note.md": ("text\n", "is no table, so it has no fields"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_table_that_is_none_is_one_sentence(tmp_path, name, capsys):
    content, said = FAULTS[name]
    if name.endswith(".parquet"):
        pytest.importorskip("pyarrow")
    (tmp_path / name).write_text(content)
    with pytest.raises(SeqgenError, match=said):
        seqgen.tokenize(tmp_path / name, tmp_path / "out.tokens", field="text")
    assert run(["tokenize", str(tmp_path / name), "-o", str(tmp_path / "out.tokens"), "--field", "text"]) == 1
    assert capsys.readouterr().err.count("\n") <= 2
    assert not (tmp_path / "out.tokens").exists()


def test_what_does_not_go_together_is_refused(tmp_path):
    path = write_csv(tmp_path / "a.csv")
    cases = [
        ({"label_field": "kind"}, "none for texts"),
        ({"field": "text", "documents": "line"}, "both --documents and --field"),
        ({"field": ""}, "the name of a field is empty"),
        ({"field": "text", "codec": "midi"}, "codec midi is for something else"),
    ]
    for how, said in cases:
        with pytest.raises(UsageError, match=said):
            seqgen.tokenize(path, tmp_path / "out.tokens", **how)
    many = tmp_path / "many.csv"
    many.write_text("text,kind\n" + "".join(f"so,{number}\n" for number in range(1_200)))
    with pytest.raises(UsageError, match="the field 'kind' has more than 1,000 values"):
        seqgen.tokenize(many, tmp_path / "out.tokens", field="text", label_field="kind")


def test_parquet_without_pyarrow_is_one_sentence(tmp_path, monkeypatch):
    (tmp_path / "a.parquet").write_bytes(b"PAR1")
    for name in ("pyarrow", "pyarrow.parquet"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(UsageError, match=r"(?s)Parquet needs pyarrow.*pip install 'seqgen-art\[tables\]'"):
        seqgen.tokenize(tmp_path / "a.parquet", tmp_path / "out.tokens", field="text")


def test_of_a_folder_the_tables_are_read_and_the_rest_is_told(tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    write_csv(folder / "a.csv")
    write_json(folder / "b.jsonl")
    (folder / "c.jsonl").write_text("no record\n")
    (folder / "README.md").write_text("about\n")
    stream = seqgen.tokenize(folder, tmp_path / "out.tokens", field="text")
    assert stream.documents == 2 * len(ROWS)
    assert list(stream.report.skipped) == ["folder/c.jsonl"]
    assert stream.report.left_out["no table"].names == ["folder/README.md"]


def test_workers_and_pieces_change_nothing(tmp_path):
    path = tmp_path / "long.csv"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([("text", "kind"), *((f"so {n}\n" * (n % 50), "ab"[n % 2]) for n in range(20_000))])
    one = seqgen.tokenize(path, tmp_path / "one.tokens", field="text", label_field="kind").path
    two = seqgen.tokenize(path, tmp_path / "two.tokens", field="text", label_field="kind", workers=2).path
    assert one.read_bytes() == two.read_bytes()
    assert len(read(path, tmp_path, field="text")) == 20_000 - 20_000 // 50


def test_a_checkpoint_reads_tables_as_it_learned_them(tmp_path, capsys):
    path = tmp_path / "names.csv"
    path.write_text("name,kind\n" + "".join(f"{name}{n},{name[0]}\n" for n in range(60) for name in ("Ann", "Bob")))
    small = {"hidden": 8, "batch": 2, "window": 8}
    how = {"steps": 3, "seed": 1, "device": "cpu", "settings": small}
    seqgen.train(path, tmp_path / "run", field="name", label_field="kind", **how)
    assert seqgen.evaluate(tmp_path / "run", path).to_json()["tokens"] > 0
    out = tmp_path / "new.txt"
    assert (
        run(["generate", str(tmp_path / "run"), "-n", "3", "-l", "9", "--seed", "1", "--label", "A", "-o", str(out)])
        == 0
    )
    assert out.read_bytes().count(b"\n") == 3  # names hold no line end, so each stands on a line


def test_a_table_that_is_read_as_text_gets_a_remark(tmp_path):
    said: list[str] = []
    path = write_csv(tmp_path / "a.csv")
    build(resolve([path]), TokenizeSettings(), tmp_path / "out.tokens", note=said.append)
    assert any("--field takes one of the fields ('title', 'kind', 'text')" in each for each in said)
    with pytest.raises(CorpusError, match="has no field 'x'"):
        seqgen.tokenize(path, tmp_path / "x.tokens", field="x")


@pytest.mark.parametrize(
    ("name", "text", "fields"),
    [
        ("a.csv", "title;text\na;b\n", ["title", "text"]),
        ("a.tsv", "title\ttext\na\tb\n", ["title", "text"]),
        ("a.jsonl", '{"text": "a", "meta": {"title": "b", "of": {"x": 1}}, "tags": ["c"]}\n', TOLD),
        ("a.json", '[\n {"text": "a",\n "meta": {"title": "b", "of": {"x": 1}}, "tags": []}, 3]', TOLD),
        ("a.json", '{"name": "a", "version": 1}\n', []),  # settings, as most files of one object are
        ("a.json", '{"name": "a"}\n{"name": "b"}\n', ["name"]),
        ("a.json", "[1, 2]", []),
        ("a.json", "[{", []),
        ("a.jsonl", "\n", []),
        ("a.csv", "text\na\nb\n", ["text"]),
    ],
)
def test_inspect_names_the_fields_of_tables(tmp_path, capsys, name, text, fields):
    path = tmp_path / "folder" / name
    path.parent.mkdir()
    path.write_text(text)
    for place in (path, path.parent):
        assert run(["inspect", str(place), "--json"]) == 0
        found = json.loads(capsys.readouterr().out)
        assert found.get("tables") == (
            {"files": 1, "fields": dict.fromkeys(fields, 1), "unread": 0} if fields else None
        )
        assert run(["inspect", str(place)]) == 0
        assert ("--field NAME takes the text" in capsys.readouterr().out) == bool(fields)
    said: list[str] = []
    build(resolve([path]), TokenizeSettings(), tmp_path / "out.tokens", note=said.append)
    assert any("--field" in each for each in said) == (len(fields) > path.suffix.startswith((".csv", ".tsv")))


def test_inspect_names_the_columns_of_parquet_or_what_reads_them(tmp_path, capsys, monkeypatch):
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    parquet.write_table(pyarrow.table({"text": ["a"], "kind": ["b"]}), tmp_path / "a.parquet")
    assert run(["inspect", str(tmp_path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["tables"] == {"files": 1, "fields": {"text": 1, "kind": 1}, "unread": 0}
    for module in ("pyarrow", "pyarrow.parquet"):
        monkeypatch.setitem(sys.modules, module, None)
    assert run(["inspect", str(tmp_path)]) == 0
    assert "1 Parquet file not looked into" in capsys.readouterr().out


@pytest.mark.parametrize(("name", "command"), [("b.pdf", "pdftotext"), ("b.epub", "pandoc"), ("b.docx", "pandoc")])
def test_pages_are_refused_with_what_to_do(tmp_path, name, command):
    (tmp_path / name).write_bytes(b"%PDF-1.7\n\0\1\2" if name.endswith("pdf") else b"PK\3\4" + bytes(60))
    for codec in (None, "char"):
        with pytest.raises(CorpusError, match=f"(?s)holds pages, expected text.*{command} "):
            seqgen.tokenize(tmp_path / name, tmp_path / "out.tokens", codec=codec)
    assert seqgen.tokenize(tmp_path / name, tmp_path / "out.tokens", codec="byte").documents == 1
