"""Checks of a machine and the installation, by trying things out."""

from gta.doctor.examine import examine
from gta.doctor.observed import Observed, without_names

__all__ = ["Observed", "examine", "without_names"]
