"""What the reference pages show of running a command: the output of its examples, and its messages for invalid values.

Both come from the interpreter, so that no page shows what a command does not do.
"""

from __future__ import annotations

import contextlib
import os
import re
import tempfile
from collections.abc import Iterator
from typing import NamedTuple

import pyroi
from tclcmd.interpreter import Interpreter
from tclcmd.language import kinds
from tclcmd.language.declare import PLACEMENT, Command, Parameter
from tclcmd.shell import results

#: For each kind an invalid value. Other kinds have no value that every command refuses.
INVALID: dict[type[kinds.Kind], tuple[str, ...]] = {
    kinds.Boxes: ("{1 1 3 NaN}", "{1 1 3}"),
    kinds.TensorOrNumbers: ("{0.5 NaN}", "{1 2 {3}}"),
    kinds.TensorOrNumber: ("one",),
    kinds.Tensor: ("{1 2}",),
    kinds.ForeignTensor: ("tensor999",),
    kinds.TensorList: ("{1 2}",),
    kinds.Handles: ("all",),
    kinds.Numbers: ("{1 two}",),
    kinds.Number: ("-1", "many", "NaN"),
    kinds.Order: ("one",),
    kinds.Integer: ("-2", "0.5"),
    kinds.Boolean: ("maybe",),
    kinds.Integers: ("{-2}", "{1 0.5}"),
    kinds.Reals: ("{-1}", "{1 two}"),
    kinds.Size: ("{7 0}",),
    kinds.OptionalSize: ("{7 0}",),
    kinds.Sides: ("{7 0}",),
    kinds.Factors: ("{2 0}",),
    kinds.Precision: ("many",),
    kinds.NamesByNumber: ("{1 person 3}",),
    kinds.SizesByNumber: ("{7 480}",),
    kinds.Choice: ("other",),
    kinds.File: ("missing/file.txt",),
}

#: The largest number of lines that is shown of an output.
LONGEST = 20

#: The situations of an invalid value.
ABOUT_VALUES = ("INVALID_TENSOR", "INVALID_VALUE", "IO")

#: The names of tensors differ between processes.
TENSOR = re.compile(r"\btensor\d+\b")

#: Keeps the words of the first call of a command, and puts another value among them.
RECORD = """
rename ::torch::NAME ::torch::recorded
proc ::torch::NAME args {
    if {![info exists ::words]} {set ::words $args}
    uplevel 1 [list ::torch::recorded {*}$args]
}
proc ::positional {} {
    set count 0
    foreach word $::words {
        if {[regexp {^-[a-zA-Z]\\S*$} $word]} break
        incr count
    }
    return $count
}
proc ::call_with {options at value} {
    set words $::words
    foreach option $options {
        set found [lsearch -exact $words $option]
        if {$found >= 0} {set at [expr {$found + 1}]}
    }
    if {$at < 0} {
        lappend words [lindex $options 0] $value
    } else {
        lset words $at $value
    }
    if {![catch {::torch::recorded {*}$words} message details]} {return {}}
    return [list $message [lrange [dict get $details -errorcode] 0 1]]
}
"""


class Failure(NamedTuple):
    """An invalid value of a parameter, as a script would have it, the message and the errorCode."""

    parameter: str
    value: str
    message: str
    code: str


class Recorder(Interpreter):
    """An interpreter whose output is kept instead of written."""

    printed = ""

    def write(self, text: str, *, to_error: bool = False) -> int:
        """Keeps a text for standard output, or for standard error."""
        self.printed += text
        return 0


#: The output of a script is stored in a variable.
KEEP = """
rename ::puts {}
set ::printed {}
proc ::puts args {append ::printed [lindex $args end] \\n}
"""


@contextlib.contextmanager
def fresh() -> Iterator[Recorder]:
    """An interpreter in an empty folder, and in a terminal of 80 columns."""
    back, threads, columns = os.getcwd(), pyroi.get_num_threads(), os.environ.get("COLUMNS")
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        os.environ["COLUMNS"] = "80"
        made = Recorder()
        try:
            made.eval(KEEP)
            yield made
        finally:
            made.close()
            pyroi.set_num_threads(threads)
            os.chdir(back)
            del os.environ["COLUMNS"]
            if columns is not None:
                os.environ["COLUMNS"] = columns


def output(example: str) -> str:
    """What an example prints, or else its result as the prompt shows it; empty if that is not the same each time."""
    first, second = _run(example), _run(example)
    lines = first.split("\n") if first == second else []
    return "\n".join([*lines[:LONGEST], "..."] if len(lines) > LONGEST else lines)


def _run(example: str) -> str:
    with fresh() as made:
        made.eval(example)
        shown = TENSOR.sub("tensor0", results.shown(made))
        return ((made.get_global("printed") or "") + made.printed or shown).rstrip("\n")


def failures(command: Command) -> Iterator[Failure]:
    """Messages for invalid values, each put in the place of a valid one in the call of the first example."""
    with fresh() as made:
        made.eval(RECORD.replace("NAME", command.name))
        made.eval(command.examples[0])
        made.eval("positional")
        orders = command.choices[int(made.result())][0]
        required = {parameter.name for parameter in command.required}
        order = next((order for order in reversed(orders) if required <= set(order)), orders[-1])
        for parameter in command.parameters:
            if parameter not in PLACEMENT:
                at = order.index(parameter.name) if parameter.name in order else -1
                yield from _failure(made, parameter, at)


def _failure(made: Interpreter, parameter: Parameter, at: int) -> Iterator[Failure]:
    options = " ".join(dict.fromkeys([f"-{parameter.camel}", *parameter.option_names]))
    for value in INVALID.get(type(parameter.kind), ()):
        made.eval(f"call_with {{{options}}} {at} {value}")
        if not made.result():
            continue
        answer = made.result()
        made.set_global("answer", answer)
        made.eval("lindex $answer 0")
        message = made.result().split("\n")[0]
        made.eval("lindex $answer 1")
        code = made.result()
        if code.partition(" ")[2] in ABOUT_VALUES and not TENSOR.search(message.replace(value, "")):
            yield Failure(parameter.camel, value, message, code)
            return
