"""Taking an uploaded file in: piece by piece onto the disk, where the import will read it, and never whole in memory."""

import errno
import shutil
from typing import Any

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler, SkipFile, StopUpload
from django.http import HttpRequest

from customers.importing.options import UnreadableFile
from customers.importing.receiving import folder_of, new_token, suffix_of

FIELD = "file"


class ImportUploadHandler(FileUploadHandler):
    """Writes the one file of the form into a folder of its own. `problem` is a sentence when it could not be taken.

    Whoever sets this handler calls `discard` unless the file is wanted.
    """

    chunk_size = 1 << 18

    def __init__(self, request: HttpRequest) -> None:
        super().__init__(request)
        self.token = new_token()
        self.folder = folder_of(self.token)
        self.problem = ""
        self._taken = 0

    def handle_raw_input(self, input_data: Any, META: Any, content_length: int, *args: Any, **kwargs: Any) -> None:
        """Know before the first byte that a file is too large."""
        self._announced = content_length

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        """Open the copy; its name is ours, only its kind is the sender's."""
        super().new_file(*args, **kwargs)
        if self.field_name != FIELD or self.folder.exists():
            raise SkipFile
        try:
            suffix = suffix_of(self.file_name or "")
        except UnreadableFile as problem:
            self._stop(str(problem))
        if self._announced > settings.IMPORT_MAX_BYTES + (1 << 20):
            self._stop(_too_large())
        self.folder.mkdir(parents=True)
        self.path = self.folder / f"upload{suffix}"
        self._file = self.path.open("wb")

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        """Write a piece; nothing is passed on."""
        self._taken += len(raw_data)
        if self._taken > settings.IMPORT_MAX_BYTES:
            self._stop(_too_large())
        try:
            self._file.write(raw_data)
        except OSError as problem:
            if problem.errno not in {errno.ENOSPC, errno.EDQUOT}:
                raise
            self._stop("The server's disk is full, so the file was not taken; make room and upload it again.")

    def file_complete(self, file_size: int) -> "UploadedFile[Any]":
        """The file as a form sees it; its bytes are at `path`."""
        self._file.close()
        return UploadedFile(self._file, self.file_name, self.content_type, file_size, self.charset)

    def discard(self) -> None:
        """Delete what was received; harmless when there is nothing."""
        if hasattr(self, "_file"):
            self._file.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _stop(self, sentence: str) -> None:
        self.problem = sentence
        raise StopUpload(connection_reset=False)  # the rest is read and dropped, so that the browser gets our answer


def _too_large() -> str:
    return (
        f"The file is larger than {size_words(settings.IMPORT_MAX_BYTES)}; compress it with gzip, split it, or import it "
        "on the server by the command import_orders."
    )


def size_words(size: int) -> str:
    """ "4 GB", "20 MB", "900 bytes"."""
    for unit, name in ((1024**3, "GB"), (1024**2, "MB"), (1024, "KB")):
        if size >= unit:
            return f"{size / unit:,.1f}".removesuffix(".0") + f" {name}"
    return f"{size:,} bytes"
