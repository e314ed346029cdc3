"""The page of `scripts/results attacks`: every attack of the program on networks of every scheme, under one protocol.

Each training and each attack is a step of its own; one that was stopped goes on from its checkpoint. What the page's JSON has on record at the
same lengths is not made again, on whatever machine it ran; --fresh forgets both.
"""
import json
import pathlib
import subprocess
import sys

import results_isn_attacks
import results_train

UNPROTECTED = "alexnet-unprotected"
TRIED = ("alexnet-sp", "alexnet-sp-mean", "alexnet-sp-margin-0.1", "alexnet-sp-margin-1", "alexnet-sp-weight-1", "alexnet-sp-all")  # for the defaults
CLAIMED = ("alexnet-sp", "alexnet-pan", "alexnet-deepipr-v1", "alexnet-deepipr-v2", "alexnet-deepipr-v3")  # 4,000 wrong passports each
ERB_RATE = 0.01  # the paper's 1e-4 is for its hundred epochs
KEPT = 0.95  # what an attacker must keep of the accuracy for a point to count


def lengths(arguments):
    """Epochs of training, of attacks, of ERB; images to train on (0: all 10,000), to measure on, and a passport's when overwriting."""
    if arguments.trial:
        return {"train": 1, "attack": 1, "erb": 1, "images": 128, "test": 100, "overwrite": 64, "passports": 2, "natural": 2, "tries": 20}
    if arguments.full:
        return {"train": 200, "attack": 100, "erb": 100, "images": 0, "test": 0, "overwrite": 0, "passports": 20, "natural": 100, "tries": 100000}
    return {"train": 12, "attack": 6, "erb": 6, "images": 0, "test": 2000, "overwrite": 2000, "passports": 20, "natural": 100, "tries": 20000}


def subjects():
    """(name, options of passport train, settings beside the protocol's): the schemes, then what was tried for the defaults."""
    for name, options in schemes():
        yield name, options, {}
    alexnet = ["--network", "alexnet-cifar", "--scheme", "sp", "--layers"]
    yield "alexnet-sp-margin-0.1", alexnet + ["last3"], {"sign_margin": 0.1}
    yield "alexnet-sp-margin-1", alexnet + ["last3"], {"sign_margin": 1}
    yield "alexnet-sp-weight-1", alexnet + ["last3"], {"sign_weight": 1}
    yield "alexnet-sp-all", alexnet + ["all"], {}
    yield UNPROTECTED, ["--network", "alexnet-cifar", "--layers", "none"], {}


def schemes():
    """(name, options of passport train); the first is the default in full."""
    alexnet = ["--network", "alexnet-cifar", "--layers", "last3"]
    yield "alexnet-sp", alexnet + ["--scheme", "sp"]
    yield "alexnet-sp-mean-reference", alexnet + ["--scheme", "sp", "--pooling", "mean", "--signature", "reference"]
    yield "alexnet-sp-mean", alexnet + ["--scheme", "sp", "--pooling", "mean"]
    yield "alexnet-sp-reference", alexnet + ["--scheme", "sp", "--signature", "reference"]
    for scheme in ("pan", "deepipr-v1", "deepipr-v2", "deepipr-v3"):
        yield f"alexnet-{scheme}", alexnet + ["--scheme", scheme]
    for scheme in ("pan", "deepipr-v2"):
        yield f"alexnet-{scheme}-mean", alexnet + ["--scheme", scheme, "--pooling", "mean"]
    yield "resnet18-sp", ["--network", "resnet18-cifar", "--layers", "layer4", "--scheme", "sp"]


