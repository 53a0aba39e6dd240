"""The configuration's types: what an administration edits under conf/, validated as a whole before Spark starts.

Every error names the file, the key path and what is allowed (exit 2). Figures of law carry a date and a source;
`in_force` picks the entry valid on an as-of date.
"""

from jobs.conf.base import CaseSource, ConfError, Level, Money, Share, Sourced, Strict, Text, in_force
from jobs.conf.expect import Coverage, Expect, Limits
from jobs.conf.purposes import PurposeError, barred, misuses
from jobs.conf.reading import load, root, unusable
from jobs.conf.source import VAULT, Field_, Files, Known, Purpose, Source, Stage, Version, period
from jobs.conf.whole import (
    COMPREHENSIVE,
    Band,
    Capacity,
    Conf,
    Disclosure,
    Due,
    House,
    IndicatorParameters,
    Levels,
    Limitation,
    Office,
    Plan,
    Post,
    Ranking,
    RiskCode,
    Transition,
    Treatment,
    Wording,
)

__all__ = [
    "COMPREHENSIVE",
    "VAULT",
    "Band",
    "Capacity",
    "CaseSource",
    "Conf",
    "ConfError",
    "Coverage",
    "Disclosure",
    "Due",
    "Expect",
    "Field_",
    "Files",
    "House",
    "IndicatorParameters",
    "Known",
    "Level",
    "Levels",
    "Limitation",
    "Limits",
    "Money",
    "Office",
    "Plan",
    "Post",
    "Purpose",
    "PurposeError",
    "Ranking",
    "RiskCode",
    "Share",
    "Source",
    "Sourced",
    "Stage",
    "Strict",
    "Text",
    "Transition",
    "Treatment",
    "Version",
    "Wording",
    "barred",
    "in_force",
    "load",
    "misuses",
    "period",
    "root",
    "unusable",
]
