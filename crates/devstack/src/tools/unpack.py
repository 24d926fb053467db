# Unpacks a wheel (a zip file) with the permissions recorded in it, which Python's own extractor drops.
# Arguments: wheel, target directory, then prefixes or suffixes of members to leave out.
# Everything becomes readable by all: the database server runs as a user of its own.
import os
import sys
import zipfile

wheel, target, leave_out = sys.argv[1], sys.argv[2], tuple(sys.argv[3:])
with zipfile.ZipFile(wheel) as archive:
    for member in archive.infolist():
        name = member.filename
        if name.endswith("/") or name.startswith(leave_out or "\0") or name.endswith(leave_out or "\0"):
            continue
        path = archive.extract(member, target)
        recorded = member.external_attr >> 16
        os.chmod(path, 0o755 if recorded & 0o111 else 0o644)
for folder, _, _ in os.walk(target):
    os.chmod(folder, 0o755)
