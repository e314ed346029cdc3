"""Exchanges with packages from PyPI: what stegpass wrote is read by cbor2, pycddl, cwt, pycose and cryptography, and what they write is
read by stegpass. What stegpass wrote are the examples in schemas/*.md, which tests compare with the code. Each exchange is also made
with single bytes changed, which has to be refused, or to be another value where nothing is signed.

Usage: exchanges.py EXCHANGE PROGRAM SCHEMAS VENV
"""

import base64
import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
import zlib

EXCHANGE, PROGRAM, SCHEMAS, VENV = sys.argv[1:5]
PYTHON = os.path.join(VENV, "bin", "python")
if os.path.realpath(sys.prefix) != os.path.realpath(VENV):
    if not os.path.exists(os.path.join(VENV, "stamp")):
        print("skipped: the packages are not there")
        sys.exit(77)
    os.execv(PYTHON, [PYTHON, *sys.argv])

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

STATEMENTS = ["ledger-policy", "registration", "license", "revocation", "suspension", "reinstatement", "renewal", "transfer",
              "key-rotation", "dispute-claim", "dispute-evidence", "dispute-finding", "status-list"]
BESIDE = ["license-request", "presentation"]  # formed like statements
OWNER_SIGNS = ["registration", "license", "revocation", "suspension", "reinstatement", "renewal", "transfer", "key-rotation", "status-list"]


def page(name):
    with open(os.path.join(SCHEMAS, name + ".md"), encoding="utf-8") as file:
        return file.read()


def block(name, language="hex"):
    return re.search(r"```" + language + r"\n(.*?)```", page(name), re.S)[1]


def example(name, language="hex"):
    return bytes.fromhex(block(name, language).replace("\n", ""))


def changed(data, every=1):
    """Copies of the bytes, each with one bit flipped in every `every`th byte."""
    for at in range(0, len(data), every):
        copy = bytearray(data)
        copy[at] ^= 1 << (at % 8)
        yield bytes(copy)


def all_refused(check, data, every=1):
    """Checks that `check` takes the bytes and none of their changed copies. Returns how many copies it refused."""
    check(data)
    count = 0
    for copy in changed(data, every):
        try:
            check(copy)
        except Exception:  # whatever the package raises on what it refuses
            count += 1
            continue
        raise AssertionError(f"a changed copy was taken: {copy.hex()}")
    return count


def parts(data):
    """Protected header's bytes, unprotected header, payload's bytes and signature."""
    message = cbor2.loads(data)
    assert message.tag == 18 and len(message.value) == 4
    return message.value


def key_in(claims):
    """The Ed25519 key that a statement carries in cnf."""
    return ed25519.Ed25519PublicKey.from_public_bytes(claims[8][1][-2])


def raw(key):
    return key.public_bytes(Encoding.Raw, PublicFormat.Raw)


def signer_of(name):
    carrier = "registration" if name in OWNER_SIGNS else name
    if carrier == "presentation":
        carrier = "license"
    return key_in(cbor2.loads(parts(example(carrier))[2]))


def thumbprint(key):
    """RFC 9679 over the required members of an Ed25519 key, in deterministic order."""
    return hashlib.sha256(b"\xa3\x01\x01\x20\x06\x21\x58\x20" + raw(key)).digest()


def sig_structure(protected, payload):
    return cbor2.dumps(["Signature1", protected, b"", payload])


# ---- what stegpass wrote, read by others


def cbor2_reads():
    """cbor2 reads every example, and writes the same bytes in the order that it read."""
    def same(data):
        value = cbor2.loads(data)
        assert cbor2.dumps(value) == data
        return value
    total = 0
    for name in STATEMENTS + BESIDE + ["bundle", "receipt", "secret-file", "license-delivery"]:
        data = example(name)
        value = same(data)
        for copy in changed(data, 3):
            total += 1
            try:
                assert same(copy) != value, f"{name}: a changed copy has the same value"
            except (cbor2.CBORError, AssertionError, ValueError, TypeError, OverflowError) as error:
                assert "same value" not in str(error), error
    return total


