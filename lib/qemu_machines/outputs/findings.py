"""The findings of a run for programs: gcc's shape, JSON, SARIF and GitHub's annotations."""

from __future__ import annotations

import os
from typing import Any, Iterable, Mapping, Sequence

from .. import __version__
from ..findings import PROGRAM, Finding, Mark, few_places, json_text, printable

_LEVELS = {"error": "error", "warning": "warning", "info": "note"}
_SARIF_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def gcc(findings: Sequence[Finding]) -> str:
    """``file:line:col: error: text``, which editors and CI systems match."""
    out = []
    for finding in findings:
        out.append(f"{finding.mark}: {finding.severity}: {printable(finding.message)} [{finding.tag}]\n")
        out += [f"{mark}: note: {printable(note)}\n" for mark, note in few_places(finding)]
    return "".join(out)


def github(findings: Sequence[Finding]) -> str:
    """Workflow commands: annotations of a file in a pull request."""
    return "".join(
        f"::{'notice' if finding.severity == 'info' else finding.severity} {_properties(finding)}::{_message(finding)}\n"
        for finding in findings
    )


def _properties(finding: Finding) -> str:
    mark = finding.mark
    pairs = [("file", mark.file)]
    if mark.line:
        pairs += [("line", str(mark.line)), ("col", str(mark.column)), ("endColumn", str(mark.column + mark.width))]
    pairs.append(("title", finding.tag))
    # Within properties the separators have to be escaped too.
    return ",".join(f"{name}={_escape(value).replace(':', '%3A').replace(',', '%2C')}" for name, value in pairs)


def _message(finding: Finding) -> str:
    also = "".join(f"\n{note}: {mark}" for mark, note in few_places(finding))
    return _escape(finding.message + also + (f"\n{finding.hint}" if finding.hint else ""))


def _escape(text: str) -> str:
    # The log of a job is looked at on a terminal, too.
    lines = (printable(line) for line in text.split("\n"))
    return "%0A".join(line.replace("%", "%25") for line in lines)


def as_json(
    findings: Sequence[Finding],
    upload: "Mapping[str, object] | None",
    skipped: Sequence[str],
    notes: Sequence[str],
) -> str:
    """The document of ``check`` and ``verify --format json``."""
    document = {
        "findings": [finding_data(finding) for finding in findings],
        "upload": upload,
        "skipped": list(skipped),
        "notes": list(notes),
    }
    return json_text(document) + "\n"


def finding_data(finding: Finding) -> dict[str, Any]:
    """A finding for programs."""
    return {
        "tag": finding.tag,
        "severity": finding.severity,
        "file": finding.mark.file,
        "line": finding.mark.line,
        "column": finding.mark.column,
        "message": finding.message,
        "hint": finding.hint,
        "types": list(finding.types),
        "also": [
            {"file": mark.file, "line": mark.line, "column": mark.column, "message": note}
            for mark, note in finding.also
        ],
    }


def sarif(findings: Sequence[Finding], summaries: Mapping[str, str]) -> str:
    """A SARIF 2.1.0 log (OASIS standard); ``summaries`` are the rules' one-liners by tag."""
    tags = sorted({finding.tag for finding in findings})
    driver = {
        "name": PROGRAM,
        "semanticVersion": f"{__version__}.0" if __version__.count(".") == 1 else __version__,
        "rules": [{"id": tag, "shortDescription": {"text": summaries.get(tag, tag)}} for tag in tags],
    }
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [_result(finding, tags) for finding in findings],
    }
    document = {"$schema": _SARIF_SCHEMA, "version": "2.1.0", "runs": [run]}
    return json_text(document) + "\n"


def _result(finding: Finding, tags: Sequence[str]) -> dict[str, Any]:
    text = finding.message + (f" ({finding.hint})" if finding.hint else "")
    result: dict[str, Any] = {
        "ruleId": finding.tag,
        "ruleIndex": tags.index(finding.tag),
        "level": _LEVELS[finding.severity],
        "message": {"text": text},
        "locations": [_location(finding.mark)],
    }
    if finding.types:
        result["properties"] = {"types": list(finding.types)}
    if finding.also:
        result["relatedLocations"] = [
            {**_location(mark), "id": number, "message": {"text": note}}
            for number, (mark, note) in enumerate(finding.also, 1)
        ]
    return result


def _location(mark: Mark) -> dict[str, Any]:
    # Only needed here, and slow to import.
    from urllib.parse import quote

    physical: dict[str, Any] = {"artifactLocation": {"uri": quote(os.fsencode(mark.file))}}
    if mark.line:
        physical["region"] = {
            "startLine": mark.line,
            "startColumn": mark.column,
            "endColumn": mark.column + mark.width,
        }
    return {"physicalLocation": physical}


def document(
    form: str,
    findings: Sequence[Finding],
    upload: "Mapping[str, object] | None",
    skipped: Sequence[str],
    summaries: Iterable[tuple[str, str]],
    notes: Sequence[str] = (),
) -> str:
    """The findings in one of the forms for programs."""
    if form == "json":
        return as_json(findings, upload, skipped, notes)
    if form == "sarif":
        return sarif(findings, dict(summaries))
    return gcc(findings) if form == "gcc" else github(findings)
