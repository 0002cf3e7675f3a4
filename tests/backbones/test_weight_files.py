"""Files of weights: what is read, and that nothing in them is run."""

import pickle
import sys
from argparse import Namespace
from collections import OrderedDict, defaultdict
from datetime import datetime, timedelta
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from gta.backbones.pickled_arrays import ALLOWED, DICTIONARIES
from gta.backbones.weight_files import read_state
from gta.errors import UsageError


@pytest.mark.parametrize("name", ["w.pth", "w.pt", "w.bin", "w.safetensors"])
def test_formats(tmp_path: Path, name: str):
    saved = {"conv1.weight": torch.ones(2, 3), "bn1.num_batches_tracked": torch.tensor(4)}
    path = tmp_path / name
    if path.suffix == ".safetensors":
        save_file(saved, path)
    else:
        torch.save(OrderedDict(saved), path)
    state = read_state(path)
    assert state.keys() == saved.keys()
    assert all(torch.equal(state[key], tensor) for key, tensor in saved.items())


def test_a_checkpoint_with_a_state_dict_inside(tmp_path: Path):
    state = {"conv1.weight": torch.ones(2)}
    torch.save({"epoch": 3, "arch": "resnet18", "state_dict": state}, tmp_path / "c.pth")
    assert torch.equal(read_state(tmp_path / "c.pth")["conv1.weight"], torch.ones(2))


@pytest.mark.parametrize("name", ["w.pth", "w.safetensors", "w.pkl", "w"])
@pytest.mark.parametrize("kind", ["safetensors", "zip", "legacy", "pickle"])
def test_the_name_of_a_file_does_not_matter(tmp_path: Path, kind: str, name: str):
    path = tmp_path / name
    tensors = {"conv1_w": torch.arange(6.0).reshape(2, 3)}
    if kind == "safetensors":
        save_file(tensors, path)
    elif kind == "pickle":
        path.write_bytes(pickle.dumps({"blobs": {"conv1_w": tensors["conv1_w"].numpy()}}))
    else:
        torch.save(tensors, path, _use_new_zipfile_serialization=kind == "zip")
    assert torch.equal(read_state(path)["conv1_w"], tensors["conv1_w"])


@pytest.mark.parametrize("entry", ["state_dict", "model_state", "model_state_dict", "model"])
@pytest.mark.parametrize("zipped", [True, False])
def test_checkpoints_with_what_projects_put_beside_the_weights(
    tmp_path: Path, entry: str, zipped: bool
):
    checkpoint = {
        "epoch": 50,
        "arch": "resnet50",
        "best_prec1": np.float64(59.1),
        "losses": np.ones(3, np.float32),
        "best": torch.tensor(59.1),
        "cfg": "MODEL:\n  ARCH: slowfast\n",
        "args": Namespace(lr=0.1),
        "optimizer": {"state": {0: {"momentum_buffer": torch.ones(2)}}, "param_groups": []},
        entry: OrderedDict({"conv1.weight": torch.arange(3.0)}),
    }
    path = tmp_path / "ckpt.best.pth.tar"
    torch.save(checkpoint, path, _use_new_zipfile_serialization=zipped)
    state = read_state(path)
    assert state.keys() == {"conv1.weight"}
    assert torch.equal(state["conv1.weight"], torch.arange(3.0))


def foreign_class(monkeypatch: pytest.MonkeyPatch, name: str, base: type) -> type:
    """A class that pickles under the name of a class in a library that is not here."""
    module, _, own = name.rpartition(".")
    made = type(own, (base,), {"__module__": module})
    parts = module.split(".")
    for end in range(1, len(parts) + 1):
        package = ".".join(parts[:end])
        monkeypatch.setitem(sys.modules, package, ModuleType(package))
    setattr(sys.modules[module], own, made)
    return made


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("name", DICTIONARIES)
def test_dictionaries_of_other_libraries(tmp_path: Path, monkeypatch, name: str, zipped: bool):
    settings = foreign_class(monkeypatch, name, dict)(lr=0.1, inner={"depth": 50})
    settings.__dict__["frozen"] = True
    content = {"state_dict": {"conv1.weight": torch.ones(2)}, "settings": settings}
    path = tmp_path / "w.ckpt"
    torch.save(content, path, _use_new_zipfile_serialization=zipped)
    assert read_state(path).keys() == {"conv1.weight"}


