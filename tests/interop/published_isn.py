#!/usr/bin/env python3
"""Saves an invertible network under the published code's names with torch.save, and expects `isn convert` to give ISN weights of it.

Usage: published_isn.py PROGRAM. Exit code 77: no PyTorch.
"""

import json
import pathlib
import struct
import sys
import tempfile

from common import read_safetensors, run, torch

BLOCKS, GROWTH = 3, 8
SUBNETS = {"f": "phi", "y": "eta", "r": "rho"}


def published_weights(prefix):
    torch.manual_seed(4)
    out = {}
    for block in range(1, BLOCKS + 1):
        for subnet in SUBNETS:
            for layer in range(1, 6):
                outputs = 12 if layer == 5 else GROWTH
                name = f"{prefix}inv{block}.{subnet}.conv{layer}"
                out[f"{name}.weight"] = torch.randn(outputs, 12 + (layer - 1) * GROWTH, 3, 3)
                out[f"{name}.bias"] = torch.randn(outputs)
    return out


def check(program, folder, saved, weights, prefix):
    path, out = folder / "published.pt", folder / "isn.safetensors"
    torch.save(saved, path)
    ran = run(program, "isn", "convert", "--from", path, "--out", out, "--force")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    raw = out.read_bytes()
    header = json.loads(raw[8 : 8 + struct.unpack("<Q", raw[:8])[0]])["__metadata__"]
    assert (header["format"], header["blocks"], header["growth"]) == ("stegpass-hinet-1", str(BLOCKS), str(GROWTH)), header
    ours = read_safetensors(out)
    assert len(ours) == len(weights)
    for name, tensor in weights.items():
        block, subnet, rest = name.removeprefix(prefix).split(".", 2)
        same = ours[f"block{block[3:]}.{SUBNETS[subnet]}.{rest}"]
        assert torch.equal(same.abs(), tensor.abs()), name  # up to the signs of two bands


def main():
    program = sys.argv[1]
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        for prefix in ("", "model.", "module.model."):
            weights = published_weights(prefix)
            check(program, folder, weights, weights, prefix)
            check(program, folder, {"model_state_dict": weights, "epoch": 7}, weights, prefix)
            check(program, folder, {"net": weights, "opt": {"state": {}}}, weights, prefix)
        weights.popitem()
        torch.save(weights, folder / "short.pt")
        ran = run(program, "isn", "convert", "--from", folder / "short.pt", "--out", folder / "none.safetensors")
        assert ran.returncode != 0 and "is absent" in ran.stderr and not (folder / "none.safetensors").exists(), ran.stderr
    print("10 state dicts, as they were saved")


main()
