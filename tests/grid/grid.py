#!/usr/bin/env python3
"""The grid of situations: what `stegpass verify` has to answer in each of them, in situations.tsv beside this file.

Usage: grid.py run KEY PROGRAM FOLDER     judges one situation over what make_grid.sh left in FOLDER
       grid.py page                       prints docs/grid.md
       grid.py check PAGE                 compares that with a file
Exit code 0, or 1 with what differs.

A row has six fields, separated by tabs: key; situation; clock (seconds after the fixture's papers, with h, d or y for longer; @FILE for the
seconds since 1970 in a file); arguments of `stegpass verify`; verdict and exit code; the checks that decide. Of a verdict that is not
valid these are all the checks that came to it, in their order; of a valid one some that have to be valid, `missing:CODE` being one that
must not be made.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

TABLE = Path(__file__).resolve().parent / "situations.tsv"
FIXTURE_TIME = 1_800_000_000
UNITS = {"s": 1, "h": 3600, "d": 86400, "y": 365 * 86400}
FIELDS = ["key", "situation", "clock", "arguments", "verdict", "decided"]


def sections():
    """(title, rows) of the table; a line that starts with '# ' begins a section."""
    out = []
    for line in TABLE.read_text().splitlines():
        if line.startswith("# "):
            out.append((line[2:], []))
        elif line:
            out[-1][1].append(dict(zip(FIELDS, line.split("\t"), strict=True)))
    return out


def clock(text, folder):
    if text.startswith("@"):
        return int((folder / text[1:]).read_text())
    return FIXTURE_TIME + int(text[:-1]) * UNITS[text[-1]]


def judge(row, program, folder):
    environment = os.environ | {"STEGPASS_NOW": str(clock(row["clock"], folder))}
    command = [program, "verify", *row["arguments"].split(), "--json"]
    return subprocess.run(command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def faults_of_verdict(row, verdict, answer):
    outcomes = [(check["code"], check["outcome"]) for check in answer["checks"]]
    made = [(code, outcome) for code, outcome in outcomes if outcome == verdict]
    decided = row["decided"].split()
    if verdict != "valid":
        found = list(dict.fromkeys(code for code, _ in made))
        return [] if found == decided else [f"decided by {' '.join(found)}"]
    absent = [code.removeprefix("missing:") for code in decided if code.startswith("missing:")]
    needed = [code for code in decided if not code.startswith("missing:")]
    valid = {code for code, _ in made}
    return [f"{code} is not valid" for code in needed if code not in valid] + [f"{code} is valid" for code in absent if code in valid]


def faults_of_lines(row, verdict, lines):
    """Of a run that judges several models: the verdict and the checks are those of the worst line."""
    rank = ["valid", "undecided", "invalid"]
    worst = max(lines, key=lambda line: rank.index(line["verdict"]))
    return ([] if worst["verdict"] == verdict else [f"the worst line is {worst['verdict']}"]) + faults_of_verdict(row, verdict, worst)


def faults(row, ran):
    verdict, code = row["verdict"].split()
    out = [] if ran.returncode == int(code) else [f"exit code {ran.returncode}"]
    lines = [json.loads(line) for line in ran.stdout.splitlines()] if "--every-model" in row["arguments"] else None
    if lines and "model" in lines[0]:
        return out + faults_of_lines(row, verdict, lines)
    answer = json.loads(ran.stdout)
    if verdict == "refused":
        return out + ([] if answer["error"] == row["decided"] else [f"error {answer['error']}"])
    return out + ([] if answer["verdict"] == verdict else [f"verdict {answer['verdict']}"]) + faults_of_verdict(row, verdict, answer)


def run(key, program, folder):
    row = next(row for _, rows in sections() for row in rows if row["key"] == key)
    ran = judge(row, program, folder)
    try:
        wrong = faults(row, ran)
    except (ValueError, KeyError) as problem:
        wrong = [f"no answer: {problem!r}"]
    if not wrong:
        return 0
    print(f"{key}: {row['situation']}\nexpected {row['verdict']} by {row['decided']}\nfound {'; '.join(wrong)}\n{ran.stdout}{ran.stderr}")
    return 1


def page():
    all_sections = sections()
    count = sum(len(rows) for _, rows in all_sections)
    lines = ["# What `stegpass verify` answers", "",
             f"{count} situations with their verdicts, printed by `tests/grid/grid.py page` from `tests/grid/situations.tsv`. Each row is a test (`ctest -L grid`) that",
             "runs the command over what `tests/grid/make_grid.sh` makes: a network that was really trained, licensed, copied and attacked. The clock is relative",
             "to when the papers were made. Where a verdict is not valid, *decided by* lists every check that came to it; where it is valid, checks that had to be made,",
             "or, marked \"not\", must not be. Exit codes: 0 valid, 1 proved false, 2 usage, 3 undecided, 4 file or environment.", ""]
    for title, rows in all_sections:
        lines += [f"## {title}", "", "| situation | clock | `stegpass verify` | verdict | exit | decided by |", "|---|---|---|---|---|---|"]
        for row in rows:
            verdict, code = row["verdict"].split()
            decided = " ".join(f"not `{code[8:]}`" if code.startswith("missing:") else f"`{code}`" for code in row["decided"].split())
            lines.append(f"| {row['situation']} | {row['clock']} | `{row['arguments']}` | {verdict} | {code} | {decided} |")
        lines.append("")
    return "\n".join(lines)


def check(path):
    shown = Path(path).read_text() if Path(path).exists() else ""
    keys = [row["key"] for _, rows in sections() for row in rows]
    doubled = {key for key in keys if keys.count(key) > 1}
    if doubled:
        print(f"named twice: {' '.join(sorted(doubled))}")
    if shown != page():
        print(f"{path} does not show the table; tests/grid/grid.py page > {path}")
    return 1 if doubled or shown != page() else 0


def main(arguments):
    if len(arguments) == 4 and arguments[0] == "run":
        return run(arguments[1], arguments[2], Path(arguments[3]))
    if arguments == ["page"]:
        sys.stdout.write(page())
        return 0
    if len(arguments) == 2 and arguments[0] == "check":
        return check(arguments[1])
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
