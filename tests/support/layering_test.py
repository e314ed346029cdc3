#!/usr/bin/env python3
"""Plants include lines in a small tree and expects layering.py to name each wrong one, and no right one.

Usage: layering_test.py. Exit code 0 when all is as expected.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

# (file, include line, whether it breaks the table)
PLANTED = [
    ("libcredential/include/stegpass/credential/core/a.hpp", "#include <vector>", False),
    ("libcredential/include/stegpass/credential/core/b.hpp", "#include <sodium.h>", True),
    ("libcredential/include/stegpass/credential/core/c.hpp", "#include <stegpass/credential/key.hpp>", True),
    ("libcredential/include/stegpass/credential/d.hpp", "#include <openssl/evp.h>", True),
    ("libcredential/include/stegpass/credential/e.hpp", "#include <stegpass/credential/core/a.hpp>", False),
    ("libcredential/src/a.cpp", "#include <openssl/evp.h>", False),
    ("libcredential/src/b.cpp", "  #  include <torch/types.h>", True),
    ("libcredential/src/c.cpp", '#include "deleters.hpp"', False),
    ("libcredential/src/core/a.cpp", '#include "../deleters.hpp"', True),
    ("libcredential/src/deleters.hpp", "#include <memory>", False),
    ("libmodel/include/stegpass/model/a.hpp", "#include <torch/types.h>", False),
    ("libmodel/include/stegpass/model/b.hpp", "#include <opencv2/core.hpp>", True),
    ("libmodel/include/stegpass/model/c.hpp", "#include <c10/cuda/CUDAStream.h>", True),
    ("libmodel/src/a.cpp", "#include <stegpass/credential/key.hpp>", True),
    ("libmodel/src/b.cpp", "#include <cuda_runtime.h>", True),
    ("libmodel/src/c.cpp", "#include <stegpass/credential/core/a.hpp>", False),
    ("libmodel/src/cuda/a.cu", "#include <cuda_runtime.h>", False),
    ("libmodel/io/src/a.cpp", "#include <opencv2/imgproc.hpp>", False),
    ("libmodel/src/d.cpp", "#include <stegpass/model/io/image.hpp>", True),
    ("ledger/include/stegpass/ledger/a.hpp", "#include <rocksdb/db.h>", True),
    ("ledger/src/a.cpp", "#include <rocksdb/db.h>", False),
    ("ledger/src/b.cpp", "#include <stegpass/model/a.hpp>", True),
    ("cli/a.cpp", "#include <CLI/CLI.hpp>", False),
    ("cli/model_part.cpp", "#include <torch/types.h>", False),
    ("cli/model_part_loader.cpp", "#include <torch/types.h>", True),
    ("cli/d.cpp", "#include <stegpass/model/a.hpp>", True),
    ("cli/b.cpp", "#include <sodium.h>", True),
    ("cli/c.cpp", '#include "../libcredential/src/deleters.hpp"', True),
    ("examples/a.cpp", "#include <zlib.h>", True),
    ("examples/b.cpp", "#include <some/unknown.hpp>", True),
    ("tests/support/catch.hpp", "#include <catch2/catch.hpp>", False),
    ("tests/credential/a.cpp", "#include <catch2/catch.hpp>", True),
    ("tests/credential/b.cpp", '#include "tests/support/catch.hpp"', False),
    ("tests/credential/c.cpp", '#include "libcredential/src/deleters.hpp"', False),
    ("tests/interop/a.cpp", "#include <torch/types.h>", False),
    ("tests/interop/b.cpp", "#include <stegpass/credential/key.hpp>", True),
    ("tests/ledger/a.cpp", '#include "libcredential/src/deleters.hpp"', True),
    ("tests/ledger/b.cpp", '#include "nowhere.hpp"', True),
]


def main():
    with tempfile.TemporaryDirectory() as folder:
        for name, line, _ in PLANTED:
            file = Path(folder, name)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(f"#pragma once\n{line}\n")
        check = Path(__file__).with_name("layering.py")
        run = subprocess.run([sys.executable, check, folder], capture_output=True, text=True)
    named = {line.split(": ")[0] for line in run.stdout.splitlines() if ": " in line}
    expected = {f"{name}:2" for name, _, wrong in PLANTED if wrong}
    for text, places in [("not named", expected - named), ("named without reason", named - expected)]:
        for place in sorted(places):
            print(f"{place}: {text}")
    return 0 if named == expected and run.returncode == 1 else 1


if __name__ == "__main__":
    sys.exit(main())
