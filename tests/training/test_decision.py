"""Whether a run is compiled, and what is said of it."""

import pytest

from gta.training import decision
from gta.training.decision import compiles


@pytest.fixture
def complete(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decision, "missing_for_compiling", lambda: None)


@pytest.mark.usefixtures("complete")
@pytest.mark.parametrize(
    ("steps", "step_ms", "expected"),
    [
        (
            263_000,
            80.0,
            (
                True,
                "compiled: 263000 steps of 80 ms are left; compiling takes about 90 s and saves "
                "about 88 min (train.compile)",
            ),
        ),
        (
            1_000_000,
            80.0,
            (
                True,
                "compiled: 1000000 steps of 80 ms are left; compiling takes about 90 s and saves "
                "about 6 h (train.compile)",
            ),
        ),
        (
            2000,
            100.0,
            (
                False,
                "not compiled: 2000 steps of 100 ms are left; compiling takes about 90 s and would "
                "save about 50 s (train.compile)",
            ),
        ),
    ],
)
def test_a_run_is_compiled_if_it_is_long_enough(steps, step_ms, expected):
    assert compiles(None, device="cuda", steps=steps, step_ms=step_ms) == expected


@pytest.mark.usefixtures("complete")
def test_it_must_save_twice_what_it_takes():
    last = 2 * decision.COMPILE_SECONDS / (decision.SAVED * 0.1)
    assert not compiles(None, device="cuda", steps=int(last) - 1, step_ms=100)[0]
    assert compiles(None, device="cuda", steps=int(last) + 1, step_ms=100)[0]


def test_what_is_asked_for_is_done():
    for device in ("cuda", "cpu"):
        found = [compiles(asked, device=device, steps=1, step_ms=1) for asked in (True, False)]
        assert found == [
            (True, "compiled, as train.compile says"),
            (False, "not compiled, as train.compile says"),
        ]


def test_without_a_gpu_or_a_compiler_nothing_is_compiled(monkeypatch):
    told = {"steps": 10**9, "step_ms": 100}
    assert compiles(None, device="cpu", **told) == (
        False,
        "not compiled: that is for GPUs, this is cpu (train.compile)",
    )
    monkeypatch.setattr(decision, "find_spec", lambda name: None)
    assert compiles(None, device="cuda", **told) == (
        False,
        "not compiled: Triton is not installed (train.compile)",
    )
    monkeypatch.setattr(decision, "find_spec", lambda name: name)
    monkeypatch.setattr(decision.shutil, "which", lambda name: None)
    assert compiles(None, device="cuda", **told) == (
        False,
        "not compiled: there is no C compiler, which Triton needs (train.compile)",
    )
    monkeypatch.setattr(decision.shutil, "which", lambda name: name)
    assert compiles(None, device="cuda", **told)[0]
