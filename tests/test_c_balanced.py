"""C that ends between definitions: tidy files, endings, three vocabularies, and a second opinion on what comes out."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from seqgen.cells.lstm import LSTM
from seqgen.checkpoint import Checkpoint
from seqgen.cli import run
from seqgen.codecs import Codec
from seqgen.codecs._code.balanced import BalancedCode, Progress
from seqgen.codecs._code.grammar import CodeGrammar
from seqgen.codecs._code.lexer import Lexer
from seqgen.codecs._code.state import State
from seqgen.codecs.byte import Byte, ByteOptions
from seqgen.codecs.c_source import CSource, CSourceOptions, balanced_grammar
from seqgen.codecs.c_source.language import LANGUAGE
from seqgen.codecs.char import Char, CharOptions
from seqgen.codecs.midi import Midi, MidiOptions
from seqgen.codecs.subword import Subword, SubwordOptions
from seqgen.models import ModelSettings, weight_shapes
from seqgen.tokenizer import Tokenizer

SPEC = importlib.util.spec_from_file_location("c_check", Path(__file__).parent.parent / "benchmarks" / "_c_check.py")
assert SPEC is not None
assert SPEC.loader is not None
CHECK = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(CHECK)

TIDY = b"""/* It's a list (of "things. */
#include <stdio.h>
#define MOST(a, b) ((a) > (b) ? (a) : (b))
typedef struct item item;
struct item { int id; struct item *next; char *names[4]; };
enum color { RED, GREEN, BLUE };
static const char *const words[] = {"one", "two)", {"three"}, };
static unsigned long count = 0;
int run(item *first, const char *word, int many, ...);