@pytest.mark.parametrize("zipped", [True, False])
def test_records_that_are_kept_beside_weights(tmp_path: Path, monkeypatch, zipped: bool):
    curve = foreign_class(monkeypatch, "mmengine.logging.history_buffer.HistoryBuffer", object)()
    curve.log = np.ones(3)
    content = {
        "state_dict": {"conv1.weight": torch.ones(2)},
        "folder": Path("/data"),
        "when": datetime(2026, 1, 2, 3),
        "took": timedelta(hours=3),
        "curves": {"loss": curve},
        "counts": defaultdict(list, {"train": [3]}),
    }
    path = tmp_path / "w.ckpt"
    torch.save(content, path, _use_new_zipfile_serialization=zipped)
    assert read_state(path).keys() == {"conv1.weight"}


def test_averaged_weights_where_there_are_no_others(tmp_path: Path):
    plain, averaged = {"a": torch.zeros(1)}, {"a": torch.ones(1)}
    torch.save({"state_dict_ema": averaged, "epoch": 3}, tmp_path / "w.pth")
    assert read_state(tmp_path / "w.pth") == averaged
    torch.save({"state_dict_ema": averaged, "state_dict": plain}, tmp_path / "w.pth")
    assert read_state(tmp_path / "w.pth") == plain


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("dtype", ["<f4", ">f4", "<f8", "<f2", "<i8", "|u1"])
def test_pickled_arrays(tmp_path: Path, protocol: int, dtype: str):
    array = np.arange(24).astype(dtype).reshape(2, 3, 4)
    blobs = {"a_w": array, "b_w": np.asfortranarray(array), "c_w": array[:, ::2], "lr": 0.1}
    path = tmp_path / "model.pkl"
    path.write_bytes(pickle.dumps({"blobs": blobs, "cfg": "yaml"}, protocol))
    state = read_state(path)
    assert state.keys() == {"a_w", "b_w", "c_w"}
    for name, tensor in state.items():
        assert np.array_equal(tensor.numpy(), blobs[name])
        tensor.zero_()  # not the bytes of the pickle


def test_an_array_as_python_2_pickled_it(tmp_path: Path):
    """Protocol 2, bytes as text; by hand, since Python 3 writes them otherwise."""
    content = np.array([1.5, -2.0], "<f4").tobytes()
    stream = (
        b"\x80\x02}U\x05blobs}U\x06pred_b"  # {"blobs": {"pred_b":
        b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R"
        b"(K\x01K\x02\x85cnumpy\ndtype\nU\x02f4K\x00K\x01\x87R"
        b"(K\x03U\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
        b"\x89U" + bytes([len(content)]) + content + b"tbss."
    )
    (tmp_path / "model.pkl").write_bytes(stream)
    assert read_state(tmp_path / "model.pkl")["pred_b"].tolist() == [1.5, -2.0]


class Malicious:
    """Creates a file when it is unpickled."""

    def __init__(self, marker: Path):
        self.marker = marker

    def __reduce__(self):
        return Path.touch, (self.marker,)