def cddl_fits():
    """pycddl finds every example to fit its CDDL. Its `.cbor` loses its place within arrays, so the parts are taken one by one."""
    import pycddl
    with open(os.path.join(SCHEMAS, "statement.cddl"), encoding="utf-8") as file:
        shared = file.read()
    total = 0
    for name in STATEMENTS + BESIDE:
        with open(os.path.join(SCHEMAS, name + ".cddl"), encoding="utf-8") as file:
            text = file.read() + shared
        flat = re.sub(r"bstr \.cbor [a-z-]+", "bstr", text)
        data = example(name)
        pycddl.Schema(flat).validate_cbor(data)
        for part, rule in zip((parts(data)[0], parts(data)[2]), re.findall(r"bstr \.cbor ([a-z-]+)", text)[:2]):
            schema = pycddl.Schema(f"start = {rule}\n" + flat)
            schema.validate_cbor(part)
            claims = cbor2.loads(part)
            for key in claims:  # each claim taken away, and one added
                for wrong in ({k: v for k, v in claims.items() if k != key}, claims | {"surprise": 1}):
                    if (name, key) == ("status-list", 65534) and "surprise" not in wrong:
                        continue  # ttl, the one optional claim
                    total += 1
                    try:
                        schema.validate_cbor(cbor2.dumps(wrong))
                    except pycddl.ValidationError:
                        continue
                    raise AssertionError(f"{name}: {rule} fits without {key} or with a surprise")
    return total


def cwt_verifies():
    """cwt verifies the signature of every statement under the key that its owner's statement carries."""
    from cwt import COSE, COSEKey
    total = 0
    for name in STATEMENTS + BESIDE:
        signer = signer_of(name)
        key = COSEKey.from_jwk({"kty": "OKP", "crv": "Ed25519", "alg": "Ed25519", "kid": "k",
                                "x": base64.urlsafe_b64encode(raw(signer)).rstrip(b"=").decode()})
        key._kid = thumbprint(signer)
        verifier = COSE.new()
        data = example(name)
        inner = parts(data)

        def check(copy):
            assert verifier.decode(copy, key) == inner[2]
            assert parts(copy)[0] == inner[0] and parts(copy)[3] == inner[3]
            assert parts(copy)[1] == {}
        total += all_refused(check, data, 5)
    return total


def pycose_verifies():
    """pycose verifies every statement with its EdDSA. It has no label -19, so it gets key, Sig_structure and signature."""
    from pycose.algorithms import EdDSA
    from pycose.keys import OKPKey
    from pycose.keys.curves import Ed25519
    total = 0
    for name in STATEMENTS + BESIDE:
        protected, _, payload, signature = parts(example(name))
        key = OKPKey(crv=Ed25519, x=raw(signer_of(name)))

        def check(data):
            assert EdDSA.verify(key, data, signature)
        total += all_refused(check, sig_structure(protected, payload), 3)
    return total


def cryptography_verifies():
    """cryptography verifies every statement, and its kid is the signer's thumbprint."""
    total = 0
    for name in STATEMENTS + BESIDE:
        signer = signer_of(name)

        def check(data):
            protected, unprotected, payload, signature = parts(data)
            assert cbor2.loads(protected)[4] == thumbprint(signer) and unprotected == {}
            assert cbor2.dumps(cbor2.CBORTag(18, [protected, unprotected, payload, signature])) == data
            signer.verify(signature, sig_structure(protected, payload))
        total += all_refused(check, example(name), 3)
    return total


def receipt_verifies():
    """The receipt gives the root that it is signed over, by RFC 9162 from the leaf."""
    key = ed25519.Ed25519PublicKey.from_public_bytes(cbor2.loads(example("receipt", "key"))[-2])
    leaf = hashlib.sha256(b"\x00second").digest()

    def check(data):
        protected, unprotected, payload, signature = parts(data)
        assert payload is None and set(unprotected) == {396} and set(unprotected[396]) == {-1}
        size, index, path = cbor2.loads(unprotected[396][-1][0])
        assert (size, index) == (2, 1) and len(path) == 1
        root = hashlib.sha256(b"\x01" + path[0] + leaf).digest()
        assert cbor2.loads(protected)[395] == 1
        key.verify(signature, sig_structure(protected, root))
        assert cbor2.dumps(cbor2.loads(data)) == data
    return all_refused(check, example("receipt"))


def checkpoint_verifies():
    """The signed note verifies under its vkey by the rules of C2SP."""
    name, _, key = block("checkpoint", "vkey").strip().split("+")
    material = base64.b64decode(key)
    public = ed25519.Ed25519PublicKey.from_public_bytes(material[1:])
    hint = hashlib.sha256(name.encode() + b"\n" + material).digest()[:4]

    def check(data):
        text, signatures = data.decode("utf-8").split("\n\n")
        dash, who, encoded = signatures.rstrip("\n").split(" ")
        assert dash == "\u2014" and who == name and signatures.endswith("\n")
        signature = base64.b64decode(encoded, validate=True)
        assert base64.b64encode(signature).decode() == encoded and signature[:4] == hint
        public.verify(signature[4:], (text + "\n").encode())
    return all_refused(check, block("checkpoint", "note").encode())


