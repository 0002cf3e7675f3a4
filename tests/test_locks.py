import re
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from gta.errors import UsageError
from gta.locks import alone, claimed

HOLDER = """
import sys, time
from pathlib import Path
from gta.locks import alone
with alone(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(600)
"""


def test_a_lock_ends_with_its_process_however_that_ends(tmp_path: Path):
    file, taken = tmp_path / ".lock", "it is being trained"
    file.write_text("of an earlier version")
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(file)], stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    with pytest.raises(UsageError, match=taken), alone(file, taken):
        pytest.fail("two at a time")
    holder.kill()
    holder.wait()
    with alone(file, taken):
        pass
    with alone(file):
        assert file.is_file()


def test_a_lock_is_waited_for_and_let_go_after_an_error(tmp_path: Path):
    file, order = tmp_path / ".lock", list[str]()

    def first() -> None:
        with alone(file):
            waiting.start()
            time.sleep(0.05)
            order.append("first")
            raise ZeroDivisionError

    def second() -> None:
        with alone(file):
            order.append("second")

    waiting = threading.Thread(target=second)
    with pytest.raises(ZeroDivisionError):
        first()
    waiting.join(timeout=60)
    assert order == ["first", "second"]


CLAIMANT = """
import sys
from pathlib import Path
from gta.locks import claimed
with claimed(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.mark.parametrize("removed", [(), (".lock",), (".lock", ".holder.json")])
def test_a_claimed_folder_lets_nobody_in_and_names_who_has_it(tmp_path: Path, removed):
    holder = subprocess.Popen(
        [sys.executable, "-c", CLAIMANT, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    for name in removed:
        (tmp_path / name).unlink()
    with pytest.raises(UsageError) as caught, claimed(tmp_path):
        pytest.fail("two at a time")
    who = rf" \({holder.pid} on .+, since 20.+\)" if ".holder.json" not in removed else ""
    assert re.fullmatch(
        rf"{tmp_path} is being trained by another process{who}; wait for it, or give another --out",
        str(caught.value),
    )
    holder.communicate("")
    with claimed(tmp_path):
        pass
    assert {path.name for path in tmp_path.iterdir()} <= {".lock"}