def attacks(subject, n):
    """(name, arguments of stegpass attack): the whole list for sp as it is by default (on ResNet-18 at the papers' lengths alone), the telling ones
    for the others."""
    trained = ["--epochs", n["attack"]]
    few = ["--images", n["overwrite"]] if n["overwrite"] else []
    erb = ["--epochs", n["erb"], *([] if n["attack"] > 50 else ["--rate", ERB_RATE])]
    telling = [
        ("finetune-ftal", ["finetune", *trained]),
        ("prune-l1", ["prune"]),
        ("quantise-channel", ["quantise"]),
        ("permute-sign", ["permute", "--variant", "sign"]),
        ("overwrite", ["overwrite", "--count", n["passports"], "--epochs", 1, *few, "--sign-weight", 1]),
        ("sign-flip", ["sign-flip", "--count", 10]),
        ("erb-cerb", ["erb", *erb]),
    ]
    informed = ("informed-passports", ["informed", "--count", n["natural"], *trained])
    if subject == UNPROTECTED:
        return []
    if subject in TRIED and subject not in ("alexnet-sp", "alexnet-sp-mean"):
        return [attack for attack in telling if attack[0] == "overwrite"] + [informed]
    if subject != "alexnet-sp" and not (subject == "resnet18-sp" and n["train"] > 50):
        return telling + ([informed] if subject in TRIED else [])
    return telling + [
        ("finetune-rtal", ["finetune", "--variant", "rtal", *trained]),
        ("prune-random", ["prune", "--variant", "random"]),
        ("prune-structured", ["prune", "--variant", "structured"]),
        ("quantise-tensor", ["quantise", "--variant", "tensor"]),
        ("noise", ["noise"]),
        ("fold", ["fold"]),
        ("frame", ["frame", *trained]),
        informed,
        ("informed-subspace", ["informed", "--variant", "subspace", "--count", max(2, n["natural"] // 5), "--epochs", n["attack"]]),
        ("insider-seed", ["insider", *trained]),
        ("insider-picture", ["insider", "--variant", "picture", *trained]),
        ("distill", ["distill", "--epochs", n["train"]]),
        ("fake1", ["fake1", "--verification"]),
        ("fake2", ["fake2", *trained]),
        ("fake3", ["fake3", *trained]),
        ("erb-ierb", ["erb", "--variant", "ierb", *erb]),
        ("search-signs", ["search", "--count", min(400, n["tries"])]),
        ("search-hash", ["search", "--variant", "hash", "--count", n["tries"]]),
    ]


def call(command):
    done = subprocess.run([str(part) for part in command], stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        detail = json.loads(done.stdout or "{}").get("detail", f"exit code {done.returncode}")
        sys.exit(f"results: {' '.join(str(part) for part in command[1:4])}: {detail}")
    return json.loads(done.stdout)


def train(program, folder, data, options, settings, n, device):
    out = folder / "model"
    protocol = {"preset": "paper", "evaluate_each_epoch": False, **({"test_images": n["test"]} if n["test"] else {}), **settings}
    (folder / "settings.json").write_text(json.dumps(protocol))
    command = [program, "passport", "train", "--home", folder.parent / "home", "--passphrase-file", folder.parent / "passphrase", "--json", "--data", data,
               "--preset", "paper", "--epochs", n["train"], "--precision", "auto", "--settings", folder / "settings.json", "--out", out, "--device", device, *options]
    if n["images"]:
        command += ["--images", n["images"]]
    if (out / "training.checkpoint").exists():
        command.append("--resume")
    record = call(command)
    return {"precision": record["run"]["run"]["settings"]["precision"], "deployment": record["accuracy_deployment"], "verification": record["accuracy_verification"],
            "release_sha256": record["release_model_sha256"], "mark": record["mark"],
            "marks": [{key: one[key] for key in ("role", "matches", "log10_p")} for one in record["readings"]]}


def attack(program, folder, data, name, options, n, device):
    out = folder / f"{name}.record.json"
    command = [program, "attack", options[0], "--home", folder.parent / "home", "--passphrase-file", folder.parent / "passphrase", "--models", folder / "model",
               "--data", data, "--out", out, "--json", "--precision", "auto", "--device", device, *options[1:]]
    if n["images"] and "--images" not in options:
        command += ["--images", n["images"]]
    if n["test"]:
        command += ["--test-images", n["test"]]
    if pathlib.Path(f"{out}.checkpoint").exists():
        command.append("--resume")
    elif out.exists():
        out.unlink()
    record = call(command)
    return {key: record[key] for key in ("attack", "settings", "curve", "details", "cost", "models")}


def best(point, roles):
    """The smallest log10 p of the named roles under the strict reading."""
    values = [mark["log10_p"] for mark in point["marks"] if mark["reading"] == "strict" and mark["role"].startswith(roles) and mark["log10_p"] is not None]
    return min(values) if values else None


def judged(curve):
    """Points as a verifier would read them: where a point is followed by its aligned reading, that one alone."""
    return [point for i, point in enumerate(curve) if not (i + 1 < len(curve) and curve[i + 1].get("aligned"))]


def worst(curve, roles):
    """Largest log10 p over the attack's points at which the attacker keeps 95 % of the accuracy; None where there is no such point."""
    bar = KEPT * curve[0].get("accuracy_deployment", 0)
    values = [best(point, roles) for point in judged(curve)[1:] if point.get("accuracy_deployment", 0) >= bar]
    return max((value for value in values if value is not None), default=None)


def row(subject, name, record):
    last = record["curve"][-1]
    share = lambda value: "-" if value is None else f"{100 * value:.2f}"
    number = lambda value: "-" if value is None else f"{value:.1f}"
    own = [f"{mark['role']} ({mark['reading']}) {mark['matches']}/{mark['bits']}" for mark in last["marks"] if not mark["role"].startswith(("cover", "reserve"))]
    return (subject, name, share(record["curve"][0].get("accuracy_deployment")), share(last.get("accuracy_deployment", last.get("accuracy_verification"))),
            number(best(last, "cover")), number(best(last, "reserve")), number(worst(record["curve"], "cover")), number(worst(record["curve"], "reserve")),
            "; ".join(own) or "-", record["cost"]["steps"], record["cost"]["images"], record["settings"]["precision"], f"{record['cost']['seconds']:.0f}")


def at_strength(curve, strength):
    return next((point for point in curve[1:] if abs(point.get("strength", -1) - strength) < 1e-9), curve[-1])


def promises(rows):
    """(what, wanted, found) of sp as it is by default."""
    sp = {name: record for (subject, name), record in rows.items() if subject == "alexnet-sp"}
    wanted = [("fine-tuning (FTAL)", -200, "finetune-ftal", lambda c: best(c[-1], "cover")), ("pruning to 90 %", -200, "prune-l1", lambda c: best(at_strength(c, 0.9), "cover")),
              ("4 bits", -200, "quantise-channel", lambda c: best(at_strength(c, 4), "cover")), ("20 overwrites", -200, "overwrite", lambda c: best(c[-1], "cover")),
              ("permuted, rescaled and turned, aligned", -200, "permute-sign", lambda c: best(c[-1], "cover")),
              ("informed, passports: reserves where 95 % is kept", -100, "informed-passports", lambda c: worst(c, "reserve")),
              ("informed, subspace: the same", -100, "informed-subspace", lambda c: worst(c, "reserve")),
              ("insider with the seed: the same", -100, "insider-seed", lambda c: worst(c, "reserve")),
              ("insider with the picture: the same", -100, "insider-picture", lambda c: worst(c, "reserve"))]
    for what, bar, name, find in wanted:
        if name in sp:
            found = find(sp[name]["curve"])
            yield what, f"at most {bar}", "-" if found is None else f"{found:.1f}", "no point keeps 95 %" if found is None else "reached" if found <= bar else "not reached"


def on_record(page, n):
    """(networks, attacks, false claims, forged identities) that the page's JSON has under the same lengths."""
    if page.get("lengths") != n:
        return {}, {}, {}, {}
    return page["networks"], {tuple(key.split(" ", 1)): record for key, record in page["attacks"].items()}, page["false_claims"], page.get("isn", {})


def settings_table(rows, trained, table):
    """What the settings tried for the defaults cost and withstand."""
    plain = trained[UNPROTECTED]["deployment"] if UNPROTECTED in trained else None
    number = lambda value: "-" if value is None else f"{value:.1f}"
    lines = []
    for subject in TRIED:
        curves = [rows[subject, name]["curve"] if (subject, name) in rows else None for name in ("overwrite", "informed-passports")]
        if subject in trained and all(curves):
            overwrite, informed = curves
            lines.append((subject, "-" if plain is None else f"{100 * (trained[subject]['deployment'] - plain):+.2f}", number(best(overwrite[-1], "cover")),
                          f"{100 * overwrite[-1]['accuracy_deployment']:.2f}", number(best(informed[-1], "cover")), number(worst(informed, "reserve")),
                          f"{100 * informed[-1]['accuracy_deployment']:.2f}"))
    if not lines:
        return ""
    return "Settings tried for the defaults: points of accuracy (on the test images; nothing is chosen by them) against the unprotected network of the same protocol, log10 p, and the accuracy an attacker is left with.\n\n" + \
        table(["network", "points", "cover after overwriting", "accuracy %", "cover after informed", "reserve at 95 %", "accuracy %"], lines) + "\n"


def page_text(n, rows, trained, claims, forged, table):
    few = f", {n['overwrite']} for each overwriting passport" if n["overwrite"] else ""
    text = f"Training {n['train']} epochs, attacks {n['attack']} (each overwriting passport 1, distilling {n['train']}), ERB {n['erb']} on a tenth of the data at {ERB_RATE if n['attack'] <= 50 else 1e-4}; {n['images'] or 10000} training images{few}, " \
        f"{n['test'] or 10000} test images; batch 64.\n\n"
    text += table(["default `sp`: log10 p after", "wanted", "found", ""], list(promises(rows))) + "\n" + settings_table(rows, trained, table)
    text += table(["network", "precision", "deployment %", "verification %", "cover bits", "log10 p"],
                  [(s, t["precision"], f"{100 * t['deployment']:.2f}", f"{100 * t['verification']:.2f}", f"{t['marks'][0]['matches']}/{t['mark']['bits']}", f"{t['marks'][0]['log10_p']:.1f}")
                   if t["marks"] else (s, t["precision"], f"{100 * t['deployment']:.2f}", "-", "-", "-") for s, t in trained.items()]) + "\n"
    text += "Accuracies in per cent: of the untouched network (attacks draw other test images than training did, unless all are taken), and at the attack's last point. Log10 p of cover and best reserve at the last point, and the largest over the attack's points that keep 95 % of the accuracy (-: there is none, or the attack leaves the network as it is).\n\n"
    others = sorted({s for (s, _), record in rows.items() if trained[s].get("release_sha256", record["models"]["model"]) != record["models"]["model"]})
    if others:
        text += "Rows made on another training of the same settings than the table above shows: " + ", ".join(others) + ".\n\n"
    text += table(["network", "attack", "before", "after", "cover", "reserve", "cover at 95 %", "reserve at 95 %", "the attacker's", "steps", "images", "precision", "s"],
                  [row(subject, name, record) for (subject, name), record in rows.items()])
    missing = {s: sum((s, name) not in rows for name, _ in attacks(s, n)) for s, _, _ in subjects()}
    missing = [f"{count} on {s}" for s, count in missing.items() if count]
    if claims:
        text += "\nWrong passports against the exact binomial:\n\n" + table(["network", "passports", "mean match", "chi-square", "df", "p", "any one (Bonferroni)", "binomial"],
            [(s, c["pictures"] * c["seeds"], f"{c['mean_match']:.5f}", f"{c['chi_square']:.1f}", c["degrees_of_freedom"], f"{c['p_value']:.4f}", f"{c['smallest_p']:.4f}", c["binomial"]) for s, c in claims.items()])
    text += forged
    return text + ("\nAttacks not run yet: " + ", ".join(missing) + ". The same command goes on with them.\n" if missing else "")


def prepare(folder, arguments, run, program, shared):
    """The owner's home, and the data file or `drawn`."""
    (folder / "passphrase").write_text("for trials only\n")
    home = folder / "home"
    if not (home / "vault").exists():
        run([program, "init", home, "--origin", "results.example/log", "--name", "results", "--passphrase-file", folder / "passphrase"])
        run([program, "passport", "new", "--home", home, "--draw", "--seed", "1", "--passphrase-file", folder / "passphrase"])
    archive = pathlib.Path(arguments.images or shared / "data" / "cifar10-jpeg.tar.xz")
    if archive.exists():
        return results_train.data_file(run, program, folder.parent, "balanced", archive)
    if not arguments.trial:
        sys.exit("results: name the archive cifar10-jpeg.tar.xz (train/CLASS/0000.jpg ..., test/CLASS/...) with --images")
    return "drawn"


def make(folder, arguments, run, step, table, program, shared, page, machine):
    folder = folder / ("full" if arguments.full else "trial" if arguments.trial else "default")  # runs of other lengths are other runs
    folder.mkdir(exist_ok=True)
    n = lengths(arguments)
    data = prepare(folder, arguments, run, program, shared)
    old_networks, old_rows, old_claims, old_isn = on_record(page, n)
    rows, trained = {}, {}

    def network(subject, options, settings):
        (folder / subject).mkdir(exist_ok=True)
        return step(folder / subject, "trained",
                    lambda: {**train(program, folder / subject, data, options, settings, n, arguments.device), "cpu": machine["cpu"]})

    for subject, options, settings in subjects():
        place = folder / subject
        if subject in old_networks and not (place / "trained.json").exists():
            trained[subject] = old_networks[subject]
        elif arguments.only in subject or (place / "trained.json").exists():
            trained[subject] = network(subject, options, settings)
        for name, what in attacks(subject, n):
            made = (place / f"{name}.json").exists()
            if (subject, name) in old_rows and not made:
                rows[subject, name] = old_rows[subject, name]
            elif arguments.only in f"{subject} {name}" or made:
                trained[subject] = network(subject, options, settings)
                rows[subject, name] = step(place, name, lambda: attack(program, place, data, name, what, n, arguments.device))
    pictures = 200 if n["tries"] > 20 else 5
    claims = old_claims | {s: step(folder / s, "false-claims", lambda: results_train.wrong_passports(program, folder / s / "model" / "release.safetensors", pictures))
                           for s in trained if s in CLAIMED and (folder / s / "model" / "release.safetensors").exists()}
    isn = results_isn_attacks.make(folder / "isn", arguments, call, step, program, old_isn)
    record = {"lengths": n, "networks": trained, "attacks": {f"{subject} {name}": record for (subject, name), record in rows.items()}, "false_claims": claims, "isn": isn}
    return record, page_text(n, rows, trained, claims, results_isn_attacks.text(isn, arguments.trial, table), table)
