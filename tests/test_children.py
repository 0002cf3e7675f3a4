import sys
from multiprocessing import spawn

from gta.children import without_main


def test_processes_know_nothing_of_the_script_that_started_this_one():
    """What `spawn` and `forkserver` tell a new process: normally to run `__main__` again."""
    main = sys.modules["__main__"]
    with without_main():
        told = spawn.get_preparation_data("worker")
    assert not [key for key in told if key.startswith("init_main")]
    assert [key for key in spawn.get_preparation_data("worker") if key.startswith("init_main")]
    assert sys.modules["__main__"] is main
