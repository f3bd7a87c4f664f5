"""Proofs: claims that hold for all valid states, and the certificates without which nothing is called proved."""

from __future__ import annotations

from dnnexplain.explain.proofs.certificate import Certificate, Claim, certify

__all__ = ["Certificate", "Claim", "certify"]
