"""Boxes in files."""

from __future__ import annotations

import numpy as np

from pyroi.arrays import Array
from pyroi.errors import ArgumentError
from tclcmd.files import boxes as box_files
from tclcmd.language.declare import Parameter, command
from tclcmd.language.kinds import File, NamesByNumber, Size, SizesByNumber, TensorOrNumbers, Texts, choice

GROUP = "Boxes in files"

FORMAT = Parameter(
    "format",
    choice("coco", "coco_dataset", "yolo", "parquet", "arrow", "npz"),
    "The format; by default, that of the suffix.",
    default=None,
)
IDS = TensorOrNumbers(dtype=np.dtype(np.int64))

WRITTEN = "torch::boxes_write cats.npz {{4 6 30 40} {36 10 60 30}} {0.9 0.6} {1 1} {7 7} -classNames {1 cat}\n"


@command(
    Parameter("file", File("read"), "The name of a file in one of the formats below."),
    FORMAT,
    Parameter(
        "class_names",
        NamesByNumber(),
        "The names of classes by number, in place of the file's.",
        default=None,
        named_only=True,
    ),
    Parameter(
        "class_list",
        Texts(),
        "The same as a list: the names of the classes 0, 1 and on.",
        default=None,
        named_only=True,
    ),
    Parameter(
        "class_file",
        File("read"),
        "The same in a file: a name in each line (.txt, .names), the names of YOLO's data.yaml, which needs PyYAML, or "
        "COCO's categories (.json).",
        default=None,
        named_only=True,
    ),
    Parameter(
        "image_size",
        Size(),
        "Height and width of the image in pixels, which yolo needs.",
        default=None,
        named_only=True,
    ),
    group=GROUP,
    returns="A dict with the keys boxes, scores, classIds, imageIds, classNames, imageNames, imageSizes, units.",
    examples=(
        WRITTEN + "set found [torch::boxes_read cats.npz]\n"
        "set kept [torch::nms [dict get $found boxes] [dict get $found scores] 0.5]\n"
        "puts [dict get $found classNames 1]",
        "close [puts [set out [open a.txt w]] {0 0.5 0.5 0.25 0.5}; set out]\n"
        "puts [dict get [torch::boxes_read a.txt -imageSize {48 64} -classList {cat dog}] classNames]",
    ),
    see_also=("boxes_write", "tensor_load", "nms"),
)
def boxes_read(
    file: str,
    format: str | None,
    class_names: dict[int, str] | None,
    class_list: list[str] | None,
    class_file: str | None,
    image_size: int | tuple[int, int] | None,
) -> dict[str, object]:
    """Reads boxes with their scores, classes and images.

    "boxes" is a tensor [K, 4] with rows of x1, y1, x2, y2 in pixels, whatever the file has; "units" says pixels.
    "scores", "classIds" and "imageIds" are tensors [K], and are absent if the file has none. "classNames",
    "imageNames" and "imageSizes" are dicts by number, the last with {height width}. Text gives Float64.

    Formats: coco and coco_dataset (.json), COCO's lists of results and datasets with annotations, of which either word
    reads both; yolo (.txt), a line per box with class, centre and size as parts of the image; parquet (.parquet) and
    arrow (.arrow, .feather), tables with the columns x1, y1, x2, y2, score, class_id, image_id, which need pyarrow; npz
    (.npz). An invalid row is an error that names its line, from 1, or its number, from 0; nothing is read then. Files
    need not be trusted.
    """
    found = box_files.load(file, format, _names(class_names, class_list, class_file), _pair(image_size))
    columns = {"boxes": found.boxes, "scores": found.scores, "classIds": found.class_ids, "imageIds": found.image_ids}
    return {
        **{key: column for key, column in columns.items() if column is not None},
        "classNames": dict(found.class_names),
        "imageNames": dict(found.image_names),
        "imageSizes": dict(found.image_sizes),
        "units": "pixels",
    }


@command(
    Parameter("file", File("write"), "The name of the file; its suffix selects the format unless one is given."),
    Parameter("boxes", TensorOrNumbers((0, 4)), "[K, 4], rows of x1, y1, x2, y2 in pixels."),
    Parameter("scores", TensorOrNumbers(), "[K], a number for each box.", default=None),
    Parameter("class_ids", IDS, "[K], the class of each box.", default=None),
    Parameter("image_ids", IDS, "[K], the image of each box.", default=None),
    FORMAT,
    Parameter("class_names", NamesByNumber(), "The names of classes by number.", default=None, named_only=True),
    Parameter("image_names", NamesByNumber(), "The names of images by number.", default=None, named_only=True),
    Parameter("image_sizes", SizesByNumber(), "Height and width of images by number.", default=None, named_only=True),
    Parameter(
        "image_size", Size(), "Height and width of the image of all boxes, for yolo.", default=None, named_only=True
    ),
    group=GROUP,
    returns="The name of the file.",
    examples=(
        WRITTEN,
        "torch::boxes_write 7.txt {{4 6 30 40}} -classIds 0 -imageSize {48 64}",
        "torch::boxes_write detections.json {{4 6 30 40}} -scores 0.9 -classIds 18 -imageIds 42",
    ),
    see_also=("boxes_read", "tensor_save", "clip_boxes_to_image"),
)
def boxes_write(
    file: str,
    boxes: Array,
    scores: Array | None,
    class_ids: Array | None,
    image_ids: Array | None,
    format: str | None,
    class_names: dict[int, str] | None,
    image_names: dict[int, str] | None,
    image_sizes: dict[int, tuple[int, int]] | None,
    image_size: int | tuple[int, int] | None,
) -> str:
    """Writes boxes with their scores, classes and images.

    The formats are those of torch::boxes_read. coco is a list of results, which needs scores, classes and images, and
    does not store names and sizes; coco_dataset needs classes and images, and keeps all; yolo needs classes, boxes of
    one image and within it, and does not store names; parquet, arrow and npz keep all. The file is written whole or
    not at all.
    """
    from pyroi.box_files import BoxRecords  # imported here, since few sessions write boxes

    records = BoxRecords(boxes, scores, class_ids, image_ids, class_names or {}, image_names or {}, image_sizes or {})
    box_files.save(file, records, format, _pair(image_size))
    return file


def _names(by_number: dict[int, str] | None, in_order: list[str] | None, file: str | None) -> dict[int, str] | None:
    given = {"class_names": by_number, "class_list": in_order, "class_file": file}
    used = [name for name, value in given.items() if value is not None]
    if len(used) > 1:
        raise ArgumentError(used[-1], "expected one of classNames, classList and classFile, got several")
    if file is not None:
        return box_files.load_class_names(file)
    return by_number if in_order is None else dict(enumerate(in_order))


def _pair(size: int | tuple[int, int] | None) -> tuple[int, int] | None:
    return (size, size) if isinstance(size, int) else size
