"""The verbs in this process: quick, and with everything a shell would see."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from gta.cli.main import main


@dataclass(frozen=True)
class Answer:
    code: int
    out: str
    err: str


Run = Callable[..., Answer]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """`run("cost", "--model", "r2d50")`: exit code, stdout and stderr."""
    monkeypatch.setenv("COLUMNS", "200")

    def call(*arguments: str | Path) -> Answer:
        monkeypatch.setattr("sys.argv", ["gta", *map(str, arguments)])
        code = 0
        try:
            main()
        except SystemExit as error:
            code = error.code if isinstance(error.code, int) else int(error.code is not None)
        captured = capsys.readouterr()
        return Answer(code, captured.out, captured.err)

    return call
