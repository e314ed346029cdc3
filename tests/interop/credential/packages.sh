#!/usr/bin/env bash
# Makes a virtual environment with the Python packages of the exchanges, once. Usage: packages.sh FOLDER
# Exits with 77, which ctest shows as skipped, where they cannot be fetched.
set -euo pipefail

packages=(cbor2==5.9.0 pycddl==0.6.4 cwt==3.3.0 pycose==1.1.0 model_signing==1.1.1 pyopenssl cryptography)
stamp="$1/stamp"
[ "$(cat "$stamp" 2>/dev/null)" = "${packages[*]}" ] && exit 0
rm -rf "$1"
python3 -m venv "$1" || { echo "skipped: no venv for Python (Debian: python3-venv)"; exit 77; }
"$1/bin/pip" install --quiet --disable-pip-version-check --retries 1 --timeout 20 "${packages[@]}" || { echo "skipped: the packages cannot be fetched"; exit 77; }
printf '%s' "${packages[*]}" >"$stamp"
