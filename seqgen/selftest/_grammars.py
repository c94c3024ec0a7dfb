"""Fragments of the grammars that strangers write in, and how a run of fragments becomes a whole file.

`{i}` in a fragment is the number of its repetition, so that names, times and keys can differ from one to the next.
"""

import io
import struct
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass

Wrap = Callable[[Sequence[bytes]], bytes]


@dataclass(frozen=True)
class Grammar:
    """What the inputs of one reader are made of.

    Attributes:
        fragments: Pieces to repeat.
        pairs: What opens and what closes, to nest.
        wrap: Makes a file of the bodies, of which there are one to three.
        heads: What may come first.
    """

    fragments: tuple[bytes, ...]
    pairs: tuple[tuple[bytes, bytes], ...] = ()
    wrap: Wrap = b"".join
    heads: tuple[bytes, ...] = (b"",)


def words(text: str) -> tuple[bytes, ...]:
    """Fragments with spaces between them; `_` stands for a space, `\\n` for the end of a line, two strokes for one."""
    plain = (word.replace("\\\\", "\0").replace("\\n", "\n").replace("\0", "\\") for word in text.split())
    return tuple(word.replace("_", " ").encode("latin-1") for word in plain)


ABC = Grammar(
    words(
        r"""
        C c' z Z1000 Z99 [CEG] [C ] - > < >>> (3 (9:9:99 ( ) {g} { } | || :| |: :: |:: |1 |2 [1-99 [1,2,3 [|] & ~ u !f!
        !D.C.! "Am" " y x12 ^ __ =c , C,,,, C/// C9/9 3/2 \n \n\n _ \\ [M:3/4] [K:D] [K:A^g_b] [L:1/16] [Q:99] [V:{i}]
        \nV:{i}\n \nV:1\n \nM:1/64\n \nM:4+4+4/8\n \nM:4 \nK:F#m \nL:1/8\n \nQ:1/4=90\n \nP:A\n \nw:la\n \nX:{i}\n
        \n%%MIDI_program_1\n \n%%MIDI_ \n%%begintext\n % \nX:1\nK:C\nC 1/4 +3 / = ( transpose=1 octave=
        """
    ),
    ((b"[", b"]"), (b"{", b"}"), (b"(", b")"), (b"|:", b":|"), (b"[V:1]|:", b":|")),
    heads=(b"X:1\nL:1/8\nK:C\n", b"X:1\nM:4", b"X:1\nK:", b"X:1\nQ:", b"X:1\nK:C\nV:1\nc", b"M:3/4\nL:1/4\nX:1\nK:C\n"),
)

NOTE = b"<note><pitch><step>C</step><octave>4</octave></pitch><duration>1</duration></note>"
_XML = (
    NOTE, NOTE[:-7] + b"<tie type='start'/><tie type='stop'/></note>", NOTE.replace(b"<note>", b"<note><chord/>"),
    b"<note><grace/><pitch><step>C</step><octave>4</octave></pitch></note>", b"<measure/>", b"<part id='{i}'/>",
    b"</measure><measure>", b"</measure></part><part id='{i}'><measure>", b"</part><part id='P1'>", b"<note/>",
    b"<barline><repeat direction='forward'/></barline>", b"<barline><repeat direction='backward' times='9'/></barline>",
    b"<barline><ending number='{i}' type='start'/></barline>", b"<barline><ending type='stop'/></barline>",
    b"<sound tempo='{i}'/>", b"<direction><dynamics><ff/></dynamics></direction>", b"<sound dacapo='yes'/>",
    b"<attributes><divisions>{i}</divisions></attributes>", b"<backup><duration>1</duration></backup>",
    b"<attributes><time><beats>1+1</beats><beat-type>64</beat-type></time></attributes>", b"&amp;", b" ", b"9", b"<a>",
    b"<forward><duration>9</duration></forward>", b"<score-part id='{i}'><part-name>bari bari</part-name></score-part>",
    b"<score-instrument id='{i}'/>", b"<lyric/>", b"<!-- -->", b"<?x y?>", b"<step>", b"</step>", b"<duration>9", b"\n",
    b"<rootfile ", b"<rootfile full-path='{i}'/>", b" a{i}='1'", b"<![CDATA[", b"]]>",
)  # fmt: skip
_NESTED = (
    (b"<a>", b"</a>"), (b"<measure>", b"</measure>"), (b"<note>", b"</note>"), (b"<step>", b"</step>"),
    (b"<part id='{i}'>", b"</part>"), (b"<barline><repeat direction='forward'/></barline>", b"</measure><measure>"),
)  # fmt: skip


def scored(bodies: Sequence[bytes]) -> bytes:
    """A score whose parts begin with a measure of each body."""
    parts = b"".join(b"<part id='P%d'><measure>%b</measure></part>" % (at, body) for at, body in enumerate(bodies))
    return b"<score-partwise>" + parts + b"</score-partwise>"


def _measures(bodies: Sequence[bytes]) -> bytes:
    """Bodies that are measures, with a note each to be a score."""
    part = b"<part id='P%d'><measure>%b</measure>%b</part>"
    parts = (part % (at, NOTE, body) for at, body in enumerate(bodies))
    return b"<score-partwise>" + b"".join(parts) + b"</score-partwise>"


