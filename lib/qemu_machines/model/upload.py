"""The upload: which release and dot release this build is for, and why.

Everything that the policy says depends on this, so every answer comes with the
line or the datum that it was found in.
"""

from __future__ import annotations

import datetime
import itertools
import re
from typing import Mapping, NamedTuple, Optional

from ..findings import InputError, Mark, Text
from . import dates, version
from .facts import UNRELEASED, Changelog, Entry, Heading, ReleaseInfo, Releases, Vendor
from .releases import has_dot_releases, homes, with_manifest
from .values import Change, DotRelease, Manifest, Release

DEVELOPMENT, RELEASED, END_OF_LIFE, UNKNOWN = "development", "released", "end-of-life", "unknown"
_POCKET = re.compile(r"(.+?)-(proposed-updates|proposed|updates|security|backports-sloppy|backports)")
# Debian's uploads to these are for the release that comes next.
_UNSTABLE = {"unstable": "sid", "sid": "sid", "experimental": "experimental"}
# To a vendor that distro-info does not know, these are its own.
_ROLLING = ("unstable", "sid", "experimental", "testing")
# Kinds of uploads that bring the QEMU of another release.
_OF_ANOTHER = ("backport", "cloud-archive")
# How many entries below the top are looked at.
_DEEPEST = 1000
_SUITES = ("oldoldstable", "oldstable", "stable", "testing")


class Upload(NamedTuple):
    """The top entry of the changelog with all that follows from it.

    ``series`` is the codename; ``target`` the release whose types are being
    made, another one only for Debian's unstable and experimental (the release
    to come). ``kind`` is development, security, feature, update, backport or
    cloud-archive. ``heading`` and ``trailer`` are the first and the last line of
    the entry as they are written. ``info`` is None for a series that nothing knows. ``because``
    tells for each item where it is from. ``unreleased`` is the word in the place of the series where the
    entry is not finished and nobody said for which release it is.
    """

    series: Text
    target: str
    info: Optional[ReleaseInfo]
    pocket: str
    state: str
    end: Optional[datetime.date]
    kind: str
    dot_release: Optional[DotRelease]
    version: Text
    upstream: str
    reference: datetime.date
    vendor: str
    outdated: bool
    bugs: tuple[Text, ...]
    cves: tuple[Text, ...]
    others: tuple[Text, ...]
    heading: str
    trailer: str
    because: Mapping[str, str]
    unreleased: Optional[Text] = None


class Earlier(NamedTuple):
    """What went out to the release of an upload before it, and after the upload that a record is of.

    ``uploads`` are the versions, newest first. ``record_day`` is the day of the
    record's upload, None where the changelog does not have it. To a ``rebuild``,
    which adds nothing, they say what it did not change, and not that it is wrong.
    """

    uploads: tuple[Text, ...] = ()
    record_day: Optional[datetime.date] = None
    rebuild: bool = False


class Question(NamedTuple):
    """What the command line and the environment say besides the files; ``source`` is QEMU's VERSION, where there is one."""

    series: Optional[str] = None
    date: Optional[str] = None
    epoch: Optional[str] = None
    vendor: Optional[Vendor] = None
    source: Optional[Text] = None


class _Place(NamedTuple):
    """Where an upload goes: the series with its pocket, and how that was found."""

    series: Text
    pocket: str
    cloud: bool
    others: tuple[Text, ...]
    because: str


def upload_of(entry: Changelog, manifest: Optional[Manifest], releases: Releases, question: Question) -> Upload:
    """Everything about an upload. Raises InputError where it has no date or no version of QEMU."""
    heading = entry.heading
    because: dict[str, str] = {}
    releases = with_manifest(releases, manifest)
    reference, because["reference_date"] = _reference(entry, question)
    qemu, because["upstream"] = _upstream(heading.version, question.source)
    place = _place(entry, manifest, releases, question, qemu.minor, reference)
    because["series"] = place.because
    target = _target(place.series, releases, reference)
    info = releases.by_series.get(target)
    origin = info.origin if info else "not known"
    because["version"] = because["lts"] = origin
    end, column = end_of_support(info, manifest)
    because["end"] = f"{origin}, {column}" if end else "not known"
    state, because["state"] = _state(info, reference, end, column)
    if info and place.series in _ROLLING and place.series != target == releases.rolling:
        state, because["state"] = DEVELOPMENT, f"{place.series} of {info.distribution} leads to its newest release"
    kind, because["kind"] = _kind(entry, manifest, place, state, qemu.minor, info)
    dot, because["dot_release"] = _dot_release(info, state, reference)
    vendor, because["vendor"] = _vendor(question.vendor, manifest, info)
    return Upload(
        series=place.series,
        target=target,
        info=info,
        pocket=place.pocket,
        state=state,
        end=end,
        kind=kind,
        dot_release=dot,
        version=heading.version,
        upstream=qemu.minor,
        reference=reference,
        vendor=vendor,
        outdated=_outdated(info, manifest, releases, reference),
        bugs=entry.bugs,
        cves=entry.cves,
        others=place.others,
        heading=entry.first,
        trailer=entry.last,
        because=because,
        unreleased=None if question.series else next((distribution for distribution in heading.distributions if distribution == UNRELEASED), None),
    )