def status_list_reads():
    """The list unpacks with zlib to two bits a license; a changed byte fails its checksum or gives other states."""
    claims = cbor2.loads(parts(example("status-list"))[2])
    packed = claims[65533]["lst"]
    assert claims[65533]["bits"] == 2
    assert [zlib.decompress(packed)[i // 4] >> 2 * (i % 4) & 3 for i in range(5)] == [0] * 5

    def check(data):
        assert zlib.decompress(data) == zlib.decompress(packed)
    check(packed)
    refused = 0
    for copy in changed(packed, 1):
        try:
            check(copy)
        except (zlib.error, AssertionError):
            refused += 1
    assert refused >= len(packed) - 2, "more than zlib's two header bytes could be changed"
    return refused


def rotation_verifies():
    """The new key's proof in a key rotation verifies over the array that the page states."""
    claims = cbor2.loads(parts(example("key-rotation"))[2])
    new, old = key_in(claims), signer_of("key-rotation")
    message = cbor2.dumps(["stegpass.key-rotation.v1", claims[7], thumbprint(old), thumbprint(new)])
    return all_refused(lambda data: new.verify(claims["stegpass.key-rotation"]["proof"], data), message)


# ---- what others wrote, read by stegpass


def inspect(data):
    """What `stegpass inspect` makes of a file, or None when it refuses it."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "file")
        with open(path, "wb") as file:
            file.write(data)
        ran = subprocess.run([PROGRAM, "inspect", path, "--json"], capture_output=True, text=True, check=False)
    assert ran.returncode in (0, 1, 2, 3, 4), f"inspect ended with {ran.returncode} on {data.hex()}"
    return json.loads(ran.stdout) if ran.returncode == 0 else None


def deterministic(value):
    """RFC 8949 section 4.2.1 with cbor2: keys sorted by their encoding."""
    if isinstance(value, dict):
        items = sorted(((deterministic(k), deterministic(v)) for k, v in value.items()), key=lambda item: cbor2.dumps(item[0]))
        return dict(items)
    return [deterministic(item) for item in value] if isinstance(value, list) else value


def claim_parts(cose_key, print_of_key, algorithm):
    """Protected header and payload of a dispute claim by this key: a kind whose signature is checked when it is read."""
    issuer = "urn:ietf:params:oauth:ckt:sha-256:" + base64.urlsafe_b64encode(print_of_key).rstrip(b"=").decode()
    dispute = bytes(range(16))
    common = {1: issuer, 2: "urn:stegpass:dispute:" + dispute.hex(), 6: 1800000000}
    claims = common | {7: dispute, 8: {1: cose_key},
                       "stegpass.dispute-claim": {"registration": bytes(16), "ground": "ownership", "statement": "it is ours",
                                                  "arbiter": bytes(32)}}
    header = {1: algorithm, 3: "application/cbor", 4: print_of_key, 15: common, 16: "application/stegpass-dispute-claim+cwt"}
    return deterministic(header), cbor2.dumps(deterministic(claims))


def ours_reads(data):
    """The program reads the statement, and refuses or renames it with any byte changed."""
    found = inspect(data)
    assert found and found.get("statement") == "dispute-claim", found
    count = 0
    for copy in changed(data, 11):
        count += 1
        other = inspect(copy)
        assert other is None or "statement" not in other, f"taken: {copy.hex()}"
    return count


def okp_pair():
    private = ed25519.Ed25519PrivateKey.generate()
    public = private.public_key()
    return private, {1: 1, -1: 6, -2: raw(public)}, thumbprint(public)


def ec_pair():
    private = ec.generate_private_key(ec.SECP256R1())
    numbers = private.public_key().public_numbers()
    cose = {1: 2, -1: 1, -2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")}
    return private, cose, hashlib.sha256(cbor2.dumps(deterministic(cose))).digest()


def cwt_writes(pair, curve, algorithm, name):
    from cwt import COSE, COSEKey
    private, cose_key, print_of_key = pair()
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    key = COSEKey.from_pem(pem, alg=name, kid=print_of_key)
    header, payload = claim_parts(cose_key, print_of_key, algorithm)
    return ours_reads(COSE.new().encode(payload, key, protected=header, unprotected={}))


def cwt_writes_ed25519():
    return cwt_writes(okp_pair, "Ed25519", -19, "Ed25519")


def cwt_writes_esp256():
    return cwt_writes(ec_pair, "P-256", -9, "ESP256")


def pycose_message(header, payload, key):
    """A Sign1 whose protected header is ours, byte for byte, signed by pycose."""
    from pycose.messages import Sign1Message
    message = Sign1Message.decode(cbor2.dumps(cbor2.CBORTag(18, [cbor2.dumps(header), {}, payload, bytes(64)])))
    message.key = key
    return message.encode(tag=True, sign=True)


def pycose_writes_eddsa():
    from pycose.keys import OKPKey
    from pycose.keys.curves import Ed25519
    private, cose_key, print_of_key = okp_pair()
    seed = private.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
    header, payload = claim_parts(cose_key, print_of_key, -8)
    return ours_reads(pycose_message(header, payload, OKPKey(crv=Ed25519, d=seed, x=cose_key[-2])))


def pycose_writes_es256():
    from pycose.keys import EC2Key
    from pycose.keys.curves import P256
    private, cose_key, print_of_key = ec_pair()
    scalar = private.private_numbers().private_value.to_bytes(32, "big")
    header, payload = claim_parts(cose_key, print_of_key, -7)
    return ours_reads(pycose_message(header, payload, EC2Key(crv=P256, d=scalar, x=cose_key[-2], y=cose_key[-3])))


def pycose_writes_keys():
    """Keys that pycose encodes have the thumbprint that RFC 9679 gives; a changed key has another or is refused."""
    from pycose.keys import EC2Key, OKPKey
    from pycose.keys.curves import Ed25519, P256
    count = 0
    for pair, make in ((okp_pair, lambda k: OKPKey(crv=Ed25519, x=k[-2])), (ec_pair, lambda k: EC2Key(crv=P256, x=k[-2], y=k[-3]))):
        _, cose_key, print_of_key = pair()
        encoded = cbor2.dumps(deterministic(cbor2.loads(make(cose_key).encode())))
        uri = "urn:ietf:params:oauth:ckt:sha-256:" + base64.urlsafe_b64encode(print_of_key).rstrip(b"=").decode()
        assert inspect(encoded)["thumbprint"] == uri
        for copy in changed(encoded, 2):
            count += 1
            other = inspect(copy)
            assert other is None or other.get("thumbprint") != uri
    return count


def cbor2_writes():
    """Items that cbor2 writes in deterministic order are read; the same in another order, or changed, never as the same text."""
    item = deterministic({1: [0, 23, 24, 255, 256, 2**64 - 1, -1, -2**63], "b": b"\x00\xff", "aa": "\u00fc", -1: {"deep": [True, None]}})
    data = cbor2.dumps(item)
    text = inspect(data)["diagnostic"]
    assert "18446744073709551615" in text and "-9223372036854775808" in text
    assert inspect(cbor2.dumps(dict(reversed(item.items())))) is None
    count = 0
    for copy in changed(data):
        count += 1
        other = inspect(copy)
        assert other is None or other["diagnostic"] != text
    return count


def envelope_verifies():
    """cryptography verifies a hash envelope under its signer's key, the digest is that of the content, and pycddl finds it to fit its CDDL."""
    import pycddl
    text = "".join(open(os.path.join(SCHEMAS, name + ".cddl"), encoding="utf-8").read() for name in ("hash-envelope", "statement"))
    flat = re.sub(r"bstr \.cbor [a-z-]+", "bstr", text)
    pycddl.Schema(flat).validate_cbor(example("hash-envelope"))
    pycddl.Schema("start = hash-envelope-header\n" + flat).validate_cbor(parts(example("hash-envelope"))[0])
    signer = key_in(cbor2.loads(parts(example("dispute-claim"))[2]))

    def check(data):
        protected, unprotected, payload, signature = parts(data)
        header = cbor2.loads(protected)
        assert header[258] == -16 and header[259] == "video/mp4" and 3 not in header and unprotected == {}
        assert payload == hashlib.sha256(b"content").digest() and cbor2.dumps(cbor2.loads(data)) == data
        signer.verify(signature, sig_structure(protected, payload))
    return all_refused(check, example("hash-envelope"))


def judged(command, message, files):
    """Exit code and JSON of `stegpass cose COMMAND MESSAGE OPTIONS`; `files` are options with the content of the file they name, or a text."""
    with tempfile.TemporaryDirectory() as folder:
        arguments = []
        for option, content in {"": message, **files}.items():
            value = content
            if isinstance(content, bytes):
                value = os.path.join(folder, option.strip("-") or "message")
                with open(value, "wb") as file:
                    file.write(content)
            arguments += [option, value] if option else [value]
        ran = subprocess.run([PROGRAM, "cose", command, *arguments, "--json"], capture_output=True, text=True, check=False)
    assert ran.returncode in (0, 1, 3), f"cose {command} ended with {ran.returncode}: {ran.stderr}{ran.stdout}"
    return ran.returncode, json.loads(ran.stdout)


def ecdsa_sign1(private, protected, unprotected, payload, size, digest):
    """A COSE_Sign1 by cryptography, r and s side by side."""
    from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
    head = cbor2.dumps(protected)
    r, s = decode_dss_signature(private.sign(sig_structure(head, payload), ec.ECDSA(digest)))
    return cbor2.dumps(cbor2.CBORTag(18, [head, unprotected, payload, r.to_bytes(size, "big") + s.to_bytes(size, "big")]))


def certificate(subject, key, issuer, signer, authority):
    import datetime
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    name = lambda text: x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])
    return (x509.CertificateBuilder().subject_name(name(subject)).issuer_name(name(issuer)).public_key(key).serial_number(7)
            .not_valid_before(datetime.datetime(2020, 1, 1)).not_valid_after(datetime.datetime(2120, 1, 1))
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), True).sign(signer, hashes.SHA256()))


