"""The recipe: everything a run needs, as typed data. Strict: an unknown name is refused.

No torch here: the command line checks a recipe before anything heavy is imported.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from gta.protocols import parse_protocol
from gta.sampling_modes import Mode, stride_mistake, views_mistake

Stage = Literal["res2", "res3", "res4", "res5"]
Positive = Annotated[int, Field(gt=0)]
Fraction = Annotated[float, Field(ge=0, lt=1)]
Along = Literal["space", "time"]
"""A block within each frame, or along time at each position, instead of jointly over both."""

RENAMED = {
    "train.sync_norm": "train.sync_bn",
    "train.precise_norm": "train.precise_bn",
    "train.matrix_lr": "train.matrix_lr_mult",
    "data.max_bad": "data.max_unreadable",
    "augment.jitter": "augment.scale_jitter",
    "train.steps": "train.milestones",
}
"""Renamed settings by their earlier names, which are still read, with a hint."""


class Data(BaseModel):
    """The base of all parts of a recipe: strict and immutable."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, allow_inf_nan=False, use_attribute_docstrings=True
    )


class NonLocalBlock(Data):
    """`gta.blocks.NonLocal`."""

    block: Literal["nl"]
    width: Positive | None = None
    pool: Literal["before", "after"] | None = "after"
    scale: bool = True
    affinity: Literal["softmax", "dot_product"] = "softmax"


class SpatialAttentionBlock(Data):
    """`gta.blocks.SpatialAttention`."""

    block: Literal["sa"]
    width: Positive | None = None
    pool: Literal["before", "after"] | None = "after"
    scale: bool = True


class TemporalAttentionBlock(Data):
    """`gta.blocks.TemporalAttention`."""

    block: Literal["ta"]
    width: Positive | None = None
    scale: bool = True


class TAPEBlock(Data):
    """`gta.blocks.TAPE`."""

    block: Literal["tape"]
    groups: Positive = 1
    position: Literal["learned", "sinusoidal"] = "learned"
    position_std: Annotated[float, Field(gt=0)] = 0.02
    add_to: Literal["qk", "qkv", "input"] = "qk"
    width: Positive | None = None
    scale: bool = True


class GlobalTemporalAttentionBlock(Data):
    """`gta.blocks.GlobalTemporalAttention`."""

    block: Literal["gta"]
    groups: Positive = 8
    heads: Positive | None = None
    pixel: bool = True
    region: bool = True
    regions: Positive = 8
    assignment: Literal["softmax_regions", "softmax_positions", "none"] = "softmax_regions"
    region_grid: tuple[Positive, Positive] | None = None
    width: Positive | None = None


class CGNLBlock(Data):
    """`gta.blocks.CGNL`."""

    block: Literal["cgnl"]
    along: Along | None = None
    width: Positive | None = None
    groups: Positive = 8
    kernel: Literal["dot_product", "rbf"] = "dot_product"
    order: Positive = 3
    scale: bool = False


class GlobalContextBlock(Data):
    """`gta.blocks.GlobalContext`."""

    block: Literal["gc"]
    along: Along | None = None
    width: Positive | None = None
    pooling: Literal["attention", "average"] = "attention"
    fusion: tuple[Literal["add", "multiply"], ...] = ("add",)


class GloReBlock(Data):
    """`gta.blocks.GloRe`."""

    block: Literal["glore"]
    along: Along | None = None
    states: Positive | None = None
    nodes: Positive | None = None
    normalize: bool = False


Block = Annotated[
    NonLocalBlock
    | SpatialAttentionBlock
    | TemporalAttentionBlock
    | TAPEBlock
    | GlobalTemporalAttentionBlock
    | CGNLBlock
    | GlobalContextBlock
    | GloReBlock,
    Field(discriminator="block"),
]
Placement = dict[Stage, tuple[Annotated[int, Field(ge=0)], ...]]


class Network(Data):
    """The settings of all networks: inserted blocks, and the weights from which they start."""

    blocks: tuple[Block, ...] = ()
    """The blocks of one place, in the order in which they run."""
    weights: str = "none"
    """"none"; a file; "imagenet", "kinetics" (SlowFast): fetched; "ordered": trained first."""
    keep_classifier: bool = True
    """Load the file's classifier too, if it fits; false: never."""
    resample: bool = False
    """Resample the temporal matrices and positions of weights made for another number of frames."""


