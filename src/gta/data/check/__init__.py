"""`gta check`: what is wrong with a data set, a file for each kind of fault."""

from gta.data.check.report import CheckReport, check_videos

__all__ = ["CheckReport", "check_videos"]
