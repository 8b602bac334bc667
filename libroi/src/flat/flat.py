"""Writes roi_flat.h and roi_flat.c from roi.h: its operators, for callers that have no structs.

Usage: python flat.py roi.h roi_flat.h roi_flat.c

A function of roi.h that returns a status gets a counterpart with the suffix ``_flat``. Each of its structs is replaced
by one argument per member; the header states the rules (HEADER below). roi.h may contain only declarations, comments,
and macros without arguments.
"""

from __future__ import annotations

import pathlib
import re
import sys
import textwrap
from typing import NamedTuple

COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
STRUCT = re.compile(r"typedef struct (\w+) \{(.*?)\} \1;", re.DOTALL)
ENUM = re.compile(r"typedef enum (\w+) \{")
FUNCTION = re.compile(r"ROI_API roi_status (\w+)\((.*?)\);", re.DOTALL)
DECLARATION = re.compile(r"(?P<type>[\w ]+?[ *]+)(?P<name>\w+)(?:\[(?P<length>\d+)\])?")
WIDTH = 120

# Structs of which there is an array, with one for each level; the value is the argument with their number.
SEVERAL = {"features": "num_levels"}

HEADER = """\
/*
 * roi_flat.h - the operators of roi.h for callers without structs: pointers, integers and doubles alone
 *
 * This header is generated from roi.h, which documents the operators. Each function fills in the structs, calls the
 * function of roi.h whose name it has before the suffix `_flat`, and returns its status. The arguments are in the order
 * of roi.h; a struct is replaced by its members, in their order:
 *
 * Params      All members except `size`. An enum is an int32_t with the numbers of roi.h. `cancel` may be NULL.
 * Arrays      A roi_array `x` is replaced by its data `x`, x_dtype, x_shape and x_strides; the last two point to 4
 *             numbers each. Strides of NULL mean a C-contiguous array. A shape of NULL means that the array is NULL,
 *             where roi.h allows this. roi_indices have no dtype.
 * Boxes       roi_boxes `x` are replaced by their data `x`, x_dtype, x_count, x_columns, x_strides (2 numbers, or NULL
 *             for C-contiguous rows) and x_batch_index.
 * Vectors     A roi_vector `x` is replaced by its data `x`, x_dtype, x_count and x_stride.
 * Levels      `features` points to the data of each level. features_dtype is the type of all levels; features_shape and
 *             features_strides have 4 numbers for each level, level by level.
 * Errors      error_row_ret, error_column_ret and error_value_ret receive the members of roi_error; each may be NULL.
 *
 * If a struct gets a new member in a later minor version, the functions here get a new argument. A program that
 * declares these functions itself must therefore check roi_version().
 */
#ifndef ROI_FLAT_H
#define ROI_FLAT_H

#include <roi.h>

#ifdef __cplusplus
extern "C" {
#endif

"""

FOOTER = """\
#ifdef __cplusplus
}
#endif

#endif /* ROI_FLAT_H */
"""

