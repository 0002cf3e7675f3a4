"""Loading weights into a trunk: what is used, what is said, and what is refused."""

from functools import partial
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from gta.backbones import FrameResNet, FrameWise, SlowFast, create_network
from gta.backbones.weights import LoadReport, load_weights, read_weights, recognized
from gta.blocks import GlobalTemporalAttention, SpatialAttention
from gta.blocks.resample import resample_matrix
from gta.errors import UsageError

from .networks import randomize, torchvision_resnet

State = dict[str, Tensor]


@pytest.fixture(scope="module")
def resnet18() -> State:
    """Of ImageNet's 1000 classes."""
    return torchvision_resnet(18, num_classes=1000).state_dict()


def network(depth: int = 18, num_classes: int = 7) -> FrameResNet:
    return FrameResNet(
        depth,
        num_classes=num_classes,
        num_frames=4,
        blocks=[SpatialAttention],
        placement={"res3": [1], "res4": [0]},
    )


def load(model: nn.Module, state: State, source: str, **options: bool) -> LoadReport:
    return load_weights(model, recognized(state, source), **options)


def copy_of(model: FrameResNet) -> State:
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}


def test_the_trunk_is_loaded_and_nothing_else(resnet18: State):
    model = network()
    before = copy_of(model)
    report = load(model, resnet18, "some.pth")
    state = model.state_dict()
    assert len(report.used) == 120
    assert set(report.used) == set(resnet18) - {"fc.weight", "fc.bias"}
    assert all(torch.equal(state[name], resnet18[name]) for name in report.used)
    rest = set(state) - set(report.used)
    assert set(report.fresh) == {name for name in rest if not name.endswith("_tracked")}
    assert all(torch.equal(state[name], before[name]) for name in report.fresh)
    assert {name.split(".")[0] for name in report.fresh} == {"fc", "inserted"}
    assert report.unused == {
        "fc.weight": "shape 1000x512, the model's is 7x512",
        "fc.bias": "shape 1000, the model's is 7",
    }


def test_the_text_of_a_report(resnet18: State):
    report = load(network(), resnet18, "torchvision resnet18 IMAGENET1K_V1")
    assert str(report).splitlines() == [
        "torchvision resnet18 IMAGENET1K_V1: 120 tensors used",
        "  not used: fc.weight (shape 1000x512, the model's is 7x512), fc.bias (shape 1000, the "
        "model's is 7)",
        "  from scratch: 26 tensors in fc (2), inserted.res3_1 (12), inserted.res4_0 (12)",
    ]


def test_the_text_of_a_report_of_which_everything_was_used():
    assert str(LoadReport("some.pth", used=["fc.weight", "fc.bias"])) == "some.pth: 2 tensors used"


def test_the_text_of_a_report_with_many_names_is_short():
    unused = {f"head.{i}": "not in the model" for i in range(300)}
    assert str(LoadReport("some.pth", unused=unused)).splitlines()[1:] == [
        "  not used: head.0 (not in the model), head.1 (not in the model), head.2 (not in the "
        "model), head.3 (not in the model), and 296 more"
    ]


def test_a_classifier_that_fits_is_loaded(resnet18: State):
    model = network(num_classes=1000)
    report = load(model, resnet18, "some.pth")
    assert torch.equal(model.fc.weight, resnet18["fc.weight"])
    assert report.unused == {}
    assert all(name.startswith("inserted.") for name in report.fresh)


def test_blocks_that_fit_are_loaded():
    source = randomize(network())
    report = load(target := network(), source.state_dict(), "some.pth")
    assert report.fresh == []
    assert all(torch.equal(target.state_dict()[k], v) for k, v in source.state_dict().items())


def test_tensors_of_which_the_model_knows_nothing_are_said(resnet18: State):
    state = {**resnet18, "inserted.res5_1.0.norm.weight": torch.ones(512), "ema": torch.ones(1)}
    report = load(FrameResNet(18, num_classes=1000, num_frames=4), state, "some.pth")
    assert report.unused == {
        "inserted.res5_1.0.norm.weight": "not in the model",
        "ema": "not in the model",
    }


def test_files_older_than_num_batches_tracked_are_loaded(resnet18: State):
    old = {k: v for k, v in resnet18.items() if not k.endswith("num_batches_tracked")}
    assert len(old) < len(resnet18)
    report = load(FrameResNet(18, num_classes=1000, num_frames=4), old, "some.pth")
    assert len(report.used) == len(old)
    assert report.fresh == []


