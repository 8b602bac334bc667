"""Random calls of commands, made from their declarations: valid, invalid and misplaced words.

A word is written as it stands in a script: ``$map``, ``{1 2}``, ``"a\\u0000b"``, ``[list 1 2]``. None of them fails by
itself. What a word is to mean is one thing, how Tcl stores it another: lists and numbers come in several forms.
"""

from __future__ import annotations

import random
from collections.abc import Callable

from tclcmd.language import kinds
from tclcmd.language.declare import REGISTRY, Command, Parameter

DTYPES = ("float32", "float64", "float16", "int32", "int64", "uint8", "bool")

#: Shapes of the tensors that calls are made with: every rank, sizes of 0, and those that operators want.
SHAPES = {
    "point": "{}", "none": "{0}", "one": "{1}", "pair": "{2}", "flat": "{3}", "b4": "{2 4}", "b5": "{2 5}",
    "b6": "{2 6}", "nob4": "{0 4}", "nob5": "{0 5}", "image": "{3 5 7}", "map": "{1 3 5 7}", "maps": "{2 4 6 6}",
    "nomap": "{0 3 4 4}", "nochannel": "{1 0 4 4}", "norow": "{1 2 0 4}", "grad": "{2 3 2 2}", "gradMap": "{1 3 2 2}",
    "gradPs": "{2 1 2 2}",
    "grid": "{1 2 2 2}", "theta": "{1 2 3}", "five": "{2 1 2 1 2}", "deep": "[lrepeat 32 1]",
    "endless": "{0 1152921504606846975}",
}  # fmt: skip

#: Tensors whose numbers matter.
SPECIAL = {
    "boxes": "{{0 0 3 3} {1 1 4 5}}", "rois": "{{0 0 0 3 3} {0 1 1 4 5}}", "turned": "{{2 2 3 2 30} {3 3 2 2 -45}}",
    "turnedRois": "{{0 2 2 3 2 30} {0 3 3 2 2 -45}}", "scores": "{0.9 0.5}", "nan": "{NaN Inf -Inf 0}",
    "nanBoxes": "{{NaN 0 1 1} {0 0 Inf 1}}", "large": "{{-3e38 -3e38 3e38 3e38} {0 0 1e30 1e-45}}",
    "minus": "{{-5 -5 -1 -1} {3 3 0 0}}",
}  # fmt: skip

TENSORS = [f"${shape}_{dtype}" for shape in SHAPES for dtype in DTYPES] + [f"${name}" for name in SPECIAL]

#: The tensors at the limits of what there can be.
LIMITS = [f"${shape}_{dtype}" for shape in ("point", "none", "deep", "endless") for dtype in DTYPES]

#: What makes the variables that words speak of.
SETUP = "\n".join(
    [f"set {shape}_{dtype} [torch::ones {sizes} {dtype}]" for shape, sizes in SHAPES.items() for dtype in DTYPES]
    + [f"set {name} [torch::tensor_create {numbers}]" for name, numbers in SPECIAL.items()]
    + [
        "set turnedMap [torch::tensor_permute $maps_float32 {3 2 0 1}]",
        "set words {a b c}; set pairs [dict create a 1]",
    ]
)

