"""What is in the pictures is what was computed."""

from functools import partial
from pathlib import Path

import av
import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from matplotlib.text import Text
from PIL import Image
from torch import nn

from gta.backbones import FrameWise
from gta.blocks import GlobalTemporalAttention, NonLocal, SpatialAttention, TemporalAttention
from gta.config import Clip
from gta.errors import UsageError
from gta.figures.beside import beside_sheet
from gta.figures.clip_sheets import attention_rows, attention_sheet, swapped_sheet
from gta.figures.maps import Query, joint_attention, temporal_attention
from gta.figures.matrices import by_lag, likeness, matrices, patterns
from gta.figures.matrix_sheets import parts_figure, summary_figure
from gta.figures.motion import write_motion
from gta.figures.overlay import laid_out, overlay_frames, overlay_group
from gta.figures.palette import enlarge, overlay
from gta.figures.region_sheets import regions_sheet
from gta.figures.sheets import Block, Row, columns_of, sheet
from gta.figures.show import figures_of, numbers
from gta.figures.subject import Subject

from . import planted


def subject(*blocks, **about) -> Subject:
    clip, _ = planted.clip(0)
    model = planted.network(*blocks)
    return Subject("a run", model, clip, planted.CLIP, ["dark", "bright $x$"], **about)


def texts(figure: Figure) -> str:
    return "\n".join(text.get_text() for owner in (figure, *figure.axes) for text in owner.texts)


def bars(figure: Figure) -> list[list[float]]:
    heights = [[bar.get_height() for bar in axes.containers[0]] for axes in figure.axes
               if axes.containers]  # fmt: skip
    return [[float(height) for height in part] for part in heights]


def test_the_attention_sheet_has_the_clip_the_maps_and_the_shares_of_frames():
    found = subject(NonLocal, at=Query(9, 17, 2))
    figure = attention_sheet(found)
    assert figure is not None
    (layer,) = found.layers
    weights = joint_attention(layer, found.query)
    drawn = [axes.images[0].get_array() for axes in figure.axes if axes.images]
    assert np.array_equal(drawn[: planted.FRAMES], found.frames)
    assert np.array_equal(
        drawn[planted.FRAMES : 2 * planted.FRAMES], overlay(found.frames, weights)
    )
    assert np.allclose(bars(figure), [weights.sum((1, 2))], atol=1e-6)
    crosses = [axes for axes in figure.axes if axes.images and axes.lines]
    assert [tuple(line.get_xydata()[0]) for line in crosses[0].lines] == [(8.5, 16.5)] * 2
    assert "a run: “bright \\$x\\$”" in texts(figure)
    assert f"{found.ranked[0][1]:.0%} bright" in texts(figure)


def test_the_brightest_point_of_an_overlay_is_the_greatest_weight():
    frames = np.full((2, 40, 40, 3), 90, np.uint8)
    maps = np.zeros((2, 4, 4))
    maps[1, 2, 3] = 0.5
    shown = overlay(frames, maps).astype(int)
    grey = shown.sum(-1)
    assert np.unravel_index(grey.argmax(), grey.shape)[0] == 1
    assert (abs(np.argwhere(grey == grey.max())[:, 1:] + 0.5 - [25, 35]) <= 5).all()
    assert len(np.unique(shown[0])) == 1
    assert enlarge(maps, (4, 4)) == pytest.approx(maps)


def test_temporal_bars_are_the_row_of_the_query_and_swapping_changes_them():
    found = subject(SpatialAttention, TemporalAttention, at=Query(9, 17, 2))
    temporal = found.layers[1]
    row = temporal_attention(temporal, found.query)[2]
    _, bar_row = attention_rows(found, found.seen)
    assert bar_row.bars == pytest.approx(row)
    figure = swapped_sheet(found)
    assert figure is not None
    assert len(bars(figure)) == 2
    assert "The answer is then “" in texts(figure)
    assert swapped_sheet(subject(NonLocal)) is None