SOURCE = """\
/* roi_flat.c - generated from roi.h: see roi_flat.h. */
#include "roi_flat.h"

#include <stdlib.h>
#include <string.h>

/* Shape and strides of an array; without strides, those of a C-contiguous array. */
static void place(int64_t *shape, int64_t *strides, const int64_t *shape_given, const int64_t *strides_given)
{
    memcpy(shape, shape_given, 4 * sizeof *shape);
    uint64_t step = 1; /* a product that overflows wraps around, and the function that is called reports it */
    for (int axis = 3; axis >= 0; axis--) {
        strides[axis] = strides_given ? strides_given[axis] : (int64_t)step;
        step *= (uint64_t)shape[axis];
    }
}

static roi_array array_of(const void *data, int32_t dtype, const int64_t *shape, const int64_t *strides)
{
    roi_array array = {(void *)data, (roi_dtype)dtype, {0}, {0}};
    if (shape)
        place(array.shape, array.strides, shape, strides);
    return array;
}

static roi_indices indices_of(const int64_t *data, const int64_t *shape, const int64_t *strides)
{
    roi_indices indices = {(int64_t *)data, {0}, {0}};
    if (shape)
        place(indices.shape, indices.strides, shape, strides);
    return indices;
}

static roi_boxes boxes_of(const void *data, int32_t dtype, int64_t count, int64_t columns, const int64_t *strides,
                          const int64_t *batch_index)
{
    const int64_t down = strides ? strides[0] : columns, across = strides ? strides[1] : 1;
    return (roi_boxes){data, (roi_dtype)dtype, count, columns, {down, across}, batch_index};
}

static roi_vector vector_of(const void *data, int32_t dtype, int64_t count, int64_t stride)
{
    return (roi_vector){data, (roi_dtype)dtype, count, stride};
}

/* One struct for each level, which the caller frees; NULL if there is no memory or a pointer is NULL. The function that
   is called reports a negative count. */
static roi_array *arrays_of(int64_t count, const void *const *data, int32_t dtype, const int64_t *shapes,
                            const int64_t *strides)
{
    const uint64_t room = count < 0 ? 1 : (uint64_t)count + 1;
    if (!data || !shapes || room > PTRDIFF_MAX / sizeof(roi_array))
        return NULL;
    roi_array *arrays = malloc((size_t)room * sizeof *arrays);
    for (int64_t i = 0; arrays && i < count; i++)
        arrays[i] = array_of(data[i], dtype, shapes + 4 * i, strides ? strides + 4 * i : NULL);
    return arrays;
}

static int32_t tell(roi_status status, const roi_error *error, int64_t *row_ret, int64_t *column_ret, double *value_ret)
{
    if (row_ret)
        *row_ret = error->row;
    if (column_ret)
        *column_ret = error->column;
    if (value_ret)
        *value_ret = error->value;
    return (int32_t)status;
}
"""


class Variable(NamedTuple):
    """A parameter or a member: ``type`` is without what `pointer` says; `length` is that of an array, or 0."""

    type: str
    pointer: bool
    name: str
    length: int

    @property
    def base(self) -> str:
        """The type without qualifiers."""
        return self.type.replace("const ", "").replace("volatile ", "")

    @property
    def written(self) -> bool:
        """Whether the function writes to what it points to."""
        return self.name.endswith("_ret")


def variable(text: str) -> Variable:
    """One declaration."""
    found = DECLARATION.fullmatch(" ".join(text.split()))
    if not found:
        raise SystemExit(f"roi.h: a declaration that this program cannot read: {text.strip()}")
    return Variable(
        found["type"].replace("*", "").strip(), "*" in found["type"], found["name"], int(found["length"] or 0)
    )


def members(body: str) -> list[Variable]:
    """Those of a struct; several of a type may share a line."""
    found = []
    for line in filter(str.strip, body.split(";")):
        first, *others = line.split(",")
        found.append(variable(first))
        found += [found[-1]._replace(name=other.strip()) for other in others]
    return found