def test_a_missing_tensor_is_refused_and_the_model_left_alone(resnet18: State):
    state = {k: v for k, v in resnet18.items() if k != "layer2.0.conv1.weight"}
    model = network()
    before = copy_of(model)
    with pytest.raises(UsageError) as error:
        load(model, state, "some.pth")
    assert str(error.value) == (
        "some.pth does not fit this network. 1 tensors differ: layer2.0.conv1.weight (missing). "
        "Check model.backbone, model.depth and model.width, or train from scratch with --set "
        "model.weights=none"
    )
    assert all(torch.equal(tensor, before[k]) for k, tensor in model.state_dict().items())


def test_weights_of_another_width(resnet18: State):
    model = FrameResNet(18, num_classes=7, num_frames=4, width=32)
    with pytest.raises(UsageError) as error:
        load(model, resnet18, "some.pth")
    assert str(error.value) == (
        "some.pth does not fit this network. 100 tensors differ: conv1.weight (shape 64x3x7x7, the "
        "model's is 32x3x7x7), bn1.weight (shape 64, the model's is 32), bn1.bias (shape 64, the "
        "model's is 32), bn1.running_mean (shape 64, the model's is 32), and 96 more. Check "
        "model.backbone, model.depth and model.width, or train from scratch with --set "
        "model.weights=none"
    )


@pytest.mark.parametrize(
    ("file_depth", "depth", "detail"),
    [
        (34, 18, "layer1.2.conv1.weight (not in the model)"),  # all that 18 needs would be there
        (101, 50, "layer3.6.conv1.weight (not in the model)"),
        (18, 34, "layer1.2.conv1.weight (missing)"),
        (50, 34, "layer1.0.conv1.weight (shape 64x64x1x1, the model's is 64x64x3x3)"),
    ],
)
def test_weights_of_another_depth(file_depth: int, depth: int, detail: str):
    with torch.device("meta"):
        state = torchvision_resnet(file_depth).state_dict()
        model = FrameResNet(depth, num_classes=7, num_frames=4)
    with pytest.raises(UsageError) as error:
        load(model, state, "some.pth")
    assert str(error.value).startswith("some.pth does not fit this network. ")
    assert detail in str(error.value)
    assert "Check model.backbone, model.depth" in str(error.value)


@pytest.mark.parametrize(
    "prefix", ["module.", "_orig_mod.", "module._orig_mod.", "_orig_mod.module."]
)
def test_prefixes_of_wrappers_are_removed(resnet18: State, prefix: str):
    state = {prefix + name: tensor for name, tensor in resnet18.items()}
    model = network()
    report = load(model, state, "some.pth")
    assert len(report.used) == 120
    assert torch.equal(model.conv1.weight, resnet18["conv1.weight"])
    assert f"{prefix}fc.weight" in report.unused  # the file's own name


def test_no_weights_at_all():
    with pytest.raises(UsageError, match=r"It holds no tensors, .*conv1\.weight \(missing\)"):
        load(network(), {}, "some.pth")


def test_a_network_of_another_kind(resnet18: State):
    with torch.device("meta"):
        slow_fast = SlowFast(50, num_classes=7, num_frames=8)
    with pytest.raises(UsageError, match=r"It holds a ResNet over frames, and the model is a Slow"):
        load(slow_fast, resnet18, "some.pth")
    with pytest.raises(UsageError, match=r"It holds a SlowFast network, and the model is a ResNet"):
        load(network(), slow_fast.state_dict(), "some.pth")


def test_the_classifier_is_dropped_on_request(resnet18: State):
    model = FrameResNet(18, num_classes=1000, num_frames=4)
    before = model.fc.weight.clone()
    report = load(model, resnet18, "some.pth", keep_classifier=False)
    assert torch.equal(model.fc.weight, before)
    assert report.unused == dict.fromkeys(("fc.weight", "fc.bias"), "dropped on request")
    assert report.fresh == ["fc.weight", "fc.bias"]
    assert torch.equal(model.conv1.weight, resnet18["conv1.weight"])


