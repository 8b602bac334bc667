#!/usr/bin/env python3
"""`compiled.py FOLDER NAME`: prints the object files of the static library NAME in another build folder, one a line."""

import pathlib
import sys

folder, name = sys.argv[1:]
objects = sorted(pathlib.Path(folder).resolve().glob(f"libroi/lib{name}.a.p/*.o"))
if not objects:
    sys.exit(f"{folder} has no compiled kernels of the name {name}")
print(*objects, sep="\n")
