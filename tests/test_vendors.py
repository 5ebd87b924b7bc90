"""Debian, derivatives and private archives: whose releases they are, and what follows."""

from __future__ import annotations

import re

import pytest
from conftest import ROOT, Run
from test_reports import PATH, changelog, manifest, upload
from trees import MANIFEST, Tree

NOTE = "dh_qemu_machines: note: no QEMU source here, so not checked: "


def findings(run: Run, *arguments: str, **more: object) -> list[str]:
    """What check finds, each as "LINE:COLUMN message [tag]" and with its hint behind it."""
    done = run("check", *arguments, **more)
    found: list[str] = []
    for line in done.stderr.splitlines():
        match = re.match(r"dh_qemu_machines: (?:error|warning): debian/(\S+): (.*)", line)
        if match:
            found.append(f"{match[1]} {match[2]}")
        elif "= hint: " in line:
            found[-1] += f" | {line.partition('= hint: ')[2]}"
    return found


# Who a release is of.


def test_the_manifests_word_for_a_codename_of_debian(tree: Tree, run: Run) -> None:
    manifest(tree, "Proxmox VE", '  bullseye: {qemu: "7.2", version: "7.4", release: 2021-07-06, lts: false}\n')
    changelog(tree, "7.2.0-8", "bullseye", "Fri, 17 Mar 2023 12:00:00 +0200")
    environment = {"DEB_VENDOR": "Proxmox VE"}
    done = run("explain", "upload", env=environment)
    place = f"{PATH}:7:3 bullseye"
    assert [line.split() for line in done.stdout.splitlines() if re.match("version|LTS|released|supported|state|dot", line)] == [
        ["version", "7.4", *place.split()],
        ["LTS", "no", *place.split()],
        ["released", "2021-07-06", *place.split()],
        "supported until not known not known".split(),
        "state released released 2021-07-06, reference date 2023-03-17".split(),
        f"dot release none {place}: no LTS and no dot-releases".split(),
    ]
    assert run("explain", "pc-q35-bullseye", env=environment).stdout.startswith("pc-q35-bullseye: Proxmox VE 7.4 PC (Q35 + ICH9, 2009)\n")
    assert findings(run, env=environment) == []


def test_what_the_manifest_does_not_say_is_not_debians(tree: Tree, run: Run) -> None:
    manifest(tree, "Proxmox VE", '  bullseye: {qemu: "7.2", version: "7.4"}\n  bookworm: {qemu: "8.0", eol: 2026-07-31}\n')
    changelog(tree, "8.0.2-3", "bookworm", "Fri, 17 Mar 2028 12:00:00 +0200")
    assert upload(run, "version", "LTS", "released", "supported", "state", env={"DEB_VENDOR": "Proxmox VE"}) == [
        "version none", "LTS not known", "released no day yet", "supported until 2026-07-31", "state unknown",
    ]  # fmt: skip
    assert run("explain", "pc-q35-bookworm").stdout.startswith("pc-q35-bookworm: Proxmox VE bookworm PC (")


def test_deprecation_goes_by_the_manifests_end_of_support(tree: Tree, run: Run) -> None:
    """Debian's bullseye ended on 2024-08-14; this vendor's did two years later."""
    manifest(
        tree,
        "Proxmox VE",
        '  bullseye: {qemu: "7.2", version: "7.4", release: 2021-07-06, eol: 2026-07-31, lts: true}\n'
        '  bookworm: {qemu: "8.0", version: "8.0", release: 2023-06-22, eol: 2028-07-31, lts: true}\n',
        "policy: {retention: while-buildable}\n",
    )
    for day, deprecated in (("Fri, 31 Jul 2026 12:00:00 +0000", False), ("Sat, 01 Aug 2026 12:00:00 +0000", True)):
        changelog(tree, "8.0.2-3", "bookworm", day)
        shown = run("explain", "pc-q35-bullseye", env={"DEB_VENDOR": "Proxmox VE"}).stdout
        assert ("deprecated: support of Proxmox VE 7.4 ended on 2026-07-31" in shown) == deprecated
    assert "supported until 2026-07-31" in shown


