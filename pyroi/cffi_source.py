"""Makes the C source of a cffi module from a C header, so that no declaration is written twice.

Usage: python cffi_source.py MODULE HEADER OUTPUT.c

The header may hold declarations, comments, include guards, macros without arguments, and functions that are static
inline, which are declared like others. Preprocessor directives are removed, and a prototype marked ``CFFI_CALLBACK``
becomes a function which Python implements.
"""

from __future__ import annotations

import pathlib
import re
import sys

import cffi

COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
CPLUSPLUS = re.compile(r"^#ifdef __cplusplus.*?^#endif", re.DOTALL | re.MULTILINE)
DIRECTIVE = re.compile(r"^[ \t]*#(?:.*\\\n)*.*$", re.MULTILINE)
EXPORT = re.compile(r"^ROI_API\s+", re.MULTILINE)
INLINE = re.compile(r"^static inline (.*?)\s*\{.*?^}", re.DOTALL | re.MULTILINE)
CALLBACK = re.compile(r"^CFFI_CALLBACK\s+", re.MULTILINE)


def declarations(header: str) -> str:
    """The declarations of a C header, in the form that cffi's parser accepts."""
    text = COMMENT.sub(" ", header)
    text = CPLUSPLUS.sub("", text)
    text = DIRECTIVE.sub("", text)
    text = INLINE.sub(r"\1;", text)
    text = EXPORT.sub("", text)
    return CALLBACK.sub('extern "Python+C" ', text)


def main(module: str, header: str, output: str) -> None:
    """Writes the C source of `module`, which gives Python access to all that `header` declares."""
    path = pathlib.Path(header)
    ffi = cffi.FFI()
    ffi.cdef(declarations(path.read_text(encoding="utf-8")))
    ffi.set_source(module, f'#include "{path.name}"')
    ffi.emit_c_code(output)


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    main(*sys.argv[1:])
