#!/usr/bin/env python3
"""Reads every #include line of a tree against the table of layers, and prints what breaks it as FILE:LINE: RULE.

Usage: layering.py ROOT. Exit code 0 when nothing breaks the table, 1 otherwise, 2 on wrong usage.
"""

import re
import sys
from pathlib import Path

STANDARD = frozenset("""
algorithm any array atomic barrier bit bitset cassert cctype cerrno cfenv cfloat charconv chrono cinttypes climits clocale cmath
compare complex concepts condition_variable coroutine csetjmp csignal cstdarg cstddef cstdint cstdio cstdlib cstring ctime cuchar
cwchar cwctype deque exception execution filesystem forward_list fstream functional future initializer_list iomanip ios iosfwd
iostream istream iterator latch limits list locale map memory memory_resource mutex new numbers numeric optional ostream queue
random ranges ratio regex scoped_allocator semaphore set shared_mutex source_location span sstream stack stdexcept stop_token
streambuf string string_view syncstream system_error thread tuple type_traits typeindex typeinfo unordered_map unordered_set
utility valarray variant vector version
""".split())

# Who an angle include belongs to; the first pattern that fits decides.
OWNERS = [(name, re.compile(pattern)) for name, pattern in [
    ("core", r"stegpass/credential/core/"),
    ("credential", r"stegpass/credential/"),
    ("model_io", r"stegpass/model/io/"),
    ("model", r"stegpass/model/"),
    ("ledger", r"stegpass/ledger/"),
    ("CUDA", r"(cuda|cublas|cudnn|curand|nv|cub/|thrust/|cooperative_groups|(c10|ATen|torch)/.*cuda(?!\.h))"),
    ("LibTorch", r"(torch|c10|ATen)/"),
    ("libsodium", r"sodium"),
    ("OpenSSL", r"openssl/"),
    ("libcbor", r"cbor"),
    ("zlib", r"zlib\.h$"),
    ("RocksDB", r"rocksdb/"),
    ("OpenCV", r"opencv2/"),
    ("ZXing", r"ZXing/"),
    ("CLI11", r"CLI/"),
    ("nlohmann-json", r"nlohmann/"),
    ("spdlog", r"spdlog/"),
    ("Catch2", r"catch2/"),
    ("Benchmark", r"benchmark/"),
    ("system", r"(spawn|malloc|stdlib|unistd|fcntl|dlfcn|signal|poll|termios|dirent|sched|pthread|immintrin|netinet/|arpa/|sys/|linux/)"),
]]

OURS = {"core", "credential", "model", "model_io", "ledger"}
CREDENTIAL = {"core", "credential", "libsodium", "OpenSSL", "libcbor", "zlib", "system"}
MODEL = {"core", "model", "LibTorch", "system"}
MODEL_IO = MODEL | {"model_io", "OpenCV", "ZXing", "zlib"}
LEDGER = {"core", "credential", "ledger", "RocksDB", "system"}
PROGRAM = OURS | {"CLI11", "nlohmann-json", "spdlog", "system"}
STARTS_WITHOUT_TENSORS = PROGRAM - {"model", "model_io"}

