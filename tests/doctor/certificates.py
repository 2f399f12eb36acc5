"""Certificates, good and bad, made by openssl for one run of the tests."""

import subprocess

CA_CONFIG = """
[ca]
default_ca = authority
[authority]
database = {folder}/index.txt
new_certs_dir = {folder}
serial = {folder}/serial
default_md = sha256
policy = any
unique_subject = no
[any]
commonName = supplied
"""
LOCAL = "DNS:localhost,IP:127.0.0.1"
LONG_AGO, YESTERYEAR = "20200101000000Z", "20210101000000Z"


class Certificates:
    """root → intermediate → leaves. Each leaf has a key and a file with its chain."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir()
        (folder / "index.txt").touch()
        (folder / "serial").write_text("1000\n")
        (folder / "ca.cnf").write_text(CA_CONFIG.format(folder=folder))
        self.self_signed("root", "Test Root", "basicConstraints=critical,CA:TRUE")
        self.sign("intermediate", "Test Intermediate", "root", "basicConstraints=critical,CA:TRUE")

    def openssl(self, *args):
        done = subprocess.run(["openssl", *map(str, args)], cwd=self.folder, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr

    def key(self, name):
        self.openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", f"{name}.key")

    def self_signed(self, name, subject, extension):
        self.key(name)
        self.openssl(
            "req", "-x509", "-new", "-key", f"{name}.key", "-subj", f"/CN={subject}", "-days", 300,
            "-addext", extension, "-out", f"{name}.pem",
        )  # fmt: skip

    def sign(self, name, subject, issuer, extension, *dates):
        self.key(name)
        self.openssl("req", "-new", "-key", f"{name}.key", "-subj", f"/CN={subject}", "-out", f"{name}.csr")
        (self.folder / f"{name}.ext").write_text(extension + "\n")
        self.openssl(
            "ca", "-batch", "-notext", "-config", "ca.cnf", "-in", f"{name}.csr", "-cert", f"{issuer}.pem",
            "-keyfile", f"{issuer}.key", "-extfile", f"{name}.ext", "-out", f"{name}.pem", *(dates or ("-days", 300)),
        )  # fmt: skip

    def leaf(self, name, alt_names=LOCAL, *dates, has_chain=True):
        """(certificate file, key file) as a proxy takes them."""
        self.sign(name, name, "intermediate", f"subjectAltName={alt_names}", *dates)
        chain = (self.folder / f"{name}.pem").read_text()
        if has_chain:
            chain += (self.folder / "intermediate.pem").read_text()
        (self.folder / f"{name}.chain.pem").write_text(chain)
        return self.folder / f"{name}.chain.pem", self.folder / f"{name}.key"

    @property
    def root(self):
        return self.folder / "root.pem"
