"""The page of `scripts/results train`: passport networks and the unprotected one, trained by the program under one protocol.

Each training run is a step of its own and is not done twice: what the page's JSON has on record stays, on whatever machine it ran, and a run that
was stopped goes on from its checkpoint. --fresh forgets both. All but sp's pairs of precisions train in the one that the processor is fast in.
"""
import json
import math
import os
import pathlib
import statistics
import subprocess
import sys
import tarfile

SCHEMES = ("sp", "deepipr-v2", "pan", "unprotected")
T95_TWO_FREE = 4.303  # two-sided 95 % quantile of Student's t with two degrees of freedom: three seeds


def runs(full):
    """(name, options) of every run: the ResNet rows once, the AlexNet rows with three seeds."""
    epochs = {"alexnet": 200, "resnet": 200, "large": 200} if full else {"alexnet": 20, "resnet": 8, "large": 12}
    for scheme in SCHEMES:
        for seed in (1, 2, 3):
            yield f"alexnet-{scheme}-{seed}", ("alexnet-cifar", scheme, "balanced", epochs["alexnet"], seed, "bf16" if scheme == "sp" else "auto")
    for seed in (1, 2, 3):
        yield f"alexnet-sp-fp32-{seed}", ("alexnet-cifar", "sp", "balanced", epochs["alexnet"], seed, "fp32")
    for scheme in SCHEMES:
        yield f"resnet18-{scheme}", ("resnet18-cifar", scheme, "balanced", epochs["resnet"], 1, "auto")
    for scheme in ("sp", "unprotected"):
        yield f"alexnet-{scheme}-all", ("alexnet-cifar", scheme, "all", epochs["large"], 1, "auto")


def unpack(archive, folder, wanted):
    """The pictures that `wanted` accepts by their path in the archive, once."""
    done = folder.with_suffix(".done")
    if not done.exists():
        with tarfile.open(archive) as tar:
            for member in tar:
                parts = pathlib.PurePosixPath(member.name).parts
                if member.isfile() and len(parts) == 4 and wanted(parts[1], parts[3]):
                    target = folder / parts[1] / parts[2] / parts[3]
                    target.parent.mkdir(parents=True, exist_ok=True)
                    target.write_bytes(tar.extractfile(member).read())
        done.touch()
    return folder


def data_file(run, program, folder, name, archive):
    """A data file of the first 1,000 training pictures of each class, or of all 5,000; the test pictures are all in both."""
    path = folder / f"{name}.safetensors"
    if not path.exists():
        keep = (lambda part, file: part == "test" or int(file[:4]) < 1000) if name == "balanced" else (lambda part, file: True)
        tree = unpack(archive, folder / f"{name}-pictures", keep)
        run([program, "data", "import", tree, "--out", path])
    return path


def train(program, folder, home, data, name, options):
    network, scheme, images, epochs, seed, precision = options
    out = folder / name
    command = [program, "passport", "train", "--home", home, "--passphrase-file", folder / "passphrase", "--json",
               "--data", data[images], "--network", network, "--preset", "paper", "--epochs", epochs, "--seed", seed,
               "--precision", precision, "--settings", folder / "settings.json", "--out", out]
    command += ["--layers", "none"] if scheme == "unprotected" else ["--scheme", scheme]
    if (out / "training.checkpoint").exists():
        command.append("--resume")
    done = subprocess.run([str(part) for part in command], stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"results: {name}: {json.loads(done.stdout or '{}').get('detail', done.returncode)}")
    record = json.loads(done.stdout)
    seconds = sum(epoch["seconds"] for epoch in record["run"]["curves"])
    figures = {"network": network, "scheme": scheme, "images": record["run"]["run"]["train_size"], "epochs": epochs, "seed": seed,
               "precision": record["run"]["run"]["settings"]["precision"], "deployment": record["accuracy_deployment"], "verification": record["accuracy_verification"],
               "bits": record["mark"]["bits"], "images_per_second": record["run"]["run"]["train_size"] * epochs / seconds, "threads": int(os.environ.get("OMP_NUM_THREADS", os.cpu_count()))}
    figures["marks"] = [{key: one[key] for key in ("role", "matches", "log10_p")} for one in record["readings"]]
    return figures


def wrong_passports(program, release, pictures):
    """Passports that nobody embedded, twenty seeds a picture, read from one network and held against the exact binomial: chi-square, and
    Bonferroni at 0.001."""
    done = subprocess.run([str(part) for part in (program, "attack", "random", "--model", release, "--pictures", pictures, "--seeds", 20, "--json")],
                          stdout=subprocess.PIPE, text=True, check=False)
    seen = json.loads(done.stdout or "{}")
    if done.returncode != 0:
        sys.exit(f"results: attack random: {seen.get('detail', done.returncode)}")
    return {key: seen[key] for key in ("pictures", "seeds", "bits", "mean_match", "chi_square", "degrees_of_freedom", "p_value", "smallest_p", "binomial")}


def interval(differences):
    """Mean and half-width of its 95 % interval, in points."""
    mean = statistics.mean(differences)
    return 100 * mean, 100 * T95_TWO_FREE * statistics.stdev(differences) / math.sqrt(len(differences))


