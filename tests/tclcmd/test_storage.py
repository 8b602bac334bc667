"""The meaning of a value depends on its text, not on Tcl's internal representation: all kinds, generated."""

from __future__ import annotations

import numpy as np
import pytest
from tcl_versions import tcl_has

from tclcmd import commands
from tclcmd._host import lib
from tclcmd.language import kinds
from tclcmd.language.errors import ARGUMENT_ERRORS
from tclcmd.values import tclobj

#: Texts of all sorts: what kinds read, what they refuse, and what lists and numbers write in more than one way.
TEXTS = [
    "", "{}", "{{}}", "1", "0", "-1", "5", " 5 ", "5\r", "{5}", "{ 5 }", "{{ 5 }}", "{5\r}", "{{5}}", "0.9",
    "{0.9}", "1e3", "0x10", "010", "08", "0.30000000000000004", "9007199254740993", "9223372036854775808",
    "99999999999999999999", "1e999", "nan", " nan ", "-NaN", "NaN(123)", "{ nan }", "inf", "-Inf", "-inf 3", "true",
    "yes", "off", "{ on }", "1 2", "1 2 ", "1  2", "2 -", "-1 2", "1.5 2", "0 0 1 1", "1 2 1 3", "a 1 a 2",
    "{1} {2}", "{1 2} {3 4}", "{1 2} {3}", "{1 2} 3", "1 {2 3}", "{{0 0 1 1}} {{1 1 3 3}}", "{} {{1 1 3 3}}",
    "{{1 1 3 3}} {}", "{} {}", "{1 1 3 3} {}", "{} 5", "a", "a b", "-a", "-a b", "{-a}", "{-a b}", "- a", "a;b",
    "{a;b}", 'a"b', '{a"b}', "#", "{#}", "{", "\\{", "{a} b", "a\\ b", "{$x}", "tensor99999", "{tensor99999}",
    " tensor99999", "tensor99999 ", "{tensor99999 }", "tensor99999 tensor99998", "float32", "FLOAT32", "cpu",
    "full", "x.npy", "~nosuch/x", "a\0b", "{a\0b}", "é", "{é ü}", "😀", "bilinear", "3 full",
]  # fmt: skip

#: How a script may come by a value: by what makes it. Only where the text is still the same does the way apply.
WAYS = {
    "text": "string range $text 0 end",
    "the word of a list": "lindex [list $text] 0",
    "a list": "list {*}$text",
    "a list of lists": "lmap one $text {list {*}$one}",
    "a list of lists of lists": "lmap one $text {lmap two $one {list {*}$two}}",
    "a list of one": "list $text",
    "a list of one list of one": "list [list $text]",
    "the range of a list": "lrange $text 0 end",
    "split at spaces": "split $text { }",
    "split at commas": "split $text ,",
    "a sum": "expr {$text + 0}",
    "an integer": "expr {entier($text)}",
    "a double": "expr {double($text)}",
    "a boolean": "expr {!!$text}",
    "a list of sums": "lmap one $text {expr {$one + 0}}",
    "a list of lists of sums": "lmap one $text {lmap two $one {expr {$two + 0}}}",
    "bytes": "binary format a* $text",
    "a list of bytes": "lmap one $text {binary format a* $one}",
    "a dict": "dict create {*}$text",
    "a merged dict": "dict merge $text",
    "a value taken for a number": "catch {expr {$text + 0}}; set text",
    "a value taken for a boolean": "catch {expr {!$text}}; set text",
    "a value taken for a list": "catch {llength $text}; set text",
    "a value taken for a dict": "catch {dict size $text}; set text",
    "a value taken for an index": "catch {lindex {a b} $text}; set text",
    "a value taken for a file": "catch {file exists $text}; set text",
    "a value taken for a command": "catch {$text}; set text",
    "a value taken for a pattern": "catch {regexp -- $text x}; set text",
    "a list whose length was asked": "set list [list {*}$text]; string length $list; set list",
}

#: Every kind that a parameter of a command has; choices and bounds are read alike, whatever they are.
KINDS = list({type(one.kind): one.kind for row in commands.REGISTRY.values() for one in row.parameters}.values())


def ways_of(tcl, text: str) -> list[str]:
    """The ways that apply to a text."""
    found = []
    for name, script in WAYS.items():
        tcl.interpreter.set_global("text", text)
        if tcl(f"catch {{set made [apply {{text {{{script}}}}} $text]}}") == "0":
            found += [name] if tcl("string equal $made $text") == "1" else []
    return found


