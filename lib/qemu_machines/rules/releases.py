"""Rules on the releases that the manifest and the changelog name."""

from __future__ import annotations

from typing import Iterator

from ..diagnostics import nearest
from ..model import Model
from . import Problem, Rule


def series_unknown(model: Model) -> Iterator[Problem]:
    """A codename that distro-info does not know is a typing error, or very new."""
    named = [release.series for release in model.manifest.releases]
    for series in [model.upload.series, *named]:
        if series not in model.known:
            hint = nearest(series, model.known) or "distro-info --all lists the names"
            yield Problem(series, f'no release of Ubuntu or Debian is called "{series}"', hint)


RULES = (Rule("series-unknown", "error", "a release that does not exist", series_unknown),)
