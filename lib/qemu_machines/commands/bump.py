"""Edit the manifest for the next release or the next increment."""

from __future__ import annotations

import os
import re
from typing import NamedTuple, Optional, Sequence

from ..cli import debhelper
from ..cli.options import Options, WrongUsage
from ..findings import FINDINGS, PROGRAM, Finding, InputError, Mark, counted, few, in_order, split_lines
from ..inputs import files
from ..inputs.manifest import layout, load as manifest
from ..inputs.package import packaging
from ..model import bump_plan
from ..model.bump_plan import Refused, Settings, Step, Wishes
from ..model.derive import Model
from ..outputs import diff, edit, news as outputs_news
from . import console, load

# The options that are for one of the two only.
_OF_RELEASE = ("variants",)
_OF_INCREMENT = ("feature", "bug", "base", "set", "was", "machine", "compat", "patch", "description")


class Edited(NamedTuple):
    """The manifest before and after, as text; the model after, and what is wrong with it that was not before."""

    before: str
    after: str
    model: Model
    findings: list[Finding]


class News(NamedTuple):
    """The entry for NEWS, "" where users need none; the file that it goes into and what is in there.

    Without ``path`` it has to be put somewhere by hand.
    """

    entry: str
    path: str = ""
    text: str = ""

    @property
    def after(self) -> str:
        """What is to be in the file."""
        return "\n".join([self.entry, self.text] if self.text else [self.entry])


def run(options: Options) -> int:
    """Add to the manifest, prove that it means what was meant, and write it."""
    action, series = _asked(options)
    wishes = _wishes(options)
    before, lines = load.sound(options, tree_required=False)
    try:
        step = bump_plan.release(before, series, wishes) if action == "release" else bump_plan.increment(before, wishes)
        if step.series != before.upload.target:
            # The entry for the new release is still to be made: judge as if it were there.
            options = Options(**{**vars(options), "series": step.series})
            before = load.sound(options, tree_required=False).model
        edited = _edited(options, before, step, wishes)
    except Refused as error:
        console.report([Finding("input-unreadable", "error", error.mark, error.why, error.hint)], lines)
        return FINDINGS
    news = _news(options, edited.model)
    # What is written in the same run is not missing.
    findings = [finding for finding in edited.findings if finding.tag != "news-missing" or not news.path]
    console.report(findings, {options.manifest: split_lines(edited.after)})
    return console.status(findings) or _finish(options, before, edited, step, news)


def _asked(options: Options) -> "tuple[str, Optional[str]]":
    action, series = options.subjects[0], (options.subjects[1:] or [None])[0]
    if action not in ("release", "increment"):
        raise WrongUsage(f'bump takes release [SERIES], or increment, not "{action}"')
    if action == "increment" and series:
        raise WrongUsage(f"bump increment is for the release of the upload; --series={series} says another one")
    for name in _OF_INCREMENT if action == "release" else _OF_RELEASE:
        if getattr(options, name):
            raise WrongUsage(f"--{name} is not for bump {action}")
    if action == "increment":
        _ask_for_decisions(options)
    return action, series


def _ask_for_decisions(options: Options) -> None:
    """All that is missing at once: nobody can derive what a change is."""
    missing = []
    if not options.feature:
        missing.append('--feature="what guests of the new type get"')
    if not any(getattr(options, name) for name in ("base", "set", "was", "machine", "compat", "patch")):
        missing.append(
            "what makes the new type another one: --set=DRIVER.PROPERTY=VALUE, --machine=FIELD=VALUE, "
            "--compat=ARRAY, --base=VERSION, --was=DRIVER.PROPERTY=VALUE or --patch=FILE"
        )
    if missing:
        raise WrongUsage(f"bump increment needs {', and '.join(missing)}")


def _wishes(options: Options) -> Wishes:
    for name in _OF_INCREMENT:
        given = getattr(options, name) or ()
        for text in [given] if isinstance(given, str) else given:
            # Python keeps the bytes of an argument that are no text as halves of characters.
            if any("\ud800" <= character <= "\udfff" for character in text):
                raise WrongUsage(f"--{name} is not UTF-8 text")
    boards, variants = _words(options.boards), _words(options.variants)
    for name, words in (("boards", boards), ("variants", variants)):
        if words == ():
            raise WrongUsage(f"--{name} names nothing")
    return Wishes(
        feature=options.feature,
        bug=options.bug,
        boards=boards,
        variants=() if variants == ("none",) else variants,
        base=options.base,
        set=_settings("--set", options.set),
        was=_settings("--was", options.was),
        machine=_once("--machine", [_pair("--machine", item, "FIELD") for item in options.machine or ()]),
        compat=tuple(_once("--compat", [(item, item) for item in options.compat or ()])),
        patches=tuple(options.patch or ()),
        description=options.description,
    )


