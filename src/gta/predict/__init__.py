"""One predictor for whatever is given: a file, a folder of pictures, frames in memory."""

from gta.data.given import find_videos
from gta.predict.prediction import Prediction
from gta.predict.predictor import Predictor, load
from gta.predict.segments import Segment
from gta.predict.timeline import Timeline

__all__ = ["Prediction", "Predictor", "Segment", "Timeline", "find_videos", "load"]