class FrameResNetModel(Network):
    """`gta.backbones.FrameResNet`."""

    backbone: Literal["frame_resnet"] = "frame_resnet"
    depth: Literal[10, 18, 34, 50, 101] = 50
    width: Positive = 64
    """Channels of the stem; 64 in all published ResNets."""
    tsm: bool = False
    """Shift a part of the channels forward and another backward in time."""
    shift_div: Annotated[int, Field(ge=2)] = 8
    """tsm shifts 1/shift_div of the channels each way; 8 in published results."""
    temporal_pool: bool = False
    """Halve the number of frames after res2, as in PySlowFast's C2D."""
    dropout: Fraction = 0.5
    window: Positive | None = None
    """Side of the classifier's pooling window in positions; null: all of them."""
    causal: bool = False
    """No frame sees a later frame: a network for streams, which can run frame by frame."""
    causal_frames: Positive | None = None
    """Frames, up to the current frame, that a causal network sees at each place with a block, and
    over which logits are averaged; null: clip.num_frames. Clips may be longer."""
    placement: Placement = {}
    """After which residual blocks of which stages, counted from 0."""


class SlowFastModel(Network):
    """`gta.backbones.SlowFast`."""

    backbone: Literal["slow_fast"] = "slow_fast"
    depth: Literal[50, 101] = 50
    width: Positive = 64
    """Channels of the slow stem; 64 in all published networks."""
    alpha: Positive = 4
    """Frames of the fast pathway for each frame of the slow pathway."""
    beta_inv: Positive = 8
    """Ratio of the widths of the slow and the fast pathway; 8 in all published networks."""
    fusion_kernel: Positive = 7
    """Temporal length of the lateral convolutions."""
    temporal_blocks: tuple[int, int] | None = None
    """Blocks of res4 with temporal kernels in the (slow, fast) pathway; null: all."""
    dropout: Fraction = 0.5
    window: Positive | None = None
    """Side of the classifier's pooling window in positions; null: all of them."""
    placement: Placement = {}
    """After which residual blocks of the slow pathway's stages, counted from 0."""


class FrameWiseModel(Network):
    """`gta.backbones.FrameWise`."""

    backbone: Literal["frame_wise"] = "frame_wise"
    network: str
    """"timm/<name>" or "torchvision/<name>"; or "lite0", "lite1", "lite2"."""
    at: tuple[str, ...] = ()
    """Modules of the network after which the blocks run, such as "stages.2.blocks.5"."""
    causal: bool = False
    """No frame sees a later frame: a network for streams, which can run frame by frame."""
    causal_frames: Positive | None = None
    """Frames, up to the current frame, that a causal network sees at each place with a block, and
    over which logits are averaged; null: clip.num_frames. Clips may be longer."""


class TrunkModel(Network):
    """`gta.backbones.TrunkNetwork`."""

    backbone: Literal["trunk"] = "trunk"
    network: str
    """"timm/<name>" or "torchvision/<name>"; or "lite0", "lite1", "lite2"."""
    after: str
    """The module whose feature map the head sees; what comes after it is not used."""
    pool: Positive = 3
    """Side of the grid of positions to which the feature map is averaged."""
    bottleneck: Positive | None = None
    """Channels to which features are brought before the blocks; null: the blocks see all."""
    heads: Positive = 1
    """Heads that differ in how they start, trained together; their logits are averaged."""
    width: Positive = 256
    """Channels of the head, after the blocks."""
    normalize: Literal["clip", "time", "none"] = "clip"
    """Standardize each channel over a clip ("clip"), or subtract its mean over time ("time")."""
    statistics: bool = False
    """The classifier also gets means and deviations from before that: for classes of states."""
    reader: Literal["mean", "order", "gru", "mixing"] = "mean"
    """How frames become one feature: "order" is all of them, "mixing" after MorphMLP."""
    causal: bool = False
    """No frame sees a later frame: a network for streams, which can run frame by frame."""
    causal_frames: Positive | None = None
    """Frames, up to the current frame, that a causal network sees at each place with a block, and
    over which logits are averaged; null: clip.num_frames. Clips may be longer."""
    dropout: Fraction = 0.0


Model = Annotated[
    FrameResNetModel | SlowFastModel | FrameWiseModel | TrunkModel, Field(discriminator="backbone")
]


class Clip(Data):
    """The clip that the network sees of a video."""

    num_frames: Positive = 8
    sampling: Mode = "segments"
    """Which frames; see `gta.data.sampling`."""
    stride: Positive | None = None
    """Distance of the clip's frames, for dense, pyslowfast and pyslowfast_offset."""
    size: Positive = 224
    """Height and width in pixels."""
    resize: Positive | tuple[Positive, Positive] | None = (240, 320)
    """Resizing before the crop in training: exactly (height, width), or the short side, or none."""
    mean: tuple[float, float, float] = (0.485, 0.456, 0.406)
    std: tuple[float, float, float] = (0.229, 0.224, 0.225)