#: What a parameter of a name can make use of, where its kind says too little. The first word goes with the first words
#: of other parameters.
USEFUL = {
    "input": ["$map_float32", "$map_float64", "$map_float16", "$maps_float32", "$turnedMap", "$nomap_float32"],
    "image": ["$image_float32", "$map_float32", "$image_uint8", "$image_float64"],
    "grad": ["$grad_float32", "$grad_float64", "$gradMap_float32", "$gradPs_float32", "$map_float32"],
    "boxes": ["$rois", "$boxes", "$turnedRois", "$turned", "$nob4_float32", "$nob5_float32", "{0 0 3 3}", "$minus",
              "{{0 0 0 3 3}}", "[list $boxes]", "[list $nob4_float32]", "{}", "$large", "$nanBoxes", "{{0 0 1e39 1}}",
              "$b4_int64", "$b5_float16", "{{0 -1e38 -1e38 1e38 1e38}}", "{{0 2 2 1e30 1e30 5}}"],
    "boxes1": ["$boxes", "$turned", "$nob4_float32", "$large", "$minus", "{{0 0 1 1}}", "$b4_int32"],
    "boxes2": ["$boxes", "$turned", "$nob4_float32", "$large", "$minus", "{{0 0 1 1}}", "$b4_float64"],
    "scores": ["$scores", "{0.9 0.8}", "$pair_float64", "$pair_bool", "{NaN 1}", "{1e39 0}", "{}"],
    "idxs": ["{0 1}", "$pair_int64", "$pair_float32", "{9007199254740993 9007199254740992}", "{0.5 1}"],
    "masks": ["$image_bool", "$image_uint8", "$image_float32", "$nan"],
    "grid": ["$grid_float32", "{{{{0 0} {NaN 1e38}}}}"],
    "mask": ["$map_bool", "$maps_bool", "$flat_bool", "$point_bool"],
    "condition": ["$map_bool", "$maps_bool", "$flat_bool"],
    "sizes": ["{2 1 3 5 7}", "{-1 3 5 7}", "{}"],
    "sections": ["2", "1", "70000", "9223372036854775807"],
    "chunks": ["2", "1", "70000", "9223372036854775807"],
    "k": ["1", "0", "3"],
    "theta": ["$theta_float32", "{{{1 0 0} {0 1 0}}}", "{{{1e38 1e38 1e38} {0 1 0}}}"],
    "features": ["[list $map_float32 $map_float32]", "$map_float32"],
    "tensors": ["[list $b4_float32 $b4_float32]", "[list $endless_uint8 $endless_uint8]", "[list $deep_int32]"],
    "argmax": ["$grad_int64", "$gradMap_int64"],
    "indices": ["$gradMap_int64", "$grad_int64"],
    "input_shape": ["{1 3 5 7}", "{2 4 6 6}", "{0 3 4 4}"],
    "output_size": ["2", "{2 2}", "{0 3}", "{1 1}", "{3 -}"],
    "size": ["{4 6}", "3", "{1 3 4 6}", "{}"],
    "spatial_scales": ["{1 0.5}", "0.5", "{1e39 1}", "{1e-320 1e300}"],
    "mean": ["0.5", "{0.4 0.5 0.6}", "$flat_float64", "1e39"],
    "std": ["0.5", "{0.4 0.5 0.6}", "0", "1e-45"],
    "iou_threshold": ["0.5", "0", "1"],
    "spatial_scale": ["1", "0.25", "1e-320", "1e300", "1e39"],
    "sampling_ratio": ["2", "0", "-1", "128"],
    "shape": ["{2 3}", "{}", "5", "{0 3}"],
    "dims": ["{3 2 0 1}", "{}", "{-1 0 1 2}"],
    "dim": ["0", "-1", "1"],
    "low": ["0", "-5"], "high": ["7", "9223372036854775807"],
    "threads": ["1", "2"],
    "width": ["30"],
    "device": ["cpu", "CPU"],
    "requires_grad": ["0", "false"],
}  # fmt: skip

#: And what one of a command can, where it is not the first of those.
FITTING = {
    "ps_roi_align": {"input": "$maps_float32"},
    "ps_roi_pool": {"input": "$maps_float32"},
    "ps_roi_align_backward": {"grad": "$gradPs_float32", "input_shape": "{2 4 6 6}"},
    "ps_roi_pool_backward": {"grad": "$gradPs_float32", "input_shape": "{2 4 6 6}"},
    "interpolate_backward": {"grad": "$gradMap_float32"},
    "adaptive_avg_pool2d_backward": {"grad": "$gradMap_float32"},
    "adaptive_max_pool2d_backward": {"grad": "$gradMap_float32"},
    "affine_grid": {"size": "{1 3 4 6}"},
    "tensor_index_select": {"indices": "{0 0}"},
    "tensor_matmul": {"input": "$b4_float32", "other": "[torch::tensor_permute $b4_float32 {1 0}]"},
    "tensor_where": {"x": "$map_float32", "y": "0"},
    "tensor_unsqueeze": {"dim": "0"},
    "tensor_item": {"input": "$one_float64"},
    "tensor_reshape": {"shape": "{7 -1 3}"},
    "tensor_save": {"file": "y.npz"},
    "tensor_load": {"file": "x.npz"},
    "boxes_read": {"file": "x.json", "format": "coco", "class_names": "{1 a}"},
    "boxes_write": {
        "file": "y.npz",
        "boxes": "$boxes",
        "scores": "$scores",
        "class_ids": "{1 2}",
        "image_ids": "{7 7}",
        "format": "npz",
        "class_names": "{1 a}",
        "image_names": "{7 b}",
        "image_sizes": "{7 {4 6}}",
    },
    "image_read": {"file": "x.png"},
    "image_write": {"file": "y.png"},
    "plot_boxes": {"boxes": "$boxes", "file": "y.png", "labels": "{a b}"},
    "plot_features": {"file": "y.png"},
}


