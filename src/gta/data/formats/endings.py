"""Which files count as videos by their names: the one list that all who walk folders share.

The rule: an ending is on the list if cameras, phones, recorders, discs or editors write moving
pictures under it and FFmpeg reads them. Left out: animated WebP and APNG, which FFmpeg shows as one
picture or which look like pictures; raw camera files (.braw, .r3d); previews that lie beside their
videos (.lrv, .thm); endings of anything (.dat, .bin); playlists, which only name other files.
"""

from pathlib import PurePath

_KINDS = {
    "MP4 and QuickTime": "mp4 m4v mov qt f4v 3gp 3gpp 3g2 3gp2 mj2 ismv insv",
    "Matroska and WebM": "mkv mk3d webm",
    "AVI": "avi divx xvid",
    "Windows Media": "wmv asf wtv dvr-ms",
    "MPEG program streams, DVDs": "mpg mpeg mpe m2p vob evo vro mod tod",
    "MPEG transport streams, AVCHD, Blu-ray, television": "ts mts m2ts m2t tp trp",
    "streams without a container": "m1v m2v mpv h264 264 avc h265 265 hevc mjpeg mjpg ivf obu y4m",
    "Flash, Ogg, RealMedia": "flv ogv ogm rm rmvb",
    "television studios and tape": "mxf gxf dv dif",
    "surveillance, FFmpeg's own": "dav nut",
    "animated pictures": "gif",
}
VIDEO_SUFFIXES = tuple(f".{name}" for names in _KINDS.values() for name in names.split())
"""In lower case, with the dot."""
_SUFFIXES = frozenset(VIDEO_SUFFIXES)


def is_video_name(path: PurePath | str) -> bool:
    """Whether a file of this name counts as a video; capitals are no difference."""
    return PurePath(path).suffix.lower() in _SUFFIXES