class Augment(Data):
    """Random changes in training."""

    scales: tuple[Annotated[float, Field(gt=0, le=1)], ...] = (1, 0.875, 0.75, 0.66)
    """Multi-scale crop: sides as fractions of the short side."""
    scale_jitter: tuple[Positive, Positive] | None = None
    """In place of scales: the short side in pixels is drawn from this range, the crop from all."""
    flip: Literal["skip", "remap", "off"] = "skip"
    """Mirror half of the clips; skip directional classes, or remap them to the mirrored class."""
    rand_augment: tuple[Positive, Annotated[int, Field(ge=0, le=30)]] | None = None
    """[operations, magnitude] of RandAugment, such as [2, 9]."""
    color_jitter: Fraction = 0.0
    """Largest relative change of brightness, contrast and saturation."""
    erase: Fraction = 0.0
    """Probability that a random rectangle is erased, the same in all frames."""
    mixup: Annotated[float, Field(ge=0)] = 0.0
    """Alpha of mixup; 0: off."""
    cutmix: Annotated[float, Field(ge=0)] = 0.0
    """Alpha of CutMix; 0: off. With both, one of them is drawn for each batch."""
    repeats: Positive = 1
    """Repeated augmentation: clips of each video in an epoch, in the same batch."""
    views: Positive = 2
    """With train.freeze: views of each video that are kept, the first as in testing."""


class Train(Data):
    """Optimizer and schedule."""

    epochs: Positive = 50
    batch_size: Positive = 32
    """Clips of one step over all processes."""
    accumulate: Positive = 1
    """Parts in which a process computes its share of a batch, to save memory."""
    sync_bn: bool = False
    """Batch normalization over all processes instead of within each; on GPUs."""
    precise_bn: Annotated[int, Field(ge=0)] = 0
    """Batches over which running statistics are recomputed before each scoring; 0: off."""
    ema: Fraction = 0.0
    """Decay of the moving average of weights, which is then scored and kept; 0: off."""
    optimizer: Literal["sgd", "adamw"] = "sgd"
    lr: Annotated[float, Field(gt=0)] = 0.01
    lr_batch: Positive | None = None
    """Batch size that lr is meant for: it is scaled by batch_size / lr_batch. null: lr as it is."""
    schedule: Literal["steps", "cosine"] = "steps"
    milestones: tuple[Positive, ...] = (30, 40, 45)
    """Epochs after which the learning rate is divided by ten."""
    warmup_epochs: Annotated[float, Field(ge=0)] = 2
    """Linear warm-up from zero; a tenth of the epochs if there are not more epochs than this."""
    momentum: Fraction = 0.9
    nesterov: bool = False
    """Nesterov's form of momentum, as in PySlowFast."""
    weight_decay: Annotated[float, Field(ge=0)] = 5e-4
    """Not applied to biases and normalization."""
    matrix_lr_mult: Annotated[float, Field(gt=0)] = 1.0
    """The learning rate of GTA's matrices and positional embeddings is lr times this."""
    position_lr_mult: Annotated[float, Field(gt=0)] | None = None
    """The same factor for positional embeddings only; null: matrix_lr_mult."""
    matrix_weight_decay: Annotated[float, Field(ge=0)] = 5e-4
    """Weight decay of GTA's matrices and positional embeddings."""
    label_smoothing: Fraction = 0.0
    clip_norm: Annotated[float, Field(gt=0)] | None = 20.0
    """Largest norm of the gradient."""
    amp: bool = True
    """bf16 autocast on a GPU."""
    compile: bool | None = None
    """torch.compile, some two thirds of the time on a GPU; null: if the run is long enough."""
    cuda_graphs: bool | None = None
    """Record the steps on a GPU once and replay them without Python; null: if possible."""
    seed: Annotated[int, Field(ge=0)] = 0
    checkpoint_minutes: Annotated[float, Field(gt=0)] = 0.45
    """Most minutes of work that a crash may cost; the distance of checkpoints within an epoch
    follows from it and from the time to write them. There is one after each epoch, too."""
    keep_checkpoints: Positive = 2
    """How many of the newest checkpoints are kept: an older one replaces a damaged one."""
    max_nonfinite: Positive = 10
    """Steps in a row without a finite loss and gradient that end the training; each is skipped."""
    loggers: tuple[Literal["tensorboard", "wandb"], ...] = ()
    """Other programs that get the metrics of each epoch, besides metrics.csv and curves.png."""
    freeze: bool = False
    """Freeze the trunk, up to model.after: its features are computed once, then the head trains."""

    @property
    def warmup(self) -> float:
        """Epochs of warm-up; shorter than the training, or it would never reach its rate."""
        return self.warmup_epochs if self.warmup_epochs < self.epochs else self.epochs / 10


