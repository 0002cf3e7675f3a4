"""Features of frozen trunks, kept on the disk."""

from gta.features.extractor import Trunk
from gta.features.files import FeatureFiles, identity
from gta.features.scoring import feature_batches
from gta.features.videos import FrozenVideo, FrozenVideos

__all__ = ["FeatureFiles", "FrozenVideo", "FrozenVideos", "Trunk", "feature_batches", "identity"]
