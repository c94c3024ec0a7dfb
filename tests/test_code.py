"""Codecs of programming languages: what their lexer allows, how samples end, and which of them a folder is for."""

import importlib.util
from pathlib import Path
from typing import cast

import numpy as np
import pytest

from seqgen import registry
from seqgen.cells.lstm import LSTM
from seqgen.checkpoint import Checkpoint
from seqgen.cli import run
from seqgen.codecs import Codec
from seqgen.codecs._code.grammar import CodeGrammar
from seqgen.codecs._code.lexer import Lexer
from seqgen.codecs._code.source import SourceCode
from seqgen.codecs._code.state import DEPTH, State
from seqgen.codecs.byte import Byte
from seqgen.codecs.subword import Subword, SubwordOptions
from seqgen.models import ModelSettings, weight_shapes
from seqgen.tokenization.guessing import guess_codec
from seqgen.tokenization.sources import resolve
from seqgen.tokenizer import Tokenizer

SPEC = importlib.util.spec_from_file_location(
    "code_check", Path(__file__).parent.parent / "benchmarks" / "_code_check.py"
)
assert SPEC is not None
assert SPEC.loader is not None
CHECK = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(CHECK)

SOURCES = {path.stem: path.read_bytes() for path in (Path(__file__).parent / "data" / "code").glob("*.txt")}
REFUSED = {
    "cpp": [b"(]", b"int a @", b"'a\n", b'"a\n', b"}", b"#el", b"#en", b'R"a(x)b")a")'],
    "java": [b"(]", b'"a\n', b"}", b"int #", b"''"],
    "javascript": [b"a\\", b"`${a)", b"/a\n", b"[}", b"a = /x\n", b"'a\n"],
    "csharp": [b"{)", b'@"a""" )', b"#endi", b'"a\n', b"`"],
    "go": [b"{)", b'"a\n', b"a ?", b"a $", b"`a` )"],
    "rust": [b"{)", b"'\n", b"/* /* */ */ )", b'r#"a"# )'],
    "python": [b"(]", b"'a\n", b"a\n ", b"if a:\nb", b"if a:\n    b\n  c", b"if a:\n  b\n   ", b"'''a''' )", b"a ?"],
    "lua": [b"(]", b"[=[a]=] )", b"end ", b"if a then (end ", b"repeat end ", b"until ", b"'a\n"],
}
LANGUAGES = sorted(SOURCES)
BYTES = [bytes([value]) for value in range(256)]


def kind(name: str) -> type[Codec]:
    found: type[Codec] = registry.load("codecs", name)
    return found


def first_refused(grammar: CodeGrammar, data: bytes) -> int:
    """The place of the first byte that is not allowed, or -1."""
    state = grammar.start()
    for place, value in enumerate(data):
        if not grammar.allowed(state)[value]:
            return place
        state = grammar.step(state, value)
    return -1


def grammar_of(name: str, tokens=BYTES) -> CodeGrammar:
    found = kind(name).grammar_over(tokens)
    assert found is not None
    assert isinstance(found, CodeGrammar)
    return found


def after(grammar: CodeGrammar, data: bytes) -> State:
    state = grammar.start()
    for value in data:
        state = grammar.step(state, value)
    return state


@pytest.mark.parametrize("ends", [b"\n", b"\r\n"])
@pytest.mark.parametrize("name", LANGUAGES)
def test_code_as_people_write_it_is_allowed(name, ends):
    grammar, data = grammar_of(name), SOURCES[name].replace(b"\n", ends)
    place = first_refused(grammar, data)
    assert place == -1, data[max(place - 40, 0) : place + 1]
    assert grammar.may_end(after(grammar, data))
    assert CHECK.balanced(name, SOURCES[name].decode())


@pytest.mark.parametrize(("name", "data"), [(name, data) for name in LANGUAGES for data in REFUSED[name]])
def test_what_does_not_match_is_refused_at_its_last_byte(name, data):
    assert first_refused(grammar_of(name), data) == len(data) - 1


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("cpp", b"#if 0\nit's prose (\n#if A\n#endif\n#else\nint a;\n#endif\n"),
        (
            "cpp",
            b"// a \\\\\n ' goes on (\nint a;\n",
        ),  # a backslash before the end of a line, whatever stands before it
        ("cpp", b"#define A \\ \t\n  (\nint a;\n"),
        ("cpp", b'#include "a"\nint a = 1\'000;\n'),
        ("csharp", b"#region it's (\n#endregion\nvar a = '\\'';\n"),
        ("javascript", b"let a = b / c / d, e = f(/[/']\\//g);\n"),
        ("python", b"if a:\n    b = [\n1]\n\n# c\n  # d\n    e()\n"),
        ("rust", b"fn f<'a>(x: &'a str) -> char { 'l: loop { break 'l } '\\u{1F600}' }\n"),
    ],
)
def test_what_is_odd_but_right_is_allowed(name, data):
    grammar = grammar_of(name)
    assert first_refused(grammar, data) == -1
    assert grammar.may_end(after(grammar, data))