DEEPIN = '  beige: {qemu: "8.2", version: "23", release: 2024-08-15, lts: true}\n'


@pytest.mark.parametrize("word", ["unstable", "sid", "experimental", "testing"])
def test_unstable_of_a_vendor_is_its_own(tree: Tree, run: Run, word: str) -> None:
    manifest(tree, "Deepin", DEEPIN)
    changelog(tree, "1:8.2.0+ds-1deepin15", word, "Tue, 27 May 2025 17:04:30 +0800")
    environment = {"DEB_VENDOR": "Deepin"}
    assert findings(run, env=environment) == []
    assert upload(run, "series", "for", "version", "state", "kind", env=environment) == [
        f"series {word}", "for release beige", "version 23", "state development", "kind development",
    ]  # fmt: skip


def test_unstable_of_debian_is_its_next_release(tree: Tree, run: Run) -> None:
    manifest(tree, "Debian", '  trixie: {qemu: "10.0"}\n')
    changelog(tree, "1:10.0.0+ds-2", "unstable", "Tue, 27 May 2025 17:04:30 +0800")
    assert upload(run, "for", "state", env={"DEB_VENDOR": "Debian"}) == ["for release trixie", "state development"]


def test_a_name_that_the_manifest_gives_to_a_release(tree: Tree, run: Run) -> None:
    manifest(
        tree,
        "Examplix",
        '  aster: {qemu: "10.0", version: "5", release: 2025-12-01, eol: 2028-12-01, lts: true,\n'
        "          distributions: [examplix-5, bookworm-examplix, stable]}\n"
        '  aster-rolling: {qemu: "10.2", version: "2026.1", release: 2026-01-10, lts: false}\n',
    )
    for word, series, pocket in (
        ("aster", "aster", ""),
        ("examplix-5", "aster", ""),
        ("bookworm-examplix", "aster", ""),
        ("stable", "aster", ""),
        ("aster-rolling", "aster-rolling", ""),
        ("examplix-5-security", "aster", "security"),
        ("aster-rolling-updates", "aster-rolling", ""),
    ):
        changelog(tree, "1:10.0.2+ds-1", word, "Tue, 13 Jan 2026 17:04:30 +0000")
        found = upload(run, "series", "for", "kind", env={"DEB_VENDOR": "Examplix"})
        assert found == [f"series {series}", "kind security" if pocket else "kind update"]


@pytest.mark.parametrize(
    "more, expected",
    [
        ("distributions: [aster, sid]", []),
        ("distributions: [dahlia]", ['8:41: "dahlia" means dahlia already']),
        ("distributions: [five, a b]", ['8:47: "a b" is not a name for a changelog']),
        ("release: 2025-12-01, eol: 2025-11-30", ["8:51: support ends before the release of aster (2025-12-01)"]),
        ("eol: 2025-11-31", ['8:30: "2025-11-31" is not a date']),
    ],
)
def test_what_a_release_may_say_of_itself(tree: Tree, run: Run, more: str, expected: list[str]) -> None:
    dahlia = '  dahlia: {qemu: "9.2", version: "4", release: 2024-12-01, lts: true}\n'
    manifest(tree, "Examplix", dahlia + f'  aster: {{qemu: "10.0", {more}}}\n')
    changelog(tree, "1:10.0.2+ds-1", "dahlia", "Tue, 13 Jan 2026 17:04:30 +0000")
    wrong = [line for line in findings(run, env={"DEB_VENDOR": "Examplix"}) if "manifest-format" in line]
    assert [line.partition(" ")[0] for line in wrong] == [f"qemu-machines.yaml:{text.partition(': ')[0]}" for text in expected] or not expected
    for line, text in zip(wrong, expected):
        assert text.partition(": ")[2] in line


# Pockets that no list has.


