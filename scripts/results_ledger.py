"""The page docs/results/ledger.md: a log of a million really signed statements, built, audited, exported, served by a plain file
server, fetched, imported and audited again."""
import functools
import hashlib
import http.server
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import threading
import time
import urllib.request


def timed(command):
    """Runs a command of the program: what it said, seconds, and its greatest memory in MB."""
    print("results:", " ".join(str(part) for part in command), file=sys.stderr)
    start = time.monotonic()
    process = subprocess.Popen([str(part) for part in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    said = process.stdout.read().decode()
    _, status, used = os.wait4(process.pid, 0)
    if status != 0:
        sys.exit(f"results: {command[0]} {command[1]} ended with {os.waitstatus_to_exitcode(status)}: {said[-500:]}")
    return said, round(time.monotonic() - start, 2), round(used.ru_maxrss / 1024), round(used.ru_utime + used.ru_stime, 2)


def folder_bytes(folder):
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def tile_paths(size):
    """Every file of an export of this size: schemas/ledger-tiles.md."""
    def name(kind, index, width):
        groups = [f"{index % 1000:03}"]
        while index >= 1000:
            index //= 1000
            groups.insert(0, f"x{index % 1000:03}")
        return "/".join([kind, *groups]) + (f".p/{width}" if width < 256 else "")

    kinds = [("tile/entries", size), ("commits", size)] + [(f"tile/{level}", size >> (8 * level)) for level in range(8)]
    for kind, count in kinds:
        for index in range((count + 255) // 256):
            yield name(kind, index, min(256, count - 256 * index))


class Quiet(http.server.SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass


def fetch_log(served, copy):
    """Fetches a whole export from a static server of the standard library into `copy`; seconds and files."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=served))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    base, start, files = f"http://127.0.0.1:{server.server_address[1]}/", time.monotonic(), 0
    note = urllib.request.urlopen(base + "checkpoint").read()
    for path in tile_paths(int(note.split(b"\n")[1])):
        (copy / path).parent.mkdir(parents=True, exist_ok=True)
        (copy / path).write_bytes(urllib.request.urlopen(base + path).read())
        files += 1
    (copy / "checkpoint").write_bytes(note)
    server.shutdown()
    return round(time.monotonic() - start, 2), files + 1


def root_of(said):
    return re.search(r"root ([0-9a-f]{64})", said).group(1)


def draw_growth(growth, path):
    """What a log costs as it grows, four panels over its entries, drawn by gnuplot."""
    panels = [("appends, 1/s", "appends_per_second"), ("a receipt, us", "receipt_us"), ("opening for writing, ms", "opened_for_writing_ms"),
              ("memory, MB", "memory_mb")]
    script = f"set terminal svg size 900,600 font 'sans,12'\nset output '{path}'\nset multiplot layout 2,2\nset logscale x\nset format x '10^{{%L}}'\nset grid\nset yrange [0:*]\n"
    for title, key in panels:
        points = "\n".join(f"{one['entries']} {one[key]}" for one in growth)
        script += f"set title '{title}'\n$points << EOD\n{points}\nEOD\nplot $points with linespoints pt 7 ps 0.5 lw 2 notitle\n"
    subprocess.run(["gnuplot"], input=script.encode(), check=True)


def growth_table(growth, table):
    return table(["entries", "appended since, 1/s", "receipt, us", "opened for reading, ms", "opened for writing, ms", "memory, MB", "size, MB"],
                 [(f"{one['entries']:,}", f"{one['appends_per_second']:,.0f}", f"{one['receipt_us']:.1f}", f"{one['open_for_reading_ms']:.1f}",
                   f"{one['opened_for_writing_ms']:.1f}", f"{one['memory_mb']:.0f}", f"{one['bytes'] / 1e6:,.1f}") for one in growth])


def make(folder, arguments, step, table, program, out):
    builder = program.parent / "million_ledger"
    home, tiles, copy, again = folder / "home", folder / "tiles", folder / "fetched", folder / "again"

    def fresh(path):
        shutil.rmtree(path, ignore_errors=True)
        return path

    def build():
        said, seconds, memory, cpu = timed([builder, fresh(home), str(arguments.entries)])
        return {**json.loads(said.splitlines()[-1]), "seconds": seconds, "memory_mb": memory, "cpu_seconds": cpu, "bytes": folder_bytes(home / "ledger")}

    def audit(*what):
        said, seconds, memory, cpu = timed([program, "audit", *what, "--log-key", home / "log.vkey"])
        return {"seconds": seconds, "memory_mb": memory, "cpu_seconds": cpu, "root": root_of(said),
                "report_sha256": hashlib.sha256("\n".join(line for line in said.splitlines() if "audit." in line).encode()).hexdigest()}

    def export():
        _, seconds, memory, cpu = timed([program, "ledger", "export", fresh(tiles), "--home", home])
        return {"seconds": seconds, "memory_mb": memory, "cpu_seconds": cpu, "bytes": folder_bytes(tiles)}

    def fetch():
        seconds, files = fetch_log(tiles, fresh(copy))
        return {"seconds": seconds, "files": files, "bytes": folder_bytes(copy)}

    def take_in():
        _, seconds, memory, cpu = timed([program, "ledger", "import", copy, "--out", fresh(again), "--log-key", home / "log.vkey"])
        return {"seconds": seconds, "memory_mb": memory, "cpu_seconds": cpu, "bytes": folder_bytes(again)}

    def prove(built):
        proof = folder / "list.proof"
        _, seconds, memory, cpu = timed([program, "ledger", "list", "--licensee", built["licensee"], "--home", home, "--prove", proof, "--force"])
        return {"seconds": seconds, "memory_mb": memory, "cpu_seconds": cpu, "bytes": proof.stat().st_size}

    built = step(folder, "build", build)
    opened = step(folder, "open", lambda: json.loads(timed([builder, home, "0"])[0]))
    steps = {"built, every statement signed and checked": built,
             "audited": step(folder, "audit", lambda: audit(home / "ledger")),
             "exported as tiles": step(folder, "export", export),
             "fetched from http.server": step(folder, "fetch", fetch),
             "tiles audited": step(folder, "audit-tiles", lambda: audit("--tiles", copy)),
             "imported": step(folder, "import", take_in),
             "audited again": step(folder, "audit-again", lambda: audit(again)),
             "one licensee's statements proved complete": step(folder, "list", lambda: prove(built))}
    roots = {one["root"] for one in steps.values() if "root" in one}
    if len(roots) != 1:
        sys.exit(f"results: the roots differ: {roots}")
    text = f"{built['entries']:,} entries. Root `{roots.pop()}` in all three audits. Opened for writing in {1000 * opened['open_for_writing_seconds']:.0f} ms.\n\n"
    cell = lambda one, key, scale=1: f"{one[key] / scale:,.1f}" if key in one else ""
    text += table(["step", "seconds", "processor seconds", "memory, MB", "size, MB"],
                  [(name, cell(one, "seconds"), cell(one, "cpu_seconds"), cell(one, "memory_mb"), cell(one, "bytes", 1e6)) for name, one in steps.items()])
    draw_growth(built["growth"], out / "ledger-growth.svg")
    text += "\nAs it grew, statements from one thread a core in calls of 1,024; opened for writing before what was appended since the line above; memory is the writer's:\n\n"
    text += growth_table(built["growth"], table) + "\n![What a log costs as it grows](ledger-growth.svg)\n"
    return {"steps": steps, **opened}, text
