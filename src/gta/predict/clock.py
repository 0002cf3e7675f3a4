"""Times as people and subtitles write them."""


def clock(seconds: float, mark: str = ".") -> str:
    """A time as subtitles write it: hours, minutes, seconds, thousandths."""
    thousandths = round(seconds * 1000)
    minutes, rest = divmod(thousandths, 60_000)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02d}:{minutes:02d}:{rest // 1000:02d}{mark}{rest % 1000:03d}"