@pytest.mark.parametrize(
    "word, vendor, series, pocket",
    [
        ("noble-acme", "Ubuntu", "noble", "acme"),
        ("noble-acme-staging", "Ubuntu", "noble", "acme-staging"),
        ("jammy-caracal", "Ubuntu", "jammy", "caracal"),
        ("bookworm-fasttrack", "Debian", "bookworm", "fasttrack"),
        ("stable-acme", "Debian", "trixie", "acme"),
    ],
)
def test_a_pocket_of_another_archive(tree: Tree, run: Run, word: str, vendor: str, series: str, pocket: str) -> None:
    manifest(tree, vendor, f'  {series}: {{qemu: "8.2"}}\n', "policy: {retention: while-buildable}\n")
    changelog(tree, "1:8.2.2+ds-1", word, "Tue, 27 Oct 2026 17:04:30 +0000")
    done = run("explain", "upload")
    assert f"debian/changelog:1:21 {word}: {pocket} is no pocket of the main archive\n" in done.stdout
    assert upload(run, "series") == [f"series {series}"]
    assert not [line for line in findings(run) if "series-unknown" in line or "distro-data" in line]


def test_a_known_pocket_needs_no_word(tree: Tree, run: Run) -> None:
    manifest(tree, "Ubuntu", '  noble: {qemu: "8.2"}\n')
    changelog(tree, "1:8.2.2+ds-1", "noble-proposed")
    assert run("explain", "upload").stdout.splitlines()[0].endswith("debian/changelog:1:21 noble-proposed")


@pytest.mark.parametrize(
    "vendor, releases, word, expected",
    [
        ("Debian", '  trixie: {qemu: "10.0"}\n', "trixei",
         'changelog:1:22 no release of Ubuntu or Debian is called "trixei" [series-unknown] | did you mean "trixie"?'),
        ("Debian", '  trixie: {qemu: "10.0"}\n', "nobel",
         'changelog:1:22 no release of Ubuntu or Debian is called "nobel" [series-unknown] | distro-info --all lists the names'),
        ("Deepin", DEEPIN, "nobel",
         'changelog:1:22 nothing tells which release of Deepin "nobel" is [series-unknown] | '
         "say for which release this is with --series, or add the name to the distributions of one"),
        ("Deepin", DEEPIN, "baige",
         'changelog:1:22 nothing tells which release of Deepin "baige" is [series-unknown] | did you mean "beige"?'),
        ("Deepin", DEEPIN, "stable",
         'changelog:1:22 nothing tells which release of Deepin "stable" is [series-unknown] | '
         "say for which release this is with --series, or add the name to the distributions of one"),
        ("Deepin", '  crimson: {qemu: "10.0", version: "25"}\n', "crimson",
         'qemu-machines.yaml:7:3 nothing tells which release of Deepin "crimson" is [series-unknown] | '
         "distro-info does not know Deepin: give the release its release and lts"),
    ],
)  # fmt: skip
def test_a_name_that_nobody_knows(tree: Tree, run: Run, vendor: str, releases: str, word: str, expected: str) -> None:
    manifest(tree, vendor, releases)
    changelog(tree, "1:10.0.2+ds-1", word, "Tue, 27 Jan 2026 17:04:30 +0000")
    assert expected in [line.replace("debian/", "") for line in findings(run, env={"DEB_VENDOR": vendor})]


# Another vendor's release.


