"""Wrong input for every parameter of every command, generated from the declarations."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tclcmd import commands
from tclcmd.commands.session import CommandName
from tclcmd.language import kinds
from tclcmd.language.declare import Command, Parameter

pytestmark = pytest.mark.generated

#: Kind -> a value that can be read, and values that cannot.
SAMPLES: dict[type[kinds.Kind], tuple[str, list[str]]] = {
    kinds.Tensor: ("[torch::zeros {2}]", ["invalid", "{}", "5", "{1 2}", "tensor", "tensor01", "tensor99999"]),
    kinds.TensorOrNumber: ("1", ["invalid", "{}", "{1 2}", "tensor99999"]),
    kinds.TensorList: ("[list [torch::zeros {2}]]", ["invalid", "{}", "[list 1]", "\\{", "[list tensor99999]"]),
    kinds.ForeignTensor: ("[torch::zeros {2}]", ["invalid", "{}", "5", "{1 2}", "tensor01", "tensor99999"]),
    kinds.Handles: ("[torch::zeros {2}]", ["invalid", "\\{", "[list [torch::zeros 2] 7]"]),
    kinds.TensorOrNumbers: ("{{0 0 1 1}}", ["invalid", "{1 x}", "{{1 2} {3}}", "\\{", "tensor99999"]),
    kinds.Boxes: ("{0 0 1 1}", ["invalid", "{1 x}", "{{1 2} {3}}", "\\{", "tensor99999", "[list [torch::zeros 2] x]"]),
    kinds.Numbers: ("{1 2}", ["[torch::zeros 2]"]),
    kinds.Number: ("1.5", ["invalid", "{}", "{1 2}", "nan", "-NaN", "inf", "-Inf", "1e999", "[torch::zeros 2]"]),
    kinds.Integer: ("1", ["invalid", "{}", "1.5", "1e3", "nan", "99999999999999999999", "18446744073709551615",
                          "[torch::zeros 2]", "[list [torch::zeros 2]]"]),
    kinds.Boolean: ("true", ["maybe", "{}", "{1 2}", "[torch::zeros 2]"]),
    kinds.Integers: ("{1 2}", ["invalid", "{1 x}", "{1 2.5}", "\\{", "[torch::zeros 2]", "[list [torch::zeros 2]]"]),
    kinds.Reals: ("{1.5 2}", ["invalid", "{1 x}", "{1 nan}", "{1 inf}", "\\{", "[torch::zeros 2]"]),
    kinds.Size: ("{2 3}", ["invalid", "{}", "{1 2 3}", "1.5", "\\{", "[torch::zeros 2]"]),
    kinds.OptionalSize: ("{2 3}", ["invalid", "{1 2 3 4}", "1.5", "-", "\\{", "[torch::zeros 2]"]),
    kinds.Sides: ("{2 -}", ["invalid", "{}", "{1 2 3}", "{- 1.5}", "1.5", "--", "{- x}", "\\{", "[torch::zeros 2]",
                            "[list - [torch::zeros 2]]"]),
    kinds.Factors: ("{2 0.5}", ["invalid", "{}", "{1 2 3 4}", "{1 x}", "{1 nan}", "inf", "\\{", "[torch::zeros 2]"]),
    kinds.Choice: ("", ["invalid", "{}", "5", "[torch::zeros 2]"]),
    kinds.Device: ("cpu", ["cuda", "cuda:0", "{}", "[torch::zeros 2]"]),
    kinds.Gradients: ("false", ["true", "1", "maybe", "{}", "[torch::zeros 2]"]),
    kinds.Order: ("inf", ["invalid", "{}", "{1 2}", "nan", "[torch::zeros 2]"]),
    kinds.File: ("file.npy", ["{}", "[torch::zeros 2]", '"a\\0b"']),
    CommandName: ("zeros", ["[torch::zeros 2]"]),
    kinds.Texts: ("{a b}", ["\\{", "[torch::zeros 2]", "[list [torch::zeros 2]]"]),
    kinds.NamesByNumber: ("{1 a}", ["\\{", "{1}", "{a b}", "{1.5 b}", "[torch::zeros 2]",
                                    "[list 1 [torch::zeros 2]]", "[list 1 a\\0b]"]),
    kinds.SizesByNumber: ("{1 {2 3}}", ["\\{", "{1}", "{1 2}", "{a {2 3}}", "{1 {2 3 4}}", "{1 {2 x}}",
                                            "[torch::zeros 2]"]),
    kinds.Text: ("zeros", ["[torch::zeros 2]"]),
    kinds.Precision: ("3", ["invalid", "-1", "51", "1.5", "[torch::zeros 2]"]),
}  # fmt: skip

COMMANDS = list(commands.REGISTRY.values())
PARAMETERS = [(command, parameter) for command in COMMANDS for parameter in command.parameters]


def named(item: object) -> str | None:
    """Test names that can be read."""
    return item.name if isinstance(item, Command | Parameter) else None


def good(parameter: Parameter) -> str:
    """A word that can be read as this parameter."""
    kind = parameter.kind
    return next(iter(kind.words)) if isinstance(kind, kinds.Choice) else SAMPLES[type(kind)][0]


def bad_values() -> Iterator[tuple[Command, Parameter, str]]:
    """Every value that no parameter of its kind can be."""
    for command, parameter in PARAMETERS:
        wrong = list(SAMPLES[type(parameter.kind)][1])
        least, most = getattr(parameter.kind, "at_least", None), getattr(parameter.kind, "at_most", None)
        if least is not None:
            wrong.append(str(least - 1))
        if most is not None:
            wrong.append(str(most + 1))
        for value in wrong:
            yield command, parameter, value


def required_but(command: Command, left_off: Parameter | None = None) -> str:
    """Options for all required parameters, except for one."""
    needed = [parameter for parameter in command.parameters if parameter.is_required and parameter != left_off]
    return " ".join(f"-{parameter.camel} {good(parameter)}" for parameter in needed)


def call(command: Command, words: str) -> str:
    """A call of the command."""
    return f"{command.full_name} {words}"


@pytest.mark.parametrize(("command", "parameter", "value"), list(bad_values()), ids=named)
def test_a_value_of_the_wrong_kind(tcl, command, parameter, value):
    """It is an Invalid tensor or an Invalid value, by the parameter's own name, and says what was expected."""
    message = tcl.error(call(command, f"{required_but(command, parameter)} -{parameter.camel} {value}"))
    what = "tensor" if parameter.kind.is_tensor else "value"
    assert message.startswith(f"Invalid {parameter.camel} {what}: ")
    assert tcl("set errorCode") == f"TORCH INVALID_{what.upper()} {parameter.camel}"
    assert tcl.stats()["live"] == 0, "a refused value was kept, or got a name"


