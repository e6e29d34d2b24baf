"""Recordings decoded in processes of their own, which may crash, hang or run out of memory without harm.

    from affekt.sandbox.pool import Decoders

    with Decoders(2) as pool:
        waveform = pool.decode("call.wav")

This module imports nothing: a decoder process passes through it, and is to be there at once.
"""
