"""Which QEMU the version of a package is of: as distributions, derivatives, archives and recipes write them."""

from __future__ import annotations

import pytest

from qemu_machines.model import version

REAL = """
# Debian: the archive, stable and security updates, backports, binNMUs, NMUs
1:7.2+dfsg-7+deb12u18                                         7.2    7.2
1:7.2+dfsg-7+deb12u18+b3                                      7.2    7.2
1:5.2+dfsg-11+deb11u4                                         5.2    5.2
1:10.0.8+ds-0+deb13u1                                         10.0   10.0.8
1:10.0.2+ds-2+deb13u1~bpo12+1                                 10.0   10.0.2
1:8.2.1+ds-1~bpo12+1                                          8.2    8.2.1
1:2.8+dfsg-6+deb9u17                                          2.8    2.8
1:4.2.0~rc3+ds-1                                              4.2    4.2.0
1:9.2.0~rc1+ds-1+exp1                                         9.2    9.2.0
1:10.1.2+ds-3+b1                                              10.1   10.1.2
1:3.1+dfsg-8+deb10u12                                         3.1    3.1
1:10.2.0+ds-1.1                                               10.2   10.2.0
# Ubuntu: the archive, updates, Cloud Archive, PPAs, no-change uploads
1:8.2.2+ds-0ubuntu1.12                                        8.2    8.2.2
1:6.2+dfsg-2ubuntu6.27                                        6.2    6.2
1:4.2-3ubuntu6.30                                             4.2    4.2
2.0.0+dfsg-2ubuntu1.46                                        2.0    2.0.0
2.0.0~rc1+dfsg-0ubuntu1                                       2.0    2.0.0
1:2.5+dfsg-5ubuntu10.51                                       2.5    2.5
1:10.1.0+ds-5ubuntu2build1                                    10.1   10.1.0
1:8.2.2+ds-0ubuntu1~cloud0                                    8.2    8.2.2
1:6.2+dfsg-2ubuntu6~cloud1.3                                  6.2    6.2
1:9.0.2+ds-4ubuntu5~ubuntu22.04.1                             9.0    9.0.2
1:8.2.2+ds-0ubuntu1.4~ppa2                                    8.2    8.2.2
1:9.2.1+ds-1ubuntu4~24.04.sergiodj1                           9.2    9.2.1
1:8.2.1+ds-1ubuntu9~tdx1.202404092149~ubuntu24.04.1           8.2    8.2.1
1:7.0+dfsg-7ubuntu2.2~bpo22.04.1~ppa1                         7.0    7.0
# Derivatives and vendors
7.2.0-8                                                       7.2    7.2.0
9.2.0-5                                                       9.2    9.2.0
10.1.2-7                                                      10.1   10.1.2
10.1.2-7+vitastor1                                            10.1   10.1.2
1:8.2.0+ds-1deepin15                                          8.2    8.2.0
1:4.1-1deepin7                                                4.1    4.1
1:9.2.0+ds-5kali1                                             9.2    9.2.0
1:2.4.1-digitalocean0                                         2.4    2.4.1
1:2.5+dfsg-5ubuntu10.14~precise0+exo1                         2.5    2.5
1:2.2+dfsg-5expubuntu10.14~precise0                           2.2    2.2
1:7.2+dfsg-7+deb12u6+truenas1                                 7.2    7.2
1:5.2+dfsg-11+deb11u2+pexip1                                  5.2    5.2
1:8.2.2+ds-0ubuntu1.4pop1~1717091234~22.04~abcdef0            8.2    8.2.2
1:8.2.2+ds-0ubuntu1+mint22                                    8.2    8.2.2
1:7.2+dfsg-7+rpt1+deb12u5                                     7.2    7.2
1:6.2.0-2astra3+ci5                                           6.2    6.2.0
1:8.2.2+ds-1+0~20240317.42+debian12~1.gbpc3bdbd               8.2    8.2.2
# Repacked: what was taken out is said in many ways
1:8.2.2.dfsg-1                                                8.2    8.2.2
1:8.2.dfsg.1-2                                                8.2    8.2
1:8.2.2~dfsg-1                                                8.2    8.2.2
1:8.2.2dfsg1-0ubuntu1                                         8.2    8.2.2
1:8.2.2+dfsg.2-1                                              8.2    8.2.2
1:8.2.2+repack1+ds-3                                          8.2    8.2.2
1:8.2.2+ds.1-1~exp1                                           8.2    8.2.2
1:9.1.0.ds1-1                                                 9.1    9.1.0
# Taken back
1:8.2.0+really7.2.22+ds-0ubuntu1                              7.2    7.2.22
1:9.0.0~rc2+really8.2.4+ds-1                                  8.2    8.2.4
1:10.1.0+dfsg+really10.0.3+dfsg-1ubuntu1~ppa1                 10.0   10.0.3
1:9.1+really9.0+really8.2.1-1                                 8.2    8.2.1
# Snapshots: what they lead to
1:8.2.50+git20240401.7fcf7575f3-1                             9.0    8.2.50
1:9.2.0~git20241105.11b8920e-0ubuntu1                         9.2    9.2.0
1:10.0.92+ds-1                                                10.1   10.0.92
2:9.1.50~20241010-1~noble                                     9.2    9.1.50
10.0.0-rc4-1                                                  10.0   10.0.0
1:8.2.2+ds-0~202511250312~ubuntu24.04.1                       8.2    8.2.2
9.2.0+dfsg-1~202501051200~rev42~pkg7~noble1                   9.2    9.2.0
# None: recipes and daily builds that begin with a day or a number of their own
20240913-master-abc1234~ubuntu22.04.1                         -      -
20240913.1-0                                                  -      -
2024.09.13-1                                                  -      -
202409131200~noble1                                           -      -
0~git20240913.abc1234-1                                       -      -
0.0~git20240913-1                                             -      -
1:0.1.0-42~noble                                              -      -
1:r1234.abcdef-1                                              -      -
4242-1~ppa1                                                   -      -
"""
ROWS = [line.split() for line in REAL.splitlines() if line and not line.startswith("#")]


@pytest.mark.parametrize("text, minor, upstream", ROWS, ids=[row[0] for row in ROWS])
def test_the_qemu_of_a_version(text: str, minor: str, upstream: str) -> None:
    found = version.parse(text)
    assert (found.minor, found.upstream) == (minor, upstream) if found else (minor, upstream) == ("-", "-")


def test_there_are_enough() -> None:
    assert len({row[0] for row in ROWS}) == len(ROWS) >= 60


@pytest.mark.parametrize(
    "text, words",
    [
        ("1:9.0.0~rc2+really8.2.4+ds-1", "8.2"),
        ("1:8.2.4+really9.0.0~rc2+ds-1", "9.0 rc2"),
        ("1:8.2.2.dfsg-1", "8.2"),
        ("1:9.2.0~git20241105.11b8920e-0ubuntu1", "9.2 in development"),
        ("20240913-master-abc1234~ubuntu22.04.1", ""),
    ],
)
def test_a_version_as_people_say_it(text: str, words: str) -> None:
    assert version.words(text) == words
