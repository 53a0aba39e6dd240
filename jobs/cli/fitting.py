"""Does the configuration fit the code that stands: every name in it that only a room or a model knows.

jobs.conf is read by every room and may know none of them, so what they know is held against it here, where a place is opened.
"""

from __future__ import annotations

from jobs.analyse.features import FEATURES
from jobs.analyse.indicators import checked
from jobs.conf import Conf, ConfError, unusable
from models.candidates import CANDIDATES
from models.choose import ObjectiveError, objective


def must_fit(conf: Conf) -> None:
    """ConfError naming file, entry and remedy for every indicator, setting, candidate, feature or objective that nothing stands for."""
    if faults := [*_indicators(conf), *_ranking(conf)]:
        raise unusable(faults)


def _indicators(conf: Conf) -> list[str]:
    found = []
    for parameters in conf.indicators:
        if parameters.state == "retired":  # an indicator that is gone keeps its dated entries
            continue
        try:
            checked(parameters)
        except ConfError as fault:
            found.append(str(fault))
    return found


def _ranking(conf: Conf) -> list[str]:
    ranking, where = conf.ranking, "conf/rank.yaml"
    found = [f"{where}: candidates: '{c}' is none; known: {', '.join(CANDIDATES)}" for c in ranking.candidates if c not in CANDIDATES]
    names = {f.name for f in FEATURES}
    found += [f"{where}: forbidden_features: no feature '{f}'; docs/features.md lists them" for f in ranking.forbidden_features if f not in names]
    try:
        objective(ranking.objective)
    except ObjectiveError as fault:
        found.append(f"{where}: objective: {fault}")
    return found
