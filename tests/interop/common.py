"""What the interop scripts share: a reader of safetensors, runs of the program, and the choice of an interpreter that has PyTorch."""

import functools
import json
import os
import pathlib
import resource
import struct
import subprocess
import sys

SKIPPED = 77
DEBIANS_PYTHON = "/usr/bin/python3"

try:
    import torch
except ImportError:
    if os.path.exists(DEBIANS_PYTHON) and os.path.realpath(sys.executable) != os.path.realpath(DEBIANS_PYTHON):
        os.execv(DEBIANS_PYTHON, [DEBIANS_PYTHON, *sys.argv])
    print("skipped: no PyTorch for Python (Debian: python3-torch)")
    sys.exit(SKIPPED)

TYPES = {"F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16, "I64": torch.int64,
         "I32": torch.int32, "I16": torch.int16, "I8": torch.int8, "U8": torch.uint8, "BOOL": torch.bool}


def read_safetensors(path):
    """The tensors of a safetensors file by name."""
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header, data = json.loads(file.read(length)), bytearray(file.read())
    header.pop("__metadata__", None)
    tensors = {}
    for name, entry in header.items():
        start, end = entry["data_offsets"]
        kind = TYPES[entry["dtype"]]
        flat = torch.frombuffer(data[start:end], dtype=kind) if end > start else torch.empty(0, dtype=kind)
        tensors[name] = flat.reshape(entry["shape"])
    return tensors


def same_bits(a, b):
    """Equal in type, shape and every bit; NaN equals itself here."""
    raw = [t.detach().clone().contiguous().reshape(-1).view(torch.uint8) if t.dtype != torch.bool else t for t in (a, b)]
    return a.dtype == b.dtype and a.shape == b.shape and torch.equal(*raw)


@functools.cache
def sanitized(program):
    """Whether the program was built with the address sanitizer, which reserves terabytes of address space."""
    return b"__asan_init" in pathlib.Path(program).read_bytes()


def run(program, *arguments, memory=None):
    """Runs `stegpass`; `memory` limits its address space, in bytes."""
    if memory and sanitized(program):
        memory = None
    limit = (lambda: resource.setrlimit(resource.RLIMIT_AS, (memory, memory))) if memory else None
    return subprocess.run([program, *map(str, arguments)], capture_output=True, text=True, preexec_fn=limit, check=False)


def convert(program, source, out, *more):
    """Converts, and returns the tensors written and the program's JSON."""
    ran = run(program, "passport", "convert", "--from", source, "--out", out, "--json", *more)
    assert ran.returncode == 0, f"{source}: {ran.stdout}{ran.stderr}"
    return read_safetensors(out), json.loads(ran.stdout)