def paired(rows, name, other, figure="deployment"):
    """Differences of the runs with the same seed in the same precision, sp's second precision taken in where it is the one; None where one is missing."""
    differences = []
    for seed in (1, 2, 3):
        reference = rows.get(f"{other}-{seed}", {})
        found = [rows[run] for run in (f"{name}-{seed}", f"{name}-fp32-{seed}") if run in rows and rows[run]["precision"] == reference.get("precision")]
        if not found:
            return None
        differences.append(found[0][figure] - reference[figure])
    return differences


def between_precisions(rows):
    """Accuracy of sp in bf16 less that in fp32, seed by seed; None where one is missing."""
    pairs = [(rows.get(f"alexnet-sp-{seed}"), rows.get(f"alexnet-sp-fp32-{seed}")) for seed in (1, 2, 3)]
    return [a["deployment"] - b["deployment"] for a, b in pairs] if all(a and b for a, b in pairs) else None


def tables(rows, wrong, table):
    percent = lambda value: f"{100 * value:.2f}"
    lines = []
    for name, row in rows.items():
        cover = row["marks"][0] if row["marks"] else None
        match = f"{cover['matches']}/{row['bits']}" if cover else "-"
        worst = f"{max(mark['log10_p'] for mark in row['marks']):.1f}" if cover else "-"
        lines.append((name, row["images"], row["epochs"], row["precision"], percent(row["deployment"]),
                      percent(row["verification"]) if cover else "-", match, worst, f"{row['images_per_second']:.0f}", row["threads"], row["cpu"]))
    text = table(["run", "images", "epochs", "precision", "deployment %", "verification %", "cover bits", "largest log10 p of cover and reserves", "images/s", "threads",
                  "processor"], lines)
    text += "\nImages/s as the run went, on the row's processor and beside whatever else it had to do; `scripts/results bench` has the rate of training alone.\n"
    costs = {f"{scheme} against unprotected": paired(rows, f"alexnet-{scheme}", "alexnet-unprotected") for scheme in SCHEMES[:-1]}
    costs["sp in bf16 against sp in fp32"] = between_precisions(rows)
    costs = [(what, *(form.format(value) for form, value in zip(("{:+.2f}", "{:.2f}"), interval(found)))) for what, found in costs.items() if found]
    if costs:
        text += "\nAlexNet, accuracy of the deployment branch, points, mean difference over three seeds (schemes in the same precision):\n\n"
        text += table(["difference", "mean", "95 % half-width"], costs)
    if wrong:
        text += f"\nWrong passports read from alexnet-sp-1: {wrong['pictures'] * wrong['seeds']}, mean match {wrong['mean_match']:.5f} of {wrong['bits']} bits, " \
            f"chi-square {wrong['chi_square']:.1f} at {wrong['degrees_of_freedom']} degrees of freedom (p {wrong['p_value']:.4f}), smallest p of one passport " \
            f"{wrong['smallest_p']:.4f} after Bonferroni: {'the exact binomial' if wrong['binomial'] else 'not the binomial'} at 0.001.\n"
    missing = [name for name, _ in runs(False) if name not in rows]  # --full has the same names
    if missing:
        text += "\nNot run yet: " + ", ".join(missing) + ". The same command goes on with them.\n"
    return text


def on_record(page, name, options):
    """The row of a run of the same protocol in the page's JSON, or None."""
    row = page.get("rows", {}).get(name)
    network, scheme, _, epochs, seed, precision = options
    fits = row and (row["network"], row["scheme"], row["epochs"], row["seed"]) == (network, scheme, epochs, seed) and precision in ("auto", row["precision"])
    return row if fits else None


def make(folder, arguments, run, step, table, program, shared, page, machine):
    if arguments.full:  # runs of other lengths are other runs
        folder = folder / "full"
        folder.mkdir(exist_ok=True)
    archive = pathlib.Path(arguments.images or shared / "data" / "cifar10-jpeg.tar.xz")
    if not archive.exists():
        sys.exit("results: name the archive cifar10-jpeg.tar.xz (train/CLASS/0000.jpg ..., test/CLASS/...) with --images")
    (folder / "passphrase").write_text("for trials only\n")
    (folder / "settings.json").write_text(json.dumps({"preset": "paper", "evaluate_each_epoch": False}))
    home = folder / "home"
    if not (home / "vault").exists():
        run([program, "init", home, "--origin", "results.example/log", "--name", "results", "--passphrase-file", folder / "passphrase"])
        run([program, "passport", "new", "--home", home, "--draw", "--seed", "1", "--passphrase-file", folder / "passphrase"])
    data = {name: data_file(run, program, folder, name, archive) for name in ("balanced", "all")}
    rows = {}
    for name, options in runs(arguments.full):
        recorded = on_record(page, name, options)
        if recorded and not (folder / f"{name}.json").exists():
            rows[name] = recorded
        elif arguments.only in name or (folder / f"{name}.json").exists():
            rows[name] = step(folder, name, lambda: {**train(program, folder, home, data, name, options), "cpu": machine["cpu"]})
    wrong = page.get("wrong_passports")
    release = folder / "alexnet-sp-1" / "release.safetensors"
    if release.exists() and "alexnet-sp-1" in rows:
        wrong = step(folder, "wrong-passports", lambda: wrong_passports(program, release, 500))
    return {"rows": rows, "wrong_passports": wrong}, tables(rows, wrong, table)