@pytest.mark.parametrize(
    ("data", "whole"),
    [
        (b"#if A\nint a;\n#endif", True),
        (b"#if 0\nit's\n#endif", True),
        (b"int a;\n#pragma warning restore 618", True),
        (b"#if A\n#if B\n#endif", False),
        (b"#if 0\nit's\n#els", False),
        (b"#if A\n#e", False),
        (b"f(\n#pragma a", False),
        (b"#if A\n#endif /* a", False),
    ],
)
@pytest.mark.parametrize("name", ["cpp", "csharp"])
def test_a_file_may_end_behind_a_directive_without_an_end_of_line(name, data, whole):
    grammar = grammar_of(name)
    assert grammar.may_end(after(grammar, data)) == whole


WHOLE = {
    "rust": [
        r"""let a = r"\"; let b = r#"/* " { "#; let c = br##"'"#"##;""",
        r"""let a = '"'; /* r#" /* */ */ let b: &'a str;""",
        r"let a = ['\'', '\u{22}', b'\x22'];",
    ],
    "go": [r'var a = `\` + `"{`', "var a = '`' // `"],
    "cpp": ["""auto a = R"x(" /* )" )x"; auto b = u8R"({)";""", "int a = 1'000'000; // it's"],
    "csharp": [
        r'var a = @"\"; var b = $@"""{""" + "x";',
        'var a = """ " { """; var b = """" """ """";',
        "#region it's \"\n#endregion\nvar a = '\"';",
    ],
    "java": [r'var a = """ " { \""" """;', r"""char a = '"', b = '\'';"""],
    "javascript": ["let a = `${f(`}`)} {`;", "let a = /[`'/]{/.test('`')", "f(a) / b / `'`", "a = b < /['\"(]/"],
    "lua": ["a = [=[ ]] ' ]=] --[[ ' ]] b = 'it' -- it's"],
    "python": [r"""a = '''"''' + r'\\' # it's"""],
}
BROKEN = {
    "rust": ['let a = r#"x";', "let a = '(;", "/* /* */", r'let a = r"x\"";', 'fn f() { r#"}"#'],
    "go": ["var a = `x", "var a = 'x", "f(`)`"],
    "cpp": ['auto a = R"x(a)";', "char a = 'b;", "#if A\n", "/* "],
    "csharp": ['var a = @"x""', 'var a = """ "";', "#if A\n{\n#endif", "var a = 'b"],
    "java": ['var a = """ x";', "char a = 'b;", "{ /* }"],
    "javascript": ["let a = `${b`", "f('it)", "f(`${)}`)"],
    "lua": ["a = [=[ ]]", "--[[ it's", "a = 'b", "if a then", "function f() end end"],
    "python": ["a = '''b'", "a = (", "if a:\n  b\n c"],
}


@pytest.mark.parametrize("name", LANGUAGES)
def test_the_second_reader_knows_literals_that_hold_quotes_and_brackets(name):
    grammar = grammar_of(name)
    for text, whole in [(text, True) for text in WHOLE[name]] + [(text, False) for text in BROKEN[name]]:
        data = f"{text}\n".encode()
        assert CHECK.balanced(name, f"{text}\n") == whole, text
        assert (first_refused(grammar, data) < 0 and grammar.may_end(after(grammar, data))) == whole, text


@pytest.mark.parametrize("name", LANGUAGES)
def test_what_the_lexer_calls_whole_without_one_bracket_or_quote_the_second_reader_does(name):
    language, data, rng = cast(type[SourceCode], kind(name)).language, SOURCES[name], np.random.default_rng(2)
    grammar = CodeGrammar(language, BYTES, tidy=name in ("cpp", "csharp"))  # each branch by itself, as the reader does
    places = [place for place, value in enumerate(data) if value in b"()[]{}\"'`"]
    for place in rng.choice(places, 40).tolist():
        cut = data[:place] + data[place + 1 :]
        whole = first_refused(grammar, cut) < 0 and grammar.may_end(after(grammar, cut))
        assert not whole or CHECK.balanced(name, cut.decode()), cut[max(place - 60, 0) : place + 40]


