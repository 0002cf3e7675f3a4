"""Global reasoning unit (GloRe, Chen et al., CVPR 2019): a graph of a few nodes in between.

Axes: B batch, C channels, T, H, W, N = T*H*W, S states, K nodes.
"""

from torch import Tensor, nn

from gta.blocks.features import Projection, from_rows, require_feature, to_rows, zero_norm
from gta.blocks.fused.add_normalized import add_normalized
from gta.blocks.fused.parts import is_own
from gta.blocks.fused.products import project
from gta.blocks.options import require_positive, width_of


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
        self.reduce = Projection(channels, states)
        self.project = Projection(channels, nodes)
        self.mix_nodes = nn.Conv1d(nodes, nodes, 1)
        self.mix_states = nn.Conv1d(states, states, 1, bias=False)
        self.extend = Projection(states, channels, bias=False)
        self.norm = zero_norm(channels)
        self.norm.eps = 1e-4  # the reference's
        self.channels, self.normalize = channels, normalize

    def regions(self, x: Tensor) -> Tensor:
        """The assignment of positions to nodes, (B, K, N); not normalized."""
        require_feature(x, self.channels)
        return self.project(to_rows(x)).flatten(1, 3).transpose(1, 2)

    def forward(self, x: Tensor) -> Tensor:
        require_feature(x, self.channels)
        if is_own(self, "regions", _REGIONS):
            rows, states, assignment = project(to_rows(x), self.reduce, self.project)
            assignment = assignment.flatten(1, 3)  # (B, N, K)
        else:
            rows, states = project(to_rows(x), self.reduce)
            assignment = self.regions(x).transpose(1, 2)
        nodes = assignment.transpose(1, 2) @ states.flatten(1, 3)  # (B, K, S)
        if self.normalize:
            nodes = nodes / assignment.shape[1]
        nodes = (nodes + self.mix_nodes(nodes)).transpose(1, 2)  # (B, S, K)
        nodes = self.mix_states(nodes.relu()).transpose(1, 2)
        spread = (assignment @ nodes).unflatten(1, rows.shape[1:4])
        return from_rows(add_normalized(rows, (spread, self.extend, self.norm)), like=x)


_REGIONS = GloRe.regions
