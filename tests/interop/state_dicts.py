#!/usr/bin/env python3
"""Writes state dicts with torch.save in every way that PyTorch has, and expects `passport convert` to give back every bit.

Usage: state_dicts.py PROGRAM. Exit code 77: no PyTorch.
"""

import collections
import json
import sys
import tempfile

from common import convert, run, same_bits, torch

FORMS = [("zip", {}), ("older", {"_use_new_zipfile_serialization": False})]


def some_network():
    torch.manual_seed(3)
    return torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3), torch.nn.BatchNorm2d(8), torch.nn.ReLU(), torch.nn.Linear(8, 4))


def strange_tensors():
    """Every type, layout and special value; several over one storage."""
    base = torch.randn(4, 5, 6)
    tensors = collections.OrderedDict(base=base, again=base, row=base[2], column=base[:, 1, :],
                                      transposed=base.transpose(0, 2), step=base[::2, :, 1::2],
                                      expanded=base[:1, :1, :1].expand(2, 3, 2), scalar=torch.tensor(7.5), empty=torch.empty(0, 3),
                                      channels_last=torch.randn(2, 3, 4, 5).to(memory_format=torch.channels_last),
                                      special=torch.tensor([float("nan"), float("inf"), -float("inf"), -0.0, 1e-45]),
                                      flags=torch.tensor([True, False, True]), parameter=torch.nn.Parameter(torch.randn(3)))
    for name in ("float64", "float16", "bfloat16"):
        tensors[name] = torch.randn(3, 7).to(getattr(torch, name))
    for name in ("int64", "int32", "int16", "int8", "uint8"):
        tensors[name] = torch.randint(0, 100, (5, 2)).to(getattr(torch, name))
    tensors["transposed_half"] = torch.randn(6, 4).half().t()
    return tensors


def cases():
    """(name, what is saved, tensors expected, names of what is left out)."""
    weights = some_network().state_dict()
    plain = dict(weights)
    yield "a state dict", weights, plain, []
    yield "a checkpoint", {"epoch": 3, "state_dict": weights, "best": 0.9, "args": ["a", None, 2**70, -5]}, plain, ["epoch", "best", "args"]
    optimizer = torch.optim.Adam(some_network().parameters())
    yield "a model with its optimizer", {"model": weights, "optimizer": optimizer.state_dict()}, plain, ["optimizer"]
    yield "DataParallel's names", torch.nn.DataParallel(some_network()).state_dict(), plain, []
    torch.manual_seed(9)
    strange = strange_tensors()
    yield "strange tensors", strange, dict(strange), []


def check(program, folder, name, form, options, saved, expected, left_out):
    path, out = f"{folder}/in.pth", f"{folder}/out.safetensors"
    torch.save(saved, path, **options)
    tensors, said = convert(program, path, out, "--force")
    assert set(tensors) == set(expected), f"{name}, {form}: {set(tensors) ^ set(expected)}"
    for key, value in expected.items():
        assert same_bits(tensors[key], value), f"{name}, {form}: {key} differs"
    assert [entry["name"] for entry in said["left_out"]] == left_out, f"{name}, {form}: {said['left_out']}"
    listed = json.loads(run(program, "passport", "convert", "--from", path, "--list", "--json").stdout)["tensors"]
    assert [(t["name"], tuple(t["shape"])) for t in listed] == [(key, tuple(value.shape)) for key, value in expected.items()]
    # safetensors are read too, and come out the same
    again, _ = convert(program, out, f"{folder}/again.safetensors", "--force")
    assert all(same_bits(again[key], value) for key, value in expected.items())
    print(f"{form}: {name}: {len(expected)} tensors, every bit the same")


def check_map(program, folder):
    torch.save({"a": torch.ones(2), "b": torch.zeros(3), "c": torch.ones(1)}, f"{folder}/in.pth")
    with open(f"{folder}/map.json", "w", encoding="utf-8") as file:
        json.dump({"a": "first", "b": None}, file)
    tensors, _ = convert(program, f"{folder}/in.pth", f"{folder}/mapped.safetensors", "--map", f"{folder}/map.json")
    assert set(tensors) == {"first", "c"}, tensors
    wrong = ["[]", '{"a": 1}', '{"a": ""}', '{"a": "x", "a": "y"}', '{"absent": "x"}', '{"a": "c"}', '{"a"', '{"a": {"a": "x"}}']
    for text in wrong:
        with open(f"{folder}/map.json", "w", encoding="utf-8") as file:
            file.write(text)
        ran = run(program, "passport", "convert", "--from", f"{folder}/in.pth", "--out", f"{folder}/none", "--map",
                  f"{folder}/map.json")
        assert ran.returncode in (2, 4) and not ran.stdout, f"{text}: {ran.returncode} {ran.stdout}{ran.stderr}"
    print("a map of one's own is followed, and wrong ones are refused")


def main(program):
    with tempfile.TemporaryDirectory() as folder:
        for form, options in FORMS:
            for name, saved, expected, left_out in cases():
                check(program, folder, name, form, options, saved, expected, left_out)
        check_map(program, folder)


if __name__ == "__main__":
    main(*sys.argv[1:])
