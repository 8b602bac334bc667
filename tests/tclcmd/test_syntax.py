"""The words of scripts, by which the prompt colours, completes and indents, and by which errors are located."""

from __future__ import annotations

import functools
import re

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from tclcmd.interpreter import Interpreter, is_complete
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
        ("f {\\{ \\1}", [("command", "f"), ("brace", "{"), ("brace", "}")]),
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
        ("f a\r\v\fb", ["f", "a", "b"]),
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


@pytest.mark.parametrize(
    ("text", "depth"),
    [
        ("f", 0),
        ("f {a}", 0),
        ("proc f {} {", 1),
        ("proc f {} {\nif 1 {", 2),
        ("set a [f {", 2),
        ("proc f {} {g [h", 2),
        ("proc f {} {g [h}", 0),
        ("f {a {b} \\{", 1),
        ("while {$a < [f", 2),
        ("expr {{", 2),
        ('puts "a', 0),
        ('proc f {} {puts "a', 0),
        ('puts "a [f', 1),
    ],
)
def test_depth(text, depth):
    """Tcl counts braces alone within braces; the brackets of a script in braces are counted by its own rules."""
    assert syntax.depth(text) == depth


# ---- Tcl's own parser as the oracle ----------------------------------------------------------------------------------

PIECES = st.text("ab1 \\;\n\t\r#-", max_size=6) | st.sampled_from(
    ["$a", "${b}", "$a::", "\\\n ", "{*}", " ", "; ", "f a ", "\n# a\\\n"]
)
SCRIPTS = st.recursive(
    PIECES,
    lambda scripts: (
        st.lists(scripts, max_size=4).map("".join)
        | scripts.map("{{{}}}".format)
        | scripts.map("[{}]".format)
        | scripts.map('"{}"'.format)
    ),
    max_leaves=12,
)


@functools.cache
def recorder():
    """An interpreter that records the calls of all commands it does not know."""
    interpreter = Interpreter()
    interpreter.eval(
        "set a 1; namespace eval a {}; set a:: 2; set b {3 4}; proc unknown args {lappend ::calls $args; return result}"
    )
    return interpreter


def calls(script):
    """The words of each call that Tcl makes of a script; None where Tcl finds an error in it."""
    interpreter = recorder()
    interpreter.eval("set calls {}")
    if interpreter.eval(script).is_error:
        return None
    interpreter.eval("join [lmap call $calls {join [lmap word $call {return -level 0 <[binary encode hex $word]>}]}] ,")
    return [call.split(" ") for call in interpreter.result().split(",")] if interpreter.result() else []


@given(SCRIPTS)
@example("# a\\\nb\nf")
def test_words_are_those_of_tcl(text):
    """The words, one space apart, are the same calls to Tcl; and each of them is one word."""
    expected = calls(text)
    assume(expected is not None)
    found = [command for command in syntax.commands(text) if command.words]
    outer = [command for command in found if not any(other.start < command.start < other.end for other in found)]
    assert calls("\n".join(" ".join(word.text for word in command.words) for command in outer)) == expected
    if "{*}" not in text:  # which makes any number of words of one
        assert len(found) == len(expected)
        for command in outer:
            assert all(len(calls(f"f {word.text}")[-1]) == 2 for word in command.words)


@given(st.text("a [{}]\\;\n", max_size=30))
def test_depth_is_0_where_tcl_finds_the_script_complete(text):
    """Except for a line that is continued, which has no depth, and for text that Tcl refuses to look at to its end."""
    assume(
        not re.search(r"\\\n\s*$", text) and "extra characters" not in (recorder().eval(text), recorder().result())[1]
    )
    assert (syntax.depth(text) == 0) == is_complete(text)


@given(st.text("a {}\n;", max_size=30))
def test_depth_is_the_number_of_braces_that_tcl_misses(text):
    """In text without brackets or quotes, which Tcl does not look for within braces."""
    recorder().eval(text)
    assume("extra characters" not in recorder().result())
    assert next(count for count in range(len(text) + 1) if is_complete(text + "}" * count)) == syntax.depth(text)
