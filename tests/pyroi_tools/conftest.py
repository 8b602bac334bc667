"""What the tools are told before they are imported: to write nowhere else, load nothing, and leave others alone."""

from __future__ import annotations

import os
import tempfile

import numpy as np
import pytest
from oracles.autograd import torchvision_ops

os.environ.setdefault("YOLO_CONFIG_DIR", tempfile.mkdtemp())
os.environ.update({"YOLO_AUTOINSTALL": "false", "YOLO_OFFLINE": "true", "YOLO_VERBOSE": "false"})

# ultralytics has Pillow and NumPy do some things its way, in the whole process, and tells the programs that the process
# starts to have one thread. Other tests are to see none of it.
try:
    from PIL import Image
except ModuleNotFoundError:
    pass
else:
    _open, _options, _environment = Image.open, np.get_printoptions(), dict(os.environ)
    try:
        torchvision_ops()  # without which it does not load
        import ultralytics.utils.patches  # noqa: F401
    except (ModuleNotFoundError, pytest.skip.Exception):
        pass
    Image.open = _open
    os.environ.clear()
    os.environ.update(_environment)
    _options.pop("override_repr", None)
    np.set_printoptions(**_options)
