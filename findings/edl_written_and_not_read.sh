#!/usr/bin/env bash
# OpenTimelineIO: an edit decision list is written at rate 29.97, and not read at the same rate.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check \
    opentimelineio==0.18.1 otio-cmx3600-adapter==1.0.0 setuptools

venv/bin/python - <<'PY'
import sys
from importlib.metadata import version

import opentimelineio as otio
from opentimelineio.opentime import RationalTime, TimeRange, from_timecode, to_timecode

print(f"OpenTimelineIO {otio.__version__}, otio-cmx3600-adapter {version('otio-cmx3600-adapter')}")
print("A timeline of one clip of 100 frames is written as a CMX 3600 list and read again, at the rates that")
print("people and file headers give for NTSC video: in two decimals, in three, and as a fraction.")
print()


def tried(call):
    try:
        return call()
    except ValueError as error:
        return f"refused ({error})"


def written(rate):
    timeline = otio.schema.Timeline("one clip")
    track = otio.schema.Track(kind="Video")
    timeline.tracks.append(track)
    there = TimeRange(RationalTime(0, rate), RationalTime(100, rate))
    media = otio.schema.ExternalReference("a.mp4", there)
    track.append(otio.schema.Clip("a", media, there))
    return otio.adapters.write_to_string(timeline, "cmx_3600", rate=rate)


def frames(text, rate):
    (clip,) = otio.adapters.read_from_string(text, "cmx_3600", rate=rate).tracks[0]
    return clip.source_range.duration.value


seen = {}
for rate in (29.97, 23.976, 59.94, 30000 / 1001):
    text = tried(lambda: written(rate))
    code = tried(lambda: to_timecode(RationalTime(100, rate)))
    again = tried(lambda: from_timecode(code, rate).value)
    seen[rate] = text.startswith("TITLE"), again, tried(lambda: frames(text, rate))
    print(f"{rate:.5f}: written {seen[rate][0]}; 100 frames are {code}, and back {again}; read: {seen[rate][2]}")

print()
print("Expected: what is written at a rate is read at that rate, or refused when it is written.")
odd = [seen[rate] for rate in (29.97, 23.976, 59.94)]
refused = all(w and str(a).startswith("refused") and str(r).startswith("refused") for w, a, r in odd)
if refused and seen[30000 / 1001] == (True, 100, 100):
    print("Seen:     to_timecode and the writer take 29.97 for 30000/1001, from_timecode and the reader do not.")
    sys.exit(0)
print("This has changed: writing and reading take the same rates.")
sys.exit(1)
PY
