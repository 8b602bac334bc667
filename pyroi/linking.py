"""The paths of the C library in this package and of its headers, for programs that are built against it.

``python -m pyroi --cflags --libs`` prints the options for a compiler. The package also contains files for pkg-config
and CMake.
"""

from __future__ import annotations

import importlib.util
import os
import sys

__all__ = ["get_include", "get_library"]


def _folder() -> str:
    """The folder of the compiled module."""
    module = importlib.util.find_spec("pyroi._libroi")
    return os.path.dirname(os.path.abspath(module.origin if module and module.origin else __file__))


#: The folder of the compiled files. In an editable installation it differs from that of the modules.
FOLDER = _folder()


def get_include() -> str:
    """The folder of the headers ``roi.h``, the manual of the C library, and ``roi_flat.h``, the same without structs.

    Returns:
        An absolute path, for the compiler's ``-I``.

    Example:
        >>> import os, pyroi
        >>> sorted(os.listdir(pyroi.get_include()))
        ['roi.h', 'roi_flat.h']
    """
    return os.path.join(FOLDER, "include")


def get_library() -> str:
    """The shared library itself, which pyroi uses too: for linking, for ``ctypes.CDLL`` and its like.

    It exports the functions of both headers, and needs nothing but the system's C library and threads. What one of its
    users in a process sets holds for all of them: :func:`pyroi.set_num_threads` is ``roi_set_num_threads``.

    Returns:
        The absolute path of ``libroi.so`` (``libroi.dylib`` on macOS, ``libroi.dll`` on Windows).

    Example:
        >>> import ctypes, pyroi
        >>> library = ctypes.CDLL(pyroi.get_library())
        >>> library.roi_get_num_threads() == pyroi.get_num_threads()
        True
    """
    suffix = {"darwin": "dylib", "win32": "dll"}.get(sys.platform, "so")
    return os.path.join(FOLDER, f"libroi.{suffix}")


def pkgconfig_folder() -> str:
    """The folder with ``roi.pc``, for ``PKG_CONFIG_PATH``."""
    return os.path.join(FOLDER, "pkgconfig")


def cmake_folder() -> str:
    """The folder with ``roi-config.cmake``, for ``-Droi_DIR``."""
    return os.path.join(FOLDER, "cmake")


def compiler_flags() -> list[str]:
    """What a C compiler needs to find the headers."""
    return [f"-I{get_include()}"]


def linker_flags() -> list[str]:
    """What a linker needs; the program will look for the library where it lies now, on Windows where PATH says."""
    return [f"-L{FOLDER}", *([] if sys.platform == "win32" else [f"-Wl,-rpath,{FOLDER}"]), "-lroi"]
