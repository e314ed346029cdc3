#!/usr/bin/env python3
"""Loads a release model into the module that schemas/model.md prints, and compares its logits with libmodel's.

Usage: release_model.py REFERENCE_PROGRAM MODEL_PAGE. Exit code 77: no PyTorch.
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

from common import read_safetensors, torch

TOLERANCE = 1e-4  # float32 sums over up to 4096 products, in another order


def modules_of(page):
    """Runs the page's Python blocks, so that what it prints is what is tested."""
    names = {"torch": torch, "nn": torch.nn}
    blocks = re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    assert blocks, f"{page} prints no Python"
    for block in blocks:
        exec(block, names)  # pylint: disable=exec-used
    return names


def main(program, page):
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([program, folder], check=True)
        weights = read_safetensors(f"{folder}/release.safetensors")
        reference = read_safetensors(f"{folder}/reference.safetensors")
    network = modules_of(Path(page))["AlexNet"]()
    missing, unexpected = network.load_state_dict(weights, strict=False)
    assert not unexpected, f"the page's module has no place for {unexpected}"
    assert all(name.endswith("num_batches_tracked") for name in missing), f"the release model lacks {missing}"
    network.eval()
    with torch.no_grad():
        logits = network(reference["images"])
    difference = (logits - reference["logits"]).abs().max().item()
    spread = reference["logits"].std().item()
    print(f"largest difference of {logits.numel()} logits: {difference:.2e} (their standard deviation: {spread:.2f})")
    assert spread > 0.01, "the reference logits are all the same"
    assert difference <= TOLERANCE, f"{difference} is over {TOLERANCE}"


if __name__ == "__main__":
    main(*sys.argv[1:])