def test_kernels_with_an_axis_of_length_one(resnet18: State):
    inflated = {k: v.unsqueeze(2) if v.ndim == 4 else v for k, v in resnet18.items()}
    model = network()
    assert len(load(model, inflated, "some.pth").used) == 120
    assert torch.equal(model.conv1.weight, resnet18["conv1.weight"])
    transposed = resnet18 | {"conv1.weight": resnet18["conv1.weight"].transpose(0, 1)}
    with pytest.raises(UsageError, match=r"conv1.weight \(shape 3x64x7x7, the model's is 64x3x7x7"):
        load(network(), transposed, "some.pth")


def test_another_number_of_frames_on_request_only():
    def gta(num_frames: int) -> FrameResNet:
        half = partial(GlobalTemporalAttention, groups=2)
        return randomize(
            FrameResNet(
                18, num_classes=7, num_frames=num_frames, blocks=[half], placement={"res3": [1]}
            )
        )

    state = gta(4).state_dict()
    report = load(gta(8), state, "some.pth")
    key = "inserted.res3_1.0.pixel.matrix"
    assert report.unused[key] == "shape 2x4x2x4, the model's is 2x8x2x8"
    assert key in report.fresh
    report = load(model := gta(8), state, "some.pth", resample=True)
    assert report.unused == {}
    assert report.resampled == [key, key.replace("pixel", "region")]
    assert f"resampled in time: {key}, " in str(report)
    torch.testing.assert_close(model.state_dict()[key], resample_matrix(state[key], 8))
    same = load(model := gta(4), state, "some.pth", resample=True)
    assert same.resampled == []
    assert all(torch.equal(v, state[k]) for k, v in model.state_dict().items())


def test_from_a_file_to_a_network(tmp_path: Path, resnet18: State):
    torch.save(resnet18, tmp_path / "w.pth")
    model = network()
    report = load_weights(model, read_weights(tmp_path / "w.pth"))
    assert str(report).startswith(f"{tmp_path / 'w.pth'}: 120 tensors used\n")
    assert torch.equal(model.conv1.weight, resnet18["conv1.weight"])


def test_the_names_of_the_file_are_reported():
    state = {
        "module.base_model." + k.replace(".conv1.", ".conv1.net."): v
        for k, v in torchvision_resnet(18, num_classes=9).state_dict().items()
        if not k.startswith("fc.")
    }
    state["module.new_fc.weight"], state["module.new_fc.bias"] = torch.ones(9, 512), torch.ones(9)
    report = load(network(), state, "ckpt.pth.tar")
    assert str(report).splitlines()[:2] == [
        "ckpt.pth.tar: 120 tensors used, from the names of TSM",
        "  not used: module.new_fc.weight (shape 9x512, the model's is 7x512), "
        "module.new_fc.bias (shape 9, the model's is 7)",
    ]


@pytest.mark.parametrize(
    ("name", "classifier"),
    [
        ("timm/resnet10t", "fc"),
        ("timm/convnext_atto", "head.fc"),
        ("timm/deit_tiny_distilled_patch16_224", "head"),
        ("torchvision/squeezenet1_1", "classifier.1"),
        ("torchvision/mobilenet_v3_small", "classifier.3"),
    ],
)
def test_weights_of_a_network_that_is_not_ours(name: str, classifier: str):
    """The trunk strictly, under the network's own names; another classifier stays as it is."""
    source = create_network(name, num_classes=9)
    state = {key: value.clone() for key, value in source.state_dict().items()}
    model = FrameWise(create_network(name, num_classes=7), num_frames=2)
    report = load(model, state, name)
    assert f"{classifier}.weight" in report.unused
    assert all(key.removeprefix("network.").startswith(classifier) for key in report.fresh)
    own = model.state_dict()
    assert all(torch.equal(own[key], state[key.removeprefix("network.")]) for key in report.used)
    same = FrameWise(create_network(name, num_classes=9), num_frames=2)
    assert load(same, state, name).unused == {}
    dropped = load(same, state, name, keep_classifier=False)
    assert f"{classifier}.weight" in dropped.unused
    first = next(key for key in state if not key.startswith(classifier))
    with pytest.raises(UsageError, match=rf"does not fit this network.*{first} \(missing\)"):
        load(model, {key: value for key, value in state.items() if key != first}, name)
    again = FrameWise(create_network(name, num_classes=9), num_frames=2)
    assert load(again, same.state_dict(), "a run").unused == {}