@pytest.mark.parametrize("name", LANGUAGES)
def test_a_file_cut_short_may_not_end(name):
    """Wherever a second reader sees something open; of what the readers take for whole, the grammar does too."""
    grammar, data = grammar_of(name), SOURCES[name]
    state = grammar.start()
    for place, value in enumerate(data):
        state = grammar.step(state, value)
        if place % 7 == 0 and name not in ("python", "cpp", "csharp"):
            shown = data[: place + 1].decode()
            assert not grammar.may_end(state) or CHECK.balanced(name, shown + "\n"), shown[-60:]


@pytest.mark.parametrize("name", LANGUAGES)
def test_brackets_are_not_deeper_than_the_bound(name):
    grammar = grammar_of(name)
    state = after(grammar, b"x = " + b"(" * DEPTH)
    assert not grammar.allowed(state)[list(b"({" if name == "lua" else b"([{")].any()
    assert grammar.allowed(state)[ord(")")]


def subword() -> Codec:
    return Subword.fit([b"".join(SOURCES.values()) * 4], SubwordOptions(vocab_size=500))


@pytest.mark.parametrize("vocabulary", ["bytes", "subword"])
@pytest.mark.parametrize("name", LANGUAGES)
def test_masks_equal_brute_force(name, vocabulary):
    tokens = BYTES if vocabulary == "bytes" else subword().token_bytes() or []
    tokens = [*tokens, b"\n#endif\n", b"}\n#endif\n", b"))", b"){", b" end end ", b"\n    ", b"", "é".encode()]
    lexer, grammar = Lexer(kind(name).language), grammar_of(name, tokens)
    rng = np.random.default_rng(1)

    def fits(state: State, token: bytes) -> bool:
        for char in token.decode("latin-1"):
            state, fine = lexer.advance(state, char)
            if not fine:
                return False
        return bool(token)

    for walk in range(4):
        state = grammar.start()
        for value in SOURCES[name][: int(rng.integers(len(SOURCES[name])))] if walk % 2 else b"":
            state = lexer.advance(state, chr(value))[0]
        for _ in range(15):
            mask = grammar.allowed(state)
            assert mask.tolist() == [fits(state, token) for token in tokens]
            state = grammar.step(state, int(rng.choice(np.flatnonzero(mask))))


@pytest.mark.parametrize("name", LANGUAGES)
def test_random_samples_balance_and_end_in_time(name):
    codec, rng = kind(name).fit([SOURCES[name]], kind(name).Options()), np.random.default_rng(3)
    tokens = codec.token_bytes() or []
    found = kind(name).balanced_over(tokens, 60, 60)
    assert found is not None
    likely = np.bincount(codec.encode(SOURCES[name]), minlength=len(tokens)) + 0.01
    for _ in range(25):
        state, ids = found.start(), []
        while (mask := found.allowed(state)).any():
            ids.append(int(np.where(mask, np.log(likely) + rng.gumbel(size=len(mask)), -np.inf).argmax()))
            state = found.step(state, ids[-1])
            assert len(ids) <= found.longest
        made = codec.decode(np.array(ids, np.uint16)).decode("utf-8", "replace")
        assert found.may_end(state)
        assert len(ids) >= 60
        assert made.rstrip(" \t\r\v\f").endswith("\n")
        if name not in ("python", "javascript", "lua"):  # whose second readers judge words and slashes, too
            assert CHECK.balanced(name, made), made


