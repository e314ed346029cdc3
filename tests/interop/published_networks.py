#!/usr/bin/env python3
"""Builds modules whose state dicts have the names of the published passport networks, and expects ours after `passport convert`: those of
schemas/pytorch.md's two tables.

Usage: published_networks.py PROGRAM PAGE. Exit code 77: no PyTorch.
"""

import re
import sys
import tempfile
from pathlib import Path

from common import convert, run, same_bits, torch

nn = torch.nn


class Signed(nn.Module):
    """A loss that keeps the bits as a buffer, next to the layer's own."""

    def __init__(self, bits):
        super().__init__()
        self.register_buffer("b", bits)


class Passport(nn.Module):
    """A convolution with two norms: affine vectors and statistics of both branches, and the network between passport and affine."""

    def __init__(self, i, o, k):
        super().__init__()
        self.conv = nn.Conv2d(i, o, k, padding=k // 2, bias=False)
        self.weight = self.conv.weight
        for name in ("scale", "scale0", "scale1", "bias", "bias0", "bias1"):
            setattr(self, name, nn.Parameter(torch.randn(o)))
        self.bn0, self.bn1 = nn.BatchNorm2d(o, affine=False), nn.BatchNorm2d(o, affine=False)
        self.fc = nn.Sequential(nn.Linear(o, o // 4, bias=False), nn.LeakyReLU(), nn.Linear(o // 4, o, bias=False))
        self.register_buffer("b", torch.ones(o))
        self.sign_loss_private = Signed(self.b)
        self.register_buffer("key_private", torch.randn(1, i, 8, 8))
        self.register_buffer("skey_private", torch.randn(1, i, 8, 8))


class Plain(nn.Module):
    def __init__(self, i, o, k):
        super().__init__()
        self.conv = nn.Conv2d(i, o, k, padding=k // 2, bias=False)
        self.bn = nn.BatchNorm2d(o)


def alexnet():
    network = nn.Module()
    pool = nn.MaxPool2d(2)
    network.features = nn.Sequential(Plain(3, 16, 5), pool, Plain(16, 24, 5), pool, Passport(24, 32, 3), Passport(32, 16, 3),
                                     Passport(16, 16, 3), pool)
    network.classifier = nn.Linear(16 * 16, 10)
    return network


def block(i, o, kind):
    part = nn.Module()
    part.convbnrelu_1, part.convbn_2 = kind(i, o, 3), kind(o, o, 3)
    if i != o:
        part.shortcut = kind(i, o, 1)
    return part


def resnet18():
    network = nn.Module()
    network.convbnrelu_1 = Plain(3, 8, 3)
    widths = [8, 8, 16, 32, 64]
    for layer in range(1, 5):
        kind = Passport if layer == 4 else Plain
        before, here = widths[layer - 1], widths[layer]
        setattr(network, f"layer{layer}", nn.Sequential(block(before, here, kind), block(here, here, kind)))
    network.linear = nn.Linear(64, 10)
    return network


def page_names(page, state):
    """Every row of the page's tables that speaks of a tensor of `state`: theirs, ours."""
    text = Path(page).read_text(encoding="utf-8")
    blocks = [re.findall(r"`([^`]+)`", row) for row in re.findall(r"^\| `(?:features|convbn|layer).*", text, re.MULTILINE)]
    parts = re.findall(r"^\| `P\.([^`]+)` \| `([CNV])\.([^`]+)` \|", text, re.MULTILINE)
    assert len(blocks) == 5 and len(parts) == 11, f"{page}: {len(blocks)} blocks, {len(parts)} parts"
    names = {f"{block}.{theirs}": dict(C=conv, N=norm, V=verification)[place] + "." + ours
             for block, conv, norm, verification in blocks for theirs, place, ours in parts}
    return {theirs: ours for theirs, ours in names.items() if theirs in state}


def check(program, page, folder, network, name, expected):
    """`expected` maps some of their names to ours, beside the page's."""
    state = network.state_dict()
    expected = {**expected, **page_names(page, state)}
    assert len(expected) > 11, f"{page} names none of {name}'s passport layers"
    torch.save(state, f"{folder}/in.pth")
    tensors, said = convert(program, f"{folder}/in.pth", f"{folder}/out.safetensors", "--force")
    assert said["network"] == name, said
    for theirs, ours in expected.items():
        assert same_bits(tensors[ours], state[theirs]), f"{theirs} is not {ours}"
    for entry in said["renamed"]:
        assert same_bits(tensors[entry["to"]], state[entry["from"]]), entry
    for kept in said["kept"]:
        assert same_bits(tensors[kept], state[kept]), kept
    dropped = {entry["name"].rsplit(".", 1)[-1] for entry in said["left_out"]}
    assert dropped == {"b", "key_private", "skey_private", "num_batches_tracked", "weight", "scale", "bias"}, dropped
    # The loss keeps the same bits under a second name; all are accounted for.
    assert len(said["renamed"]) + len(said["kept"]) + len(said["left_out"]) == len(state)
    some = next(iter(expected))
    del state[some]
    torch.save(state, f"{folder}/in.pth")
    ran = run(program, "passport", "convert", "--from", f"{folder}/in.pth", "--out", f"{folder}/none")
    assert ran.returncode != 0 and some in ran.stderr, ran.stderr
    print(f"{name}: {len(said['renamed'])} renamed, {len(said['kept'])} kept, {len(said['left_out'])} left out; without {some} refused")


def main(program, page):
    torch.manual_seed(2)
    with tempfile.TemporaryDirectory() as folder:
        check(program, page, folder, alexnet(), "alexnet-cifar",
              {"features.4.scale1": "features.4.verification.bn.weight", "features.5.scale0": "features.5.bn.weight",
               "features.0.bn.bias": "features.0.bn.bias",
               "features.6.fc.0.weight": "features.6.verification.tlp.0.weight",
               "classifier.weight": "classifier.weight"})
        check(program, page, folder, resnet18(), "resnet18-reference",
              {"layer4.0.shortcut.bias1": "layer4.0.downsample.0.verification.bn.bias",
               "layer4.0.shortcut.bn0.running_var": "layer4.0.downsample.1.running_var",
               "layer4.1.convbn_2.fc.2.weight": "layer4.1.conv2.verification.tlp.2.weight",
               "layer2.0.shortcut.conv.weight": "layer2.0.downsample.0.weight",
               "convbnrelu_1.bn.weight": "bn1.weight", "linear.bias": "fc.bias"})


if __name__ == "__main__":
    main(*sys.argv[1:])
