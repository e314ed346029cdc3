#!/usr/bin/env bash
# Fuzzes one decoder, or builds the program for it. Usage: run.sh ROOT build | run.sh ROOT DECODER
# Takes 20 seconds in continuous integration (CI=true), or STEGPASS_FUZZ_SECONDS; without clang exits with 77: skipped.
# A finding is exit code 1: libFuzzer's own, 77, is that of what was skipped. What is found lies in build/fuzz/findings, the grown corpus in build/fuzz/corpus.
set -euo pipefail

root=$1 what=$2 build=$1/build/fuzz
seconds=${STEGPASS_FUZZ_SECONDS:-$([ "${CI:-}" = true ] && echo 20 || true)}
command -v clang++ >/dev/null || { echo "skipped: no clang++"; exit 77; }
[ -n "$seconds" ] || { echo "skipped: neither CI=true nor STEGPASS_FUZZ_SECONDS"; exit 77; }
if [ "$what" = build ]; then
  cd "$root"
  cmake --preset fuzz >/dev/null
  cmake --build build/fuzz --target fuzz_decoders fuzz_seeds
  exec build/fuzz/bin/fuzz_seeds build/fuzz/seeds
fi
mkdir -p "$build/corpus/$what" "$build/findings"
STEGPASS_FUZZ_DECODER=$what exec "$build/bin/fuzz_decoders" -max_total_time="$seconds" -max_len=65536 -rss_limit_mb=1024 -malloc_limit_mb=256 \
  -timeout=10 -print_final_stats=1 -error_exitcode=1 -artifact_prefix="$build/findings/$what-" "$build/corpus/$what" "$build/seeds/$what"
