"""Writes the manual page roi(3) from roi.h: conventions, functions with what each does, statuses.

Usage: python manual.py roi.h roi.3

The header stays the manual of each function; the page is what `man roi` has to say about all of them. It is written in
the macros of man(7), which groff and mandoc read.
"""

from __future__ import annotations

import pathlib
import re
import sys

SECTION = re.compile(r"^/\* ---- (.+?) -+ \*/$", re.MULTILINE)
PROTOTYPE = re.compile(
    r"^(?:ROI_API|static inline) ([\w ]+[ *]roi_\w+\([^)]*\))(?:;(?: +/\*(.*?)\*/)?|\n\{)", re.DOTALL | re.MULTILINE
)
COMMENT = re.compile(r"/\*((?:(?!\*/).)*)\*/", re.DOTALL)
STATUS = re.compile(r"^    (ROI_\w+) = (\d+),?(?:\s*/\*((?:(?!\*/).)*)\*/)?$", re.MULTILINE | re.DOTALL)
CONVENTION = re.compile(r"^ \* ([A-Z]\w+) +(\S.*(?:\n \*  .*)*)", re.MULTILINE)

# Of the last change to what the page says, as manual pages have it.
DATE = "2026-11-29"

HEAD = """\
.\\" Made from roi.h.
.TH ROI 3 {date} "roi {version}" "Library Functions Manual"
.SH NAME
roi \\- region\\-of\\-interest operators
.SH LIBRARY
roi (libroi,
.BR \\-lroi )
.SH SYNOPSIS
.nf
.B #include <roi.h>
.PP
.BI "cc app.c $(pkg\\-config \\-\\-cflags \\-\\-libs roi)"
.fi
.SH DESCRIPTION
"""
TAIL = """\
.SH ENVIRONMENT
Both are read once, when the library is loaded.
.TP
.B OMP_NUM_THREADS
The number of threads of a call, unless
.B roi_set_num_threads
sets another.
.TP
.B ROI_CPU_TIER
The tier of kernels:
.BR baseline ", " avx2 " or " avx512 ,
if the processor has it.
.SH FILES
.TP
.I roi.h
The manual of each function: its definition, its arguments, its errors.
.TP
.I roi_flat.h
The operators without structs, for callers from other languages.
.SH SEE ALSO
.BR pkg\\-config (1)
"""


def escaped(text: str) -> str:
    """Text for a line of its own: no character of it is special."""
    text = " ".join(text.split()).replace("\\", "\\e").replace("-", "\\-")
    return f"\\&{text}" if text[:1] in (".", "'") else text


def prose(comment: str) -> str:
    """The words of a comment without its stars."""
    return " ".join(re.sub(r"^ ?\* ?", "", line).strip() for line in comment.strip().splitlines()).strip()


def first_sentence(text: str) -> str:
    """Up to the first full stop, or what introduces a formula."""
    return re.split(r"(?<=\.)\s|:\s{2,}|:$", text, maxsplit=1)[0].rstrip(":.") + "."


def conventions(header: str) -> list[str]:
    """A paragraph for each convention of the header's first comment."""
    lines = []
    for word, text in CONVENTION.findall(header.partition("*/")[0]):
        lines += [".TP", f".B {word}", escaped(prose(text))]
    return lines


def functions(header: str) -> list[str]:
    """A subsection for each section of the header that has functions, with what each function does."""
    parts = SECTION.split(header)
    lines = [".SH FUNCTIONS"]
    for title, body in zip(parts[1::2], parts[2::2], strict=True):
        found = list(PROTOTYPE.finditer(body))
        lines += [f".SS {escaped(title)}"] if found else []
        for function in found:
            comment = function[2] or COMMENT.findall(body[: function.start()])[-1]
            lines += [".TP", f".B {escaped(function[1])}", escaped(first_sentence(prose(comment)))]
    return lines


def statuses(header: str) -> list[str]:
    """The numbers that functions return."""
    body = header.partition("typedef enum roi_status {")[2].partition("} roi_status;")[0]
    lines = [".SH RETURN VALUE", "Operators return one of these, and",
             ".B roi_status_text", "has a line of English for each."]  # fmt: skip
    for name, number, comment in STATUS.findall(body):
        lines += [".TP", f".B {escaped(name)} ({number})", escaped(prose(comment or "success"))]
    return lines


def page(header: str) -> str:
    """The whole page."""
    version = dict(re.findall(r"#define ROI_VERSION_(\w+) (\d+)", header))
    head = HEAD.format(date=DATE, version=".".join(version[part] for part in ("MAJOR", "MINOR", "PATCH")))
    about = escaped(prose(header.partition("-----\n")[0].split(" *\n")[1]))
    parts = [about, *conventions(header), *functions(header), *statuses(header)]
    return head + "".join(f"{line}\n" for line in parts) + TAIL


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    pathlib.Path(sys.argv[2]).write_text(page(pathlib.Path(sys.argv[1]).read_text("utf-8")), "utf-8")