class Test(Data):
    """How videos are scored."""

    protocol: str = "1x1-center224"
    """crops x clips, region and size; see `gta.protocols`."""
    batch_size: Positive = 32
    """Views in a batch on each process."""


class DataSource(Data):
    """Which videos, and how they are read."""

    format: Literal["ssv1", "ssv2", "kinetics", "ucf101", "hmdb51", "folder", "list"]
    """How the data set is laid out; see `gta.data.videos.load_videos`."""
    root: str | None = None
    """The folder of the data set, or the folder or URL of its prepared copy."""
    val_fraction: Annotated[float, Field(gt=0, lt=1)] = 0.2
    """Share of each class kept for validation if the folder has no split of its own."""
    split_seed: Annotated[int, Field(ge=0)] = 0
    """Seed of that split; not train.seed, so that runs of several seeds have the same split."""
    keep_groups: bool = False
    """Keep videos of the same recording, by their names, in one part of that split."""
    scenes: str | None = None
    """A csv file with columns path and scene, for format folder: a scene stays in one part of that
    split, and `gta test` prints the score of each."""
    fold: Literal[1, 2, 3] = 1
    """Which official split of UCF101 or HMDB51."""
    train_list: str | None = None
    """The file of a "list", relative to the root; null: found by its name."""
    val_list: str | None = None
    """The same for the validation videos."""
    test_list: str | None = None
    """The same for the test videos."""
    workers: Annotated[int, Field(ge=0)] | None = None
    """Loader processes; null: one per core, at most 8, and 0 if all frames are in memory."""
    cache_gb: Annotated[float, Field(ge=0)] = 0.0
    """Memory for decoded frames in GB; 0 reads the files each time."""
    cache_dir: str | None = None
    """Folder for parts of remote shards on this machine; null: the user's cache folder."""
    shard_cache_gb: Annotated[float, Field(ge=0)] = 8.0
    """How many GB of remote shards are kept; 0: nothing."""
    features_gb: Annotated[float, Field(gt=0)] = 4.0
    """GB on the disk for features of frozen trunks; the least recently used are removed."""
    features_dir: str | None = None
    """Their folder; null: the user's cache folder."""
    max_unreadable: Fraction = 0.1
    """Share of unreadable training videos above which training stops."""


class Recipe(Data):
    """A complete experiment."""

    model: Model
    clip: Clip
    augment: Augment
    train: Train
    test: Test
    data: DataSource

    @model_validator(mode="after")
    def parts_agree(self) -> "Recipe":
        """Checks that involve several settings."""
        protocol = parse_protocol(self.test.protocol)
        resize, train = self.clip.resize, self.train
        smallest = min(resize) if isinstance(resize, tuple) else resize
        if smallest is not None and smallest < self.clip.size:
            raise ValueError(
                f"clip.resize={resize} is smaller than the clip, clip.size={self.clip.size}"
            )
        mistake = stride_mistake(self.clip.sampling, self.clip.stride)
        if mistake is not None:
            raise ValueError(f"clip.{mistake}")
        mistake = views_mistake(self.clip.sampling, protocol.num_clips)
        if mistake is not None:
            raise ValueError(mistake)
        jitter = self.augment.scale_jitter
        if jitter is not None and not self.clip.size <= jitter[0] <= jitter[1]:
            raise ValueError(
                f"augment.scale_jitter={list(jitter)} must ascend from clip.size={self.clip.size} "
                f"or more"
            )
        reach = getattr(self.model, "causal_frames", None)
        if reach is not None and not getattr(self.model, "causal", False):
            raise ValueError(
                f"model.causal_frames={reach} is for networks for streams: set model.causal=true, "
                f"or model.causal_frames=null"
            )
        if reach is not None and reach > self.clip.num_frames:
            raise ValueError(
                f"model.causal_frames={reach} is more than clips have, "
                f"clip.num_frames={self.clip.num_frames}: no training would ever see that far back"
            )
        if train.freeze and self.model.backbone != "trunk":
            raise ValueError(
                f"train.freeze is for a head over a trunk, model.backbone=trunk, and this is "
                f"{self.model.backbone}: take --model lite0_gta, or --model timm/NAME --freeze"
            )
        milestones = train.milestones
        if train.schedule == "steps" and milestones != tuple(sorted(set(milestones))):
            raise ValueError(f"train.milestones={list(milestones)} must be in ascending order")
        return self
