"""Four parts that share no document, so that what is proved on one owes nothing to the others."""

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from evals.calibrate.samples import Sample


class Part(StrEnum):
    """What a part of the samples is for."""

    FIT = "fit"
    CALIBRATE = "calibrate"
    TUNE = "tune"
    CERTIFY = "certify"


# A logistic regression of about ten weights has what it needs in a few hundred answers, a scale of two
# numbers in fewer, and the grid only says where to begin. A proof is what many answers buy: 5 % at 90 %
# takes 45 accepted answers without one error and 306 with ten, so certifying gets the largest part.
SHARES: Mapping[Part, float] = {Part.FIT: 0.30, Part.CALIBRATE: 0.20, Part.TUNE: 0.15, Part.CERTIFY: 0.35}
SHARES_WITHOUT_FIT: Mapping[Part, float] = {Part.CALIBRATE: 0.30, Part.TUNE: 0.20, Part.CERTIFY: 0.50}
"""Where the stacker is taken over from another calibrator, and only the scale and thresholds are fitted."""
SHARES_FOR_OTHERS: Mapping[Part, float] = {
    Part.FIT: 0.50,
    Part.CALIBRATE: 0.25,
    Part.TUNE: 0.10,
    Part.CERTIFY: 0.15,
}
"""Where nothing is certified: the last two parts only show where thresholds lie."""


@dataclass(frozen=True, slots=True)
class Parts:
    """The samples of each part, in the order given; no cluster is in two of them."""

    fit: tuple[Sample, ...]
    calibrate: tuple[Sample, ...]
    tune: tuple[Sample, ...]
    certify: tuple[Sample, ...]


def split(samples: Sequence[Sample], seed: int, shares: Mapping[Part, float] = SHARES) -> Parts:
    """Every set's clusters dealt out by hash, each to the part furthest behind its share of the set."""
    clusters: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for sample in samples:
        clusters[sample.cluster.partition(":")[0]][sample.cluster] += 1
    part_of: dict[str, Part] = {}
    for sizes in clusters.values():
        part_of |= _dealt(sizes, seed, shares)
    dealt = {part: tuple(s for s in samples if part_of[s.cluster] is part) for part in Part}
    return Parts(dealt[Part.FIT], dealt[Part.CALIBRATE], dealt[Part.TUNE], dealt[Part.CERTIFY])


def _dealt(sizes: Mapping[str, int], seed: int, shares: Mapping[Part, float]) -> dict[str, Part]:
    """The part of each of a set's clusters."""
    filled = dict.fromkeys(shares, 0)
    part_of: dict[str, Part] = {}
    for cluster in sorted(sizes, key=lambda name: hashlib.sha256(f"{seed}:{name}".encode()).digest()):
        size = sizes[cluster]
        part = min(shares, key=lambda name: (filled[name] + size / 2) / shares[name])
        part_of[cluster] = part
        filled[part] += size
    return part_of