@pytest.mark.parametrize(
    "vendor, declares, series, version, of",
    [
        ("Debian", '  trixie: {qemu: "10.0"}\n', "noble", "1:10.0.2+ds-2~ppa1", "noble is a release of Ubuntu"),
        ("Debian", '  trixie: {qemu: "10.0"}\n', "noble", "1:10.0.2+ds-2~ubuntu24.04.1", "noble is a release of Ubuntu"),
        ("Ubuntu", '  noble: {qemu: "8.2"}\n', "bookworm", "1:8.2.2+ds-0ubuntu1", "bookworm is a release of Debian"),
        ("Ubuntu", '  noble: {qemu: "8.2"}\n', "bookworm-backports", "1:8.2.2+ds-0ubuntu1~bpo12+1", "bookworm is a release of Debian"),
        ("Ubuntu", '  noble: {qemu: "8.2"}\n', "unstable", "1:10.1.2+ds-1", "forky is a release of Debian"),
        ("Deepin", DEEPIN, "trixie", "1:8.2.0+ds-1deepin15", "trixie is a release of Debian"),
    ],
)
def test_another_vendors_release(tree: Tree, run: Run, vendor: str, declares: str, series: str, version: str, of: str) -> None:
    manifest(tree, vendor, declares)
    changelog(tree, version, series, "Tue, 27 Jan 2026 17:04:30 +0000")
    message = f'{of}, and the manifest is for "{vendor}"'
    hint = "is another manifest meant (--manifest), another release (--series), or another vendor (DEB_VENDOR)?"
    assert findings(run) == [f"changelog:1:{len(version) + 9} {message} [vendor-mismatch] | {hint}"]
    assert run("check").returncode == 1
    for words in (["release"], ["increment", "--feature=x", "--machine=max_cpus=8"]):
        done = run("bump", *words)
        assert done.returncode == 1
        assert message in done.stderr and hint in done.stderr
        assert "new machine type" not in done.stdout


def test_bump_adds_no_release_of_another_vendor(tree: Tree, run: Run) -> None:
    manifest(tree, "Debian", '  trixie: {qemu: "10.0"}\n')
    changelog(tree, "1:10.0.2+ds-2", "trixie", "Tue, 27 Jan 2026 17:04:30 +0000")
    done = run("bump", "release", "resolute", "--no-act")
    assert done.returncode == 1
    assert f'{PATH}: resolute is a release of Ubuntu, and the manifest is for "Debian"\n' in done.stderr


def test_a_mismatch_that_is_accepted_hides_nothing_else(tree: Tree, run: Run) -> None:
    manifest(tree, "Debian", '  trixie: {qemu: "10.0"}\n')
    text = tree.read(PATH)
    tree.write(PATH, text + "overrides:\n- {rule: vendor-mismatch, release: noble, reason: a test, bug: \"#1\"}\n")
    changelog(tree, "1:10.0.2+ds-2~ppa1", "noble", "Tue, 27 Jan 2026 17:04:30 +0000")
    assert [line.partition("[")[2].partition("]")[0] for line in findings(run)] == ["default-not-latest"]


def test_a_derivative_that_has_debians_releases(tree: Tree, run: Run) -> None:
    """It says nothing of them itself, so they are what Debian says, and the next one is no other vendor's."""
    manifest(tree, "Raspbian", '  bookworm: {qemu: "7.2"}\n')
    changelog(tree, "1:10.0.2+ds-2+rpt1", "trixie", "Tue, 27 Jan 2026 17:04:30 +0000")
    assert "vendor-mismatch" not in str(findings(run, env={"DEB_VENDOR": "Raspbian"}))


# Backports.


@pytest.mark.parametrize(
    "version, kind",
    [
        ("1:2.5+dfsg-5ubuntu10.14~precise0+exo1", "backport"),
        ("1:2.5+dfsg-5ubuntu10.14~ubuntu12.04.1", "backport"),
        ("1:2.5+dfsg-5ubuntu10.14~12.04.1~ppa1", "backport"),
        ("1:2.5+dfsg-5ubuntu10.14~bpo12.04+1", "backport"),
        ("1:2.5+dfsg-5ubuntu10.14", "update"),
        ("1:1.0+dfsg-5ubuntu10.14~precise1", "update"),
        ("1:2.5+dfsg-5ubuntu10.14~trusty1", "update"),
    ],
)
def test_backports_to_a_release_that_the_manifest_does_not_have(tree: Tree, run: Run, version: str, kind: str) -> None:
    manifest(tree, "Ubuntu", '  trusty: {qemu: "2.0"}\n  xenial: {qemu: "2.5"}\n', "policy: {retention: while-buildable}\n")
    changelog(tree, version, "precise", "Wed, 17 May 2017 08:33:45 +0200")
    assert upload(run, "kind") == [f"kind {kind}"]
    assert (findings(run) == []) == (kind == "backport")
    if kind == "backport":
        assert "\n  alias vend-q35 (" in run("explain", "pc-q35-xenial").stdout