def spaced(text: str) -> list[str]:
    """The words of a text."""
    return text.split()


NUMBERS = spaced("""
0 -0.0 1 -1 2 3 7 0.5 -0.5 1.5 254.5 255 256 -129 32767 65504 65520 70000 16777217 2147483647 2147483648 -2147483649
4294967296 9007199254740993 9223372036854775807 -9223372036854775808 9223372036854775808 18446744073709551615 1e19
1e38 3.4028235e38 1e39 -1e39 1.7e308 -1.7e308 1e309 5e-324 1e-320 1e-45 1e-7 1e5 0x7f 0b101 010 0o17 +1 .5 5. 1e3
""")

INTEGERS = [number for number in NUMBERS if number.lstrip("-").isdigit()]

SMALL = spaced("0 1 2 3 4 7 -1 -2")

NOT_FINITE = spaced("nan NaN -NaN inf -Inf Infinity")

#: Texts that are nothing in particular; every character that is not plain is written by its number.
TEXTS = [
    "", " ", "a", "abc def", "-", "--", "-5", "-dim", "-input", "-help", "-x", "{", "}", "[", "]", "$x", "\\", '"', ";",
    "#", "\0", "a\0b", "\n", "\r", "\t", "é", "grün", "中", "\ufeff", "\u202e", "\ufffd", "\ud800", "😀", "\uff11",
    "tensor",
    "tensor0", "tensor3", "tensor99999", "tensor01", "tensor-1", "tensor99999999999999999999", "true", "no", "maybe",
    "cpu", "cuda:0", "full", "max", "nearest-exact", "1 2", "1 {2 3}", "a b {c", "1_000", "0x", "1e", "%s", "{}", "$",
    "$\\alpha$", "$\\frac$", "<b>", "x" * 300, "y" * 5000, "-" + "z" * 5000, "1" * 400, "{" * 50, "tensor0 " * 40,
    "w" * 70000, "a\u0301", "😀" * 30, "\\begin{x}", "$x^2$", "$" * 7, "a$b$c$", "x\ny\nz", "\x01", "\x1b[31m", "\x7f",
]  # fmt: skip

READABLE = ["x.npy", "x.npz", "x.png", "x.json", "x.txt",
            "cut.npy", "cut.npz", "cut.png", "empty.npy", "empty.png", "none.npy", "folder",
            "folder.npy", ".", "x.tiff", "short.npy", "long.npy",
            "big.npy", "deep.npy", "record.npy", "text.npy", "object.npy", "complex.npy", "many.npz",
            "no/such.npy", "~nobody-of-this-name/x.npy"]  # fmt: skip
WRITABLE = ["y.npy", "y.npz", "y.png", "y.pdf", "y.svg", "y.jpg", "y.gif", "y.tga", "y.txt", "y.json", "y",
            "no/such.npy", "-y.npy",
            "folder.npy", "é.npy", "中.png", "a b.npy", "y.NPY", ".npy"]  # fmt: skip


def quoted(text: str) -> str:
    """A text as one word of a script."""
    if text and text.isascii() and text.isalnum():
        return text
    made = [
        each if each in " " or (each.isascii() and each.isalnum()) or ord(each) > 0xFFFF else f"\\u{ord(each):04x}"
        for each in text
    ]
    return '"' + "".join(made) + '"'


