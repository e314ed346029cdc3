#!/usr/bin/env bash
# Makes what the dispute grid (docs/disputes.md) is about: small networks that are really trained, the parties' homes, their bundles.
# Usage: make_disputes.sh PROGRAM FORGE FOLDER     the folder is kept while program, model part, forge and this script stay the same
set -euo pipefail

program=$1
forge=$2
dir=$3
built=$(dirname "$program")/..
stamp=$(cat "$program" "$forge" "$built"/lib/stegpass/*.so "$built"/share/stegpass/*.safetensors "${BASH_SOURCE[0]}" | sha256sum)
if [ "$(cat "$dir/stamp" 2>/dev/null)" = "$stamp" ]; then
  echo "the disputes in $dir are up to date"
  exit 0
fi
tests=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
rm -rf "$dir"
mkdir -p "$dir"
cd "$dir"
export OMP_NUM_THREADS=1
export STEGPASS_NOW=1800000000  # the tests run five minutes later

printf 'correct horse battery staple\n' >passphrase
secret=(--passphrase-file passphrase)
s() { printf '+ stegpass %s\n' "$*"; "$program" "$@"; }
quiet() { "$program" "$@" >/dev/null; }

# HOME SEED SIZE: an owner with a ledger, keys and three passports.
owner() {
  quiet init "$1" --origin "$1.example/log" --name "$1" "${secret[@]}"
  quiet passport new --home "$1" --draw --seed "$2" --size "$3" "${secret[@]}" 2>/dev/null
}
# HOME FOLDER OPTION...: a narrow network, from nothing or by a few steps more from another, in three seconds or so.
train() { quiet passport train --home "$1" --out "$2" --data drawn --test-images 200 "${@:3}" "${secret[@]}"; }
from_nothing=(--width 300 --images 512 --epochs 4)
few_steps=(--width 300 --images 256 --epochs 3)
# HOME FOLDER STATEMENT
register() { quiet model register --home "$1" --models "$2" --out "$3" "${secret[@]}"; }
# The id of the registration in a statement.
id_of() { "$program" inspect "$1" --json | sed -n 's/.*"urn:stegpass:model:\([0-9a-f]*\)".*/\1/p' | head -1; }
# HOME ID ROLE BUNDLE
open_to_arbiter() { quiet bundle --home "$1" --registration "$2" --for arbiter --open "$3" --out "$4" "${secret[@]}"; }
# OWNER HOME: the owner's keys and passports in another's home, so that two owners share its ledger.
move_in() { cp "$1/owner.key" "$1/owner.pub" "$1/vault" "$2/"; }

owner acme 7 256
owner rival 8 128
owner indie 9 128
owner thief 10 128
train acme acme-trained "${from_nothing[@]}"
train indie indie-trained "${from_nothing[@]}" --seed 2
train rival over-trained "${few_steps[@]}" --init acme-trained/release.safetensors
train thief thief-trained "${few_steps[@]}" --init acme-trained/release.safetensors --seed 3
train acme framed-trained "${few_steps[@]}" --init indie-trained/release.safetensors
train rival tuned-trained "${few_steps[@]}" --init acme-trained/release.safetensors --layers none
train rival control-trained --width 300 --images 64 --epochs 1 --layers none --seed 4
train rival odd-trained --width 200 --images 64 --epochs 1
for name in acme indie over thief framed tuned control odd; do cp $name-trained/release.safetensors $name.safetensors; done

# A thief who has the owner's key, but not her passports.
quiet init stolen --origin stolen.example/log --name stolen "${secret[@]}"
cp acme/owner.key acme/owner.pub stolen/
quiet passport new --home stolen --draw --seed 11 --size 128 "${secret[@]}" 2>/dev/null
train stolen stolen-trained "${few_steps[@]}" --init acme-trained/release.safetensors
cp stolen-trained/release.safetensors stolen.safetensors
register stolen stolen-trained stolen.cose
open_to_arbiter stolen "$(id_of stolen.cose)" reserve-1 stolen.bundle

register acme acme-trained acme.cose
register rival over-trained rival.cose
register indie indie-trained indie.cose
register thief thief-trained thief.cose
acme=$(id_of acme.cose)
open_to_arbiter acme "$acme" reserve-1 acme.bundle
open_to_arbiter acme "$acme" cover acme-cover.bundle
open_to_arbiter rival "$(id_of rival.cose)" reserve-1 rival.bundle
open_to_arbiter indie "$(id_of indie.cose)" reserve-1 indie.bundle
quiet bundle --home acme --registration "$acme" --for verifier --out acme-verifier.bundle "${secret[@]}"
quiet bundle --home rival --registration "$(id_of rival.cose)" --for verifier --out rival-verifier.bundle "${secret[@]}"
cp -a acme acme-rotated
quiet key rotate --home acme-rotated --reason "the key was copied" --compromised 2027-01-10 "${secret[@]}"
open_to_arbiter acme-rotated "$acme" reserve-1 acme-rotated.bundle

# One ledger for several owners: a squatter was there first, with the owner's bytes and with a mark of his own in them.
quiet init town --origin town.example/log --name town "${secret[@]}"
move_in thief town
squat=$("$forge" reregister town thief.cose acme.safetensors)
open_to_arbiter town "$squat" reserve-1 squatter.bundle
register town thief-trained town-thief.cose
open_to_arbiter town "$(id_of town-thief.cose)" reserve-1 early-thief.bundle
move_in acme town
register town acme-trained town-acme.cose
open_to_arbiter town "$(id_of town-acme.cose)" reserve-1 town-acme.bundle
shared=$("$forge" reregister town acme.cose over.safetensors)
open_to_arbiter town "$shared" reserve-1 town-acme-over.bundle
move_in rival town
register town over-trained town-rival.cose
open_to_arbiter town "$(id_of town-rival.cose)" reserve-1 town-rival.bundle

# The same bytes with both marks, registered in two ledgers; and the one seen by a witness.
both=$("$forge" reregister acme acme.cose over.safetensors)
open_to_arbiter acme "$both" reserve-1 acme-over.bundle
quiet ledger witness new w1 --name witness.example/w1 "${secret[@]}"
quiet ledger witness request --home acme --old 0 --out w1.request
quiet ledger witness sign w1 --log acme/log.vkey --request w1.request --out w1.line "${secret[@]}"
quiet ledger cosign w1.line --home acme --witness w1/witness.vkey
open_to_arbiter acme "$both" reserve-1 acme-over-seen.bundle

# Papers that are false.
again=$("$forge" reregister thief thief.cose acme.safetensors)
open_to_arbiter thief "$again" reserve-1 thief.bundle
"$forge" alter rival.bundle rival-altered.bundle
"$forge" missalt acme.bundle acme-missalted.bundle
blank=$("$forge" reregister rival rival.cose control.safetensors)
open_to_arbiter rival "$blank" reserve-1 rival-blank.bundle
blank=$("$forge" reregister indie indie.cose control.safetensors)
open_to_arbiter indie "$blank" reserve-1 indie-blank.bundle

# Copies under attack.
"$forge" prune acme.safetensors 40 pruned.safetensors
"$forge" quantise acme.safetensors quantised.safetensors
"$forge" permute acme.safetensors permuted.safetensors
"$forge" turn acme.safetensors acme-cover.bundle 2 erased.safetensors
"$forge" turn acme.safetensors acme-cover.bundle 1 turned.safetensors

# Licenses: of a stranger, and of the rival under the key of his own registration.
quiet key new --out bob.key "${secret[@]}"
cp rival/owner.key rival.key
for who in ada rival; do
  [ -f $who.key ] || quiet key new --out $who.key "${secret[@]}"
  quiet license request --key $who.key --registration acme.cose --name $who --draw --out $who.request "${secret[@]}"
  quiet passport mint --home acme --request $who.request --out $who.png "${secret[@]}"
  "$program" license issue --home acme --request $who.request --passport $who.png --out $who.delivery --json "${secret[@]}" |
    sed -n 's/^ *"id": "\([0-9a-f]*\)".*/\1/p' >$who.id
  quiet bundle --home acme --license "$(cat $who.id)" --for public --out $who-license.bundle
done
quiet license open --key ada.key --delivery ada.delivery --out ada "${secret[@]}"
quiet license present --key ada.key --license ada/license.cose --audience arbiter --nonce 00112233 --out ada.presentation "${secret[@]}"
"$forge" present bob.key ada-license.bundle bob.presentation
"$forge" lie thief thief.cose acme.safetensors acme-verifier.bundle ada.png liar.bundle
cp -a acme acme-revoked
STEGPASS_NOW=1800000200 quiet license revoke --home acme-revoked --license "$(cat ada.id)" --reason "terms broken" "${secret[@]}"
STEGPASS_NOW=1800000200 quiet bundle --home acme-revoked --license "$(cat ada.id)" --for public --out ada-revoked.bundle

# Timestamps, which an authority gives by the clock of today: over a copy that the accused calls his own, and over papers of a ledger that the owner keeps
# by the same clock.
# OPTION FILE OUT
stamp_by_authority() {
  quiet time request "$1" "$2" --out "$3.tsq"
  "$tests/support/timestamp_authority.sh" "$3.tsq" "$3.tsr" 2>/dev/null
  quiet time attach "$1" "$2" --request "$3.tsq" --response "$3.tsr" --out "$3"
}
stamp_by_authority --file tuned.safetensors tuned.tst
(
  STEGPASS_NOW=$(date +%s)
  quiet init dawn --origin dawn.example/log --name dawn "${secret[@]}"
  move_in acme dawn
  id=$("$forge" reregister dawn acme.cose over.safetensors)
  open_to_arbiter dawn "$id" reserve-1 dawn.bundle
  stamp_by_authority --bundle dawn.bundle dawn-stamped.bundle
)

# The arbiter.
quiet key new --out arbiter.key "${secret[@]}"
logs=(--owner acme=acme/owner.pub)
for home in acme rival indie thief stolen town; do logs+=(--log $home/log.vkey); done
quiet policy init "${logs[@]}" --max-age 30d --out arbiter.policy
quiet policy init "${logs[@]}" --max-age 30d --witness w1=w1/witness.vkey --out witnessed.policy
quiet policy init "${logs[@]}" --log dawn/log.vkey --max-age 36500d --time authority="$tests/credential/certificates/root.pem" --out stamped.policy
quiet policy init --owner rival=rival/owner.pub --log rival/log.vkey --max-age 30d --out narrow.policy
printf '%s\n' "$stamp" >stamp