@pytest.mark.parametrize("version, kind", [("1:10.0.2+ds-2~bpo12+1", "backport"), ("1:10.0.2+ds-2~deb12u1", "update")])
def test_backports_and_stable_updates_of_debian(tree: Tree, run: Run, version: str, kind: str) -> None:
    manifest(tree, "Debian", '  bookworm: {qemu: "7.2"}\n  trixie: {qemu: "10.0"}\n')
    changelog(tree, version, "bookworm", "Tue, 27 Jan 2026 17:04:30 +0000")
    assert upload(run, "kind") == [f"kind {kind}"]


# Dot releases.


def increment(run: Run, vendor: str) -> "tuple[str, list[str]]":
    done = run("bump", "increment", "--feature=better", "--set=virtio-net-pci.mq=on", env={"DEB_VENDOR": vendor})
    assert done.returncode == 0, done.stderr
    return done.stdout, [line for line in findings(run, env={"DEB_VENDOR": vendor}) if re.search(r"\[(increment|description)-", line)]


@pytest.mark.parametrize(
    "vendor, releases, series, version, day, number, text",
    [
        ("Ubuntu", '  noble: {qemu: "8.2"}\n', "noble", "1:8.2.2+ds-0ubuntu1.12", "Mon, 15 Dec 2025", 4, "Ubuntu 24.04.4 PC"),
        ("Debian", '  trixie: {qemu: "10.0"}\n', "trixie", "1:10.0.6+ds-0+deb13u2", "Mon, 03 Nov 2025", 2, "Debian 13.2 PC"),
        ("Debian", '  trixie: {qemu: "10.0"}\n', "trixie", "1:10.0.6+ds-0+deb13u9", "Mon, 02 Nov 2026", 8, "Debian 13.8 PC"),
        ("Debian", '  bookworm: {qemu: "7.2"}\n', "bookworm", "1:7.2+dfsg-7+deb12u9", "Mon, 04 Nov 2024", 8, "Debian 12.8 PC"),
        ("Examplix", '  aster: {qemu: "10.0", version: "5", release: 2025-12-01, lts: true}\n', "aster", "1:10.0.2+ds-2", "Mon, 02 Feb 2026",
         1, "Examplix 5.1 PC"),
        ("Examplix", '  aster: {qemu: "10.0", version: "2026.1", release: 2025-12-01, lts: true}\n', "aster", "1:10.0.2+ds-2", "Mon, 02 Feb 2026",
         1, "Examplix 2026.1.1 PC"),
        ("Examplix", '  aster: {qemu: "10.0", version: "5", release: 2025-12-01, lts: false}\ndot-releases:\n  aster: {1: 2026-01-15, 2: 2026-03-15}\n',
         "aster", "1:10.0.2+ds-2", "Mon, 02 Feb 2026", 2, "Examplix 5.2 PC"),
    ],
)  # fmt: skip
def test_check_accepts_what_bump_increment_writes(
    tree: Tree, run: Run, vendor: str, releases: str, series: str, version: str, day: str, number: int, text: str
) -> None:
    manifest(tree, vendor, releases)
    changelog(tree, version, series, f"{day} 10:00:00 +0000")
    assert run("freeze", "--series", series, env={"DEB_VENDOR": vendor}).returncode == 0
    told, found = increment(run, vendor)
    assert f"pc-q35-{series}-{number}" in told
    # A day that is only planned may be told as a warning; this number is what it is for.
    assert found == []
    assert run("explain", f"pc-q35-{series}-{number}", env={"DEB_VENDOR": vendor}).stdout.startswith(f"pc-q35-{series}-{number}: {text} (")


