"""The public door to the detectors of covariate and prior shift: the closed union of them."""

from __future__ import annotations

from detectors.cells import quantile
from detectors.chisquare import ChiSquare
from detectors.distances import JensenShannon, Psi, TotalVariation, Wasserstein
from detectors.kolmogorov import KolmogorovSmirnov
from detectors.moved import moved

__all__ = [
    "AnyDetector",
    "ChiSquare",
    "JensenShannon",
    "KolmogorovSmirnov",
    "Psi",
    "TotalVariation",
    "Wasserstein",
    "moved",
    "quantile",
]

AnyDetector = KolmogorovSmirnov | ChiSquare | Psi | JensenShannon | TotalVariation | Wasserstein