def packed(bodies: Sequence[bytes]) -> bytes:
    """An .mxl: the first body in its container, the last as its score."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("META-INF/container.xml", b"<container>" + bodies[0] + b"</container>")
        archive.writestr("a.xml", scored([NOTE, bodies[-1]]))
    return file.getvalue()


XML = Grammar(_XML, _NESTED, scored)
XML_MEASURES = Grammar(_XML, _NESTED, _measures)
MXL = Grammar(_XML, _NESTED, packed)

END = b"\0\xff\x2f\0"


def _tracks(bodies: Sequence[bytes]) -> bytes:
    chunks = b"".join(b"MTrk" + struct.pack(">I", len(body) + 4) + body + END for body in bodies)
    return b"MThd" + struct.pack(">IHHH", 6, 1, len(bodies), 1) + chunks


def _chunks(bodies: Sequence[bytes]) -> bytes:
    return b"MThd" + struct.pack(">IHHH", 6, 2, len(bodies), 96) + b"".join(bodies)


_EVENTS = (
    b"\0\x90\x3c\x40", b"\x01\x90\x3c\0", b"\x01\x3c\x40", b"\0\x80\x3c\0", b"\x83\x60\x90\x3c\x40",
    b"\xff\xff\xff\x7f\x3c\x40", b"\0\xb0\x40\x7f", b"\0\xb0\x40\0", b"\x01\x40\x7f", b"\0\xc0\x05", b"\x01\x07",
    b"\0\xe0\0\0", b"\0\xff\x51\x03\0\0\x01", b"\x01\xff\x51\x03\xff\xff\xff", b"\x01\xff\x51\x03\x07\xa1\x20",
    b"\0\xff\x58\x04\x01\x06\x18\x08", b"\x01\xff\x58\x04\x07\x03\x18\x08", b"\0\xff\x01\0", b"\0\xff\x01\x02la",
    b"\0\xff\x03\x01a", b"\0\xff\x21\x01\x05", b"\0\xf0\0", b"\0\xf7\x01\0", b"\0\xf4", b"\xff", b"\x80", b"\0",
    b"\x7f", b"MTrk\0\0\0\0", b"MTrk", b"XXXX\0\0\0\0", b"XXXX\xff\xff\xff\xff", b"\0\x99\x24\x40",
    b"\0\x92\x3c\x40\0\x3c\0", b"MTrk\0\0\0\x0c\0\x90\x3c\x40\x60\x3c\0\0\xff\x2f\0\0", END,
)  # fmt: skip
MIDI = Grammar(_EVENTS, ((b"\0\x90\x3c\x40", b"\x01\x80\x3c\0"), (b"\0\xb0\x40\x7f", b"\x01\xb0\x40\0")), _tracks)
MIDI_CHUNKS = Grammar(_EVENTS, wrap=_chunks)

_ODD = (
    b"\0", b"\xff", b"\x92", b"\xe2\x96\x81", b"\xe4\xb8\xad", b"\xf0\x9f\x8e\xb5", b"\xed\xa0\x80", b"\xef\xbb\xbf",
    b"\t", b"\x1b", b"e\xcc\x81",
)  # fmt: skip
TEXT = Grammar((*words(r"a Z {i} _ \n . _a aa ab Copyright"), b"\r\n", *_ODD))
C = Grammar(
    (
        *words(
            r"""
            x 0 ; , { } ( ) [ ] = + - * / // /* */ /** " ' \\ \\\n \n _ # #if_ #if_0\n #else\n #elif_x\n #endif\n
            #ifdef_x\n for( if( else int_f(){ struct_s{ /*copyright*/ //copyright\n /**_Begin_file_{i}_*/\n ? : -> ##
            /*_Begin_file_ x{i}; '\\'' "\\" case_1: @ return
            """
        ),
        *_ODD,
    ),
    (
        *((b"{", b"}"), (b"(", b")"), (b"[", b"]"), (b"#if x\n", b"#endif\n"), (b"#if 0\n", b"#else\n")),
        *((b"/*", b"*/"), (b"if(x)", b";")),
    ),
    heads=(b"", b"x ", b"int f(void) {", b"/* copyright */"),
)
SCHEDULE = Grammar(
    words(". .. ... ~ / = , 1 0.5 {i} - e + _ a= pitch=1 pitch=1, 1..2 1~2/9 nan inf 9 # b m piano drums")
)
TOML = Grammar(
    (
        *words(
            r"""
            a{i}_=_1\n a.b a. . = [a{i}]\n [[a]]\n [ ] { } a=[ a={a= , " ' \\n \\u0041 1 9 0.1 1e9 # \n _ true
            1979-05-27T07:32:00Z x='' -
            """
        ),
        b'"""',
        b"'''",
    ),
    ((b"[", b"]"), (b"{a=", b"}"), (b"[[", b"]]"), (b'"', b'"')),
    heads=(b"", b"name = ", b"a = ", b"hidden = ", b"a.", b"[", b"[source]\n"),
)
JSON = Grammar(
    words(
        r"""
        {"a":1} {"a{i}":1, "a{i}":1, "temperature":1, "rules":{"top_k":9}, "prompt":"x", [ ] { } " , : 1 9 0.1 1e9 -1
        \\n \\u0041 \\ud800 null true "x" \n _
        """
    ),
    ((b"[", b"]"), (b'{"a":', b"}"), (b'{"rules":', b"}"), (b'"', b'"')),
    heads=(b"", b'{"temperature":"', b'{"rules":{', b'{"prompt":"', b'{"temperature":', b'{"kind":"take","'),
)