def test_any_next_number_does_where_nothing_tells_of_dot_releases(tree: Tree, run: Run) -> None:
    changes = "    changes:\n    - {increment: %s, feature: better, set: {virtio-net-pci: {mq: \"on\"}}, bug: \"#1\"}\n"
    aster = '  aster:\n    qemu: "10.0"\n    version: "5"\n    release: 2025-12-01\n    lts: %s\n'
    changelog(tree, "1:10.0.2+ds-2", "aster", "Mon, 02 Feb 2026 10:00:00 +0000", "Better (Closes: #1)")
    manifest(tree, "Examplix", aster % "true")
    assert run("freeze", env={"DEB_VENDOR": "Examplix"}).returncode == 0
    changelog(tree, "1:10.0.2+ds-3", "aster", "Tue, 03 Feb 2026 10:00:00 +0000", "Better (Closes: #1)", tree.read("debian/changelog"))
    manifest(tree, "Examplix", aster % "true" + changes % 7)
    assert [line for line in findings(run, env={"DEB_VENDOR": "Examplix"}) if "increment" in line] == []
    manifest(tree, "Examplix", aster % "false" + changes % 7)
    assert [line for line in findings(run, env={"DEB_VENDOR": "Examplix"}) if "increment" in line] == [
        "qemu-machines.yaml:13:19 pc-i440fx-aster-7, pc-q35-aster-7: aster has no dot releases and gets no increments "
        "[increment-outside-lts] | put the change into the next release; or give it lts: true, or the days of its dot releases (dot-releases)"
    ]
    manifest(tree, "Examplix", (aster % "true").replace("    lts: true\n", "").replace("aster", "bookworm") + changes % 7)
    changelog(tree, "1:10.0.2+ds-3", "bookworm", "Tue, 03 Feb 2026 10:00:00 +0000", "Better (Closes: #1)")
    assert [line for line in findings(run, env={"DEB_VENDOR": "Examplix"}) if "increment-" in line] == []


def test_a_point_release_that_was(tree: Tree, run: Run) -> None:
    """After the last that is known, any number will do that is later."""
    changes = "    changes:\n    - {increment: %s, feature: better, set: {virtio-net-pci: {mq: \"on\"}}, bug: \"#1\"}\n"
    changelog(tree, "1:10.0.6+ds-0+deb13u8", "trixie", "Mon, 02 Nov 2026 10:00:00 +0000", "Better (Closes: #1)")
    manifest(tree, "Debian", '  trixie:\n    qemu: "10.0"\n')
    assert run("freeze", env={"DEB_VENDOR": "Debian"}).returncode == 0
    changelog(tree, "1:10.0.6+ds-0+deb13u9", "trixie", "Tue, 03 Nov 2026 10:00:00 +0000", "Better (Closes: #1)", tree.read("debian/changelog"))
    for number, wrong in ((9, 0), (3, 1)):
        manifest(tree, "Debian", '  trixie:\n    qemu: "10.0"\n' + changes % number)
        found = [line for line in findings(run, env={"DEB_VENDOR": "Debian"}) if "increment" in line]
        assert len(found) == wrong
    assert "pc-i440fx-trixie-3, pc-q35-trixie-3: the number is 3, but 13.7 was on 2026-09-12 [increment-not-dot-release]" in found[0]


@pytest.mark.parametrize(
    "version, description, told",
    [
        ("13", "Acme 13.2 PC", ""),
        ("13", "Acme 13 PC", ""),
        ("13", "Acme 12 PC", ""),
        ("13", "Acme 12.2 PC", "12.2"),
        ("13", "Acme 13.2.1 PC", "13.2"),
        ("24.04", "Acme 24.04.2 PC", ""),
        ("24.04", "Acme 24.10 PC", "24.10"),
        ("24.04", "Acme 24.10.1 PC", "24.10"),
        ("2026.1", "Acme 2026.1 PC", ""),
        ("2026.1", "Acme 2026.1.3 PC", ""),
        ("2026.1", "Acme 2026.2 PC", "2026.2"),
        ("7.4", "Acme VE 9.9 PC", ""),
    ],
)
def test_the_version_in_a_description(version: str, description: str, told: str) -> None:
    from qemu_machines.model.descriptions import wrong_version

    assert wrong_version(description, "Acme", "aster", version) == (f"the description says {told}, aster is {version}" if told else "")