def _upstream(declared: Text, source: Optional[Text]) -> tuple[version.QemuVersion, str]:
    """The QEMU of an upload; a recipe may give a version of its own, and then only the source can tell."""
    found = version.parse(declared)
    if found:
        return found, f"{declared.mark} {declared}"
    found = version.parse(source) if source else None
    if source and found:
        return found, f"{source.mark} {source}"
    hint = "begin with the one of the source, as 1:8.2.2+ds-1; in a recipe, with {debupstream}; --sourcedir names the source"
    raise InputError(declared.mark, f'"{declared}" is not a version of QEMU', hint)


def _reference(entry: Changelog, question: Question) -> tuple[datetime.date, str]:
    """The day on which this upload is judged: never today, so that a rebuild is judged alike."""
    if question.date is not None:
        try:
            if re.fullmatch(r"\d{4}-\d\d-\d\d", question.date, re.A):
                return datetime.date.fromisoformat(question.date), "--date"
        except ValueError:
            pass
        raise InputError(Mark("--date"), f'"{question.date}" is not a date', "write 2024-04-25")
    if question.epoch:
        try:
            if not re.fullmatch(r"\d+", question.epoch, re.A):
                raise ValueError
            moment = datetime.datetime.fromtimestamp(int(question.epoch), datetime.timezone.utc)
        except (ValueError, OverflowError, OSError):
            message = f'"{question.epoch}" is not a number of seconds since 1970'
            raise InputError(Mark("SOURCE_DATE_EPOCH"), message) from None
        return moment.date(), f"SOURCE_DATE_EPOCH={question.epoch}"
    if entry.date is None:
        raise InputError(
            entry.heading.version.mark,
            "this entry has no date, and SOURCE_DATE_EPOCH is not set",
            "finish the entry (dch -r), or give --date",
        )
    return dates.moment(entry.date).date(), f"{entry.date.mark} {entry.date}"


def _place(
    entry: Changelog,
    manifest: Optional[Manifest],
    releases: Releases,
    question: Question,
    minor: str,
    reference: datetime.date,
) -> _Place:
    if question.series is not None:
        series, pocket = _series(Text(question.series, Mark("--series")), releases, reference)
        return _Place(series, pocket, False, (), "--series")
    heading, note = entry.heading, ""
    inherits = UNRELEASED in heading.distributions and bool(entry.released)
    if inherits:
        heading, which = _below(entry.released, manifest, releases, reference)
        note = f"{entry.heading.distributions[0].mark} is UNRELEASED; {which} below: "
    words = heading.distributions
    first = words[0]
    series, pocket = _series(first, releases, reference)
    other = f": {pocket} is no pocket of the main archive" if pocket and not _POCKET.fullmatch(f"a-{pocket}") else ""
    others = tuple(word for word in words[1:] if _series(word, releases, reference)[0] != series)
    if _is_cloud(entry.heading):
        release = _shipped(manifest, minor)
        found = Text(release.series if release else first, first.mark)
        where = f"{release.qemu.mark} qemu {release.qemu}" if release else f"no release of the manifest shipped {minor}"
        return _Place(found, "", True, others, f"{note}{first.mark} {first} is the Cloud Archive; {where}")
    # Where the entry below went says nothing of where this one will go: the next after a security update may be a feature.
    return _Place(series, "" if inherits else pocket, False, others, f"{note}{first.mark} {first}{other}")


