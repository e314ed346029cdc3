"""The page of `scripts/results fuzz`: libFuzzer over every decoder of bytes from anybody, by processor time, from the tests' own seeds.

Each decoder is a step of its own. The corpus grows in build/fuzz/corpus and is used again.
"""
import concurrent.futures
import os
import re
import subprocess
import sys
import threading

TEN_MINUTES = 600


def decoders(root):
    listed = re.search(r"foreach\(decoder ([^)]*)\)", (root / "tests" / "fuzz" / "CMakeLists.txt").read_text())
    return listed.group(1).split()


def last_number(pattern, text):
    found = re.findall(pattern, text)
    return int(found[-1]) if found else 0


def run_once(root, decoder, seconds):
    """One run of so many seconds of the clock: what libFuzzer says, its exit code and the processor time it took."""
    environment = {**os.environ, "STEGPASS_FUZZ_SECONDS": str(seconds)}
    child = subprocess.Popen([root / "tests" / "fuzz" / "run.sh", root, decoder], env=environment, text=True, stdout=subprocess.DEVNULL,
                             stderr=subprocess.PIPE)
    said = []
    reader = threading.Thread(target=lambda: said.append(child.stderr.read()))
    reader.start()
    _, status, used = os.wait4(child.pid, 0)
    reader.join()
    child.returncode = os.waitstatus_to_exitcode(status)
    return said[0], child.returncode, used.ru_utime + used.ru_stime


def fuzz(root, decoder, seconds):
    """Runs on until the decoder had its processor time, or something was found."""
    row = {"decoder": decoder, "cpu_seconds": 0.0, "inputs": 0, "edges": 0, "corpus": 0, "peak_mb": 0, "findings": 0}
    while row["cpu_seconds"] < seconds and not row["findings"]:
        text, code, used = run_once(root, decoder, max(1, round(seconds - row["cpu_seconds"])))
        row["cpu_seconds"] = round(row["cpu_seconds"] + used, 1)
        row["inputs"] += last_number(r"stat::number_of_executed_units: (\d+)", text)
        row["edges"] = last_number(r" cov: (\d+)", text)
        row["corpus"] = last_number(r" corp: (\d+)/", text)
        row["peak_mb"] = max(row["peak_mb"], last_number(r"stat::peak_rss_mb: +(\d+)", text))
        if code != 0:
            row["findings"] = len(list((root / "build" / "fuzz" / "findings").glob(f"{decoder}-*"))) or 1
            print(text[-2000:], file=sys.stderr)
        if not row["inputs"]:
            sys.exit(f"results: the fuzzing of {decoder} ran nothing:\n{text[-2000:]}")
    return row


def make(folder, arguments, step, table, root, page, where):
    """`page`: the JSON of the page that is there; its rows of at least the time asked for are kept."""
    seconds = arguments.seconds
    kept = {row["decoder"]: row for row in page.get("rows", []) if row["cpu_seconds"] >= seconds}
    built = subprocess.run([root / "tests" / "fuzz" / "run.sh", root, "build"], env={**os.environ, "STEGPASS_FUZZ_SECONDS": "1"},
                           stdout=subprocess.DEVNULL, check=False)
    if built.returncode != 0:
        sys.exit("results: the fuzz programs could not be built; they need clang")

    def row_of(decoder):
        return kept.get(decoder) or step(folder, f"{decoder}-{seconds}", lambda: {**fuzz(root, decoder, seconds), "cpu": where["cpu"]})

    made = lambda name: (folder / f"{name}-{seconds}.json").exists()
    wanted = [name for name in decoders(root) if arguments.only in name or name in kept or made(name)]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        rows = list(pool.map(row_of, wanted))
    missing = [name for name in decoders(root) if name not in wanted]
    text = (f"{sum(row['inputs'] for row in rows):,} inputs in {sum(row['cpu_seconds'] for row in rows) / 60:.0f} minutes of processor time, "
            f"{sum(row['findings'] for row in rows)} findings; address and undefined-behaviour sanitizers on. What each decoder is, and what has to hold of what it "
            "takes, is in `tests/fuzz/decoders.cpp`.\n\n")
    text += table(["decoder", "processor time, s", "inputs", "edges reached", "inputs kept", "peak memory, MB", "findings"],
                  [(r["decoder"], f"{r['cpu_seconds']:.0f}", f"{r['inputs']:,}", r["edges"], r["corpus"], r["peak_mb"], r["findings"]) for r in rows])
    if missing:
        text += "\nNot run yet: " + ", ".join(missing) + ".\n"
    return {"rows": rows}, text
