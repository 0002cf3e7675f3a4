"""Recipes made from options: named blocks, a frozen trunk, any network of timm."""

from collections.abc import Sequence

from gta.config import Block, FrameWiseModel, Model, Recipe, TrunkModel
from gta.errors import UsageError, nearest
from gta.recipes import find_recipe, read_recipe, with_settings

FROZEN = ("train.freeze=true", "train.lr=0.001", "train.epochs=20", "train.batch_size=8")
"""Settings that differ when a head over a frozen trunk is trained, not a whole network."""
HEAD = ("model.bottleneck=128", "model.heads=3")
"""That head: chosen by leaving out scenes of training clips (`experiments.real_frozen`)."""
_BASE = {"folder": "lite0", "ssv1": "r2d50", "ssv2": "r2d50", "k400": "c2d50", "ordered": "tiny"}
"""For each data set, the recipe whose settings train a network of timm."""


def changed_recipe(
    recipe: Recipe, blocks: str | None, settings: Sequence[str], *, freeze: bool
) -> Recipe:
    """A recipe with other blocks, or with its trunk frozen; settings come last.

    Raises:
        UsageError: A block that does not exist, or a network without a place for it.
    """
    model = recipe.model
    if blocks is not None:
        model = model.model_copy(update={"blocks": named_blocks(blocks)})
        if not isinstance(model, TrunkModel) and not _has_place(model):
            raise UsageError(
                f"--blocks {blocks}: this recipe has no places for blocks: name a model that "
                f"has them, such as r2d18_gta, or a network by its name, --model timm/resnet18"
            )
    recipe = recipe.model_copy(update={"model": model})
    return with_settings(recipe, [*_own_settings(model, freeze), *settings])


def _own_settings(model: Model, freeze: bool) -> tuple[str, ...]:
    """Settings that come before those of the user."""
    if not freeze:
        return ()
    return (*FROZEN, *HEAD) if isinstance(model, TrunkModel) else FROZEN


def named_blocks(names: str) -> tuple[Block, ...]:
    """Blocks with their defaults, from "sa,gta"; "none" is none.

    Raises:
        UsageError: There is none of that name.
    """
    from pydantic import TypeAdapter, ValidationError

    from gta.models import BLOCKS

    blocks, adapter = list[Block](), TypeAdapter(Block)
    for name in [] if names == "none" else names.split(","):
        try:
            blocks.append(adapter.validate_python({"block": name.strip()}))
        except ValidationError:
            raise UsageError(
                f"--blocks {names}: there is no block {name.strip()!r}."
                f"{nearest(name, list(BLOCKS))} Blocks: {', '.join(BLOCKS)}; or none"
            ) from None
    return tuple(blocks)


def network_recipe(
    name: str, data: str, blocks: str | None, settings: Sequence[str], *, freeze: bool
) -> Recipe:
    """A recipe for a network of timm or torchvision by its name.

    Blocks run after the last block of each stage of stride 8, 16 and 32, unless `model.at` is
    among the settings; with its trunk frozen, they are in the head after its last map.

    Args:
        name: "timm/NAME" or "torchvision/NAME".
        data: A data set that recipes are for.
        blocks: As `named_blocks` takes them; None: none.
        settings: Of the recipe.
        freeze: Whether the trunk is frozen.

    Raises:
        UsageError: There is no such network, block or data, or the network has no stages.
    """
    from gta.backbones import create_network
    from gta.backbones.stages import stage_ends

    base = read_recipe(find_recipe(data, _BASE.get(data, "")))
    network = create_network(name, num_classes=1)
    chosen = named_blocks(blocks or "none")
    names = {setting.partition("=")[0].strip() for setting in settings}
    made: Model
    if freeze:
        after = "" if "model.after" in names else stage_ends(network).popitem()[1]
        made = TrunkModel(network=name, after=after, blocks=chosen, weights="imagenet")
    else:
        ends = {} if "model.at" in names or not chosen else stage_ends(network)
        made = FrameWiseModel(
            network=name, blocks=chosen, at=tuple(ends.values()), weights="imagenet"
        )
        if ends:
            places = ", ".join(f"{path} (stride {stride})" for stride, path in ends.items())
            print(f"blocks {blocks} after {places}; others: --set model.at=[...]")
    config = getattr(network, "pretrained_cfg", None) or {}
    own = {key: tuple(config[key]) for key in ("mean", "std") if key in config}
    if not own and name.startswith("torchvision/"):
        own = {"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)}
    clip = base.clip.model_copy(update=own)
    recipe = base.model_copy(update={"model": made, "clip": clip})
    return with_settings(recipe, [*_own_settings(made, freeze), *settings])


def _has_place(model: Model) -> bool:
    return bool(model.at if isinstance(model, FrameWiseModel) else getattr(model, "placement", ()))
