"""Functions that do several steps of a block's forward at once, each with a plain twin.

They are called with the parts of a block. Where a part is not the plain layer that they know
(`parts.untouched`), and where a transform of torch's looks on, the parts are called one after the
other.
"""