static item *find(item *first, unsigned int id){
  item *p = first, **q = &first;
  unsigned char mark = 'a' + 1;
  double share = 1000.5*many - 0.5;
  int i, n = -1;
#ifdef DEBUG
  puts("find {");
#else
  n++;
#endif
  for(i=0; i<n && words[i]!=0; i++){
    if( first->id==id || 0==n ) return (item*)p;
    else if( n>>2 > 3 ){ n <<= 1; continue; }
    else { break; }
  }
  for(;;) --n;
  while( --n ){ p = p ? p->next : 0; }
  do{ n += sizeof(struct item) * 2; }while( n<9 );
  switch( n ){
    case 'x': case 3: n = ~n; break;
    default: goto done;
  }
  (void)n;
  *q = (p);
done:
  return (*find)(&p[1], !n, "a" "b");
}
#if 0
It's prose (and doesn't end: {{{ @ `here`
#if 1
"
#else
'
#endif
#else
int other(void){ return 1; }
#endif
"""


def vocabularies() -> dict[str, Codec]:
    text = TIDY * 8
    return {
        "byte": Byte.fit([text], ByteOptions()),
        "char": Char.fit([text + "é".encode()], CharOptions()),
        "c_source": CSource.fit([text], CSourceOptions()),
        "subword": Subword.fit([text], SubwordOptions(vocab_size=420)),
    }


def fits(lexer: Lexer, state: State, token: str) -> bool:
    """Whether each byte of a token is allowed in its turn."""
    for char in token:
        state, fine = lexer.advance(state, char)
        if not fine:
            return False
    return bool(token)


@pytest.fixture(scope="module")
def codecs() -> dict[str, Codec]:
    return vocabularies()


def refused(data: bytes, tidy: bool = True) -> int:
    """The place of the first byte that is not allowed, or -1."""
    grammar = CodeGrammar(LANGUAGE, [bytes([value]) for value in range(256)], tidy)
    state = grammar.start()
    for place, value in enumerate(data):
        if not grammar.allowed(state)[value]:
            return place
        state = grammar.step(state, value)
    return -1


@pytest.mark.parametrize("tidy", [False, True])
def test_a_tidy_file_is_allowed(tidy: bool) -> None:
    place = refused(TIDY, tidy)
    assert place == -1, TIDY[max(place - 30, 0) : place + 1]


@pytest.mark.parametrize(
    "data",
    [
        b"int f(int a;",
        b"int f(int a{",
        b"return ",
        b"int f(void){ return return ",
        b"MACRO int ",
        b"int a b",
        b"int f(void){ a = /b",
        b"int f(void){ a = ;",
        b"int f(void){ a * / ",
        b"int f(void){ f(a, )",
        b"int f(void){ f(a;",
        b"int f(void){ if )",
        b"int f(void){ if()",
        b"int f(void){ for(i=0)",
        b"int f(void){ for(a;b;c;",
        b"int f(void){ assert(a){",
        b"int f(void){ a }",
        b"int f(void){ x = 1 2",
        b"int f(void){ a = b e",
        b"int f(void){ x = int ",
        b"int f(void){ a\n#",
        b"int f(void){\n#ifdef A\n}",
        b"int f(void){\n#ifdef A\n{\n#en",
        b"struct s { int a }",
        b"int (",
        b"5",
        b"}",
    ],
)
def test_what_is_not_tidy_is_refused_at_its_last_byte(data: bytes) -> None:
    assert refused(data) == len(data) - 1


@pytest.mark.parametrize("end", [b"#endif\n", b"#else\n", b"#elif A\n"])
@pytest.mark.parametrize("line", [b"#if 0\n", b"# if 0 /* no */\n", b"#if  0 // no\n", b"#if\t0\r\n"])
def test_if_0_is_prose_up_to_its_end(line: bytes, end: bytes) -> None:
    data = b"int a;\n" + line + b"it's (not) code: } @ `\n#ifdef B\n]\n#else\n\"\n#endif\n" + end
    assert refused(data, tidy=False) == -1
    assert refused(data + b"it's\n", tidy=False) == len(data) + 4
    assert refused(data + b")", tidy=False) == len(data)


@pytest.mark.parametrize("line", [b"#if 1\n", b"#if 00\n", b"#if 0x\n", b"#if 0||A\n", b"#ifdef 0\n", b"#if A\n"])
def test_other_conditions_hold_code(line: bytes) -> None:
    assert refused(line + b"@", tidy=False) == len(line)


@pytest.mark.parametrize("tidy", [False, True])
@pytest.mark.parametrize("name", ["byte", "char", "c_source", "subword"])
def test_masks_equal_brute_force(codecs: dict[str, Codec], name: str, tidy: bool) -> None:
    tokens = codecs[name].token_bytes()
    assert tokens is not None
    tokens = [*tokens, b"\n#endif\n", b"\n#if 0\n", b"}\n#endif\n#endif\n", b"){", b"))", b"\n#else\n}"]
    grammar, rng = CodeGrammar(LANGUAGE, tokens, tidy), np.random.default_rng(len(name))
    texts = [token.decode("latin-1") for token in tokens]
    for walk in range(6):
        state = grammar.start()
        for value in TIDY[: int(rng.integers(len(TIDY)))] if walk % 2 else b"":
            state = grammar.step(state, value)
        for _ in range(40):
            mask = grammar.allowed(state)
            assert mask.tolist() == [fits(grammar.lexer, state, text) for text in texts]
            long = np.array(list(map(len, texts)))
            state = grammar.step(state, int(np.where(mask, rng.random(len(mask)) * long, -1).argmax()))


def sampled(grammar: BalancedCode, rng: np.random.Generator) -> tuple[list[int], Progress]:
    """Tokens drawn from random logits until none may follow."""
    state, ids = grammar.start(), []
    while (mask := grammar.allowed(state)).any():
        logits = np.where(mask, rng.gumbel(size=len(mask)), -np.inf)
        ids.append(int(logits.argmax()))
        state = grammar.step(state, ids[-1])
        assert len(ids) <= grammar.longest
    return ids, state


@pytest.mark.parametrize("name", ["byte", "char", "c_source", "subword"])
def test_random_samples_balance_and_end_in_time(codecs: dict[str, Codec], name: str) -> None:
    codec, rng = codecs[name], np.random.default_rng(3)
    grammar = balanced_grammar(codec.token_bytes() or [], 60, 60)
    for _ in range(20):
        ids, state = sampled(grammar, rng)
        made = codec.decode(np.array(ids))
        assert grammar.may_end(state)
        assert len(ids) >= grammar.length
        assert made.endswith(b"\n")
        assert CHECK.balanced(made.decode("latin-1")), made


def test_an_end_is_taken_where_the_model_comes_to_one() -> None:
    grammar = balanced_grammar(Byte().token_bytes(), 10, 1000)
    state = grammar.start()
    for value in b"int f(void){\n  return 1;\n}\n":
        assert grammar.allowed(state)[value]
        assert not grammar.may_end(state)
        state = grammar.step(state, value)
    assert grammar.may_end(state)
    assert not grammar.allowed(state).any()


def test_where_functions_are_wanted_they_get_bodies() -> None:
    grammar, plain = (balanced_grammar(Byte().token_bytes(), 10_000, 0, functions=n) for n in (1, 0))
    for data, refused_signs in ((b"int f", b";=,["), (b"int f(int a)", b";,[(")):
        state, free = grammar.start(), plain.start()
        for value in data:
            state, free = grammar.step(state, value), plain.step(free, value)
        assert not grammar.allowed(state)[list(refused_signs)].any()
        assert plain.allowed(free)[list(refused_signs[:2])].all()
        assert grammar.allowed(state).any()


def test_functions_are_counted() -> None:
    grammar = balanced_grammar(Byte().token_bytes(), 10_000, 0, functions=2)
    state, data = grammar.start(), b"int f(void){\n}\nint g(void){\n}\n"
    for value in data:
        assert grammar.allowed(state)[value]
        state = grammar.step(state, value)
    assert state.functions == 2
    assert not grammar.allowed(state).any()


@pytest.mark.parametrize(
    ("data", "ending"),
    [
        (b"int f(void){\n  a = ", b"x;}\n"),
        (b"int f(void){\n  if( a", b");}\n"),
        (b"int f(void){\n  for(i", b";;);}\n"),
        (b"int f(void){\n  for(", b";;);}\n"),
        (b'int f(void){\n  g("a', b'");}\n'),
        (b"int f(void){\n  /* a", b"*/}\n"),
        (b"int f(void){\n#if A\n  {", b"}\n#endif\n}\n"),
        (b"int f(void){\n  retur", b";}\n"),
        (b"int f(void){\n  if", b"(x);}\n"),
        (b"int a[] = {1, 2", b"};\n"),
        (b"struct s { int a", b";};\n"),
        (b"int f(int a", b");\n"),
        (b"int a", b";\n"),
        (b"#define A", b"\n"),
    ],
)
def test_forced_endings_are_sensible(data: bytes, ending: bytes) -> None:
    grammar = balanced_grammar(Byte().token_bytes(), len(data), 0)
    state, made = grammar.start(), bytearray()
    for value in data:
        state = grammar.step(state, value)
    while (mask := grammar.allowed(state)).any() and len(made) < 50:
        assert mask.sum() == 1
        made.append(int(mask.argmax()))
        state = grammar.step(state, made[-1])
    assert bytes(made).startswith(ending)


def test_the_second_opinion_can_disagree() -> None:
    assert CHECK.balanced('int f(void) { return "}"[0]; } /* { */\n#if A\n{\n#else\n{\n#endif\n}\n')
    for wrong in ("{", "(]", '"', "/*", "'", "#if A\n", "#endif\n", "{\n#if A\n}\n#endif\n"):
        assert not CHECK.balanced(wrong)
    assert CHECK.balanced(TIDY.decode())


def checkpoint(codec: Codec, name: str, path: Path) -> str:
    """An untrained model."""
    tokenizer, settings, rng = Tokenizer(codec, name), ModelSettings(hidden=8, layers=1), np.random.default_rng(0)
    shapes = weight_shapes(LSTM(), settings, tokenizer.vocab_size)
    weights = {key: rng.standard_normal(shape).astype(np.float32) for key, shape in shapes.items()}
    Checkpoint("lstm", LSTM(), settings, tokenizer, weights).save(path)
    return str(path)


@pytest.mark.parametrize(("name", "flags"), [("c_source", []), ("subword", ["--grammar", "c"])])
def test_the_command_makes_files_that_balance(codecs: dict[str, Codec], name: str, flags: list[str], tmp_path) -> None:
    path = checkpoint(codecs[name], name, tmp_path / "model.safetensors")
    out = tmp_path / "out"
    command = ["generate", path, "--balanced", "-l", "30", "-n", "100", "-t", "1", "--seed", "5", "--no-take", *flags]
    assert run([*command, "-o", f"{out}/"]) == 0
    made = [file.read_bytes().decode("latin-1") for file in out.iterdir()]
    assert len(made) == 100
    assert [text for text in made if not CHECK.balanced(text)] == []
    assert all(text.endswith("\n") for text in made)


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--balanced"], "--balanced is for code, this model makes .txt files"),
        (["--balanced", "--grammar", "c", "--no-grammar"], "--balanced needs the grammar"),
        (["--balanced", "--grammar", "c", "-l", "inf"], "--balanced needs a length"),
    ],
)
def test_what_does_not_fit_is_refused(codecs: dict[str, Codec], flags, message, tmp_path, capsys) -> None:
    path = checkpoint(codecs["char"], "char", tmp_path / "model.safetensors")
    assert run(["generate", path, "--no-take", *flags]) == 2
    captured = capsys.readouterr()
    assert message in captured.err
    assert captured.out == ""


def test_music_keeps_its_own_grammar(tmp_path, capsys) -> None:
    path = checkpoint(Midi.fit([], MidiOptions()), "midi", tmp_path / "model.safetensors")
    assert run(["generate", path, "--no-take", "--grammar", "c", "-o", str(tmp_path / "a.mid")]) == 2
    assert "the grammar of c is for text" in capsys.readouterr().err


def test_untidy_prompts_are_taken() -> None:
    grammar = CodeGrammar(LANGUAGE, Byte().token_bytes(), tidy=True)
    state = grammar.start()
    for value in b"MACRO(;;) {\n#if A\n}}\n#else\n((\n#endif\n 1 2 = = 'ab\n":
        state = grammar.step(state, value)
    assert isinstance(state, State)
    assert grammar.allowed(state).any()
    assert grammar.closing(state).isascii()
