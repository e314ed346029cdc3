#!/usr/bin/env python3
"""Writes state dicts that would run code, lie about sizes or end early, and expects one clear line and nothing else.

Usage: hostile_files.py PROGRAM. Exit code 77: no PyTorch.
"""

import collections
import os
import pickle
import struct
import sys
import tempfile
import zipfile

from common import run, torch

MEMORY = 3 << 30      # address space that the program gets: LibTorch's libraries take 2 of it
OLDER = {"_use_new_zipfile_serialization": False}
STEP = 389


class Calls:
    """Unpickled by Python, this calls."""

    def __init__(self, what, *arguments):
        self.what, self.arguments = what, arguments

    def __reduce__(self):
        return self.what, self.arguments


def refused(program, folder, path, words, code=None):
    """Refused with one line that holds `words`, nothing on standard output, no file made."""
    out = f"{folder}/out.safetensors"
    ran = run(program, "passport", "convert", "--from", path, "--out", out, memory=MEMORY)
    lines = ran.stderr.splitlines()
    good = ran.returncode in ((code,) if code else (2, 3)) and not ran.stdout and len(lines) == 1 and lines[0].startswith("stegpass: ")
    assert good and words in lines[0], f"{path}: code {ran.returncode}, expected '{words}': {ran.stdout}{ran.stderr}"
    assert not os.path.exists(out), f"{path}: an output was written"


def calls(program, folder):
    made = f"{folder}/made"
    opens = f"open({made!r}, 'w')"
    for call in (Calls(os.system, f"touch {made}"), Calls(eval, opens), Calls(exec, opens), Calls(open, made, "w")):
        for options in ({}, OLDER):
            for saved in (call, {"state_dict": {"w": torch.ones(3), "x": call}}, {"w": torch.ones(3), call: 1}):
                torch.save(saved, f"{folder}/in.pth", **options)
                refused(program, folder, f"{folder}/in.pth", "the file asks to call '", 2)
    torch.save(torch.nn.Linear(2, 2), f"{folder}/in.pth")
    refused(program, folder, f"{folder}/in.pth", "'torch.nn.modules.linear.Linear'", 2)
    pickle.dump({"w": 1}, open(f"{folder}/in.pth", "wb"))
    refused(program, folder, f"{folder}/in.pth", "neither a state dict")
    assert not os.path.exists(made), "the file's code was run"
    print("nothing of a file is called")


def truncations(program, folder):
    tensors = collections.OrderedDict((f"layer{i}", torch.randn(5, 7)) for i in range(6))
    count = 0
    for options in ({}, OLDER):
        torch.save(tensors, f"{folder}/whole.pth", **options)
        whole = open(f"{folder}/whole.pth", "rb").read()
        for length in [*range(1, len(whole), STEP), len(whole) - 1]:
            with open(f"{folder}/in.pth", "wb") as file:
                file.write(whole[:length])
            refused(program, folder, f"{folder}/in.pth", "")
            count += 1
    print(f"{count} truncated files refused")


def rewritten(folder, change, tensors=None):
    """A zip file of torch.save with its stream changed, and the CRC-32 made good."""
    torch.save(tensors or {"w": torch.ones(4, 3)}, f"{folder}/whole.pth")
    with zipfile.ZipFile(f"{folder}/whole.pth") as whole, zipfile.ZipFile(f"{folder}/in.pth", "w") as out:
        for name in whole.namelist():
            data = whole.read(name)
            out.writestr(name, change(data) if name.endswith("data.pkl") else data)
    return f"{folder}/in.pth"


def replace(before, after):
    def change(stream):
        assert stream.count(before) == 1, f"{before} is there {stream.count(before)} times"
        return stream.replace(before, after)

    return change


def number(value):
    return b"\x8a\x08" + struct.pack("<q", value)