def _below(
    headings: tuple[Heading, ...], manifest: Optional[Manifest], releases: Releases, reference: datetime.date
) -> tuple[Heading, str]:
    """The entry that an UNRELEASED one has its series from, and which that is in words.

    The newest of the manifest's own vendor: a merge has another's on top.
    """
    for heading in headings if manifest else ():
        info = releases.by_series.get(_series(heading.distributions[0], releases, reference)[0])
        if manifest and info and info.distribution == manifest.vendor:
            return heading, f"the newest entry of {manifest.vendor}"
    return headings[0], "the newest entry"


def _series(word: Text, releases: Releases, reference: datetime.date) -> tuple[Text, str]:
    """The series and the pocket of a word in the distribution field."""
    plain, pocket = _parted(word, releases)
    width = len(word) - (len(pocket) + 1 if pocket else 0)
    plain = releases.names.get(plain, plain)
    if not releases.rolling and plain not in releases.names:
        plain = _UNSTABLE.get(plain, plain)
        if plain in _SUITES:
            plain = _suite(plain, releases, reference) or plain
    return Text(plain, word.mark._replace(width=width)), pocket


def _parted(word: str, releases: Releases) -> tuple[str, str]:
    """A name and a pocket: also one of another archive than the main one, behind a name that is known."""
    known = {*releases.by_series, *releases.names, *_UNSTABLE, *_SUITES}
    match = _POCKET.fullmatch(word)
    if word in known or match:
        return (word, "") if word in known or match is None else (match[1], match[2])
    dashes = [place for place, character in enumerate(word) if character == "-"]
    return next(((word[:place], word[place + 1 :]) for place in reversed(dashes) if word[:place] in known), (word, ""))


def earlier(entry: Changelog, found: Upload, releases: Releases, record: Optional[str]) -> Earlier:
    """The entries below the top that went out to the same release, each judged at its own day.

    With the version that a record is of, those after it; without a record, the
    newest only. Only an update of a released series has them: before, nobody
    relies on anything, and a backport is of another release, whose own updates
    are judged.
    """
    if found.state not in (RELEASED, END_OF_LIFE) or found.kind in _OF_ANOTHER:
        return Earlier()
    rebuild = version.is_rebuild(found.version)
    uploads: list[Text] = []
    day = found.reference
    # Nothing that is deeper down is of any use, in whatever a hostile changelog has.
    for below in itertools.islice(entry.below(), _DEEPEST):
        day = _day(below, day)
        if below.heading.version == record:
            return Earlier(tuple(uploads), day, rebuild)
        if _went_to(below.heading, releases, day) == found.series:
            uploads.append(below.heading.version)
            if record is None:
                break
    if record is not None:
        # Its upload is not in the changelog: it was frozen for a version that was changed afterwards.
        last = version.order(record)
        uploads = [upload for upload in uploads if version.order(upload) > last]
    return Earlier(tuple(uploads), None, rebuild)


def is_later(record: str, entry: Changelog) -> bool:
    """Whether the version that a record is of is later than an upload: neither it nor anything below it."""
    below = (name.heading.version for name in itertools.islice(entry.below(), _DEEPEST))
    version_here = entry.heading.version
    return version.order(record) > version.order(version_here) and record not in (version_here, *below)


def _day(below: Entry, later: datetime.date) -> datetime.date:
    """The day of an entry; where it says none that can be read, that of the entry above."""
    try:
        return dates.moment(below.date).date() if below.date else later
    except InputError:
        return later


def _went_to(heading: Heading, releases: Releases, day: datetime.date) -> str:
    """The release that an entry went out to: Debian's unstable leads to the one that came next; "" for none."""
    if _is_cloud(heading) or "~bpo" in heading.version or version.is_rebuild(heading.version):
        return ""
    series, pocket = _series(heading.distributions[0], releases, day)
    if series in ("experimental", UNRELEASED) or series in _ROLLING and releases.rolling or pocket.startswith("backports"):
        return ""
    return _target(series, releases, day)


def _suite(suite: str, releases: Releases, reference: datetime.date) -> Optional[str]:
    """The codename that a suite of Debian had on a day."""
    rows = [row for row in releases.by_series.values() if row.distribution == "Debian" and row.version]
    rows.sort(key=lambda row: row.created or datetime.date.min)
    out = [row.series for row in rows if row.release and row.release <= reference]
    if suite == "testing":
        coming = [row.series for row in rows if not row.release or row.release > reference]
        return coming[0] if coming else None
    back = {"stable": 1, "oldstable": 2, "oldoldstable": 3}[suite]
    return out[-back] if len(out) >= back else None


