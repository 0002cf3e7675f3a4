"""The body of a request as files: a video, an array, or the pictures of a clip.

A body is the file itself, or a form (multipart/form-data) with one file or several pictures. The
first bytes decide what a file is; file names of clients are never used here.
"""

import logging
from collections.abc import Mapping
from pathlib import Path

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import Request

from gta.serve.reading import Kind, Upload
from gta.web.refusals import Refused
from gta.web.uploads import Incoming, Uploads

MOST_PARTS = 1024
"""Most files of a form."""
_PICTURES = {b"\xff\xd8\xff": ".jpg", b"\x89PNG\r\n\x1a\n": ".png"}
_ARRAYS = (b"\x93NUMPY", b"PK\x03\x04")
_HEADER = 4096
"""Most bytes of a part's header."""
_LONGEST = 8
"""Bytes that show what a file is."""
# the client gets the error; strangers must not be able to fill the log
logging.getLogger("python_multipart").setLevel(logging.CRITICAL)


async def upload_of(
    request: Request, uploads: Uploads, body: Incoming, fps: float | None
) -> tuple[Upload, str]:
    """The upload of a client, and the client's name for it.

    Raises:
        Refused: It cannot be a clip, or the form cannot be read.
    """
    kind, options = parse_options_header(request.headers.get("content-type"))
    form = None
    if kind == b"multipart/form-data":
        form = Form(body, options)
        await uploads.receive(request, form.write)
        form.finish()
    else:
        body.begin()
        await uploads.receive(request, body.write)
    return _sorted_upload(body, fps), form.name if form is not None else "upload"


class Form:
    """Writes the files of a form in order, as its bytes arrive.

    Args:
        body: Where files are written.
        options: Options of the header Content-Type.
    """

    def __init__(self, body: Incoming, options: Mapping[bytes, bytes]):
        if not options.get(b"boundary"):
            raise Refused(400, "the header Content-Type of a form needs a boundary")
        self.body, self.name, self.whole = body, "upload", False
        self._header, self._value = b"", b""
        self._parser = _parser(self, options[b"boundary"])

    def write(self, data: bytes) -> None:
        """Takes the next bytes.

        Raises:
            Refused: They are not a form.
        """
        try:
            self._parser.write(data)
        except FormParserError as error:
            raise Refused(400, f"the form cannot be read: {error}") from error

    def finish(self) -> None:
        """Raises `Refused` if its end or all files are missing."""
        if not self.whole:
            raise Refused(400, "the form is cut off")
        if not self.body.files:
            raise Refused(422, "the form has no file")

    def on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._header = self._longer(self._header, data[start:end])

    def on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._value = self._longer(self._value, data[start:end])

    def _longer(self, text: bytes, more: bytes) -> bytes:
        if len(text) + len(more) > _HEADER:
            raise Refused(400, f"the form cannot be read: a header has more than {_HEADER} bytes")
        return text + more

    def on_header_end(self) -> None:
        if self._header.lower() == b"content-disposition":
            _, options = parse_options_header(self._value)
            if b"filename" not in options:
                raise Refused(
                    422, "the form has a field that is no file; top and fps belong in the address"
                )
            if not self.body.files:
                self.name = options[b"filename"].decode(errors="replace") or "upload"
        self._header, self._value = b"", b""

    def on_headers_finished(self) -> None:
        if len(self.body.files) == MOST_PARTS:
            raise Refused(413, f"a form may have {MOST_PARTS} files, and this has more")
        self.body.begin()

    def on_part_data(self, data: bytes, start: int, end: int) -> None:
        self.body.write(memoryview(data)[start:end])

    def on_end(self) -> None:
        self.whole = True


def _parser(form: Form, boundary: bytes) -> MultipartParser:
    try:
        return MultipartParser(
            boundary,
            {
                "on_header_field": form.on_header_field,
                "on_header_value": form.on_header_value,
                "on_header_end": form.on_header_end,
                "on_headers_finished": form.on_headers_finished,
                "on_part_data": form.on_part_data,
                "on_end": form.on_end,
            },
        )
    except FormParserError as error:
        raise Refused(400, f"the form cannot be read: {error}") from error


def _sorted_upload(body: Incoming, fps: float | None) -> Upload:
    endings = [_picture(path) for path in body.files]
    if all(endings):
        return Upload(str(body.as_folder(endings)), "pictures", fps)
    if len(body.files) > 1:
        other = endings.index("") + 1
        raise Refused(
            422,
            f"a form has one video, one array, or the pictures of one clip (JPEG or PNG); of its "
            f"{len(body.files)} files, number {other} is no picture",
        )
    kind: Kind = "array" if _begins(body.files[0]).startswith(_ARRAYS) else "video"
    return Upload(str(body.files[0]), kind, fps)


def _picture(path: Path) -> str:
    """The ending of a picture; "" for another file."""
    start = _begins(path)
    return next((ending for magic, ending in _PICTURES.items() if start.startswith(magic)), "")


def _begins(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_LONGEST)