# (files, what they may include besides the standard library, where their quoted includes may lie); the first prefix that
# fits decides. A file that no row names may include nothing.
TABLE = [
    ("libcredential/include/stegpass/credential/core/", {"core"}, []),
    ("libcredential/src/core/", {"core"}, ["libcredential/src/core/"]),
    ("libcredential/include/", {"core", "credential"}, []),
    ("libcredential/src/", CREDENTIAL, ["libcredential/src/"]),
    ("libmodel/include/stegpass/model/io/", {"core", "model", "model_io", "LibTorch"}, []),
    ("libmodel/include/", {"core", "model", "LibTorch"}, []),
    ("libmodel/io/include/", {"core", "model", "model_io", "LibTorch"}, []),
    ("libmodel/io/", MODEL_IO, ["libmodel/io/"]),
    ("libmodel/src/io/", MODEL_IO, ["libmodel/src/io/"]),
    ("libmodel/src/cuda/", MODEL | {"CUDA"}, ["libmodel/src/"]),
    ("libmodel/src/haar.cpp", MODEL | {"CUDA"}, ["libmodel/src/"]),  # the one adaptor between tensors and kernels
    ("libmodel/src/", MODEL, ["libmodel/src/"]),
    ("ledger/include/", {"core", "credential", "ledger"}, []),
    ("ledger/src/", LEDGER, ["ledger/src/"]),
    ("cli/model_part.hpp", STARTS_WITHOUT_TENSORS, ["cli/"]),
    ("cli/model_part_loader", STARTS_WITHOUT_TENSORS, ["cli/"]),
    ("cli/model_part", PROGRAM | {"LibTorch"}, ["cli/"]),
    ("cli/", STARTS_WITHOUT_TENSORS, ["cli/"]),
    ("examples/", PROGRAM | {"LibTorch"}, ["examples/"]),
    ("tests/support/catch", {"Catch2"}, []),
    ("tests/support/", OURS | {"nlohmann-json", "system"}, ["tests/support/"]),
    ("tests/credential/", CREDENTIAL | {"nlohmann-json"}, ["tests/", "libcredential/src/"]),
    ("tests/model/gpu/", MODEL | {"CUDA"}, ["tests/model/gpu/", "libmodel/src/"]),
    ("tests/model/", MODEL_IO | {"nlohmann-json"}, ["tests/", "libmodel/"]),
    ("tests/ledger/", LEDGER | {"nlohmann-json"}, ["tests/", "ledger/src/"]),
    ("tests/cli/", PROGRAM, ["tests/", "cli/"]),
    ("tests/grid/", PROGRAM, ["tests/"]),
    ("tests/interop/", MODEL, ["tests/interop/"]),
    ("tests/bench/ledger_", LEDGER | {"Benchmark"}, ["tests/", "ledger/src/"]),  # times the tree, and appends without signatures
    ("tests/bench/", PROGRAM | CREDENTIAL | MODEL_IO | LEDGER | {"Benchmark"}, ["tests/"]),
    ("tests/fuzz/", CREDENTIAL, ["tests/", "libcredential/src/"]),
    ("tests/package/", OURS, ["tests/package/"]),
    ("tests/", OURS | {"nlohmann-json", "system"}, ["tests/"]),
]

PARTS = ["libcredential", "libmodel", "ledger", "cli", "examples", "tests"]
SUFFIXES = {".hpp", ".h", ".cpp", ".cc", ".cu", ".cuh"}
INCLUDE = re.compile(r'\s*#\s*include\s*([<"])([^>"]+)[>"]')


def row_of(path):
    return next(((prefix, allowed, own) for prefix, allowed, own in TABLE if path.startswith(prefix)), ("", set(), []))


def owner_of(name):
    if name in STANDARD:
        return "standard"
    return next((owner for owner, pattern in OWNERS if pattern.match(name)), None)


def quoted_target(root, path, name, own):
    """The file that a quoted include means, relative to root, or None."""
    for folder in [Path(path).parent, Path("."), *map(Path, own)]:
        candidate = (root / folder / name).resolve()
        if candidate.is_file() and candidate.is_relative_to(root):
            return candidate.relative_to(root).as_posix()
    return None


def breach(root, path, kind, name):
    """The rule that this include breaks, or None."""
    prefix, allowed, own = row_of(path)
    if kind == '"' or name.startswith("tests/"):
        target = quoted_target(root, path, name, own)
        if target is None:
            return f'"{name}" is no file of {prefix or "a known part"} (public headers are included with <>)'
        if not any(target.startswith(folder) for folder in [*own, prefix] if folder):
            return f'"{name}" reaches into {target}, outside {prefix}'
        return None
    owner = owner_of(name)
    if owner is None:
        return f"<{name}> belongs to no library that the table knows"
    if owner != "standard" and owner not in allowed:
        names = ", ".join(["the standard library", *sorted(allowed)])
        return f"<{name}> is {owner}'s; {prefix or 'this folder'} may include {names}"
    return None


def breaches(root):
    for part in PARTS:
        for file in sorted((root / part).rglob("*")):
            if file.suffix not in SUFFIXES or not file.is_file():
                continue
            path = file.relative_to(root).as_posix()
            for number, line in enumerate(file.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
                if match := INCLUDE.match(line):
                    if rule := breach(root, path, *match.groups()):
                        yield f"{path}:{number}: {rule}"


def main(arguments):
    if len(arguments) != 2 or not (root := Path(arguments[1]).resolve()).is_dir():
        print("usage: layering.py ROOT", file=sys.stderr)
        return 2
    found = list(breaches(root))
    print("\n".join(found) if found else "every include line keeps to the table")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
