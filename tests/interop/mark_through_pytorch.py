#!/usr/bin/env python3
"""Takes the release model of the command line's fixture through PyTorch (a DataParallel checkpoint, as somebody who trains on would keep
it) and `passport convert`, and expects `passport verify` to read the same marks from it.

Usage: mark_through_pytorch.py PROGRAM FIXTURE_FOLDER. Exit code 77: no PyTorch.
"""

import json
import shutil
import sys
import tempfile

from common import convert, read_safetensors, run, torch


def readings(program, fixture, home, model):
    ran = run(program, "passport", "verify", "--home", home, "--model", model, "--record", f"{fixture}/trained/training.json",
              "--passphrase-file", f"{fixture}/passphrase", "--json")
    assert ran.returncode in (0, 1), ran.stdout + ran.stderr
    return json.loads(ran.stdout)["readings"]


def main(program, fixture):
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(f"{fixture}/home-registered", f"{folder}/home")
        weights = read_safetensors(f"{fixture}/release.safetensors")
        parallel = {f"module.{name}": tensor for name, tensor in weights.items()}
        torch.save({"epoch": 1, "state_dict": parallel}, f"{folder}/checkpoint.pth")
        convert(program, f"{folder}/checkpoint.pth", f"{folder}/back.safetensors")
        before = readings(program, fixture, f"{folder}/home", f"{fixture}/release.safetensors")
        after = readings(program, fixture, f"{folder}/home", f"{folder}/back.safetensors")
    assert before and before == after, f"{before}\n{after}"
    print("; ".join(f"{r.get('role', r.get('passport'))}: {r['matches']} of {r['bits']} bits" for r in after))


if __name__ == "__main__":
    main(*sys.argv[1:])
