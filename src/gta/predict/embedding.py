"""The features that a network's classifier sees, whatever the network."""

from collections.abc import Iterator
from contextlib import contextmanager

from torch import Tensor, nn

from gta.errors import UsageError


class ClassifierInputs:
    """The inputs of the classifier in the last pass of a network.

    The classifier is the layer with an output for each class that runs last.

    Args:
        num_classes: Of the network.
    """

    def __init__(self, num_classes: int):
        self.num_classes = num_classes
        self._last: Tensor | None = None

    @contextmanager
    def watched(self, model: nn.Module) -> Iterator[None]:
        """Passes of `model` within are watched."""
        layers = [module for module in model.modules() if self._fits(module)]
        handles = [layer.register_forward_pre_hook(self._keep) for layer in layers]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    def of(self, num_clips: int) -> Tensor:
        """The mean over frames and positions of each clip, float32 (num_clips, D).

        Raises:
            UsageError: No layer of the network is a classifier.
        """
        inputs, self._last = self._last, None
        if inputs is None or inputs.shape[0] % num_clips:
            raise UsageError(
                f"this network has no embeddings: its last layer is no linear one or convolution "
                f"with {self.num_classes} outputs, one for each class"
            )
        return inputs.reshape(num_clips, -1, inputs.shape[-1]).mean(1)

    def _fits(self, module: nn.Module) -> bool:
        if isinstance(module, nn.Linear):
            return module.out_features == self.num_classes
        if isinstance(module, nn.Conv1d | nn.Conv2d | nn.Conv3d):
            return module.out_channels == self.num_classes
        return False

    def _keep(self, module: nn.Module, args: tuple[Tensor, ...]) -> None:
        features = args[0].detach().float()
        if not isinstance(module, nn.Linear):
            features = features.movedim(1, -1)
        self._last = features
