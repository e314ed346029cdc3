#!/usr/bin/env bash
# Makes what the situations of the grid are about, over the fixture of the whole-program tests: changed copies of its network, changed pictures, and
# what becomes of licenses, keys and witnesses, with the program's own commands.
# Usage: make_grid.sh PROGRAM TOOLS FIXTURE FOLDER     TOOLS holds grid_tool and edit_pictures. The folder is kept while all of these stay the same
set -euo pipefail

program=$1
tools=$2
fixture=$3
dir=$4
stamp=$(cat "$program" "$tools/grid_tool" "$tools/edit_pictures" "$fixture/stamp" "${BASH_SOURCE[0]}" | sha256sum)
if [ "$(cat "$dir/stamp" 2>/dev/null)" = "$stamp" ]; then
  echo "the grid in $dir is up to date"
  exit 0
fi
tests=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
rm -rf "$dir"
mkdir -p "$dir"
cd "$dir"
ln -s "$fixture" fixture
secret=(--passphrase-file fixture/passphrase)
s() { printf '+ stegpass %s\n' "$*"; "$program" "$@"; }
g() { printf '+ grid_tool %s\n' "$*"; "$tools/grid_tool" "$@"; }
now=1800000300
at() { export STEGPASS_NOW=$((now + $1)); }
at 0
ada=$(cat fixture/ada.id)
bob=$(cat fixture/bob.id)
release=fixture/release.safetensors

# Copies of the model.
for edit in permute rescale turn fold prune quantise random rename cut; do g model $edit $release $edit.safetensors; done
g model permute,rescale,turn,fold $release disguised.safetensors
g model permute,prune,quantise $release permute-prune.safetensors
g bundle flip $release flipped.safetensors
head -c 100000 $release >short.safetensors
cp -a fixture/stranger thief
s passport new --home thief --draw --seed 9 "${secret[@]}"
train=(passport train --home thief --data drawn --preset quick --images 128 --epochs 1 --test-images 200 "${secret[@]}")
s "${train[@]}" --layers none --init $release --out finetuned
s "${train[@]}" --layers none --init permute.safetensors --out permute-finetuned
s "${train[@]}" --init $release --out overwritten
rm -f */owner.safetensors */training.* # what no situation needs
mkdir fleet-good fleet-mixed fleet-empty
cp $release fleet-good/one.safetensors
cp $release fleet-good/two.safetensors
cp $release fleet-mixed/good.safetensors
cp random.safetensors fleet-mixed/other.safetensors

# Pictures.
"$tools/edit_pictures" fixture/ada.png .

# Policies.
policy() { grep -v '^mark-bound' fixture/trust.policy >"$1.policy"; printf '%s\n' "${@:2}" >>"$1.policy"; }
policy descends "model descends"
policy strict-mark "mark-bound -1000"
policy wants-model "require model.digest"
policy wants-descent "model descends" "require model.descends"
policy wants-time "require checkpoint.time"
policy wants-holder "require holder.possession"
grep -v '^max-age' fixture/trust.policy >ageless.policy
grep -v '^issuer' fixture/trust.policy >ownerless.policy
printf '# nobody\n' >nobody.policy
printf 'trust everybody\n' >broken.policy