@pytest.mark.parametrize(
    ("name", "data", "ending"),
    [
        ("c_source", b"/* a", b"*/;\n"),
        ("c_source", b"int f(void) { g('", b"x');}\n"),
        ("cpp", b"class A {\n int f(", b");};\n"),
        ("cpp", b"#if A\nint f() { a = ", b"x;}\n#endif\n"),
        ("cpp", b'auto a = R"x(b', b')x";\n'),
        ("cpp", b"class A", b";\n"),
        ("java", b'class A { String a = "b', b'";}\n'),
        ("javascript", b"f(`a ${b", b"}`);\n"),
        ("javascript", b"a = /[b", b"]/;\n"),
        ("csharp", b'var a = @"b', b'"\n;\n'),
        ("go", b"func f() {\n\treturn a +", b"x}\n"),
        ("go", b"var a = `b", b"`\n"),
        ("rust", b"/* a /* b", b"*/*/x;\n"),
        ("rust", b"fn f() { '", b"x';}\n"),
        ("rust", b'fn f() { r#"a', b'"#;}\n'),
        ("python", b"def f(a, b", b")\n"),
        ("python", b"def f():", b"\n    pass\n\n\n"),
        ("python", b'def f():\n    """a', b'"""\n\n\n'),
        ("python", b"def f():\n  return [a,", b"]\n\n\n"),
        ("lua", b"function f() if a then b = ", b"x end end \n"),
        ("lua", b"repeat a = [==[b", b"]==]until x\n"),
        ("lua", b"repeat f()", b"until x\n"),
        ("lua", b"f(g(end", b"x))\n"),
        ("lua", b"until", b"x\n"),
        # Braces of values: statements or items stand in them, and the statement around them goes on.
        ("javascript", b"a.b = function () { c(", b");};\n"),
        ("javascript", b"var a = function () {\n}\n", b";\n"),
        ("javascript", b"const a = (b) => {\n", b"};\n"),
        ("javascript", b"let a = {\n  b: 1", b"};\n"),
        ("javascript", b"f(() => { a = {b: 1", b"};});\n"),
        ("javascript", b"const {a, b", b"};\n"),
        ("javascript", b"a = b as const", b";\n"),
        ("javascript", b"let a = class { b() { c(", b");}};\n"),
        ("javascript", b"if (a == b) { c(", b");}\n"),
        ("javascript", b"enum A { B, C", b"}\n"),
        ("javascript", b"a = `${", b"x}`;\n"),
        ("java", b"class A { Runnable a = () -> { b(", b");};}\n"),
        ("java", b"class A { Object a = new B() { int c = 1", b";};}\n"),
        ("java", b"class A { int[][] a = {{1, 2", b"}};}\n"),
        ("java", b"class A { void f() { g(new int[] {1, 2", b"});}}\n"),
        ("java", b"class A { void f() { switch (a) { case 1 -> { b(", b");}}}}\n"),
        ("java", b"enum A { B, C", b"}\n"),
        ("csharp", b"class A { Action a = () => { b(", b");};}\n"),
        ("csharp", b"class A { int B => 1", b";}\n"),
        ("csharp", b"class A { int B { get; set; } = 2", b";}\n"),
        ("csharp", b"class A { bool operator ==(A a, A b) { c(", b");}}\n"),
        ("csharp", b"var a = new B { C = 1, D = { 2", b"}};\n"),
        ("csharp", b"f(a => { b(", b");});\n"),
        ("csharp", b"enum A { B = 1", b"}\n"),
        ("rust", b"fn f() { let a = |b| { c(", b");};}\n"),
        ("rust", b"fn f() { let a = B { c: 1", b"};}\n"),
        ("rust", b"fn f() { let a = if b == c { d(", b");};}\n"),
        ("rust", b"fn f() { let a = if b { c } else { d(", b");};}\n"),
        ("rust", b"fn f() { if a == b { c(", b");}}\n"),
        ("rust", b"fn f() { if let A(b) = c { d(", b");}}\n"),
        ("rust", b"fn f() { match a { B { c } => { d(", b");}}}\n"),
        ("rust", b"struct A { b: u8", b"}\n"),
        ("rust", b"use a::{b, c", b"};\n"),
        ("cpp", b"auto a = [](int b) { c(", b");};\n"),
        ("cpp", b"int a[] = {1, 2", b"};\n"),
        ("cpp", b"enum class A { B, C", b"};\n"),
        ("cpp", b"void f() { if (a == b) { c(", b");}}\n"),
        ("go", b"var a = func() {\n\tb(", b")}\n"),
        ("go", b"func f() {\n\ta := []int{1", b"}}\n"),
    ],
)
def test_what_is_open_is_closed(name, data, ending):
    found = kind(name).balanced_over(BYTES, 0, 0)
    assert found is not None
    state, made = found.start(), b""
    for value in data:
        state = found.step(state, value)
    while (mask := found.allowed(state)).any():
        made += bytes([int(mask.argmax())])
        state = found.step(state, made[-1])
    assert made == ending


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("java", b"class A {\n}\n"),
        ("go", b"var a = 1\n"),
        ("lua", b"function f()\nend\n"),
        ("python", b"a = 1\n"),
        ("python", b"def f():\n  return 1\n\n\n"),
        ("cpp", b"class A {\n};\n"),
    ],
)
def test_an_end_is_taken_where_the_model_comes_to_one(name, data):
    found = kind(name).balanced_over(BYTES, 1, 1000)
    assert found is not None
    state = found.start()
    for value in data:
        assert found.allowed(state)[value]
        assert not found.may_end(state)
        state = found.step(state, value)
    assert not found.allowed(state).any()