def x5chain_es384_writes():
    """An ES384 message with its certificate by cryptography counts under the policy's root; changed, or under another root, it does not."""
    from cryptography.hazmat.primitives import hashes
    root_key, other_key, leaf_key = (ec.generate_private_key(curve) for curve in (ec.SECP384R1(), ec.SECP384R1(), ec.SECP384R1()))
    root = certificate("root", root_key.public_key(), "root", root_key, True)
    other = certificate("root", other_key.public_key(), "root", other_key, True)
    leaf = certificate("leaf", leaf_key.public_key(), "root", root_key, False)
    policy = lambda one: b"x509 root " + base64.b64encode(one.public_bytes(Encoding.DER)) + b"\n"
    message = ecdsa_sign1(leaf_key, {1: -51, 33: leaf.public_bytes(Encoding.DER)}, {}, b"payload", 48, hashes.SHA384())
    code, found = judged("verify", message, {"--policy": policy(root)})
    assert code == 0 and found["checks"][0]["code"] == "message.certificate", found
    assert judged("verify", message, {"--policy": policy(other)})[0] == 3
    count = 0
    for copy in changed(message, 29):
        count += 1
        assert judged("verify", copy, {"--policy": policy(root)})[0] != 0, f"taken: {copy.hex()}"
    return count


