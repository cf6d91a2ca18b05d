"""Limits for an uploaded table: checked before it is unpacked, and kept while it is read."""

from __future__ import annotations

import csv
from io import BytesIO, StringIO
from typing import Any
from zipfile import BadZipFile, ZipFile

import openpyxl
import tablib
from import_export.formats.base_formats import CSV, XLSX

MAX_BYTES = 5 * 1024 * 1024
MAX_UNPACKED = 20 * 1024 * 1024
MAX_ROWS = 20_000
MAX_COLUMNS = 50
_MAX_PARTS = 200  # files in a workbook


class UploadRefused(ValueError):
    """The upload is too large for a table of mappings, or no table at all; the text is a sentence for people."""


def check_size(size: int) -> None:
    """Refuse a file that is too large.

    :raises UploadRefused: more than MAX_BYTES.
    """
    if size > MAX_BYTES:
        raise UploadRefused(f"The file is larger than {_megabytes(MAX_BYTES)}.")


class BoundedCSV(CSV):
    """CSV with a limited number of rows and columns."""

    def create_dataset(self, in_stream: Any, **kwargs: Any) -> tablib.Dataset:
        """Read the table row by row.

        :raises UploadRefused: more rows or columns than allowed.
        """
        check_size(len(in_stream))
        text = in_stream if isinstance(in_stream, str) else in_stream.decode(self.encoding)
        for number, row in enumerate(csv.reader(StringIO(text))):
            _check_row(number, len(row))
        return super().create_dataset(in_stream, **kwargs)


class BoundedXLSX(XLSX):
    """XLSX with a limited unpacked size; its rows are read one by one."""

    def create_dataset(self, in_stream: Any, **kwargs: Any) -> tablib.Dataset:
        """Read the first sheet row by row.

        :raises UploadRefused: not a workbook, or one that exceeds the limits.
        """
        check_size(len(in_stream))
        _check_archive(in_stream)
        book = openpyxl.load_workbook(BytesIO(in_stream), read_only=True, data_only=True)
        dataset = tablib.Dataset()
        if not book.worksheets:
            raise UploadRefused("The workbook has no sheet.")
        # One more of each than allowed, so that an excess is noticed.
        rows = book.worksheets[0].iter_rows(
            max_row=MAX_ROWS + 2, max_col=MAX_COLUMNS + 1, values_only=True
        )
        width = 0
        for number, row in enumerate(rows):
            filled = max(
                (place for place, value in enumerate(row, 1) if value is not None), default=0
            )
            _check_row(number, filled)
            if number == 0:
                width = filled
                dataset.headers = list(row[:width])
            else:
                dataset.append(row[:width])
        return dataset


def _check_row(number: int, columns: int) -> None:
    """Refuse a row that is too long, or one too many.

    :param number: 0 for the headers.
    :raises UploadRefused: a limit is exceeded.
    """
    if number > MAX_ROWS:
        raise UploadRefused(f"The file has more than {MAX_ROWS:,} rows. Split it.")
    if columns > MAX_COLUMNS:
        raise UploadRefused(f"Row {number + 1} has more than {MAX_COLUMNS} columns.")


def _check_archive(data: bytes) -> None:
    """What the archive says about itself; no part is ever unpacked beyond that."""
    try:
        with ZipFile(BytesIO(data)) as archive:
            parts = archive.infolist()
            if len(parts) > _MAX_PARTS or sum(part.file_size for part in parts) > MAX_UNPACKED:
                raise UploadRefused(
                    f"The workbook unpacks to more than {_megabytes(MAX_UNPACKED)}."
                )
            if any(b"<!DOCTYPE" in archive.read(part) for part in parts):
                raise UploadRefused("The workbook contains a DTD, which is never read.")
    except BadZipFile:
        raise UploadRefused("The file is no XLSX workbook.") from None


def _megabytes(size: int) -> str:
    return f"{size // (1024 * 1024)} MB"