class Words:
    """A source of words; all that is random comes from `source`."""

    def __init__(self, source: random.Random) -> None:
        self.source = source

    def pick(self, words: list[str] | tuple[str, ...]) -> str:
        """One of them."""
        return self.source.choice(words)

    def chance(self, part: float) -> bool:
        """True in so many cases of one."""
        return self.source.random() < part

    def anything(self) -> str:
        """A word that is right for some parameter of some command, or for none."""
        makers: list[Callable[[], str]] = [
            lambda: self.pick(TENSORS),
            lambda: self.number(NUMBERS + NOT_FINITE),
            lambda: quoted(self.pick(TEXTS)),
            self.nested,
            self.mixture,
            lambda: self.pick(["$words", "$pairs", "{}", "[list]", "[dict create]", "[list {}]", "[lrepeat 3000 1]"]),
            lambda: self.pick(self.pick([*USEFUL.values()])),
        ]
        return self.source.choice(makers)()

    def number(self, numbers: list[str]) -> str:
        """A number, stored as text, as a number, or as bytes; perhaps with space around it."""
        number = self.pick(numbers)
        form = self.source.randrange(8)
        if form == 0 and number not in NOT_FINITE and number not in ("1e309", "5."):
            return f"[expr {{{number}}}]"
        forms = {1: f"[list {number}]", 2: f'" {number} "', 3: f"[binary format a* {number}]", 4: f"{{{number}}}",
                 5: f"[string trim {number}]", 6: f"[dict get {{k {number}}} k]"}  # fmt: skip
        return forms.get(form, number)

    def list_of(self, words: list[str]) -> str:
        """A list, stored as a list or as text."""
        form = self.source.randrange(4)
        if form == 0 or any(word[0] in '[$"' for word in words):
            return f"[list {' '.join(words)}]"
        text = "{" + " ".join(words) + "}"
        return {1: f"[string trim {text}]", 2: f"[lrange {text} 0 end]"}.get(form, text)

    def nested(self, depth: int = 0) -> str:
        """Nested lists of numbers, some of them ragged."""
        if depth > 3 or self.chance(0.2 + 0.2 * depth):
            return self.pick(NUMBERS if self.chance(0.2) else SMALL)
        length = self.source.choice([0, 1, 2, 2, 3])
        part = self.nested(depth + 1)
        parts = [part if self.chance(0.95) else self.nested(depth + 1) for _ in range(length)]
        return "{" + " ".join(parts) + "}"

    def mixture(self) -> str:
        """A list of whatever there is."""
        return f"[list {' '.join(self.pick(TENSORS + SMALL + ['{}', 'a', '{1 2}']) for _ in range(3))}]"

    # ---- Words that are right ----

    def right(self, command: Command, parameter: Parameter, odd: float) -> str:
        """A word that the parameter's kind can read, or nearly so; not the one that fits in so many cases of one."""
        fits = self.fitting(command, parameter)
        if fits and not self.chance(odd):
            return fits
        if parameter.name in USEFUL and self.chance(0.7 if odd < 1 else 0.2):
            return self.pick(USEFUL[parameter.name])
        for kind in type(parameter.kind).__mro__:
            maker = getattr(self, f"_{kind.__name__.lower()}", None)
            if maker is not None:
                return str(maker(parameter.kind))
        return self.anything()

    def fitting(self, command: Command, parameter: Parameter) -> str:
        """The word that goes with those of other parameters; empty where there is none."""
        if parameter.name in FITTING.get(command.name, {}):
            return FITTING[command.name][parameter.name]
        if parameter.name.startswith("boxes"):
            with_image = isinstance(parameter.kind, kinds.Boxes)
            if "rotated" in command.name:
                return "$turnedRois" if with_image else "$turned"
            return "$rois" if with_image else "$boxes"
        return USEFUL.get(parameter.name, [""])[0]

    def _tensor(self, kind: kinds.Kind) -> str:
        return self.pick(LIMITS if self.chance(0.2) else TENSORS)

    def _foreigntensor(self, kind: kinds.Kind) -> str:
        return self._tensor(kind)

    def _tensorlist(self, kind: kinds.Kind) -> str:
        tensor = self.pick([*TENSORS, *LIMITS, *LIMITS, *LIMITS])
        return f"[lrepeat {self.source.choice([1, 2, 3, 9])} {tensor}]" if self.chance(0.8) else self.mixture()

    def _handles(self, kind: kinds.Kind) -> str:
        return self.pick([self.pick(TENSORS), "tensor99999", "{tensor1 tensor2}", "tensor3", "{}"])

    def _numbers(self, kind: kinds.Kind) -> str:
        return self.nested()

    def _tensorornumbers(self, kind: kinds.Kind) -> str:
        return self.nested() if self.chance(0.3) else self.pick(TENSORS)

    def _tensorornumber(self, kind: kinds.Kind) -> str:
        return self.number(NUMBERS + NOT_FINITE) if self.chance(0.5) else self.pick(TENSORS)

    def _number(self, kind: kinds.Kind) -> str:
        return self.number(NUMBERS if self.chance(0.6) else SMALL)

    def _integer(self, kind: kinds.Kind) -> str:
        return self.number(
            [number for number in NUMBERS if number.lstrip("-").isdigit()] if self.chance(0.4) else SMALL
        )

    def _boolean(self, kind: kinds.Kind) -> str:
        return self.pick(["0", "1", "true", "off", "[expr {1 == 1}]", "Yes"])

    def _integers(self, kind: kinds.Kind) -> str:
        length = self.source.choice([1, 1, 2, 2, 3, 4, 4, 5, 33, 65])
        if length > 5:
            return f"[lrepeat {length} {self.pick(['1', '1', *SMALL])}]"
        return self.list_of([self.pick(["0", *INTEGERS] if self.chance(0.2) else SMALL) for _ in range(length)])

    def _reals(self, kind: kinds.Kind) -> str:
        return self.list_of(
            [self.pick(SMALL if self.chance(0.7) else NUMBERS) for _ in range(self.source.randint(1, 3))]
        )

    def _size(self, kind: kinds.Kind) -> str:
        return self.list_of(
            [self.pick(SMALL if self.chance(0.9) else NUMBERS) for _ in range(self.source.randint(1, 2))]
        )

    _optionalsize = _sides = _factors = _size

    def _order(self, kind: kinds.Kind) -> str:
        return self.pick(["inf", "-inf", *SMALL, *NUMBERS])

    def _precision(self, kind: kinds.Kind) -> str:
        return self.pick(["full", *SMALL, "50"])

    def _text(self, kind: kinds.Kind) -> str:
        return quoted(self.pick(TEXTS))

    def _texts(self, kind: kinds.Kind) -> str:
        return self.list_of([quoted(self.pick(TEXTS)) for _ in range(self.source.randint(1, 3))])

    def _namesbynumber(self, kind: kinds.Kind) -> str:
        return self.list_of([self.pick(SMALL), quoted(self.pick(TEXTS)), self.pick(INTEGERS), "b"])

    def _sizesbynumber(self, kind: kinds.Kind) -> str:
        return self.list_of([self.pick(SMALL), self.pick(["{4 6}", "{0 3}", "{1 2 3}", "5"])])

    def _commandname(self, kind: kinds.Kind) -> str:
        return self.pick([*REGISTRY, "torch::roiAlign", "nothing"])

    def _choice(self, kind: kinds.Choice) -> str:
        return self.pick([*kind.words, next(iter(kind.words)).upper()])

    def _device(self, kind: kinds.Kind) -> str:
        return self.pick(["cpu", "CPU", "cuda:0"])

    def _file(self, kind: kinds.File) -> str:
        return quoted(self.pick(READABLE if kind.verb == "read" else WRITABLE))

    # ---- Calls ----

    def call(self, command: Command) -> str:
        """A call of the command, right in most of its parts."""
        wrong = self.source.choice([0, 0, 0, 0.1, 0.3, 1])
        odd = self.source.choice([0, 0.1, 0.3, 0.6, 1])
        order = [command.by_name[name] for name in self.source.choice(command.orders)]
        first = self.source.choice([0, len(order), self.source.randint(0, len(order))])
        words = [self.word(command, parameter, wrong, odd) for parameter in order[:first]]
        others = [parameter for parameter in command.parameters if parameter not in order[:first]]
        self.source.shuffle(others)
        for parameter in others:
            if self.chance(0.97 if parameter.is_required else 0.2):
                words += [self.option(parameter), self.word(command, parameter, wrong, odd)]
        if wrong and self.chance(0.2):
            self.disturb(words, command)
        return " ".join([f"torch::{self.pick(command.names)}", *words])

    def word(self, command: Command, parameter: Parameter, wrong: float, odd: float) -> str:
        """A word for the parameter, that is anything at all in so many cases of one."""
        return self.anything() if self.chance(wrong) else self.right(command, parameter, odd)

    def option(self, parameter: Parameter) -> str:
        """One of the names of the option."""
        return self.pick([*parameter.option_names])

    def disturb(self, words: list[str], command: Command) -> None:
        """Something too many, twice, unknown, or missing."""
        place = self.source.randint(0, len(words))
        kind = self.source.randrange(5)
        if kind == 0 and words:
            del words[min(place, len(words) - 1)]
        elif kind == 1:
            words.insert(place, self.anything())
        elif kind == 2 and command.parameters:
            parameter = self.source.choice(command.parameters)
            words += [self.option(parameter), self.right(command, parameter, 0.5)]
        elif kind == 3:
            words.insert(
                place, self.pick(["-", "--", "-help", "-unknown", quoted("-" + "long" * 2000), "-é", "-a\\u0000"])
            )
        else:
            self.source.shuffle(words)