class Flat:
    """What is known of roi.h, and the text of a function's twin."""

    def __init__(self, header: str) -> None:
        text = COMMENT.sub(" ", header)
        self.structs = {name: members(body) for name, body in STRUCT.findall(text)}
        self.enums = set(ENUM.findall(text))
        self.functions = [
            (name, [variable(part) for part in parameters.split(",")]) for name, parameters in FUNCTION.findall(text)
        ]

    def by_value(self, type: str, name: str) -> str:
        """An argument for a member that is a number."""
        return f"{'int32_t' if type in self.enums else type} {name}"

    def spread(self, parameter: Variable) -> list[str]:
        """The arguments that stand for a parameter."""
        fields = self.structs.get(parameter.base)
        if fields is None:
            return [f"{parameter.type} {'*' if parameter.pointer or parameter.length else ''}{parameter.name}"]
        name = parameter.name.removesuffix("_ret")
        if parameter.base.endswith("_params"):
            return [self.of_params(field) for field in fields if field.name != "size"]
        if parameter.base == "roi_error":
            return [f"{field.type} *{name}_{field.name}_ret" for field in fields if field.name != "status"]
        return [self.of_struct(parameter, name, field) for field in fields]

    def of_params(self, field: Variable) -> str:
        """The argument for a member of a parameter struct."""
        return f"{field.type} *{field.name}" if field.pointer else self.by_value(field.type, field.name)

    def of_struct(self, parameter: Variable, name: str, field: Variable) -> str:
        """The data goes by the name of the struct; all that is not a result is read only."""
        if field.name == "data":
            constant = "" if parameter.written else "const "
            return f"{constant}{field.base} *{'const *' if name in SEVERAL else ''}{parameter.name}"
        if field.pointer or field.length:
            return f"const {field.base} *{name}_{field.name}"
        return self.by_value(field.type, f"{name}_{field.name}")

    def declaration(self, name: str, parameters: list[Variable]) -> str:
        """Without its semicolon. A line is broken between arguments only."""
        arguments = ", ".join(argument.replace(" ", "~") for part in parameters for argument in self.spread(part))
        lines = textwrap.wrap(arguments, WIDTH - 4, break_on_hyphens=False)
        return f"int32_t {name}_flat(\n    " + "\n    ".join(lines).replace("~", " ") + ")"

    def made(self, parameter: Variable) -> str:
        """The statement that makes a struct of its arguments."""
        name = parameter.name.removesuffix("_ret")
        arguments = [argument.split("*")[-1].split(" ")[-1] for argument in self.spread(parameter)]
        if parameter.base.endswith("_params"):
            casts = {
                field.name: f"({field.type})" for field in self.structs[parameter.base] if field.type in self.enums
            }
            values = [casts.get(argument, "") + argument for argument in arguments]
            return f"const {parameter.base} made_{name} = {{{', '.join([f'sizeof({parameter.base})', *values])}}};"
        if parameter.base == "roi_error":
            return f"roi_error made_{name} = {{ROI_SUCCESS, -1, -1, 0}};"
        if name in SEVERAL:
            return f"roi_array *made_{name} = arrays_of({', '.join([SEVERAL[name], *arguments])});"
        kind = parameter.base.removeprefix("roi_")
        return f"const {parameter.base} made_{name} = {kind}_of({', '.join(arguments)});"

    def passed(self, parameter: Variable) -> str:
        """What goes to the function."""
        name = parameter.name.removesuffix("_ret")
        if parameter.base not in self.structs:
            return parameter.name
        if name in SEVERAL:
            return f"made_{name}"
        fields = {field.name for field in self.structs[parameter.base]}
        if "shape" in fields:
            return f"{name}_shape ? &made_{name} : NULL"
        return f"&made_{name}"

    def definition(self, name: str, parameters: list[Variable]) -> str:
        """A whole function."""
        lines = [self.made(parameter) for parameter in parameters if parameter.base in self.structs]
        several = [parameter.name for parameter in parameters if parameter.name in SEVERAL]
        for one in several:
            lines += [
                f"if (!made_{one} && {one} && {one}_shape)",
                "    return tell(ROI_ERROR_MEMORY, &made_error, error_row_ret, error_column_ret, error_value_ret);",
            ]
        lines.append(f"const roi_status status = {name}({', '.join(map(self.passed, parameters))});")
        lines += [f"free(made_{one});" for one in several]
        lines.append("return tell(status, &made_error, error_row_ret, error_column_ret, error_value_ret);")
        return f"\n{self.declaration(name, parameters)}\n{{\n" + "".join(f"    {line}\n" for line in lines) + "}\n"


def main(header: str, flat_header: str, flat_source: str) -> None:
    """Writes both files."""
    flat = Flat(pathlib.Path(header).read_text(encoding="utf-8"))
    declared = "".join(f"ROI_API {flat.declaration(*function)};\n\n" for function in flat.functions)
    pathlib.Path(flat_header).write_text(HEADER + declared + FOOTER, encoding="utf-8")
    defined = "".join(flat.definition(*function) for function in flat.functions)
    pathlib.Path(flat_source).write_text(SOURCE + defined, encoding="utf-8")


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    main(*sys.argv[1:])
