"""Exchanges of files with packages from PyPI: keys with cryptography (PKCS#8, OpenSSH), signed models with model_signing. Each is also
made with single bytes changed, which has to be refused, or to be another key.

Usage: files.py EXCHANGE PROGRAM VENV
"""

import base64
import datetime
import json
import os
import pathlib
import subprocess
import sys
import tempfile

EXCHANGE, PROGRAM, VENV = sys.argv[1:4]
PYTHON = os.path.join(VENV, "bin", "python")
if os.path.realpath(sys.prefix) != os.path.realpath(VENV):
    if not os.path.exists(os.path.join(VENV, "stamp")):
        print("skipped: the packages are not there")
        sys.exit(77)
    os.execv(PYTHON, [PYTHON, *sys.argv])

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import (BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat, PublicFormat,
                                                          load_pem_private_key, load_pem_public_key, load_ssh_public_key)

FOLDER = tempfile.TemporaryDirectory()
HERE = pathlib.Path(FOLDER.name)
SECRET = b"correct horse"
(HERE / "secret").write_bytes(SECRET + b"\n")
OURS = ["--passphrase-file", str(HERE / "secret")]


def stegpass(*arguments):
    """Runs the program; its exit code and JSON."""
    ran = subprocess.run([PROGRAM, *map(str, arguments), "--json"], capture_output=True, text=True, check=False)
    return ran.returncode, json.loads(ran.stdout)


def must(*arguments):
    code, said = stegpass(*arguments)
    assert code == 0, said
    return said


def changed(data, every):
    """Copies of the bytes, each with one bit flipped in every `every`th byte."""
    for at in range(0, len(data), every):
        copy = bytearray(data)
        copy[at] ^= 1 << (at % 8)
        yield bytes(copy)


def new_key(kind):
    must("key", "new", "--out", HERE / f"{kind}.key", "--type", kind, "--force", *OURS)
    public = must("key", "export", HERE / f"{kind}.pub", "--format", "pem")["pem"]
    return HERE / f"{kind}.key", public.encode()


def generate(kind):
    return ed25519.Ed25519PrivateKey.generate() if kind == "ed25519" else ec.generate_private_key(ec.SECP256R1())


def pem_of(public):
    return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


# ---- keys


def pkcs8_reads():
    """cryptography opens our encrypted PKCS#8 and finds the key whose public half we printed; no changed copy is that key."""
    count = 0
    for kind in ("ed25519", "p256"):
        key, public = new_key(kind)
        must("key", "export", key, "--private", "--out", HERE / "out.pem", "--force", "--new-passphrase-file", HERE / "secret", *OURS)
        data = (HERE / "out.pem").read_bytes()
        assert pem_of(load_pem_private_key(data, SECRET).public_key()) == public
        body = data.index(b"\n") + 1
        for copy in changed(data[body:-36], 40):
            count += 1
            try:
                other = pem_of(load_pem_private_key(data[:body] + copy + data[-36:], SECRET).public_key())
            except Exception:  # whatever the package raises on what it refuses
                continue
            assert other != public
    return count


def imported(data):
    """The public half of a key that we import, or None where it is refused."""
    (HERE / "in.pem").write_bytes(data)
    code, _ = stegpass("key", "import", "--from", HERE / "in.pem", "--out", HERE / "in.key", "--force", "--source-passphrase-file", HERE / "secret", *OURS)
    if code != 0:
        return None
    return must("key", "export", HERE / "in.pub", "--format", "pem")["pem"].encode()


def keys_written(kind, form, encryption):
    private = generate(kind)
    data = private.private_bytes(Encoding.PEM, form, encryption)
    public = pem_of(private.public_key())
    assert imported(data) == public
    body, count, same = data.index(b"\n") + 1, 0, 0
    for copy in changed(data[body:-36], 60):
        count += 1
        same += imported(data[:body] + copy + data[-36:]) == public
    # A comment of SSH, and parameters of PBES2 that say nothing, can change without changing the key.
    assert same <= (0 if form == PrivateFormat.PKCS8 and isinstance(encryption, NoEncryption) else 1)
    return count


def pkcs8_writes():
    return sum(keys_written(kind, PrivateFormat.PKCS8, encryption) for kind in ("ed25519", "p256")
               for encryption in (NoEncryption(), BestAvailableEncryption(SECRET)))


def ssh_writes():
    return keys_written("ed25519", PrivateFormat.OpenSSH, NoEncryption())


def ssh_reads():
    count = 0
    for kind in ("ed25519", "p256"):
        key, public = new_key(kind)
        line = must("key", "export", HERE / f"{kind}.pub", "--format", "ssh", "--comment", "ada")["ssh"].encode()
        assert pem_of(load_ssh_public_key(line)) == public
        for copy in changed(line.split()[1], 3):
            count += 1
            try:
                other = pem_of(load_ssh_public_key(line.split()[0] + b" " + copy))
            except Exception:  # whatever the package raises on what it refuses
                continue
            assert other != public
    return count


# ---- models

NAMES = ["a.bin", "a/b.bin", "a-b.bin", "a b.bin", "A.bin", "z/deep/er/c.bin", "\u00e9.bin", "empty", ".gitignore", "skip/me", "aa"]


def write_model():
    """Names whose order differs between paths and text, an empty file, and one that is left out by itself."""
    model = HERE / "model"
    for number, name in enumerate(NAMES):
        (model / name).parent.mkdir(parents=True, exist_ok=True)
        (model / name).write_bytes(b"" if name == "empty" else bytes([number]) * (1000 + number))
    return model


