#!/usr/bin/env python3
"""Makes the certificates of the tests, valid from 2020 to 2120 unless their name says otherwise. Run once, with the package
`cryptography`; what it writes is kept beside it. content.tsr and .tst, in base64, are response and token over the word `content`,
made by `openssl ts` with time.key. Usage: make.py PUBLIC_KEY_HEX (Ed25519, the owner of tests/credential/papers_fixture.hpp)
"""

import datetime
import pathlib
import sys

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

FOLDER = pathlib.Path(__file__).parent
OWNER = ed25519.Ed25519PublicKey.from_public_bytes(bytes.fromhex(sys.argv[1]))


def name(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def usage(**allowed):
    flags = ["digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "key_cert_sign",
             "crl_sign", "encipher_only", "decipher_only"]
    return x509.KeyUsage(**{flag: allowed.get(flag, False) for flag in flags})


def certificate(subject, key, issuer, signer, extensions, until=2120):
    made = (x509.CertificateBuilder().subject_name(name(subject)).issuer_name(name(issuer)).public_key(key)
            .serial_number(x509.random_serial_number()).not_valid_before(datetime.datetime(2020, 1, 1))
            .not_valid_after(datetime.datetime(until, 1, 1)))
    for extension, critical in extensions:
        made = made.add_extension(extension, critical)
    return made.sign(signer, hashes.SHA256())


def write(file, *certificates):
    (FOLDER / file).write_bytes(b"".join(one.public_bytes(serialization.Encoding.PEM) for one in certificates))


def authority(subject, issuer=None, signer=None):
    key = ec.generate_private_key(ec.SECP256R1())
    extensions = [(x509.BasicConstraints(ca=True, path_length=None), True), (usage(key_cert_sign=True), True)]
    return key, certificate(subject, key.public_key(), issuer or subject, signer or key, extensions)


signs = [(usage(digital_signature=True), True)]
stamps = signs + [(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), True)]
root_key, root = authority("test root")
middle_key, middle = authority("test middle", "test root", root_key)
_, other = authority("other root")
time_key = ec.generate_private_key(ec.SECP256R1())
rsa_key = rsa.generate_private_key(65537, 2048)

write("root.pem", root)
write("other-root.pem", other)
write("owner-chain.pem", certificate("owner", OWNER, "test middle", middle_key, signs), middle)
write("expired-chain.pem", certificate("owner of old", OWNER, "test middle", middle_key, signs, until=2021), middle)
write("encipher-chain.pem", certificate("owner, not to sign", OWNER, "test middle", middle_key, [(usage(key_agreement=True), True)]), middle)
write("rsa.pem", certificate("rsa", rsa_key.public_key(), "test root", root_key, signs))
write("time.pem", certificate("test time", time_key.public_key(), "test root", root_key, stamps))
(FOLDER / "time.key").write_bytes(time_key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                                         serialization.NoEncryption()))