# Support.


@pytest.mark.parametrize("column, end", [("eol", "2028-08-09"), ("eol-lts", "2030-06-30"), ("eol-elts", "2035-06-30")])
def test_the_columns_of_debian(tree: Tree, run: Run, column: str, end: str) -> None:
    manifest(tree, "Debian", '  trixie: {qemu: "10.0"}\n', f"policy: {{support: {column}}}\n")
    changelog(tree, "1:10.0.2+ds-2", "trixie", "Tue, 27 Jan 2026 17:04:30 +0000")
    assert upload(run, "supported") == [f"supported until {end}"]


@pytest.mark.parametrize(
    "vendor, releases, column, has",
    [
        ("Debian", '  trixie: {qemu: "10.0"}\n', "eol-esm", "eol, eol-lts, eol-elts"),
        ("Ubuntu", '  noble: {qemu: "8.2"}\n', "eol-lts", "eol, eol-server, eol-esm, eol-legacy"),
    ],
)
def test_a_column_that_the_vendor_does_not_have(tree: Tree, run: Run, vendor: str, releases: str, column: str, has: str) -> None:
    manifest(tree, vendor, releases, f"policy: {{support: {column}}}\n")
    changelog(tree, "1:10.0.2+ds-2", re.findall(r"\w+", releases)[0], "Tue, 27 Jan 2026 17:04:30 +0000")
    assert f'qemu-machines.yaml:6:19 distro-info has no column "{column}" for {vendor} [manifest-format] | {vendor} has {has}' in [
        line.replace("debian/", "") for line in findings(run)
    ]


@pytest.mark.parametrize(
    "releases, series, expected",
    [
        ('  beige: {qemu: "8.2"}\n', "beige",
         ["  none: distro-info does not know Deepin; version, release, eol and lts of a release in the manifest tell",
          "  not known: nothing tells when a release beige of Deepin came out"]),
        (DEEPIN, "beige", ["  none: no two releases of Deepin are out and supported, only beige"]),
        (DEEPIN + '  crimson: {qemu: "10.0", version: "25", release: 2025-01-02, eol: 2028-01-01, lts: true}\n', "crimson",
         ["  beige        to crimson      until 2028-01-01"]),
    ],
)  # fmt: skip
def test_explain_paths_says_why_there_are_none(tree: Tree, run: Run, releases: str, series: str, expected: list[str]) -> None:
    manifest(tree, "Deepin", releases)
    changelog(tree, "1:8.2.0+ds-1deepin15", series, "Tue, 27 May 2025 17:04:30 +0800")
    done = run("explain", "paths", env={"DEB_VENDOR": "Deepin"})
    assert (done.returncode, done.stderr) == (0, "")
    assert [line for line in done.stdout.splitlines() if line in expected] == expected


def test_a_rolling_release_with_a_dash(tree: Tree, run: Run) -> None:
    manifest(tree, "Kali", '  kali-rolling: {qemu: "9.2", version: "2025.1", release: 2025-03-19, lts: false}\n')
    changelog(tree, "1:9.2.0+ds-5kali1", "kali-rolling", "Tue, 25 Feb 2025 17:04:30 +0800")
    assert findings(run, env={"DEB_VENDOR": "Kali"}) == []
    assert upload(run, "series", "version", "state", env={"DEB_VENDOR": "Kali"}) == ["series kali-rolling", "version 2025.1", "state development"]
    shown = run("explain", "pc-q35-kali-rolling", env={"DEB_VENDOR": "Kali"}).stdout
    assert shown.startswith("pc-q35-kali-rolling: Kali 2025.1 PC (Q35 + ICH9, 2009)\n")