def lies(program, folder):
    shape, strides = b"K\x04K\x03\x86", b"K\x03K\x01\x86"
    elements = b"K\x0ct"
    billion = number(1 << 30)
    cases = [("another storage", replace(b"X\x01\x00\x00\x000", b"X\x01\x00\x00\x009"), "is absent from the archive"),
             ("a path for a storage", replace(b"X\x01\x00\x00\x000", b"X\x0e\x00\x00\x00../../../x/y/z"), "is absent from the archive"),
             ("a storage of 4 GB", replace(elements, billion + b"t"), "has 48 bytes where the tensors expect 1073741824 elements"),
             ("a shape of 4 GB", replace(shape, billion + b"K\x01\x86"), "more than four times the file's bytes"),
             ("a shape of 4 GB by strides of 0",
              lambda s: replace(strides, b"K\x00K\x00\x86")(replace(shape, billion + b"K\x01\x86")(s)), "more than four times"),
             ("rows over the end", replace(strides, b"K\x04K\x01\x86"), "does not lie within its storage"),
             ("a stride of 2^62", replace(strides, number(1 << 62) + b"K\x01\x86"), "does not lie within its storage"),
             ("a negative stride", replace(strides, number(-3) + b"K\x01\x86"), "hold what is no size"),
             ("a negative size", replace(shape, number(-4) + b"K\x03\x86"), "hold what is no size"),
             ("a text of 2 GB", replace(b"X\x01\x00\x00\x00w", b"X\xff\xff\xff\x7fw"), "ends before its STOP"),
             ("a stream that goes on", lambda s: s + b".", "goes on after the STOP"),
             ("protocol 4", replace(b"\x80\x02", b"\x80\x04"), "protocol 4")]
    for name, change, words in cases:
        path = rewritten(folder, change)
        refused(program, folder, path, words)
        print(f"{name}: refused, from a file of {os.path.getsize(path)} bytes")


def archives(program, folder):
    torch.save({"w": torch.ones(4, 3)}, f"{folder}/whole.pth")
    with zipfile.ZipFile(f"{folder}/whole.pth") as whole, zipfile.ZipFile(f"{folder}/in.pth", "w", zipfile.ZIP_DEFLATED) as out:
        for name in whole.namelist():
            out.writestr(name, whole.read(name))
    refused(program, folder, f"{folder}/in.pth", "compressed or encrypted", 3)
    with zipfile.ZipFile(f"{folder}/in.pth", "w") as out:
        out.writestr("x/constants.pkl", b"")
    refused(program, folder, f"{folder}/in.pth", "0 streams NAME/data.pkl")
    whole = bytearray(open(f"{folder}/whole.pth", "rb").read())
    at = whole.find(torch.ones(4, 3).numpy().tobytes())
    whole[at] ^= 1
    open(f"{folder}/in.pth", "wb").write(whole)
    refused(program, folder, f"{folder}/in.pth", "do not fit their CRC-32")
    print("compressed, foreign and damaged archives refused")


def peak_memory(program, folder):
    """A claim of gigabytes costs no more than a good file of the same size."""
    def peak(path):
        child = os.fork()
        if child == 0:
            os.execv("/bin/sh", ["sh", "-c", '"$0" passport convert --from "$1" --list >/dev/null 2>&1', program, path])
        _, _, usage = os.wait4(child, 0)
        return usage.ru_maxrss

    good = rewritten(folder, lambda stream: stream)
    few = peak(good)
    shape = b"K\x04K\x03\x86"
    many = peak(rewritten(folder, replace(shape, number(1 << 28) + b"K\x01\x86")))
    print(f"peak memory: {few >> 10} MiB for a good file, {many >> 10} MiB for one that claims 1 GiB")
    assert many < few + (64 << 10), "the claim cost memory"


def main(program):
    with tempfile.TemporaryDirectory() as folder:
        calls(program, folder)
        truncations(program, folder)
        lies(program, folder)
        archives(program, folder)
        peak_memory(program, folder)


if __name__ == "__main__":
    main(*sys.argv[1:])
