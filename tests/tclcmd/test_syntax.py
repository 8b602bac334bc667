"""Words of scripts: what the colours, completion and error reports go by."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tclcmd.language import syntax


def coloured(text):
    """(kind, text) of every token."""
    return [(token.kind, text[token.start : token.end]) for token in syntax.tokens(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("# a {", [("comment", "# a {")]),
        ("puts $a(1)", [("command", "puts"), ("variable", "$a")]),
        ("f -x -5", [("command", "f"), ("option", "-x"), ("number", "-5")]),
        ('f "a $b"', [("command", "f"), ("string", '"a $b"'), ("variable", "$b")]),
        ("f ${a b}", [("command", "f"), ("variable", "${a b}")]),
        ("f {1 x2}", [("command", "f"), ("brace", "{"), ("number", "1"), ("brace", "}")]),
        ("f [g]", [("command", "f"), ("brace", "["), ("command", "g"), ("brace", "]")]),
        ("while {$i<3} {g}", [
            ("command", "while"), ("brace", "{"), ("variable", "$i"), ("number", "3"), ("brace", "}"),
            ("brace", "{"), ("command", "g"), ("brace", "}"),
        ]),
        ("f \\$a", [("command", "f")]),
    ],
)  # fmt: skip
def test_tokens(text, expected):
    """By Tcl's rules of words, and by what Tcl's own commands make of braces."""
    assert coloured(text) == expected


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('f a {b c} "d e" [g h]', ["f", "a", "{b c}", '"d e"', "[g h]"]),
        ("f a\\\n b", ["f", "a", "b"]),
        ("f a\\ b c;g", ["f", "a\\ b", "c"]),
        ("f {*}$x {a}b", ["f", "{*}$x", "{a}b"]),
        ("f {a \\} b} c", ["f", "{a \\} b}", "c"]),
        ("f a$b[g $c]d", ["f", "a$b[g $c]d"]),
    ],
)
def test_words(text, words):
    """Of the first command."""
    assert [word.text for word in syntax.commands(text)[0].words] == words


@pytest.mark.parametrize(
    ("text", "words"),
    [("f a; g b", ["g", "b"]), ("f [g b", ["g", "b"]), ("f [g b] ", ["f", "[g b]"]), ("f\n", []), ("f {a", ["f", "{a"]),
     ("proc p {} {g b", ["g", "b"]), ("proc p {} {g b; ", []), ("if 1 {g} else {h ", ["h"])],
)  # fmt: skip
def test_the_command_that_is_being_typed(text, words):
    """The innermost at the end."""
    written = syntax.unfinished(text)
    assert written is not None
    assert [word.text for word in written.words] == words


@given(st.text('ab $[]{}"\\#;\n-1*(', max_size=40))
def test_any_text_can_be_looked_at(text):
    """Whatever is typed: no error, no token beyond the text, no empty word."""
    assert all(0 <= token.start < token.end <= len(text) for token in syntax.tokens(text))
    assert all(word.start < word.end for written in syntax.commands(text) for word in written.words)
    syntax.unfinished(text)