def test_old_data_is_no_reason_for_a_vendor_that_it_never_had(tree: Tree, run: Run) -> None:
    manifest(tree, "Deepin", DEEPIN)
    changelog(tree, "1:8.2.0+ds-1deepin15", "crimson", "Tue, 27 May 2035 17:04:30 +0800")
    found = findings(run, env={"DEB_VENDOR": "Deepin"})
    assert [line.rpartition("[")[2].partition("]")[0] for line in found if "crimson" in line][:1] == ["series-unknown"]
    assert "distro-data-outdated" not in str(found)


def test_a_merge_of_debians_is_ubuntus(tree: Tree, run: Run) -> None:
    """UNRELEASED above Debian's entry goes by the newest of Ubuntu's, and is no mismatch."""
    tree.write(PATH, MANIFEST)
    changelog(tree, "1:7.2+dfsg-5ubuntu1", "lunar", "Mon, 13 Mar 2023 10:00:00 +0000")
    changelog(tree, "1:7.2+dfsg-6", "unstable", "Tue, 28 Mar 2023 10:00:00 +0000", below=tree.read("debian/changelog"))
    changelog(tree, "1:7.2+dfsg-6ubuntu1", "UNRELEASED", "Wed, 29 Mar 2023 10:00:00 +0000", below=tree.read("debian/changelog"))
    assert findings(run) == []


def test_an_unreleased_entry_goes_to_no_pocket(tree: Tree, run: Run) -> None:
    changes = "    changes:\n    - {increment: 4, feature: better, bug: \"LP: #2131822\", set: {x86_64-cpu: {x-arch-cap-always-on: \"off\"}}}\n"
    manifest(tree, "Ubuntu", '  jammy: {qemu: "6.2"}\n  noble:\n    qemu: "8.2"\n' + changes)
    changelog(tree, "1:8.2.2+ds-0ubuntu1.12", "noble-security", "Mon, 15 Dec 2025 10:00:00 +0200")
    changelog(tree, "1:8.2.2+ds-0ubuntu1.13", "UNRELEASED", "Wed, 17 Dec 2025 08:33:45 +0200", "Types v2 (LP: #2131822)", tree.read("debian/changelog"))
    assert upload(run, "series", "kind") == ["series noble", "kind feature"]
    assert "increment-for-security" not in str(findings(run))


# Private archives.


def test_a_private_change_is_a_variant(tree: Tree, run: Run) -> None:
    """The example of the manual page: nothing of the distribution's moves, and its next increment cannot collide."""
    pod = (ROOT / "man/dh_qemu_machines.pod").read_text(encoding="utf-8")
    section = pod.partition("=head2 PPAs")[2].partition("=head1")[0]
    (example,) = re.findall(r"(?m)^ noble:\n(?: .*\n)+", section)
    manifest(tree, "Ubuntu", '  jammy: {qemu: "6.2"}\n  noble:\n    qemu: "8.2"\n')
    changelog(tree, "1:8.2.2+ds-0ubuntu1.3", "noble", "Mon, 15 Sep 2025 10:00:00 +0000")
    assert run("freeze").returncode == 0
    manifest(tree, "Ubuntu", '  jammy: {qemu: "6.2"}\n' + re.sub("(?m)^ ", "  ", example))
    changelog(tree, "1:8.2.2+ds-0ubuntu1.3+acme1", "noble", "Tue, 16 Sep 2025 10:00:00 +0000", below=tree.read("debian/changelog"))
    assert [line for line in findings(run) if "news-missing" not in line] == []
    shown = run("explain", "pc-q35-noble-acme").stdout
    assert shown.startswith("pc-q35-noble-acme: Ubuntu 24.04 PC (Q35 + ICH9, multi-queue, 2009)\n")
    assert "alias" not in shown and "default" not in shown
    assert "\n  alias vend-q35 (" in run("explain", "pc-q35-noble").stdout
    done = run("bump", "increment", "--feature=better", "--machine=max_cpus=8")
    assert (done.returncode, " error: " in done.stderr) == (0, False)
    names = [name for name in run("explain", "--list").stdout.split() if name.startswith("pc-q35-noble")]
    assert names == ["pc-q35-noble", "pc-q35-noble-acme", "pc-q35-noble-4", "pc-q35-noble-4-acme"]
