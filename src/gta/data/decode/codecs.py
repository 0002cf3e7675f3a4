"""Which decoders of FFmpeg a file may ask for, and which versions of FFmpeg are known to be unsafe.

FFmpeg has 300 video decoders, most of them for games and programs of the last century, and most
faults that a hostile file can use are in those. The list is what cameras, phones, recorders, discs,
editors and public data sets write. It is given to FFmpeg too, which decodes some frames while it
opens a file.
"""

from collections.abc import Sequence

import av

VIDEO = frozenset(
    (
        # phones, cameras, the web, surveillance
        *("h264", "hevc", "av1", "vp8", "vp9", "mjpeg", "h263", "h263p", "mpeg4", "apv"),
        # discs, broadcast, tape
        *("mpeg1video", "mpeg2video", "dvvideo", "vc1"),
        # older data sets and recorders: DivX 3, Windows Media, Flash, Ogg, RealMedia, QuickTime
        *("msmpeg4v1", "msmpeg4v2", "msmpeg4v3", "wmv1", "wmv2", "wmv3", "flv1", "vp6", "vp6a"),
        *("vp6f", "theora", "vp3", "rv10", "rv20", "rv30", "rv40", "svq1", "svq3", "mjpegb"),
        *("cinepak", "indeo3", "indeo5", "msvideo1", "msrle"),
        # studios and laboratories
        *("prores", "dnxhd", "cfhd", "jpeg2000", "ffv1", "huffyuv", "ffvhuff", "rawvideo"),
        *("v210", "r210", "png", "gif"),
    )
)
"""By FFmpeg's names of the kinds of compression."""

_DECODERS = (
    *("libdav1d", "libvpx", "libvpx-vp9", "msmpeg4", "flv"),  # of other names than their kind
    # sound is never decoded by us, but FFmpeg looks at some to tell how long its frames are
    *("aac", "aac_fixed", "aac_latm", "mp3", "mp3float", "mp2", "mp2float", "mp1", "mp1float"),
    *("ac3", "eac3", "opus", "libopus", "vorbis", "flac", "alac", "amrnb", "amrwb", "dca"),
    *("truehd", "mlp", "wmav1", "wmav2", "wmapro", "wmalossless", "cook", "ra_144", "ra_288"),
    *("sipr", "nellymoser", "speex", "qdm2", "qcelp", "gsm_ms", "adpcm_ms", "adpcm_swf"),
    *("adpcm_ima_wav", "adpcm_ima_qt", "adpcm_g726", "pcm_alaw", "pcm_mulaw", "pcm_u8"),
    *("pcm_s8", "pcm_s16le", "pcm_s16be", "pcm_s24le", "pcm_s24be", "pcm_s32le", "pcm_s32be"),
    *("pcm_f32le", "pcm_f32be", "pcm_bluray", "pcm_dvd", "s302m"),
)
WHITELIST = ",".join((*sorted(VIDEO), *_DECODERS))
"""Of decoders, for FFmpeg."""

_FLAWS = {
    "CVE-2026-40962": ((8, 1, 0), (8, 0, 3), (7, 1, 5)),
    "CVE-2026-8461 (in a decoder that is never opened here)": (
        *((8, 1, 2), (8, 0, 3), (7, 1, 5), (6, 1, 6), (5, 1, 10)),
    ),
}
"""What is publicly known and concerns reading files, with the first version without it of each
branch that was mended, the newest first (https://ffmpeg.org/security.html, CVE records)."""


def known_flaws(version: str | None = None) -> list[str]:
    """What is publicly known of a version of FFmpeg.

    Args:
        version: Such as "8.1.2"; None: of PyAV's own. Of what is no release, such as
            "N-120061-g", nothing is known.
    """
    parts = (version or av.ffmpeg_version_info).removeprefix("n").split("-")[0].split(".")
    if not all(part.isdecimal() for part in parts):
        return []
    number = tuple(map(int, [*parts, "0", "0"][:3]))
    return [flaw for flaw, mended in _FLAWS.items() if not _is_mended(number, mended)]


def _is_mended(number: tuple[int, ...], mended: Sequence[tuple[int, int, int]]) -> bool:
    """Whether a version came after what mended its branch, or is of a later branch than all."""
    of_branch = [first for first in mended if first[:2] == number[:2]]
    return number >= of_branch[0] if of_branch else number > mended[0]