@pytest.mark.parametrize("zipped", [True, False])
def test_a_pickle_with_code_is_not_run(tmp_path: Path, zipped: bool):
    marker, path = tmp_path / "marker", tmp_path / "w.pth"
    state = {"conv1.weight": torch.ones(2), "code": Malicious(marker)}
    torch.save(state, path, _use_new_zipfile_serialization=zipped)
    torch.load(path, weights_only=False)
    assert marker.exists()  # the trap works
    marker.unlink()
    with pytest.raises(UsageError) as error:
        read_state(path)
    assert not marker.exists()
    assert str(error.value) == (
        f"{path}: not a file of weights, or one with more than tensors in it (getattr), such as a "
        f"whole model, which is not opened because it could run code; save the state_dict() alone, "
        f"where it was made: torch.save(model.state_dict(), 'weights.pth')"
    )
    with pytest.raises(UsageError, match="not a file of weights"):
        read_state(path.rename(path.with_suffix(".safetensors")))
    assert not marker.exists()


class Reduced:
    """Pickles as the call of a function."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize("protocol", [0, 2, 4])
@pytest.mark.parametrize("hidden", ["entry", "in an object array", "as a number"])
def test_a_plain_pickle_with_code_is_not_run(tmp_path: Path, protocol: int, hidden: str):
    marker, path = tmp_path / "marker", tmp_path / "model.pkl"
    code = Reduced(open, str(marker), "w")
    array = np.empty(1, object)
    array[0] = code
    values = {
        "entry": code,
        "in an object array": array,
        "as a number": Reduced(np.float64(1).__reduce__()[0], np.dtype("O"), code),
    }
    path.write_bytes(pickle.dumps({"blobs": {"a_w": values[hidden]}}, protocol))
    with pytest.raises(
        UsageError, match=r"not a file of weights, or one with more .*\((_?io\.open|numpy\.)"
    ):
        read_state(path)
    assert not marker.exists()


@pytest.mark.parametrize(
    "value",
    [
        Reduced(np.dtype, "O"),
        Reduced(np.dtype, "V8"),
        Reduced(np.dtype, [("a", "f4")]),
        Reduced(eval, "1"),
        Reduced(np.load, "x.npy"),
        Reduced(getattr, "a", "join"),
    ],
    ids=["objects", "void", "records", "eval", "np.load", "getattr"],
)
@pytest.mark.parametrize("how", ["pickle", "zip", "legacy"])
def test_names_that_no_weights_need(tmp_path: Path, value: Reduced, how: str):
    path = tmp_path / "w.pth"
    state = {"state_dict": {"a": torch.ones(1)}, "extra": value}
    if how == "pickle":
        path.write_bytes(pickle.dumps({"blobs": {}, "extra": value}))
    else:
        torch.save(state, path, _use_new_zipfile_serialization=how == "zip")
    with pytest.raises(UsageError, match="not a file of weights"):
        read_state(path)


@pytest.mark.parametrize(
    "stream",
    [
        b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R",  # unfilled
        pickle.dumps(np.ones(2, np.longdouble), 2)[2:-1],
    ],
    ids=["an array without numbers", "numbers that tensors cannot hold"],
)
def test_an_array_that_is_no_tensor(tmp_path: Path, stream: bytes):
    path = tmp_path / "w.pkl"
    path.write_bytes(b"\x80\x02}U\x01a" + stream + b"s.")
    with pytest.raises(UsageError) as error:
        read_state(path)
    assert str(error.value) == f"{path}: not a file of weights, or a damaged one"


@pytest.mark.parametrize("name", ALLOWED)
def test_a_pickle_leaves_nothing_in_the_process(tmp_path: Path, name: str):
    """The opcode BUILD sets attributes of what was named, were it a class or a function."""
    module, _, attribute = name.rpartition(".")
    owner: object = {"argparse.Namespace": Namespace}.get(name, ALLOWED[name])
    path = tmp_path / "w.pkl"
    path.write_bytes(f"\x80\x02c{module}\n{attribute}\nN}}U\x05ownedK\x01s\x86b.".encode("latin1"))
    with pytest.raises(UsageError, match="not a file of weights"):
        read_state(path)
    assert not hasattr(owner, "owned")
    assert not hasattr(ALLOWED[name], "owned")


@pytest.mark.parametrize("method", ["get", "items"])
def test_a_dictionary_with_a_method_of_its_own(tmp_path: Path, method: str):
    path = tmp_path / "w.pkl"
    start = b"\x80\x02ccollections\nOrderedDict\n)R}U" + bytes([len(method)])
    path.write_bytes(start + method.encode() + b"cnumpy\ndtype\nsb.")
    with pytest.raises(UsageError, match=r"not a (state dictionary|file of weights)"):
        read_state(path)


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("inside", [False, True])
def test_a_whole_pickled_network(tmp_path: Path, inside: bool, zipped: bool):
    model = torch.nn.Linear(2, 2)
    content = {"model": model, "epoch": 3} if inside else model
    torch.save(content, tmp_path / "w.pth", _use_new_zipfile_serialization=zipped)
    with pytest.raises(UsageError) as error:
        read_state(tmp_path / "w.pth")
    assert str(error.value) == (
        f"{tmp_path / 'w.pth'}: not a file of weights, or one with more than tensors in it "
        f"(torch.nn.modules.linear.Linear), such as a whole model, which is not opened because it "
        f"could run code; save the state_dict() alone, where it was made: "
        f"torch.save(model.state_dict(), 'weights.pth')"
    )


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
@pytest.mark.parametrize("content", [b"hello, world", b"PK\x03\x04" + 64 * b"0", 99 * b"\xff"])
def test_a_file_that_is_not_one_of_weights(tmp_path: Path, content: bytes, suffix: str):
    path = tmp_path / f"w{suffix}"
    path.write_bytes(content)
    with pytest.raises(UsageError) as error:
        read_state(path)
    assert str(error.value).startswith(f"{path}: not a file of weights")
    assert len(str(error.value)) < len(str(path)) + 160
    assert "weights_only" not in str(error.value)  # torch's advice is to run it


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_a_file_that_was_cut_short(tmp_path: Path, suffix: str):
    path = tmp_path / f"w{suffix}"
    state = {"conv1.weight": torch.ones(1000)}
    save_file(state, path) if suffix == ".safetensors" else torch.save(state, path)
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(UsageError) as error:
        read_state(path)
    assert str(error.value) == f"{path}: not a file of weights, or a damaged one"


@pytest.mark.parametrize(
    "content",
    [[1, 2], torch.ones(2), {"a": 1}, {"state_dict": {"a": 1}}],
)
def test_a_file_of_something_else(tmp_path: Path, content: object):
    torch.save(content, tmp_path / "w.pth")
    with pytest.raises(UsageError) as error:
        read_state(tmp_path / "w.pth")
    assert str(error.value) == f"{tmp_path / 'w.pth'}: not a state dictionary (names with tensors)"


def test_a_file_that_is_not_there(tmp_path: Path):
    with pytest.raises(UsageError) as error:
        read_state(tmp_path / "w.pth")
    assert str(error.value) == (
        f"{tmp_path / 'w.pth'}: no such weights file; give a .pth or .safetensors file, 'imagenet' "
        f"or 'none'"
    )


def test_a_folder(tmp_path: Path):
    with pytest.raises(UsageError) as error:
        read_state(tmp_path)
    assert str(error.value) == (
        f"{tmp_path} is a folder: give the .pth or .safetensors file itself"
    )


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_a_file_that_may_not_be_read(tmp_path: Path, monkeypatch, suffix: str):
    def refuse(*args, **kwargs):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("gta.backbones.weight_files.read_tensors", refuse)
    path = tmp_path / f"w{suffix}"
    state = {"conv1.weight": torch.ones(2)}
    save_file(state, path) if suffix == ".safetensors" else torch.save(state, path)
    monkeypatch.setattr("torch.load", refuse)
    with pytest.raises(UsageError) as error:
        read_state(path)
    assert str(error.value) == f"{path}: cannot be read (Permission denied)"
