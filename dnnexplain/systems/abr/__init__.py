"""Adaptive bitrate: which quality a video player asks for next (Mao et al., SIGCOMM 2017)."""