@pytest.mark.parametrize(
    ("name", "data", "whole"),
    [
        ("javascript", b"function f() {\n}\n", True),
        ("javascript", b"class A {\n  b = 1\n}\n", True),
        ("javascript", b"if (a) {\n} else {\n}\n", True),
        ("javascript", b"a = function () {\n}\n", False),
        ("javascript", b"a = b ? {c: 1} : () => {\n}\n", False),
        ("javascript", b"a = function () {\n}\nfunction f() {\n}\n", True),
        ("javascript", b"a = {b: 1}\n", False),
        ("javascript", b"a = b\nif (c) {\n}\n", True),
        ("java", b"int[] a = {1}\n", False),
        ("java", b"var a = f(() -> {\n});\nclass A {\n}\n", True),
        ("java", b"enum A { B }\n", True),
        ("csharp", b"Action a = () => {\n}\n", False),
        ("csharp", b"class A { int B => 1; }\n", True),
        ("rust", b"static A: [B; 1] = [B {\n}]\n", False),
        ("rust", b"const A: B = B {\n}\n", False),
        ("rust", b"fn f() -> A {\n}\n", True),
        ("rust", b"enum A { B { c: u8 } }\n", True),
        ("cpp", b"auto a = [] {\n}\n", False),
        ("cpp", b"namespace a {\n}\n", True),
        ("go", b"var a = func() {\n}\n", True),
    ],
)
def test_a_brace_of_a_value_ends_no_definition(name, data, whole):
    found = kind(name).balanced_over(BYTES, 1, 1000)
    assert found is not None
    state = found.start()
    for value in data:
        state = found.step(state, value)
    assert found.may_end(state) == whole


def test_where_indentation_counts_nothing_new_begins_once_an_end_is_wanted():
    found = kind("python").balanced_over(BYTES, 1, 1000)
    assert found is not None
    state = found.start()
    for value in b"def f():\n  return 1\n":
        state = found.step(state, value)
    assert np.flatnonzero(found.allowed(state)).tolist() == sorted(b"\n\r ")


@pytest.mark.parametrize(
    ("files", "codec"),
    [
        ({"a.py": 10}, "python"),
        ({"a.ts": 10, "b.js": 10}, "javascript"),
        ({"a.cc": 30, "a.h": 70}, "cpp"),
        ({"a.c": 30, "a.h": 70}, "c_source"),
        ({"a.c": 98, "a.cpp": 2, "a.h": 20}, "c_source"),
        ({"a.h": 10}, "c_source"),
        ({"a.go": 95, "README.md": 5}, "go"),
        ({"a.py": 50, "b.js": 50}, "char"),
    ],
)
def test_a_folder_is_for_the_language_of_nearly_all_its_bytes(tmp_path, files, codec):
    for name, size in files.items():
        (tmp_path / name).write_bytes(b"x = 1\n" * size)
    assert guess_codec(resolve([str(tmp_path)], print))[0] == codec


def test_any_text_model_takes_the_grammar_of_a_language(tmp_path, capsys):
    tokenizer, settings, rng = Tokenizer(Byte(), "byte"), ModelSettings(hidden=8, layers=1), np.random.default_rng(0)
    shapes = weight_shapes(LSTM(), settings, tokenizer.vocab_size)
    weights = {key: rng.standard_normal(shape).astype(np.float32) for key, shape in shapes.items()}
    path, out = tmp_path / "model.safetensors", tmp_path / "out"
    Checkpoint("lstm", LSTM(), settings, tokenizer, weights).save(path)
    told = ["generate", str(path), "-l", "60", "-n", "20", "--seed", "1", "--no-take", "-o", f"{out}/", "--balanced"]
    assert run([*told, "--grammar", "go"]) == 0
    made = [path.read_bytes().decode("latin-1") for path in out.iterdir()]
    assert [text for text in made if not CHECK.balanced("go", text)] == []
    assert len(made) == 20
    capsys.readouterr()
    assert run([*told, "--grammar", "pyhton"]) == 2
    said = capsys.readouterr().err
    assert "no grammar is called 'pyhton'" in said
    assert "did you mean 'python'? there are: c, cpp, csharp, go, java, javascript, lua, python, rust" in said