def stored(tcl, text: str, ways: list[str]) -> dict[str, object]:
    """A new value in each of these forms. Nobody has asked for its text since it was made."""
    tcl.interpreter.set_global("text", text)
    # A copy for each, since to use a value for something changes how it is stored.
    makers = [f"set made{i} [apply {{text {{{WAYS[way]}}}}} [string range x$text 1 end]]" for i, way in enumerate(ways)]
    tcl.run("\n".join([*makers, "expr 0"]))
    return {way: lib.host_global(tcl.interpreter._tcl, f"made{i}".encode()) for i, way in enumerate(ways)}


def reading(kind: kinds.Kind, value: object, session) -> object:
    """What a kind makes of a value, or says of it, in a form that can be compared."""
    try:
        read = kind.read(value, session)
        if isinstance(kind, kinds.Numbers):
            read = [reading_of_numbers(read, dtype) for dtype in (np.float64, np.int64, np.bool_)]
    except (kinds.Mismatch, *ARGUMENT_ERRORS) as reason:
        return f"{type(reason).__name__}: {reason}"
    return comparable(read)


def reading_of_numbers(value: object, dtype) -> object:
    """Numbers, or what is wrong with them."""
    try:
        return tclobj.numbers_of(value, dtype)
    except tclobj.BadNumbers as reason:
        return str(reason)


def comparable(read: object) -> object:
    """The same for equal results: NaN equals itself."""
    if isinstance(read, np.ndarray):
        return str(read.dtype), read.shape, read.tobytes()
    if isinstance(read, list | tuple):
        return [comparable(one) for one in read]
    return repr(read)


@pytest.mark.parametrize("text", TEXTS, ids=repr)
def test_every_kind_reads_the_text(tcl, text):
    """However the value is stored; and so does the look for options."""
    ways = ways_of(tcl, text)
    for kind in KINDS:
        read = {way: reading(kind, value, tcl.interpreter.session) for way, value in stored(tcl, text, ways).items()}
        assert read == dict.fromkeys(read, read["text"]), kind
    options = {way: tclobj.option_of(value) for way, value in stored(tcl, text, ways).items()}
    assert options == dict.fromkeys(options, options["text"])


def test_the_ways_apply(tcl):
    """Each to a text at least, and those of numbers to numbers: else nothing would be compared."""
    applied = {text: set(ways_of(tcl, text)) for text in TEXTS}
    assert set().union(*applied.values()) == set(WAYS)
    assert {"a list", "a list of sums", "a dict", "bytes", "split at spaces"} <= applied["1 2"]
    assert {"a list of one", "a sum", "a double", "bytes"} <= applied["0.9"]
    assert {"a list", "a list of one list of one"} <= applied["5"]


@pytest.mark.parametrize("made", ["list { 5 }", "lrange {{ 5 }} 0 end", "split { 5 } ,", 'format "{ 5 }"'])
def test_a_number_with_spaces_in_braces(tcl, made):
    """Is a list of one number, whatever made it, and after its length was asked as before."""
    tcl.run(f"set x [{made}]")
    assert tcl("torch::tensor_shape [torch::tensor_create $x]") == "1"
    assert tcl("string length $x; torch::tensor_shape [torch::tensor_create $x]") == "1"


def test_a_number_says_what_its_text_says(tcl):
    """With tcl_precision set, the text of a third is 0.333, and so is the number; Tcl 9 has no such variable."""
    read = "torch::tensor_item [torch::full 1 $third float64] -precision full"
    tcl.run("set tcl_precision 3; set third [expr {1.0 / 3}]")
    try:
        expected = "0.333" if tcl_has("tcl_precision shortens numbers") else "0.3333333333333333"
        assert tcl(read) == tcl(f"string length $third; {read}") == expected
    finally:
        tcl("set tcl_precision 0")  # it is that of all interpreters


# ---- One number ------------------------------------------------------------------------------------------------------

ONE = ["0.9", "{0.9}", "[list 0.9]", "[list [list 0.9]]", "[expr {0.9}]", "[split 0.9]", "[lindex {0.9} 0]", '" 0.9 "']


