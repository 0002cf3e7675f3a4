"""Any 2D classification network over the frames of clips, with blocks after chosen modules."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import get_args

import torch
from torch import Tensor, nn

from gta.backbones.clips import require_clips
from gta.backbones.feature_layout import FeatureLayout, Layout, described, feature_layout
from gta.backbones.inserted import BlockFactory, any_frames
from gta.backbones.named_network import create_network
from gta.backbones.stream import delay, initial_state, receptive_field, require_causal, step
from gta.blocks.causal import MeanOfLast
from gta.blocks.options import require_option, require_positive
from gta.errors import nearest

__all__ = ["FrameWise", "create_network"]


class Place(nn.Sequential):
    """The blocks after one module of a network, which hands them its output by a forward hook.

    The hook is a method, so that a copy of the whole model has hooks that run the copy's blocks.
    """

    def __init__(self, blocks: Sequence[nn.Module], path: str, layout: FeatureLayout):
        super().__init__(*blocks)
        self.path = path
        self.layout = layout
        self.clip_size: tuple[int, int, int] | None = None  # T, H, W of the clips that run

    def replace_output(self, module: nn.Module, args: object, features: Tensor) -> Tensor:
        """The forward hook: what the blocks make of the module's output."""
        if self.clip_size is None:
            raise ValueError(
                f"the blocks after {self.path!r} need whole clips: call the FrameWise model, not "
                f"the network in it"
            )
        num_frames, *frame_size = self.clip_size
        clips = self.layout.to_clips(features, num_frames, (frame_size[0], frame_size[1]))
        return self.layout.from_clips(self(clips), features)


class FrameWise(nn.Module):
    """Any 2D classification network applied to each frame, with blocks that see the whole clip.

    Maps clips (B, 3, T, H, W) to logits (B, num_classes): the mean over frames of per-frame
    logits. The network may be one of timm, of torchvision or your own; its parameters are found
    under `network.` by their own names, and it is not changed but for forward hooks. The blocks
    live in `inserted`, under the module's path with "_" for ".".

    A module's output is read as a feature map (frames, C, H, W) or (frames, H, W, C), or as tokens
    (frames, N, C), whose H and W follow from the frame's aspect ratio; prefix tokens (class,
    register, distillation) go by unchanged. Which it is, and C, are found by running the network
    once on one empty frame. H and W are as free as the network leaves them, T too unless a block
    was made for `num_frames`.

        network = timm.create_model("convnext_tiny", num_classes=174)
        blocks = [SpatialAttention, GlobalTemporalAttention]
        model = FrameWise(network, num_frames=8, blocks=blocks, at=["stages.2.blocks.5"])

    Args:
        network: Maps (frames, 3, H, W) to logits (frames, num_classes). It is used itself, not a
            copy of it.
        num_frames: T, frames of a clip, for the blocks.
        blocks: The blocks of one place, in the order in which they run.
        at: Paths of the modules after which they run, as in `network.named_modules()`.
        prefix_tokens: Tokens before those of the positions; None: as many as timm's
            `num_prefix_tokens` says, 1 where there is a `class_token` (torchvision) or a
            `cls_token`, else none.
        layout: How four dimensions are read, should the shape not tell.
        causal: No frame sees a later frame, and logits are the mean over the last `num_frames`
            frames of a clip, which may have any number; `step` then goes through a stream frame by
            frame.
        image_size: Height and width, or the side, of the frame on which the network is run once;
            None: those for which it was made, else 224.

    Raises:
        ValueError: Nothing would be inserted although something was asked for; a path does not
            exist, is given twice, or its module returns no features; or, in `forward`, the clip has
            another T than a block was made for, or the network returns no logits.
    """

    def __init__(
        self,
        network: nn.Module,
        *,
        num_frames: int,
        blocks: Sequence[BlockFactory] = (),
        at: Sequence[str] = (),
        prefix_tokens: int | None = None,
        layout: Layout = "auto",
        causal: bool = False,
        image_size: int | tuple[int, int] | None = None,
    ):
        super().__init__()
        require_positive("num_frames", num_frames)
        require_option("layout", layout, get_args(Layout))
        if prefix_tokens is not None and prefix_tokens < 0:
            raise ValueError(f"prefix_tokens must be at least 0, got {prefix_tokens}")
        if isinstance(at, str):
            raise ValueError(f"at is a list of paths: got {at!r}, give at=[{at!r}]")
        if bool(blocks) != bool(at):
            raise ValueError(
                f"nothing was inserted: got {len(blocks)} blocks and {len(at)} paths; give both "
                f"blocks and paths of modules, or neither"
            )
        frame_size = (image_size, image_size) if isinstance(image_size, int) else image_size
        frame_size = frame_size or frame_size_of(network)
        prefixes = prefixes_of(network) if prefix_tokens is None else [prefix_tokens]
        modules = modules_at(network, at)
        outputs = run_once(network, modules, frame_size) if modules else {}
        self.network = network
        self.num_frames = num_frames
        self.inserted = nn.ModuleDict()
        for path in modules:
            try:
                feature = feature_layout(outputs[path], frame_size, layout, prefixes)
            except ValueError as error:
                raise ValueError(f"module {path!r} {error}") from error
            if feature.kind == "tokens" and hasattr(network, "reroll"):  # timm's Hiera
                raise ValueError(
                    f"module {path!r} returns its tokens in the order of pooling windows and not "
                    f"row by row, as all of {type(network).__name__} does: choose another network"
                )
            try:
                made = [make(feature.channels, num_frames) for make in blocks]
            except ValueError as error:
                raise ValueError(
                    f"module {path!r} has {feature.channels} channels: {error}"
                ) from error
            place = Place(made, path, feature)
            key = path.replace(".", "_")
            while hasattr(self.inserted, key):  # "a.b_c" and "a_b.c"; "items"
                key += "_"
            self.inserted[key] = place
        for place, module in zip(self.inserted.values(), modules.values(), strict=True):
            assert isinstance(place, Place)
            module.register_forward_hook(place.replace_output)
        if causal:
            require_causal(self.inserted)
        self.causal = causal
        self.average = MeanOfLast(num_frames) if causal else None
        self.any_frames = causal or any_frames(self.inserted)

    def forward(self, clips: Tensor) -> Tensor:
        require_clips(clips)
        B, _, T, H, W = clips.shape
        for place in self.inserted.values():
            assert isinstance(place, Place)
            place.clip_size = (T, H, W)
        logits = self.network(clips.transpose(1, 2).flatten(0, 1))  # (B*T, num_classes)
        if not isinstance(logits, Tensor) or logits.ndim != 2:
            returned = tuple(logits.shape) if isinstance(logits, Tensor) else described(logits)
            raise ValueError(
                f"the network returned {returned} and not logits (frames, num_classes): build it "
                f"as a classifier without auxiliary outputs"
            )
        logits = logits.unflatten(0, (B, T))
        if self.average is not None:
            return self.average(logits.unsqueeze(2)).squeeze(1)
        return logits.mean(dim=1)

    step, initial_state = step, initial_state
    delay, receptive_field = property(delay), property(receptive_field)