def _is_cloud(heading: Heading) -> bool:
    """Ubuntu's Cloud Archive (``jammy-caracal``) has ``~cloud0`` in its versions."""
    # The name alone will not do: a mistyped pocket looks the same.
    return re.search(r"~cloud\d", heading.version) is not None


def _shipped(manifest: Optional[Manifest], minor: str) -> Optional[Release]:
    """The newest release of the manifest that shipped a QEMU."""
    found = [release for release in (manifest.releases if manifest else ()) if release.qemu == minor]
    return found[-1] if found else None


def own_releases(upload: Upload, manifest: Manifest, releases: Releases) -> int:
    """How many releases of the manifest, from the oldest on, this upload has; those after them are to come.

    The last of them is the upload's own, if the manifest has that at all. A
    backport's own is the release whose QEMU it brings.
    """
    names = [str(release.series) for release in manifest.releases]
    own = _declared(upload.target, manifest)
    if upload.kind == "backport" and (own is None or own.qemu != upload.upstream):
        own = _shipped(manifest, upload.upstream) or own
    if own:
        return names.index(str(own.series)) + 1
    later = (number for number, name in enumerate(names) if _is_later(releases.by_series.get(name), upload.info))
    return next(later, len(names))


def _is_later(row: Optional[ReleaseInfo], other: Optional[ReleaseInfo]) -> bool:
    """Whether a release of a distribution comes after another; Debian's to come have no day of release yet."""
    if row is None or other is None or row.distribution != other.distribution:
        return False
    last = datetime.date.max
    return (row.release or last, row.created or last) > (other.release or last, other.created or last)


def _target(series: str, releases: Releases, reference: datetime.date) -> str:
    if series in _ROLLING and series not in releases.names and releases.rolling:
        return releases.rolling
    if series in _UNSTABLE.values():
        return _suite("testing", releases, reference) or series
    return series


def _declared(series: str, manifest: Optional[Manifest]) -> Optional[Release]:
    return manifest.by_series.get(series) if manifest else None


def end_of_support(
    info: Optional[ReleaseInfo], manifest: Optional[Manifest]
) -> tuple[Optional[datetime.date], str]:
    """The last day of support, in the column that the policy chose."""
    if info is None:
        return None, ""
    wanted = manifest.support if manifest else "eol-server"
    # An interim release has the column eol only; a paid extension never shortens it.
    for column in (wanted, "eol"):
        if column in info.ends:
            return info.ends[column], column
    return None, wanted


def _state(
    info: Optional[ReleaseInfo], reference: datetime.date, end: Optional[datetime.date], column: str
) -> tuple[str, str]:
    if info is None:
        return UNKNOWN, "not known"
    where = info.said or "distro-info"
    if info.release is None and info.said:
        return UNKNOWN, f"no day of release in {where}"
    if info.release is None or reference < info.release:
        day = f"release {info.release}" if info.release else "no day of release"
        return DEVELOPMENT, f"{day} in {where}, reference date {reference}"
    if end and reference > end:
        return END_OF_LIFE, f"{column} {end} in {where}, reference date {reference}"
    return RELEASED, f"released {info.release}, reference date {reference}"


def changes_of_upload(entry_bugs: tuple[Text, ...], cves: tuple[Text, ...], release: Optional[Release]) -> list[Change]:
    """The changes of a release whose bug or CVE this upload names."""
    named = {str(text) for text in (*entry_bugs, *cves)}
    return [change for change in (release.changes if release else ()) if named & set(change.references())]