@pytest.mark.parametrize("one", ONE)
@pytest.mark.parametrize(
    ("script", "result"),
    [
        ("torch::tensor_shape [torch::tensor_create ONE]", "1"),
        ("torch::tensor_to_list [torch::nms {{0 0 15 15}} ONE 0.5]", "0"),
        ("torch::tensor_to_list [torch::batched_nms {{0 0 15 15}} ONE CLASS 0.5]", "0"),
        ("torch::tensor_to_list [lindex [torch::soft_nms {{0 0 15 15}} ONE] 0]", "0"),
        ("torch::tensor_to_list [torch::nms_rotated {{5 5 2 2 0}} ONE 0.5]", "0"),
        ("torch::tensor_shape [torch::tensor_cat [list [torch::tensor_create ONE] [torch::tensor_create ONE]]]", "2"),
        ("torch::tensor_shape [torch::tensor_slice [torch::tensor_create ONE] 0 0 1]", "1"),
        ("torch::tensor_to_list [torch::normalize_image [torch::full {1 1 1} 1.8] ONE ONE]", "1.0"),
    ],
)
def test_one_number_is_a_vector_of_one(tcl, script, result, one):
    """Where the parameter is a vector: an image with one object is no exception."""
    assert tcl(script.replace("ONE", one).replace("CLASS", one.replace("0.9", "1"))) == result


@pytest.mark.parametrize(
    ("data", "shape"),
    [
        ("1", "1"), ("{1}", "1"), ("[list 1]", "1"), ("[expr 1]", "1"), ("[list [list 1]]", "1"),  # the text 1
        ("{{1}}", "1"), ("{{{1}}}", "1 1"), ("{{1} {2}}", "2"), ("{{{1}} {{2}}}", "2 1"), ("{}", "0"), ("{{}}", "1 0"),
    ],
)  # fmt: skip
def test_the_shape_of_few_numbers(tcl, data, shape):
    """The whole is a list; within it a word that is a number is one, and braces around that make another list."""
    assert tcl(f"torch::tensor_shape [torch::tensor_create {data}]") == shape


# ---- Boxes of several images -----------------------------------------------------------------------------------------

BOX = "{1 1 3 3}"
FORMS = [
    f"{{{{{BOX}}} {{{BOX}}}}}",
    f"[list [list {BOX}] [list {BOX}]]",
    f"[list [torch::tensor_create [list {BOX}]] [list {BOX}]]",
    f"[list [list {BOX}] [torch::tensor_create [list {BOX}]]]",
    "{{0 1 1 3 3} {1 1 1 3 3}}",
]


@pytest.mark.parametrize("boxes", FORMS)
def test_boxes_of_two_images(tcl, boxes):
    """As rows with the image's number, or a list for each image, of tensors or of numbers."""
    tcl.run("set x [torch::tensor_reshape [torch::arange 50] {2 1 5 5}]")
    assert tcl.floats(f"torch::roi_align $x {boxes} 1 -samplingRatio 1") == [12 - 0.5 - 2.5, 37 - 0.5 - 2.5]


#: Commands that take boxes of images -> how they are called for a map $x.
WITH_BOXES = {
    "roi_align": "$x BOXES 2", "roi_pool": "$x BOXES 2", "ps_roi_align": "$x BOXES 1", "ps_roi_pool": "$x BOXES 1",
    "prroi_pool": "$x BOXES 2", "roi_align_rotated": "$x BOXES 2",
    "multiscale_roi_align": "[list $x] BOXES 2 1.0",
}  # fmt: skip


@pytest.mark.parametrize("name", WITH_BOXES)
def test_an_image_without_boxes(tcl, name):
    """Is an empty list, before, between and behind the others, or everywhere."""
    tcl.run("set x [torch::rand {2 1 5 5}]")
    box = "{2 2 2 2 0}" if name == "roi_align_rotated" else BOX
    call = f"lindex [torch::tensor_shape [torch::{name} {WITH_BOXES[name]}]] 0"
    for boxes, count in [
        (f"{{{{}} {{{box}}}}}", "1"),
        (f"{{{{{box}}} {{}}}}", "1"),
        (f"[list {{}} [torch::tensor_create [list {box} {box}]]]", "2"),
        (f"[list [torch::tensor_create [list {box} {box}]] {{}}]", "2"),
        ("{{} {}}", "0"),
        ("{}", "0"),
    ]:
        assert tcl(call.replace("BOXES", boxes)) == count, boxes


def test_wrong_boxes_of_an_image(tcl):
    """The message says which image, and what is wrong with it."""
    tcl.run("set x [torch::rand {2 1 5 5}]")
    assert tcl.error("torch::roi_align $x {{{1 1 3 3}} {{1 1 3 x}}} 2") == (
        'Invalid boxes tensor: element 1: expected a number at {0 3}, got "x"'
    )
    assert tcl.error("torch::roi_align $x {{} {1 1 3}} 2").startswith("Invalid boxes tensor: array 1: expected [L, 4]")
    assert tcl.error("torch::roi_align $x {{{1 1 3 3}}} 2").startswith(
        "Invalid boxes tensor: expected one array for each"
    )
