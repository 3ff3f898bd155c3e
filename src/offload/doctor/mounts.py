"""On which file system a path lies, and whether a database may lie there. Pure."""

import re
from pathlib import PurePath

NETWORK = frozenset(
    {
        *("nfs", "nfs4", "cifs", "smb3", "smbfs", "ncpfs", "afs", "coda", "davfs"),
        *("9p", "ceph", "glusterfs", "lustre", "gpfs", "beegfs", "orangefs", "pvfs2"),
        *("vboxsf", "prl_fs", "vmhgfs", "virtiofs"),
    }
)
"""File systems that other machines, or the host of this one, may write to at the same time."""

NETWORK_FUSE = frozenset(
    {
        *("sshfs", "glusterfs", "ceph-fuse", "s3fs", "gcsfuse", "rclone", "davfs", "curlftpfs"),
        *("vmhgfs-fuse", "juicefs", "blobfuse", "blobfuse2", "smbnetfs"),
        *("mount-s3", "goofys"),
    }
)
"""The same, of those that a program provides: `fuse.sshfs`."""

MEMORY = frozenset({"tmpfs", "ramfs"})
"""File systems that are empty after a restart of the machine."""

_ESCAPE = re.compile(r"\\([0-7]{3})")


def file_system_of(path: PurePath, mounts: str) -> tuple[str, str]:
    """Return the kind of the file system on which an absolute path lies, and where it begins.

    Args:
        path: without symbolic links.
        mounts: what stands in `/proc/mounts` (man 5 fstab): device, folder, kind, …
    """
    best = ("", "")
    for line in mounts.splitlines():
        fields = line.split(" ")
        if len(fields) < 3:
            continue
        folder = _ESCAPE.sub(lambda found: chr(int(found[1], 8)), fields[1])
        # Of two on the same folder the later one hides the earlier.
        if len(folder) >= len(best[1]) and path.is_relative_to(folder):
            best = (fields[2], folder)
    return best


def is_network(kind: str) -> bool:
    """Whether others than this machine's kernel may write there."""
    if kind.startswith("fuse."):
        return kind.removeprefix("fuse.") in NETWORK_FUSE | NETWORK
    return kind in NETWORK
