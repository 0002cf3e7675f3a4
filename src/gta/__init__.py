"""Video action recognition with Global Temporal Attention."""

__version__ = "0.1.0"
