"""What `gta serve` refuses, and how: always JSON, never a file or a place of this machine."""

import io
import socket
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from .conftest import Running, form


def png(width: int, height: int) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (width, height)).save(file, "PNG")
    return file.getvalue()


def npy(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def npz(**arrays: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)  # type: ignore[arg-type]
    return file.getvalue()


def pickled() -> bytes:
    file = io.BytesIO()
    np.save(file, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    return file.getvalue()


def claiming() -> bytes:
    """An array whose header claims a terabyte."""
    return npy(np.zeros((4, 8, 8, 3), np.uint8)).replace(
        b"(4, 8, 8, 3), }              ", b"(9999, 9999, 9999, 3), }     "
    )


FRAMES = np.zeros((4, 8, 8, 3), np.uint8)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "the file is empty"),
        (b"no video at all" * 100, "not a video that FFmpeg knows"),
        (b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n", "not a video that FFmpeg knows"),
        (b"\x89PNG\r\n\x1a\n and no more", "is not a readable JPEG or PNG"),
        (png(1, 100_000), "frames of 1x100000 pixels are too narrow"),
        (npy(np.zeros((2, 1, 200_000, 3), np.uint8)), "frames of 200000x1 pixels are too narrow"),
        (npy(FRAMES.astype(np.float32)), "frames are uint8, from 0 to 255; got float32"),
        (npy(FRAMES[0]), "that is one picture"),
        (npy(FRAMES)[:200], "this .npy file cannot be read"),
        (pickled(), "this .npy file cannot be read: Array can't be memory-mapped"),
        (claiming(), "this .npy file cannot be read"),
        (npz(a=FRAMES, b=FRAMES), "this .npz file cannot be read: it holds 2 arrays"),
        (npz(a=np.zeros((64, 300, 300, 3), np.uint8)), "it has 16 MB when unpacked"),
        (b"PK\x03\x04" + b"x" * 100, "this .npz file cannot be read"),
    ],
)
def test_what_cannot_be_read_is_told_without_a_place(running: Running, body: bytes, reason: str):
    answer = running.predict(body)
    assert answer.status == 422
    assert reason in answer.told["error"]
    assert str(running.uploads) not in answer.told["error"]
    assert running.stored() == []


def test_an_archive_of_other_things_is_no_clip(running: Running):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("../../escaped", b"x")
    answer = running.predict(file.getvalue())
    assert answer.status == 422
    assert answer.told["error"] == "this .npz file cannot be read: its content is not an array"
    assert running.stored() == []


@pytest.mark.parametrize(
    ("files", "status", "reason"),
    [
        ([("a.mp4", b"x"), ("b.png", b"y")], 422, "of its 2 files, number 1 is no picture"),
        ([("a.png", png(8, 8)), ("b.png", b"y")], 422, "of its 2 files, number 2 is no picture"),
        ([], 422, "the form has no file"),
        ([("a", b"")] * 1025, 413, "a form may have 1024 files"),
    ],
)
def test_forms_that_are_no_clip(running: Running, files, status: int, reason: str):
    answer = running.form(files)
    assert answer.status == status
    assert reason in answer.told["error"]
    assert running.stored() == []


@pytest.mark.parametrize(
    ("body", "kind", "status", "reason"),
    [
        (b"--xx\r\n", "multipart/form-data", 400, "needs a boundary"),
        (b"--xx\r\n", "multipart/form-data; boundary=xx", 400, "the form is cut off"),
        (b"nothing", "multipart/form-data; boundary=xx", 400, "the form cannot be read"),
        (b"--xx\r\nA: " + b"x" * 5000, "multipart/form-data; boundary=xx", 400, "cannot be read"),
        (
            b'--xx\r\nContent-Disposition: form-data; name="fps"\r\n\r\n8\r\n--xx--\r\n',
            *("multipart/form-data; boundary=xx", 422, "top and fps belong in the address"),
        ),
    ],
)
def test_forms_that_cannot_be_read(
    running: Running, body: bytes, kind: str, status: int, reason: str
):
    answer = running.ask("/predict", body, {"Content-Type": kind})
    assert answer.status == status, answer.told
    assert reason in answer.told["error"]
    assert running.stored() == []


@pytest.mark.parametrize("name", ["../../etc/x", "/etc/passwd", "..\\x", "a\x00b", "x" * 5000])
def test_names_that_clients_give_are_no_names_of_files(running: Running, name: str, videos):
    before = sorted(running.uploads.iterdir())
    answer = running.form([(name, videos[0].read_bytes())])
    assert answer.status == (400 if len(name) > 4096 else 200)
    assert answer.status == 400 or answer.told["videos"][0]["video"] == name
    assert sorted(running.uploads.iterdir()) == before
    assert running.stored() == []


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "evil.example:80"},
        {"Host": "127.0.0.1"},
        {"Host": "127.0.0.1@evil.example"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
    ],
)
@pytest.mark.parametrize("path", ["/predict", "/metrics", "/docs"])
def test_foreign_pages_and_names_are_refused(running: Running, headers, path: str):
    answer = running.ask(path, b"x" if path == "/predict" else None, headers)
    assert answer.status == 403
    assert answer.told["error"].startswith("this server does not answer to that Host or Origin")


def test_a_body_that_is_too_large(running: Running):
    answer = running.ask("/predict", b"x", {"Content-Length": str(2**40)})
    assert answer.status == 413
    assert answer.told == {"error": "a video may have 1.90735 MB here, and this has more"}
    answer = running.ask("/predict", iter([b"x" * 65536] * 40))  # chunked: nobody says how many
    assert answer.status == 413
    body, headers = form([("a", b"x" * 2_000_001)])
    assert running.ask("/predict", body, headers).status == 413
    assert running.stored() == []


@pytest.mark.parametrize("query", ["top=0", "top=x", "top=1.5", "top=inf", "fps=0", "fps=nan"])
def test_numbers_of_the_address(running: Running, query: str):
    answer = running.predict(b"x", f"/predict?{query}")
    assert answer.status == 422
    name, _, value = query.partition("=")
    assert answer.told["error"].startswith(f"{name} is a ")
    assert f"got {value!r}" in answer.told["error"]


def test_a_misspelt_name_in_the_address(running: Running):
    answer = running.predict(b"x", "/predict?topk=3&fps=30")
    assert answer.status == 422
    assert answer.told == {
        "error": "this server knows no 'topk'; it knows top and fps. Did you mean 'top'?"
    }


def test_other_addresses_and_methods(running: Running):
    assert running.ask("/predict").status == 405
    assert running.ask("/healthz", b"x").status == 405
    for path in ("/../etc/passwd", "/docs/../../etc/passwd", "/%2e%2e/x", "//docs", "/docs.css/.."):
        answer = running.ask(path)
        assert (answer.status, answer.told) == (404, {"error": "not found"})


def test_what_is_no_http_ends_the_connection(running: Running, videos: list[Path]):
    for junk in (b"\x16\x03\x01 hello\r\n\r\n", b"GET / HTTP/1.1\r\nA: " + b"x" * 200_000):
        with socket.create_connection(("127.0.0.1", running.port), timeout=30) as connection:
            connection.sendall(junk)
            assert connection.recv(12) in (b"HTTP/1.1 400", b"")
    assert running.predict(videos[0].read_bytes()).status == 200