def _once(flag: str, pairs: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Pairs as a mapping: what is said twice is said once too often."""
    found: dict[str, str] = {}
    for name, value in pairs:
        if name in found:
            raise WrongUsage(f"{flag} gives {name} twice")
        found[name] = value
    return found


def _words(text: Optional[str]) -> Optional[tuple[str, ...]]:
    return None if text is None else tuple(dict.fromkeys(word for word in re.split(r"[,\s]+", text) if word))


def _pair(flag: str, text: str, what: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise WrongUsage(f'{flag} takes {what}=VALUE, not "{text}"')
    return name, value


def _settings(flag: str, given: Optional[Sequence[str]]) -> Settings:
    found: dict[str, dict[str, str]] = {}
    for text in given or ():
        name, value = _pair(flag, text, "DRIVER.PROPERTY")
        # A driver may have a dot in its name (power8_v2.0-spapr-cpu-core).
        driver, _, name = name.rpartition(".")
        if not driver or not name:
            raise WrongUsage(f'{flag} takes DRIVER.PROPERTY=VALUE, not "{text}"')
        if name in found.get(driver, {}):
            raise WrongUsage(f"{flag} gives {driver}.{name} twice")
        found.setdefault(driver, {})[name] = value
    return found


def _edited(options: Options, before: Model, step: Step, wishes: Wishes) -> Edited:
    """The manifest with the step. Raises Refused."""
    data = files.read_bytes(options.manifest, manifest.WHAT, root=files.root_of(options.manifest))
    text = files.decode(data, options.manifest, manifest.WHAT)
    root = layout.read(text)
    try:
        if step.number is None:
            new = edit.add_release(text, root, step.series, _of_release(text, root, step))
        else:
            new = edit.add_change(text, root, step.series, _of_increment(step, wishes))
    except edit.Impossible as error:
        place = Mark(options.manifest, *files.position(text, error.offset))
        raise Refused(place, error.why, "this has to be edited by hand") from None
    start = "\ufeff" if data.startswith(b"\xef\xbb\xbf") else ""
    after = load.read_inputs(options, tree_required=False, edited=(start + new).encode("utf-8"))
    if after.model is None:
        # Characters that no manifest may have, for example; there is no line of the file to show.
        raise Refused(Mark(options.manifest), f"with the addition, {after.unreadable[0].message}")
    return Edited(start + text, start + new, after.model, _wrong(before, after.model, step, wishes))


def _wrong(before: Model, after: Model, step: Step, wishes: Wishes) -> list[Finding]:
    """What an edit did wrong: to the format, to other types, or against a rule that was kept before."""
    if after.manifest.findings:
        return in_order(after.manifest.findings)
    where = Mark(after.manifest.file)
    differences = [
        Finding("input-unreadable", "error", where, f"with the addition, {what}", "this has to be edited by hand")
        for what in bump_plan.unexpected(before, after, step, wishes.was)
    ]
    known = {(finding.tag, finding.message) for finding in console.judge(before)}
    return differences or [finding for finding in console.judge(after) if (finding.tag, finding.message) not in known]


def _of_release(text: str, root: layout.Item, step: Step) -> edit.Entries:
    entries: list[tuple[str, edit.Value]] = [("qemu", step.qemu)]
    if step.boards is not None:
        entries.append(("boards", step.boards))
    if step.like and step.variants:
        entries.append(("variants", edit.taken_over(text, root, str(step.like.series), step.variants)))
    return entries


def _of_increment(step: Step, wishes: Wishes) -> edit.Entries:
    entries: list[tuple[str, Optional[edit.Value]]] = [
        ("increment", edit.Verbatim(str(step.number))),
        ("feature", wishes.feature),
        ("bug", step.bug),
        ("boards", step.boards),
        ("base", wishes.base),
        ("set", wishes.set),
        ("machine", wishes.machine),
        ("compat", wishes.compat),
        ("was", wishes.was),
        ("patches", wishes.patches),
        ("description", wishes.description),
    ]
    return [(key, value) for key, value in entries if value]


def _news(options: Options, derived: Model) -> News:
    """The entry for NEWS and where it goes: nowhere by itself if this version has one, or the place is not clear."""
    entry = outputs_news.entry(derived)
    path = packaging.news_file(load.place(options).debian) if entry else ""
    if not path or str(derived.upload.version) in derived.history.news:
        return News(entry)
    try:
        text = files.read_bytes(path, path, root=files.root_of(path)).decode("utf-8")
        # Its lines are shown, in a patch that could not be applied without them.
        files.refuse_controls(text, path, path)
        news = News(entry, path, text)
        # What could not be read again is not written.
        return news if files.fits(news.after) else News(entry)
    except (InputError, UnicodeDecodeError):
        return News(entry)


def _finish(options: Options, before: Model, edited: Edited, step: Step, news: News) -> int:
    """Write, and tell what is there to paste."""
    names = [machine.name for machine in bump_plan.added(before, edited.model)]
    item = diff.changelog_item(_what(edited.model, step, options.feature), names, step.bug)
    difference = diff.difference(options.manifest, edited.before, edited.after)
    difference += diff.difference(news.path, news.text, news.after) if news.path else ""
    act = debhelper.manner(options, os.environ).act
    data: dict[str, object] = {
        "series": step.series,
        "qemu": step.qemu,
        "increment": step.number,
        "types": names,
        "diff": difference,
        "changelog": item,
        "news": news.entry,
        "news_file": news.path or None,
        "written": act,
    }
    # Through a link, as an editor would.
    path = files.resolved(options.manifest, load.place(options).roots) if os.path.islink(options.manifest) else options.manifest
    wrong = console.write(options, {path: edited.after, **({news.path: news.after} if news.path else {})})
    if not wrong:
        to_paste = item if news.path or not news.entry else f"{item}\n\n{news.entry}"
        written = ", ".join([options.manifest, *([news.path] if news.path else [])])
        done = f"{PROGRAM}: {'wrote' if act else 'would write'} {written}: {counted(len(names), 'new machine type')} ({few(names)})"
        to_paste = to_paste.rstrip("\n")
        console.answer(options, data, f"{to_paste}\n\n{done}" if act else f"{difference}\n{to_paste}\n\n{done}")
    return wrong


def _what(model: Model, step: Step, feature: Optional[str]) -> str:
    if step.number is not None:
        return f"{feature}, with the new machine types "
    info = model.info(step.series)
    version = f" ({info.version})" if info and info.version else ""
    return f"machine types of {step.series}{version}, based on QEMU {step.qemu}: "