# What became of licenses and keys; each in a copy of the owner's home.
bundle_of() { s bundle --home "$1" --license "$2" --for "${4:-public}" --out "$3.bundle" "${secret[@]}"; }
change() { s license "$1" --home "$2" --license "$ada" "${@:3}" "${secret[@]}"; }
home() { cp -a fixture/home "$1"; }
home suspended; change suspend suspended --reason "invoice open"; bundle_of suspended "$ada" suspended
cp -a suspended reinstated; at 60; change reinstate reinstated --reason "invoice paid"; bundle_of reinstated "$ada" reinstated; at 0
home renewed; change renew renewed --until +400d; bundle_of renewed "$ada" renewed
home transferred; change transfer transferred --to "$bob" --reason "business sold"
bundle_of transferred "$ada" transferred; bundle_of transferred "$bob" successor
home rotated; s key rotate --home rotated --reason planned "${secret[@]}"; bundle_of rotated "$ada" rotated-after
home compromised; s key rotate --home compromised --reason stolen --compromised 2020-01-01 "${secret[@]}"; bundle_of compromised "$ada" compromised
issue() { s license issue --home "$1" --request fixture/ada.request --passport fixture/ada.png --out "$1.delivery" "${@:2}" "${secret[@]}"; }
newest() { "$program" license list --home "$1" --json | sed -n 's/^ *"id": "\([0-9a-f]*\)".*/\1/p' | tail -1; }
minted() { cp -a fixture/home-minted "$1"; }
minted rotated-first; s key rotate --home rotated-first --reason planned "${secret[@]}"; issue rotated-first; bundle_of rotated-first "$(newest rotated-first)" rotated-before
minted later; issue later --not-before +10d; bundle_of later "$(newest later)" not-yet
printf 'You may run it.\n' >contract.txt
printf 'You may sell it.\n' >other-contract.txt
minted contract; issue contract --contract contract.txt; bundle_of contract "$(newest contract)" contract
minted critical; issue critical --term "export=none" --critical export; bundle_of critical "$(newest critical)" critical

# Witnesses of the log.
home watched
for w in w1 w2; do
  s ledger witness new $w --name witness.example/$w "${secret[@]}"
done
witnesses() { s policy init --log fixture/home/log.vkey --owner tester=fixture/home/owner.pub --max-age 30d --witness w1=w1/witness.vkey --witness w2=w2/witness.vkey --quorum "$1" --out witnesses-$1.policy; }
witnesses any
witnesses all
s ledger witness request --home watched --old 0 --out w1.request
s ledger witness sign w1 --log watched/log.vkey --request w1.request --out w1.line "${secret[@]}"
s ledger cosign w1.line --home watched --witness w1/witness.vkey
bundle_of watched "$ada" witnessed

# Lies about bundles.
for edit in flip cut version no-license no-status no-license-receipt no-registration-receipt swapped-receipts bad-order bad-checkpoint isn-key cover-seed; do
  g bundle $edit fixture/ada.bundle lie-$edit.bundle
done
g bundle no-revocation fixture/revoked.bundle lie-no-revocation.bundle
g bundle second-license fixture/ada.bundle lie-second-license.bundle fixture/bob.bundle
g bundle identity fixture/ada.bundle lie-identity.bundle fixture/bob.png
g bundle passport-picture fixture/arbiter.bundle lie-passport-picture.bundle fixture/bob.png
g bundle passport-seed fixture/arbiter.bundle lie-passport-seed.bundle
g bundle status-of fixture/revoked.bundle lie-old-status.bundle fixture/ada.bundle
printf 'no bundle\n' >nonsense.bundle

# Papers by other keys and of other logs, and papers of today with a timestamp.
mkdir papers
today=$(date +%s)
printf '%s\n' "$today" >papers/today
g papers papers "$today"
g bundle license-of fixture/ada.bundle lie-license-of-other.bundle papers/good.bundle
export STEGPASS_NOW=$today
s time request --bundle papers/as-of-now.bundle --out q.tsq
"$tests/support/timestamp_authority.sh" q.tsq q.tsr
s time attach --bundle papers/as-of-now.bundle --request q.tsq --response q.tsr --out stamped.bundle
g bundle checkpoint-of stamped.bundle stamped-elsewhere.bundle papers/good.bundle
cp papers/papers.policy stamped.policy
printf 'time test %s\n' "$(sed '/^-----/d' "$tests/credential/certificates/root.pem" | tr -d '\n')" >>stamped.policy

# What a verifier remembers: after the revocation, of another history, and of nothing yet.
at 0
s verify --bundle fixture/revoked.bundle --policy fixture/trust.policy --memory newer.memory >/dev/null || true
s verify --bundle fixture/ada.bundle --policy fixture/trust.policy --memory same.memory >/dev/null
sed 's/^\([0-9]* \)[^ ]*/\1AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=/' same.memory | sed '1s/.*/stegpass.verifier-memory.v1/' >forked.memory
printf '%s\n' "$stamp" >stamp
