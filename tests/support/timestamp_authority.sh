#!/usr/bin/env bash
# A timestamp authority (RFC 3161) for tests: answers a query by the clock of today, under tests/credential/certificates/root.pem.
# Usage: timestamp_authority.sh QUERY RESPONSE
set -euo pipefail

certificates=$(cd "$(dirname "${BASH_SOURCE[0]}")/../credential/certificates" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
printf '01\n' >"$work/serial"
cat >"$work/tsa.conf" <<END
[tsa]
serial = $work/serial
crypto_device = builtin
signer_digest = sha256
default_policy = 1.2.3.4
digests = sha256
ordering = no
ess_cert_id_alg = sha256
END
openssl ts -reply -config "$work/tsa.conf" -section tsa -queryfile "$1" -signer "$certificates/time.pem" -inkey "$certificates/time.key" -out "$2"
