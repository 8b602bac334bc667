"""Boxes as tables of Parquet and Arrow: a row per box, the rest in the metadata of the schema. Needs pyarrow."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, BinaryIO

import numpy as np

from pyroi.arrays import Array
from pyroi.box_files.records import BoxRecords, RowError, check_room, parse_metadata
from pyroi.install import how_to_add

try:
    import pyarrow
    from pyarrow import ipc, parquet
except ImportError:  # check_installed reports it; a module that fails to load would be opened again by the next call
    pyarrow = None

CORNERS = ("x1", "y1", "x2", "y2")

#: The further columns, and the names that :class:`BoxRecords` has for them.
OTHERS = {"score": "scores", "class_id": "class_ids", "image_id": "image_ids"}

#: The key in the schema's metadata.
METADATA = b"pyroi"

#: The largest length of a string and of a list in the footer of a Parquet file.
MOST_IN_FOOTER = 10**7


def check_installed() -> None:
    """Raises ImportError if pyarrow is missing."""
    if pyarrow is None:
        raise ImportError(f"Parquet and Arrow files need pyarrow, which is not installed: {how_to_add('arrow')}")


def read_parquet(file: BinaryIO) -> BoxRecords:
    """The records in a Parquet file."""
    try:
        source = parquet.ParquetFile(
            file, thrift_string_size_limit=MOST_IN_FOOTER, thrift_container_size_limit=MOST_IN_FOOTER
        )
        names = _columns(source.schema_arrow)
        check_room(16 * len(names) * source.metadata.num_rows, f"a table of {source.metadata.num_rows} rows")
        return _to_records(source.iter_batches(columns=names), source.schema_arrow, names)
    except (pyarrow.ArrowException, OSError) as reason:
        raise _damage(reason, "Parquet") from None


def read_arrow(file: BinaryIO) -> BoxRecords:
    """The records in an Arrow file, which is also called Feather."""
    try:
        source = ipc.open_file(file)
        names = _columns(source.schema)
        batches = (source.get_batch(number) for number in range(source.num_record_batches))
        return _to_records(batches, source.schema, names)
    except (pyarrow.ArrowException, OSError) as reason:
        raise _damage(reason, "Arrow") from None


def _damage(reason: Exception, kind: str) -> Exception:
    """The exception to raise for one of pyarrow, which also raises OSError for damage, then without a number."""
    if isinstance(reason, MemoryError) or (isinstance(reason, OSError) and reason.errno):
        return reason
    what = str(reason).partition("\n")[0]
    return ValueError(f"it is a damaged {kind} file: {what}")


def _columns(schema: Any) -> list[str]:
    """The columns that are read, after a check of their names and types."""
    missing = [name for name in CORNERS if name not in schema.names]
    if missing:
        raise ValueError(f"it has no column {missing[0]}, but {', '.join(schema.names) or 'none'}")
    names = [name for name in (*CORNERS, *OTHERS) if name in schema.names]
    for name in names:
        if len(schema.get_all_field_indices(name)) > 1:
            raise ValueError(f"it has several columns {name}")
        kind = schema.field(name).type
        if not (pyarrow.types.is_integer(kind) or pyarrow.types.is_floating(kind)):
            raise ValueError(f"column {name}: expected numbers, got {kind}")
    return names


def _to_records(batches: Iterable[Any], schema: Any, names: list[str]) -> BoxRecords:
    parts: dict[str, list[Array]] = {name: [] for name in names}
    count = 0
    for batch in batches:
        batch.validate(full=True)
        check_room(16 * len(names) * (count + batch.num_rows), f"a table of more than {count} rows")
        for name in names:
            parts[name].append(_to_numbers(batch.column(batch.schema.get_field_index(name)), name, count))
        count += batch.num_rows
    columns = {name: np.concatenate(arrays) if arrays else np.empty(0) for name, arrays in parts.items()}
    boxes = np.stack([columns[name] for name in CORNERS], 1)
    others: dict[str, Any] = {OTHERS[name]: columns[name] for name in names if name in OTHERS}
    metadata = (schema.metadata or {}).get(METADATA)
    return BoxRecords(boxes, **others, **({} if metadata is None else parse_metadata(metadata)))


def _to_numbers(column: Any, name: str, first_row: int) -> Array:
    if column.null_count:
        row = first_row + int(np.argmax(column.is_null().to_numpy(zero_copy_only=False)))
        raise RowError(name, row, "expected a number, got null")
    numbers: Array = column.to_numpy(zero_copy_only=False)
    return numbers


# ---- Writing ---------------------------------------------------------------------------------------------------------


def write_parquet(file: BinaryIO, records: BoxRecords) -> None:
    """A Parquet file with the columns that the records have."""
    parquet.write_table(_to_table(records), file)


def write_arrow(file: BinaryIO, records: BoxRecords) -> None:
    """An Arrow file with the columns that the records have."""
    table = _to_table(records)
    with ipc.new_file(file, table.schema) as writer:
        writer.write_table(table)


def _to_table(records: BoxRecords) -> Any:
    columns = dict(zip(CORNERS, np.ascontiguousarray(records.boxes.T), strict=True))
    columns |= {name: getattr(records, ours) for name, ours in OTHERS.items() if getattr(records, ours) is not None}
    return pyarrow.table(columns).replace_schema_metadata({METADATA: records.metadata()})
