"""The lines of `scripts/results attacks` on the invertible network: identities that nobody minted, revealed from a user passport.

Each attack is a step of its own; --only "isn NAME" takes those whose name holds it.
"""
import statistics


def attacks(trial):
    """(name, arguments of stegpass attack): drawn licenses of 128 pixels, one after the other."""
    size = ["--size", 128, "--trials", 1 if trial else 3]
    search = [*size, "--steps", 10 if trial else 1000]
    yield "forge-key", ["forge-key", *search]
    yield "forge-key-signs", ["forge-key", "--variant", "signs", "--rate", 1e-2, *search]
    yield "forge-passport", ["forge-passport", *search]
    yield "forge-passport-random", ["forge-passport", "--start", "random", *search]
    yield "paste", ["paste", "--size", 128, "--trials", 2 if trial else 10]


def make(folder, arguments, call, step, program, recorded):
    """The records by name: from the page, from the last run, or made now."""
    folder.mkdir(exist_ok=True)
    records = {}
    for name, options in attacks(arguments.trial):
        made = (folder / f"{name}.json").exists()
        if name in recorded and not made:
            records[name] = recorded[name]
        elif arguments.only in f"isn {name}" or made:
            command = [program, "attack", *options, "--out", folder / f"{name}.record.json", "--force", "--json"]
            records[name] = step(folder, name, lambda: {key: value for key, value in call(command).items() if key in ("attack", "settings", "details", "cost", "models")})
    return records


def shares(name, record):
    """(what was shown, licenses, mean reveal in dB or None, share whose code reads, share as good as a mint, share that the digests let through or None where that was not tried, steps of search)"""
    trials = record["details"]["trials"]
    share = lambda values: statistics.mean(float(value) for value in values)
    if record["attack"] == "paste":
        return [(name, len(trials), None, share(t["forger_reads"] for t in trials), share(t["over_bar"] for t in trials),
                 share(t["same_passport_digest"] and t["identity_commitment_opens"] for t in trials), 0)]
    steps = record["settings"]["steps"]
    if record["attack"] == "forge-key":
        kinds = [("real values", "real_values", None, steps), ("their signs", "signs", "accepted_with_commitment", steps)]
    else:
        kinds = [("searched", "searched", "accepted_with_digest", steps), ("hidden in one pass under the known key", "one_pass", None, 0)]
    return [(f"{name}: {words}", len(trials), statistics.mean(t[kind]["psnr_db"] for t in trials), share(t[kind]["code_reads"] for t in trials),
             share(t[kind]["over_bar"] for t in trials), accepted and share(t[accepted] for t in trials), needed) for words, kind, accepted, needed in kinds]


def text(records, trial, table):
    if not records:
        return ""
    percent = lambda value: "-" if value is None else f"{100 * value:.0f}"
    lines = [(what, trials, "-" if psnr is None else f"{psnr:.1f}", percent(reads), percent(good), percent(accepted), steps)
             for name, record in records.items() for what, trials, psnr, reads, good, accepted, steps in shares(name, record)]
    missing = [name for name, _ in attacks(trial) if name not in records]
    out = "\nForged identities, drawn licenses of 128 pixels: what a verifier sees who looks at the reveal alone, and what passes the license's digests (`schemas/attack-isn.md`).\n\n"
    out += table(["attack", "licenses", "reveal dB", "the forger's code reads %", "as good as a mint %", "accepted with digests %", "steps"], lines)
    return out + (f"\nNot run yet: {', '.join('isn ' + name for name in missing)}.\n" if missing else "")
