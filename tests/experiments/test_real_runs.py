"""Real clips: networks, the baseline, and what differs between two parts."""

import importlib
from dataclasses import replace

import pytest
import torch


def tiny(ours, monkeypatch, *names: str) -> None:
    models = importlib.import_module("gta.models").MODELS
    for name, model in zip(("no attention", "GTA"), names, strict=False):
        monkeypatch.setitem(ours.real_runs.MODELS, name, models[model])


def test_blind_networks_are_right_in_half_and_gta_sees_the_order(ours, clips, job, monkeypatch):
    tiny(ours, monkeypatch, "tiny", "tiny_gta")
    device = torch.device("cpu")
    blind = ours.real_runs.run_real(job, clips, None, device)
    assert blind["top1"] == 0.5
    assert blind["items"] == 12
    gta = ours.real_runs.run_real(replace(job, name="GTA"), clips, None, device)
    assert gta["top1"] > 0.9
    assert ours.real_runs.run_real(replace(job, name="GTA"), clips, None, device) == gta


def test_the_support_vector_machine_without_order_is_right_in_half(ours, clips):
    ordered, blind = (
        ours.real_baselines.run_baseline(
            ours.real_baselines.identity(name, "sit-stand", "folds", 0, arrow=True), clips
        )
        for name in ours.real_baselines.BASELINES
    )
    assert (ordered["top1"], blind["top1"], ordered["items"]) == (1, 0.5, 40)


def test_weights_of_ordered_give_all_but_the_classifier(ours, job):
    models = importlib.import_module("gta.models")
    full = models.build(job.model, num_classes=22, num_frames=8).state_dict()
    weights = ours.runs.Weights(full, top1=0.5)
    model = ours.real_runs.start(job, 2, weights)
    changed = [name for name, one in model.state_dict().items() if one.shape != full[name].shape]
    assert len(changed) == 2
    assert all(
        one.equal(full[name]) for name, one in model.state_dict().items() if name not in changed
    )
    with pytest.raises(ValueError, match="these have another shape in the weights of `ordered`"):
        ours.real_runs.start(job, 22, weights)


def test_macro_f1(ours):
    truth, said = torch.tensor([0, 0, 1, 1, 2]), torch.tensor([0, 1, 1, 1, 0])
    # 2*1/(2+2), 2*2/(2+3), 0
    assert ours.real_runs.macro_f1(truth, said, 3) == pytest.approx((0.5 + 0.8 + 0) / 3)


def test_what_falls_and_how_far_the_camera_went(ours, clips):
    torch.manual_seed(0)
    wall = torch.rand(160, 90).mul(200).round()
    still = torch.stack([wall[20:110, :80]] * 9)
    assert ours.real_gap.camera_path(still) == 0
    tops = [20, 23, 28, 28, 22, 20, 20, 15, 15]  # 3 + 5 + 0 + 6 + 2 + 0 + 5 + 0 rows
    panned = torch.stack([wall[top : top + 90, :80] for top in tops])
    assert ours.real_gap.camera_path(panned) == 21
    falling = still.clone()
    for index in range(9):
        falling[index, 8 * index : 8 * index + 12, 30:50] = 255
    assert ours.real_gap.falls(falling)
    assert not ours.real_gap.falls(falling.flip(0))
    clips.frames[:] = wall[None, None, :128, :].repeat(1, 1, 1, 2)[..., :170, None].to(torch.uint8)
    for clip, label in zip(clips.frames, clips.labels, strict=True):  # "down" falls, "up" does not
        for index in range(32):
            top = 3 * (index if label == 0 else 31 - index)
            clip[index, top : top + 12, 60:80] = 255
    clips.frames[14] = clips.frames[14].flip(0)  # but for one
    clips.frames[15:20:2] = torch.stack(
        [clips.frames[15:20:2, index].roll(6 * (index % 2), 1) for index in range(32)], 1
    )
    found = ours.real_gap.measure(clips)
    assert found["train"] == {
        **{"clips": 14, "scenes": 3, "of_one_class": 0, "camera_path": 0.0},
        **{"right": 14, "still": 14, "still_right": 14},
    }
    val = found["val"]
    assert (val["clips"], val["scenes"], val["right"]) == (6, 0, 5)
    assert (val["still"], val["still_right"]) == (3, 2)
    assert val["camera_path"] in (0.0, round(31 * 6 / 128, 3))
    clips.scenes[:14:2] = 7  # the scene tells the class
    clips.scenes[1:14:2] = 8
    assert ours.real_gap.measure(clips)["train"]["of_one_class"] == 14
