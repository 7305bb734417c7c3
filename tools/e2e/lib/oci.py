# SPDX-License-Identifier: MIT
"""Container images for the tests, made here byte by byte: OCI layouts, with an index if wanted."""

import gzip
import hashlib
import io
import json
import shutil
import subprocess
import tarfile
from pathlib import Path

MEDIA = "application/vnd.oci.image."


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


class Layer:
    """A tar archive, grown entry by entry. Methods return the layer, so that calls can be chained."""

    def __init__(self, compression="gzip", tar_format=tarfile.PAX_FORMAT):
        self.compression = compression
        self.buffer = io.BytesIO()
        self.tar = tarfile.open(fileobj=self.buffer, mode="w", format=tar_format)

    def add(self, name, kind=tarfile.REGTYPE, data=b"", mode=0o644, uid=0, gid=0, link="", device=(0, 0),
            xattrs=None, mtime=1700000000):
        info = tarfile.TarInfo(name)
        info.type, info.size, info.mode, info.mtime = kind, len(data), mode, mtime
        info.uid, info.gid, info.linkname = uid, gid, link
        info.devmajor, info.devminor = device
        for key, value in (xattrs or {}).items():
            # tarfile keeps pax values as text; surrogates carry bytes that are no UTF-8.
            info.pax_headers["SCHILY.xattr." + key] = value.decode("utf-8", "surrogateescape")
        self.tar.addfile(info, io.BytesIO(data))
        return self

    def file(self, name, data=b"", mode=0o644, **more):
        return self.add(name, data=data if isinstance(data, bytes) else data.encode(), mode=mode, **more)

    def dir(self, name, mode=0o755, **more):
        return self.add(name, tarfile.DIRTYPE, mode=mode, **more)

    def symlink(self, name, target, **more):
        return self.add(name, tarfile.SYMTYPE, link=target, mode=0o777, **more)

    def hardlink(self, name, target):
        return self.add(name, tarfile.LNKTYPE, link=target)

    def char_device(self, name, major, minor, **more):
        return self.add(name, tarfile.CHRTYPE, device=(major, minor), **more)

    def whiteout(self, name):
        directory, _, base = name.rpartition("/")
        return self.file((directory + "/" if directory else "") + ".wh." + base)

    def opaque(self, name):
        return self.file(name + "/.wh..wh..opq")

    def raw(self):
        self.tar.close()
        return self.buffer.getvalue()

    def blob(self):
        raw = self.raw()
        if self.compression == "gzip":
            return gzip.compress(raw, mtime=0), MEDIA + "layer.v1.tar+gzip"
        if self.compression == "zstd":
            done = subprocess.run(["zstd", "-q", "-c"], input=raw, stdout=subprocess.PIPE, check=True)
            return done.stdout, MEDIA + "layer.v1.tar+zstd"
        return raw, MEDIA + "layer.v1.tar"

    def add_to(self, layout):
        """Writes the layer's blob into a layout; returns its descriptor and diff id."""
        return layout.blob(*self.blob()), digest(self.raw())


class TarLayer:
    """A layer that is there as a tar file already, with its SHA-256 in a file beside it."""

    def __init__(self, path):
        self.path = Path(path)
        self.digest = "sha256:" + self.path.with_suffix(".sha256").read_text().strip()

    def add_to(self, layout):
        """Links the file into the layout, if they are on one file system; returns descriptor and diff id."""
        path = layout.blob_path(self.digest)
        try:
            path.hardlink_to(self.path)
        except OSError:
            shutil.copyfile(self.path, path)
        return {"mediaType": MEDIA + "layer.v1.tar", "digest": self.digest, "size": path.stat().st_size}, self.digest


class Image:
    def __init__(self, *layers, architecture="riscv64", **config):
        self.layers = layers
        self.architecture = architecture
        self.config = config


class Layout:
    """An OCI layout directory being written."""

    def __init__(self, path):
        self.path = Path(path)
        (self.path / "blobs/sha256").mkdir(parents=True)
        (self.path / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')

    def blob_path(self, blob_digest):
        return self.path / "blobs/sha256" / blob_digest.split(":")[1]

    def blob(self, data, media_type, **more):
        if not isinstance(data, bytes):
            data = json.dumps(data).encode()
        self.blob_path(digest(data)).write_bytes(data)
        return {"mediaType": media_type, "digest": digest(data), "size": len(data), **more}

    def image(self, image):
        """Writes the image's blobs; returns the descriptor of its manifest."""
        added = [layer.add_to(self) for layer in image.layers]
        config = {
            "architecture": image.architecture,
            "os": "linux",
            "config": image.config,
            "rootfs": {"type": "layers", "diff_ids": [diff_id for _, diff_id in added]},
        }
        manifest = {
            "schemaVersion": 2,
            "mediaType": MEDIA + "manifest.v1+json",
            "config": self.blob(config, MEDIA + "config.v1+json"),
            "layers": [descriptor for descriptor, _ in added],
        }
        return self.blob(manifest, MEDIA + "manifest.v1+json",
                         platform={"architecture": image.architecture, "os": "linux"})

    def index(self, descriptors, name="latest"):
        """Writes index.json; several descriptors go into an index of their own."""
        if len(descriptors) > 1:
            index = {"schemaVersion": 2, "mediaType": MEDIA + "index.v1+json", "manifests": descriptors}
            descriptors = [self.blob(index, MEDIA + "index.v1+json")]
        descriptors[0]["annotations"] = {"org.opencontainers.image.ref.name": name}
        top = {"schemaVersion": 2, "manifests": descriptors}
        (self.path / "index.json").write_text(json.dumps(top))
        return self


def write_layout(path, *images, name="latest"):
    """An OCI layout with these images, as one multi-platform image if they are several."""
    layout = Layout(path)
    return layout.index([layout.image(image) for image in images], name)
