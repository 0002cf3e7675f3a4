import json
from pathlib import Path

from .conftest import Run


def test_what_is_written_and_what_is_only_shown(run: Run, trained: Path, tmp_path: Path):
    told = json.loads(run("publish", trained, "--to", tmp_path / "shared", "--json").out)
    assert told["where"] == str(tmp_path / "shared")
    assert told["card"] == (tmp_path / "shared/README.md").read_text()
    answer = run("publish", trained)
    assert answer.code == 0
    assert "# FOLDER" in answer.out
    assert "note: the card states no license" in answer.out
    assert answer.out.endswith("nothing was written or sent: --to FOLDER, or --to hub:OWNER/NAME\n")