def sd_cwt_writes():
    """An SD-CWT that cbor2 and cryptography made shows the claim that is disclosed, and is refused with a byte changed."""
    from cryptography.hazmat.primitives import hashes
    private, cose_key, _ = ec_pair()
    disclosure = cbor2.dumps([bytes(range(16)), "Ada", "name"])
    withheld = cbor2.dumps([bytes(range(16, 32)), "London", "town"])
    claims = {1: "https://issuer.example", 2: "https://holder.example", 8: {1: okp_pair()[1]},
              cbor2.CBORSimpleValue(59): [hashlib.sha256(cbor2.dumps(one)).digest() for one in (disclosure, withheld)]}
    message = ecdsa_sign1(private, {1: -9, 16: 293}, {17: [disclosure]}, cbor2.dumps(claims), 32, hashes.SHA256())
    key = cbor2.dumps(deterministic(cose_key))
    code, found = judged("verify", message, {"--key": key})
    assert code == 0 and '"name": "Ada"' in found["claims"] and "London" not in found["claims"], found
    count = 0
    for copy in changed(message, 7):
        count += 1
        assert judged("verify", copy, {"--key": key})[0] != 0, f"taken: {copy.hex()}"
    return count


def status_bits_writes():
    """States of four bits in a token by cryptography are looked up; one byte changed and nothing is."""
    from cryptography.hazmat.primitives import hashes
    private, cose_key, _ = ec_pair()
    states = [0, 1, 2, 15, 0, 0]
    packed = zlib.compress(bytes(low | high << 4 for low, high in zip(states[::2], states[1::2])), 9)
    claims = {2: "https://issuer.example/1", 4: 4102444800, 6: 1700000000, 65533: {"bits": 4, "lst": packed}}
    message = ecdsa_sign1(private, {1: -9, 16: "application/statuslist+cwt"}, {}, cbor2.dumps(claims), 32, hashes.SHA256())
    key = cbor2.dumps(deterministic(cose_key))
    look = lambda data, index: judged("status", data, {"--key": key, "--index": str(index)})[0]
    assert [look(message, index) for index in range(7)] == [0, 1, 1, 3, 0, 0, 1]
    count = 0
    for copy in changed(message, 5):
        count += 1
        assert look(copy, 0) != 0, f"taken: {copy.hex()}"
    return count


made = globals()[EXCHANGE.replace("-", "_")]()
print(f"{EXCHANGE}: taken as it was; {made} changed copies refused or different")