def modules_at(network: nn.Module, at: Sequence[str]) -> dict[str, nn.Module]:
    """The modules that the paths name."""
    for path, module in network.named_modules():
        hooks = module._forward_hooks.values()
        if any(isinstance(getattr(hook, "__self__", None), Place) for hook in hooks):
            raise ValueError(
                f"there are blocks after module {path!r} already, from another FrameWise of this "
                f"network: build the network anew"
            )
    named = dict(network.named_modules(remove_duplicate=False))
    named.pop("")
    modules: dict[str, nn.Module] = {}
    for path in at:
        if path not in named:
            tops = ", ".join(repr(name) for name, _ in network.named_children())
            raise ValueError(
                f"there is no module {path!r} in the network to insert after."
                f"{nearest(path, list(named))} At the top it has {tops}"
            )
        if any(named[path] is module for module in modules.values()):
            raise ValueError(f"the paths name module {path!r} twice")
        modules[path] = named[path]
    return modules


def frame_size_of(network: nn.Module) -> tuple[int, int]:
    """Height and width for which a network of timm or torchvision was made, else 224 x 224."""
    config = getattr(network, "pretrained_cfg", None) or getattr(network, "default_cfg", None)
    sizes = [
        getattr(getattr(network, "patch_embed", None), "img_size", None),  # timm's, as built
        config.get("input_size") if isinstance(config, dict) else None,  # timm's, as trained
        getattr(network, "image_size", None),  # torchvision's VisionTransformer
    ]
    for size in sizes:
        if isinstance(size, int):
            return size, size
        if isinstance(size, tuple | list) and len(size) >= 2:
            return size[-2], size[-1]
    return 224, 224


def prefixes_of(network: nn.Module) -> list[int]:
    """Possible numbers of prefix tokens: not every module of a network with any has them."""
    stated = getattr(network, "num_prefix_tokens", None)
    if not isinstance(stated, int):
        tokens = [getattr(network, name, None) for name in ("class_token", "cls_token")]
        stated = int(any(isinstance(token, Tensor) for token in tokens))
    return [stated, 0] if stated else [0]


def run_once(
    network: nn.Module, modules: dict[str, nn.Module], frame_size: tuple[int, int]
) -> dict[str, object]:
    """What the modules return for one empty frame; the network is left as it was."""
    outputs: dict[str, list[object]] = {path: [] for path in modules}

    def record(path: str, module: nn.Module, args: object, output: object) -> None:
        outputs[path].append(output)

    example = next((p for p in network.parameters() if p.is_floating_point()), torch.empty(0))
    frame = torch.zeros(1, 3, *frame_size, dtype=example.dtype, device=example.device)
    handles = [m.register_forward_hook(partial(record, path)) for path, m in modules.items()]
    try:
        with left_as_it_was(network, example.device), torch.no_grad():
            network.eval()
            network(frame)
    except Exception as error:  # of any type: it is the network's own
        raise ValueError(
            f"the network cannot run on one frame of {frame_size[0]}x{frame_size[1]} pixels "
            f"({type(error).__name__}: {error}); give image_size, the size for which it was built"
        ) from error
    finally:
        for handle in handles:
            handle.remove()
    for path, returned in outputs.items():
        if len(returned) != 1:
            raise ValueError(
                f"module {path!r} runs {len(returned)} times in one pass of the network, and "
                f"blocks can only follow one that runs once: name the module "
                f"{'around' if returned else 'inside or around'} it"
            )
    return {path: returned[0] for path, returned in outputs.items()}


@contextmanager
def left_as_it_was(network: nn.Module, device: torch.device) -> Iterator[None]:
    """Give the training flags and the states of the random generators back at the end."""
    flags = [(module, module.training) for module in network.modules()]
    devices = [device] if device.type == "cuda" else []
    try:
        with torch.random.fork_rng(devices=devices):
            yield
    finally:
        for module, training in flags:
            module.training = training
