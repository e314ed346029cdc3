#!/usr/bin/env bash
# Makes what the whole-program tests share, with the program's own commands: an owner's home with a small trained network, two licensees
# (ada, bob) with minted passports and licenses, a home in which ada's license is revoked, a stranger's home, and bundles of all of it.
# Usage: make_fixture.sh PROGRAM FOLDER     the folder is kept while program, model part and this script stay the same
set -euo pipefail

program=$1
dir=$2
built=$(dirname "$program")/..
stamp=$(cat "$program" "$built"/lib/stegpass/*.so "$built"/share/stegpass/*.safetensors "${BASH_SOURCE[0]}" | sha256sum)
if [ "$(cat "$dir/stamp" 2>/dev/null)" = "$stamp" ]; then
  echo "the fixture in $dir is up to date"
  exit 0
fi
rm -rf "$dir"
mkdir -p "$dir"
cd "$dir"
export STEGPASS_NOW=1800000000  # the tests run five minutes later

printf 'correct horse battery staple\n' >passphrase
printf 'wrong\n' >wrong-passphrase
secret=(--passphrase-file passphrase)
s() { printf '+ stegpass %s\n' "$*"; "$program" "$@"; }

s init home --origin tests.example/log --name tester "${secret[@]}"
s init stranger --origin stranger.example/log --name stranger "${secret[@]}"
s passport new --home home --draw --seed 7 "${secret[@]}"
s passport train --home home --data drawn --preset quick --images 512 --epochs 4 --test-images 200 --out trained "${secret[@]}"
cp trained/release.safetensors release.safetensors
s model register --home home --models trained --out registration.cose "${secret[@]}"
cp -a home home-registered
for who in ada bob; do
  s key new --out $who.key "${secret[@]}"
  s license request --key $who.key --registration registration.cose --name $who --draw --out $who.request "${secret[@]}"
  s passport mint --home home --request $who.request --out $who.png "${secret[@]}"
  [ $who = ada ] && cp -a home home-minted
  s license issue --home home --request $who.request --passport $who.png --out $who.delivery --json "${secret[@]}" | tee $who.json
  s license open --key $who.key --delivery $who.delivery --out $who "${secret[@]}"
  sed -n 's/^ *"id": "\([0-9a-f]*\)".*/\1/p' $who.json >$who.id
  s license present --key $who.key --license $who/license.cose --audience inspector --nonce 00112233 --out $who.presentation "${secret[@]}"
done
ada=$(cat ada.id)
bob=$(cat bob.id)
s bundle --home home --license "$ada" --for public --out public.bundle
s bundle --home home --license "$ada" --for verifier --out ada.bundle "${secret[@]}"
s bundle --home home --license "$bob" --for verifier --out bob.bundle "${secret[@]}"
s bundle --home home --license "$ada" --for arbiter --open reserve-1 --out arbiter.bundle "${secret[@]}"
cp home/trust.policy trust.policy
cp -a home home-revoked
export STEGPASS_NOW=1800000200
s license revoke --home home-revoked --license "$ada" --reason "the tests take it back" "${secret[@]}"
s bundle --home home-revoked --license "$ada" --for verifier --out revoked.bundle "${secret[@]}"
printf '%s\n' "$stamp" >stamp
