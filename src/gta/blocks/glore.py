"""Global reasoning unit (GloRe, Chen et al., CVPR 2019): a graph of a few nodes in between.

Axes: B batch, C channels, T, H, W, N = T*H*W, S states, K nodes.
"""

from torch import Tensor, nn

from gta.blocks.options import require_positive, width_of
from gta.blocks.zero_norm import zero_norm


class GloRe(nn.Module):
    """Global reasoning unit (GloRe): positions to nodes, a graph convolution, and back.

    Maps (B, C, T, H, W) to the same shape for any T, H and W. A 1x1 convolution assigns positions
    to K nodes, without a softmax; the same assignment leads back. Frames are treated as a set.

    Checked against `GloRe_Unit_3D` of the authors' code (facebookresearch/GloRe), of which
    `num_mid` is K = S/2.

    Args:
        channels: C.
        num_frames: Not used, since no parameter has a temporal axis; every block takes it.
        states: S, channels of a node; C/2 unless given.
        nodes: K; C/4 unless given.
        normalize: Divide the nodes by the number of positions; for inputs of varying size.
    """

    def __init__(
        self,
        channels: int,
        num_frames: int,
        *,
        states: int | None = None,
        nodes: int | None = None,
        normalize: bool = False,
    ):
        super().__init__()
        states = width_of(channels, 2, states)
        nodes = width_of(channels, 4, nodes)
        require_positive("states", states)
        require_positive("nodes", nodes)
        self.reduce = nn.Conv3d(channels, states, 1)
        self.project = nn.Conv3d(channels, nodes, 1)
        self.mix_nodes = nn.Conv1d(nodes, nodes, 1)
        self.mix_states = nn.Conv1d(states, states, 1, bias=False)
        self.extend = nn.Conv3d(states, channels, 1, bias=False)
        self.norm = zero_norm(channels)
        self.norm.eps = 1e-4  # the reference's
        self.normalize = normalize

    def regions(self, x: Tensor) -> Tensor:
        """The assignment of positions to nodes, (B, K, N); not normalised."""
        return self.project(x).flatten(2)

    def forward(self, x: Tensor) -> Tensor:
        assignment = self.regions(x)
        nodes = self.reduce(x).flatten(2) @ assignment.transpose(1, 2)  # (B, S, K)
        if self.normalize:
            nodes = nodes / assignment.shape[2]
        nodes = nodes + self.mix_nodes(nodes.transpose(1, 2)).transpose(1, 2)
        nodes = self.mix_states(nodes.relu())
        return x + self.norm(self.extend((nodes @ assignment).unflatten(2, x.shape[2:])))