def _kind(
    entry: Changelog, manifest: Optional[Manifest], place: _Place, state: str, minor: str, info: Optional[ReleaseInfo]
) -> tuple[str, str]:
    """What sort of upload it is: where it goes first, then what it carries."""
    where = f"{place.series.mark} {place.series}"
    if place.cloud:
        return "cloud-archive", where
    if place.pocket.startswith("backports") or "~bpo" in entry.heading.version:
        return "backport", f"{entry.heading.version.mark} {entry.heading.version}, {where}"
    source = _backported(entry.heading.version, manifest, place.series, minor, info)
    if source:
        return "backport", f"{entry.heading.version.mark} {entry.heading.version}; {source.qemu.mark} {source.series} has qemu {source.qemu}"
    if place.pocket == "security":
        return "security", f"{where}-security"
    if state in (DEVELOPMENT, UNKNOWN):
        return "development", f"the state is {state}"
    changes = changes_of_upload(entry.bugs, entry.cves, _declared(place.series, manifest))
    for change in changes:
        if change.kind.name in ("feature", "security"):
            return change.kind.name, f"{change.kind.text.mark} {change.kind.name}: {change.kind.text}"
    if entry.cves:
        return "security", f"{entry.cves[0].mark} {entry.cves[0]}"
    if entry.heading.urgency in ("high", "emergency", "critical"):
        return "update", f"{entry.heading.version.mark} urgency {entry.heading.urgency}, no CVE"
    return "update", "no CVE, no feature of the manifest named"


def _backported(
    declared: str, manifest: Optional[Manifest], series: str, minor: str, info: Optional[ReleaseInfo]
) -> Optional[Release]:
    """The release whose QEMU an upload with the version of a backport brings to another, older one; None for others."""
    own, source = _declared(series, manifest), _shipped(manifest, minor)
    if source is None or source is own or own and own.qemu == minor:
        return None
    return source if version.is_backport(declared, series, info.version if info else "") else None


def _dot_release(info: Optional[ReleaseInfo], state: str, reference: datetime.date) -> tuple[Optional[DotRelease], str]:
    """The first dot release whose day is not before the reference date."""
    if info is None or state in (DEVELOPMENT, UNKNOWN):
        return None, f"the state is {state}"
    if not has_dot_releases(info):
        return None, "no LTS" if info.distribution == "Ubuntu" else f"{info.origin}: no LTS and no dot-releases"
    for row in info.dot_releases:
        if row.date >= reference:
            return row, f"{row.origin}: {info.version}.{row.number} {row.state} {row.date}, reference date {reference}"
    if not info.dot_releases:
        return None, "no day of a dot release is known"
    last = info.dot_releases[-1]
    return None, f"after {info.version}.{last.number}, {last.date} ({last.origin})"


def _vendor(vendor: Optional[Vendor], manifest: Optional[Manifest], info: Optional[ReleaseInfo]) -> tuple[str, str]:
    """The distribution that is built for.

    A machine's own origin only counts where it fits the manifest: a maintainer
    checks Ubuntu's packaging on Debian too.
    """
    wanted = str(manifest.vendor) if manifest else None
    # dpkg finds a vendor by its name in lower case.
    if vendor and wanted and wanted.lower() == vendor.names[0].lower():
        return wanted, vendor.origin
    if vendor and not vendor.explicit and info and wanted == info.distribution:
        return info.distribution, f"{info.series} is of {info.distribution}"
    if vendor and (vendor.explicit or wanted is None or wanted in vendor.names):
        return vendor.names[0], vendor.origin
    if info and info.distribution:
        return info.distribution, f"{info.series} is of {info.distribution}"
    return "", f"{vendor.origin} says {vendor.names[0]}, the series is not known" if vendor else "not known"


def _outdated(
    info: Optional[ReleaseInfo], manifest: Optional[Manifest], releases: Releases, reference: datetime.date
) -> bool:
    """Whether the release data is too old for this upload's distribution."""
    distributions = {info.distribution} if info else homes(releases, manifest) if manifest else {"Ubuntu"}
    # Of a vendor that it does not know at all, no data is ever new enough.
    return any(releases.outdated(name, reference) for name in ("Debian", "Ubuntu") if name in distributions)


def as_data(upload: Upload) -> dict[str, object]:
    """The document of ``explain upload --format json``, also the upload of ``check``."""
    info = upload.info
    return {
        "series": str(upload.series),
        "version": info.version or None if info else None,
        "lts": info.lts if info else None,
        "state": upload.state,
        "kind": upload.kind,
        "dot_release": upload.dot_release.number if upload.dot_release else None,
        "upstream": upload.upstream,
        "reference_date": upload.reference.isoformat(),
        "release": info.release.isoformat() if info and info.release else None,
        "end": upload.end.isoformat() if upload.end else None,
        "vendor": upload.vendor,
        "because": dict(upload.because),
    }