@pytest.mark.parametrize(("command", "parameter"), PARAMETERS, ids=named)
def test_a_parameter_given_twice(tcl, command, parameter):
    """Under either spelling, it is a duplicate."""
    twice = f"-{parameter.camel} {good(parameter)} -{parameter.name} {good(parameter)}"
    message = tcl.error(call(command, f"{required_but(command, parameter)} {twice}"))
    assert message == f"Duplicate parameter: -{parameter.name}"
    assert tcl("set errorCode") == f"TORCH DUPLICATE_PARAMETER {parameter.camel}"


@pytest.mark.parametrize(("command", "parameter"), PARAMETERS, ids=named)
def test_an_option_without_its_value(tcl, command, parameter):
    """At the end of the call, or before the next option."""
    message = tcl.error(call(command, f"{required_but(command, parameter)} -{parameter.camel}"))
    assert message == f"Missing value for parameter: -{parameter.camel}"
    assert tcl("set errorCode") == f"TORCH MISSING_VALUE {parameter.camel}"


@pytest.mark.parametrize(("command", "parameter"), PARAMETERS, ids=named)
def test_a_misspelt_option(tcl, command, parameter):
    """The message proposes the right one, perhaps with others of names as short."""
    message = tcl.error(call(command, f"-{parameter.camel}x {good(parameter)}"))
    assert message.startswith(f"Unknown parameter: -{parameter.camel}x\nDid you mean -")
    assert f"-{parameter.camel}" in re.split(r" or |, |[?]\n|mean ", message.splitlines()[1] + "\n")
    assert tcl("set errorCode") == f"TORCH UNKNOWN_PARAMETER -{parameter.camel}x"


@pytest.mark.parametrize(("command", "parameter"), [pair for pair in PARAMETERS if pair[1].is_required], ids=named)
def test_a_missing_parameter(tcl, command, parameter):
    """It is named, and the usage follows in both syntaxes."""
    message = tcl.error(call(command, required_but(command, parameter)))
    assert message.startswith(f"Missing required parameters: {parameter.camel}\nUsage: {command.full_name} ")
    assert tcl("set errorCode") == f"TORCH MISSING_PARAMETER {parameter.camel}"


@pytest.mark.parametrize("command", COMMANDS, ids=named)
def test_too_many_values(tcl, command):
    """More values than the longest order has places."""
    order = [command.by_name[name] for name in max(command.orders, key=len)]
    words = " ".join([*map(good, order), "surplus"])
    message = tcl.error(call(command, words))
    assert message.startswith(f"Too many arguments: at most {len(order)} without names, got {len(order) + 1}\nUsage: ")
    assert tcl("set errorCode") == f"TORCH TOO_MANY_ARGUMENTS {command.name}"