def certificates(public):
    """A root, and a certificate of the key under it."""
    root_key = ec.generate_private_key(ec.SECP256R1())
    now = datetime.datetime.now(datetime.timezone.utc)

    def make(subject, key, issuer, authority):
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, subject)])
        builder = (x509.CertificateBuilder().subject_name(name)
                   .issuer_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, issuer)]))
                   .public_key(key).serial_number(x509.random_serial_number())
                   .not_valid_before(now - datetime.timedelta(days=1)).not_valid_after(now + datetime.timedelta(days=30))
                   .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
                   .add_extension(x509.KeyUsage(not authority, False, False, False, False, authority, authority, False, False), critical=True))
        return builder.sign(root_key, hashes.SHA256()).public_bytes(Encoding.PEM)

    (HERE / "root.pem").write_bytes(make("root", root_key.public_key(), "root", True))
    (HERE / "leaf.pem").write_bytes(make("signer", public, "root", False))


def theirs_takes(model, signature, public=None):
    """Whether model_signing verifies a model."""
    from model_signing import verifying
    config = verifying.Config()
    config = config.use_elliptic_key_verifier(public_key=public) if public else config.use_certificate_verifier(certificate_chain=[HERE / "root.pem"])
    try:
        config.verify(model, signature)
    except Exception:  # whatever the package raises on what it refuses
        return False
    return True


def ours_takes(model, signature, *signer):
    code, said = stegpass("model", "verify", model, "--signature", signature, *signer)
    assert code in (0, 1, 2, 3), said
    return code == 0


def one_byte_changed(takes, model, signature):
    """No model with one byte changed is taken, nor one with a file more or less, nor a changed payload."""
    count = 0
    assert takes()
    for name in ("a.bin", "a-b.bin", "z/deep/er/c.bin"):
        content = (model / name).read_bytes()
        (model / name).write_bytes(bytes([content[0] ^ 1]) + content[1:])
        assert not takes(), name
        (model / name).unlink()
        assert not takes(), name
        (model / name).write_bytes(content)
        count += 2
    (model / "more").write_bytes(b"1")
    assert not takes()
    (model / "more").unlink()
    text = signature.read_text()
    bundle = json.loads(text)
    for field in ("payload", "sig"):
        copy = json.loads(text)
        holder = copy["dsseEnvelope"] if field == "payload" else copy["dsseEnvelope"]["signatures"][0]
        at = len(holder[field]) // 2
        holder[field] = holder[field][:at] + ("A" if holder[field][at] != "A" else "B") + holder[field][at + 1:]
        signature.write_text(json.dumps(copy))
        assert not takes(), field
        count += 1
    signature.write_text(json.dumps(bundle))
    assert takes()
    return count + 1


def model_signing_verifies():
    """What we signed, by key and by certificate. Not in shards, where the package expects another name of the hash than the standard has."""
    model, count = write_model(), 0
    key, public = new_key("p256")
    (HERE / "p256.pem").write_bytes(public)
    certificates(load_pem_public_key(public))
    signature = model / "model.sig"
    must("model", "sign", model, "--key", key, "--out", signature, "--ignore", "skip", "--force", *OURS)
    count += one_byte_changed(lambda: theirs_takes(model, signature, HERE / "p256.pem"), model, signature)
    must("model", "sign", model, "--key", key, "--certificate", HERE / "leaf.pem", "--out", signature, "--force", *OURS)
    count += one_byte_changed(lambda: theirs_takes(model, signature), model, signature)
    return count


def model_signing_writes():
    """What model_signing signed, in files and in shards, by key and by certificate; and both find the same root."""
    from model_signing import hashing, signing
    model, count = write_model(), 0
    private = ec.generate_private_key(ec.SECP384R1())
    (HERE / "private.pem").write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    (HERE / "public.pem").write_bytes(pem_of(private.public_key()))
    certificates(private.public_key())
    signature = HERE / "model.sig"
    by_key = ["--public-key", HERE / "public.pem"]
    for how, root_options in (("use_file_serialization", []), ("use_shard_serialization", ["--shard-bytes", 300])):
        extra = {"shard_size": 300} if root_options else {}
        config = getattr(hashing.Config(), how)(hashing_algorithm="sha256", **extra).set_ignored_paths(paths=[model / "skip"], ignore_git_paths=True)
        signing.Config().use_elliptic_key_signer(private_key=HERE / "private.pem").set_hashing_config(config).sign(model, signature)
        payload = json.loads(base64.b64decode(json.loads(signature.read_text())["dsseEnvelope"]["payload"]))
        ours = must("model", "digest", model, "--ignore", "skip", *root_options)
        assert ours["root"] == payload["subject"][0]["digest"]["sha256"]
        assert [r["name"] for r in ours["resources"]] == [r["name"] for r in payload["predicate"]["resources"]]
        count += one_byte_changed(lambda: ours_takes(model, signature, *by_key), model, signature)
    signing.Config().use_certificate_signer(private_key=HERE / "private.pem", signing_certificate=HERE / "leaf.pem",
                                            certificate_chain=[HERE / "root.pem"]).sign(model, signature)
    return count + one_byte_changed(lambda: ours_takes(model, signature, "--root", HERE / "root.pem"), model, signature)


made = globals()[EXCHANGE.replace("-", "_")]()
print(f"{EXCHANGE}: taken as it was; {made} changed copies refused or different")