def test_a_drawn_matrix_is_the_weights():
    found = subject(
        SpatialAttention, lambda C, T: GlobalTemporalAttention(C, T, groups=3, regions=2)
    )
    assert [matrix.level for matrix in found.matrices] == ["pixel", "region"]
    block = found.layers[1].block
    for matrix, branch in zip(found.matrices, (block.pixel, block.region), strict=True):
        own = branch.matrix.detach().numpy()
        parts = parts_figure(matrix, "a run").axes[0].images[0].get_array()
        assert np.array_equal(parts, own.reshape(18, 18))
    figure = summary_figure(found.matrices, "a run")
    drawn = [axes.images[0].get_array() for axes in figure.axes if axes.images]
    own = block.pixel.matrix.detach().numpy()
    assert np.allclose(drawn[1], own.mean((0, 2)))
    assert np.allclose(drawn[2], np.sqrt((own**2).mean((0, 2))))
    for shown, pattern in zip(drawn[-3:], patterns(6).values(), strict=True):
        assert np.array_equal(shown, pattern)
    assert regions_sheet(found) is not None
    assert set(figures_of(found)) == {
        *("attention", "regions", "evidence", "components", "matrices"),
        *("matrix-features_1-pixel", "matrix-features_1-region"),
    }


@pytest.mark.parametrize("causal", [False, True])
def test_what_is_added_is_what_the_branch_adds(causal: bool):
    """The trace of the linear map from a frame's channels to another's, one channel at a time."""
    block = GlobalTemporalAttention(8, 4, groups=2, region=False, causal=causal).eval()
    torch.nn.init.normal_(block.pixel.norm.weight)
    block.pixel.norm.running_var.uniform_(0.5, 2)
    model = torch.nn.Sequential(block)
    (matrix,) = matrices(model)
    with torch.no_grad():
        zero = torch.zeros(1, 8, 4, 1, 1)
        nothing = block(zero)
        for s in range(4):
            total = torch.zeros(4)
            for c in range(8):
                x = zero.clone()
                x[0, c, s] = 1
                total += (block(x) - x - nothing)[0, c, :, 0, 0]
            assert np.allclose(matrix.added[:, s], total / 8, atol=1e-6)


def test_likeness_and_lags():
    for name, pattern in patterns(5).items():
        assert likeness(pattern)[name.split(":")[0]] == pytest.approx(1)
    causal = patterns(5, causal=True)
    assert np.array_equal(causal["mean: all frames so far"], np.tril(np.full((5, 5), 0.2)))
    assert likeness(causal["mean: all frames so far"], causal=True)["mean"] == pytest.approx(1)
    lags, means = by_lag(patterns(5)["shift: takes the frame before"])
    assert dict(zip(lags.tolist(), means.tolist(), strict=True))[-1] == 1
    assert likeness(np.zeros((5, 5)))["mean"] == 0


def test_runs_beside_each_other_share_the_query():
    first = subject(NonLocal, at=Query(9, 17, 2), truth="bright $x$")
    second = subject(SpatialAttention, TemporalAttention, truth="bright $x$")
    figure = beside_sheet([first, second])
    assert texts(figure).count("a run: “bright \\$x\\$”, right") == 2
    assert len(bars(figure)) == 4
    clip = torch.zeros(3, 4, 64, 64, dtype=torch.uint8)
    short = Subject("short", second.model, clip, planted.CLIP, ["a", "b"])
    with pytest.raises(UsageError, match="sees clips of 6 frames and short of 4: give --frames 6"):
        beside_sheet([first, short])


def test_columns_are_even_and_have_the_query():
    assert columns_of(5) == [0, 1, 2, 3, 4]
    assert columns_of(64) == [0, 9, 18, 27, 36, 45, 54, 63]
    assert columns_of(64, 30) == [0, 9, 18, 30, 36, 45, 54, 63]


@pytest.mark.parametrize("suffix", [".mp4", ".webm", ".gif"])
def test_motion_is_what_was_given(tmp_path: Path, suffix: str):
    frames = np.zeros((4, 33, 48, 3), np.uint8)
    for t in range(4):
        frames[t, :, 12 * t : 12 * t + 12] = (200, 120, 40)
    write_motion(tmp_path / f"a{suffix}", frames, 2)
    if suffix == ".gif":
        with Image.open(tmp_path / "a.gif") as picture:
            read = []
            for t in range(picture.n_frames):
                picture.seek(t)
                read.append(np.asarray(picture.convert("RGB")))
            assert picture.info["duration"] == 500
    else:
        with av.open(str(tmp_path / f"a{suffix}")) as container:
            read = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    assert len(read) % 4 == 0
    assert (len(read) == 4) == (suffix == ".gif")
    for t, picture in enumerate(read):
        assert abs(picture[:32].astype(int) - frames[t % 4, :32]).mean() < 8
    with pytest.raises(UsageError, match=r"a picture in motion ends in \.mp4, \.webm, \.gif"):
        write_motion(tmp_path / "a.avi", frames, 2)


