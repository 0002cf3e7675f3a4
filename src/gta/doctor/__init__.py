"""What a machine has and what of it does not work, tried rather than looked up."""

from gta.doctor.examine import examine
from gta.doctor.observed import Observed, without_names

__all__ = ["Observed", "examine", "without_names"]