def test_a_gif_is_made_smaller_until_an_issue_tracker_takes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("gta.figures.motion.GIF_BYTES", 150_000)
    noise = np.random.default_rng(0).integers(0, 256, (3, 200, 800, 3), dtype=np.uint8)
    write_motion(tmp_path / "noise.gif", noise, 2)
    with Image.open(tmp_path / "noise.gif") as picture:
        assert 320 <= picture.width < 800
        assert picture.n_frames == 3  # pyright: ignore
    assert (tmp_path / "noise.gif").stat().st_size <= 150_000


def test_the_overlay_moves_with_the_clip():
    found = subject(SpatialAttention, TemporalAttention)
    pictures = overlay_frames(found)
    assert len(pictures) == planted.FRAMES
    assert pictures.shape[2] > 800
    bright = [(picture[100:300, 12:240] > 250).all(-1).sum() for picture in pictures]
    assert int(np.argmax(bright)) == found.query.frame  # the square, in the panel of the clip


def test_numbers_are_those_of_the_maps():
    found = subject(NonLocal, at=Query(9, 17, 2))
    told = numbers(found)
    weights = joint_attention(found.layers[0], found.query)
    assert told["layers"][0]["over_frames"] == pytest.approx(weights.sum((1, 2)).tolist())
    assert told["evidence"]["peak"]["frame"] == planted.clip(0)[1][0]
    assert "swapped" not in told


@pytest.mark.parametrize(
    ("about", "text"),
    [
        ({"at": Query(64, 0, 0)}, "--at 64,0,0 is not in the clip: x is 0 to 63, y 0 to 63, the"),
        ({"place": "feature"}, "no blocks at 'feature'. Did you mean 'features'?"),
        ({"asked": "brigt"}, "the model has no class 'brigt'. Did you mean 'bright"),
    ],
)
def test_mistakes(about: dict, text: str):
    with pytest.raises(UsageError) as caught:
        numbers(subject(NonLocal, **about))
    assert text in str(caught.value)


@pytest.mark.parametrize("frames", [1, 20])
def test_no_text_is_cut_by_the_edge(frames: int):
    network = nn.Sequential(nn.Conv2d(3, 16, 8, 8), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    blocks = [SpatialAttention, partial(GlobalTemporalAttention, groups=2)]
    model = FrameWise(network, num_frames=frames, blocks=blocks, at=["0"], image_size=32).eval()
    view = torch.randint(0, 256, (3, frames, 32, 32), dtype=torch.uint8)
    classes = [f"Moving {word * 5}something and a long name of it" for word in "abcdefghijklmnop"]
    subject = Subject("a run", model, view, Clip(num_frames=frames, size=32), classes)
    figures = dict(figures_of(subject))
    assert {"attention", "regions", "evidence", "components", "matrices"} <= set(figures)
    figures["overlay"] = laid_out([overlay_group(subject)], subject).figure
    for name, figure in figures.items():
        figure.draw_without_rendering()
        edges = figure.bbox
        for text in figure.findobj(Text):
            if text.get_text() and text.get_visible():  # pyright: ignore
                box = text.get_window_extent()
                assert box.x0 >= edges.x0 - 1, (name, text)
                assert box.x1 <= edges.x1 + 1, (name, text)
                assert box.y0 >= edges.y0 - 1, (name, text)
                assert box.y1 <= edges.y1 + 1, (name, text)


def test_the_greatest_and_the_least_of_many_bars_have_their_number():
    values = np.linspace(0.01, 0.02, 64)
    figure = sheet([Block("A clip", [Row("shares", bars=values, even=True)])], columns_of(64), 64)
    (axes,) = figure.axes
    assert {text.get_text() for text in axes.texts} == {"1.0%", "2.0%", "all alike"}
