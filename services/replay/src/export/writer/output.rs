//! A file that knows how long it is and what its bytes add up to.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use sha2::{Digest as _, Sha256};

/// A file that is being written.
pub(super) struct Output {
    file: File,
    hash: Sha256,
    bytes: u64,
}

/// What a finished file is.
pub(in crate::export) struct Digested {
    /// Its length.
    pub(in crate::export) bytes: u64,
    /// SHA-256 of its bytes, in hexadecimal digits.
    pub(in crate::export) sha256: String,
}

impl Output {
    pub(super) fn create(path: &Path) -> io::Result<Self> {
        Ok(Self {
            file: File::create(path)?,
            hash: Sha256::new(),
            bytes: 0,
        })
    }

    /// All of it is on the disk.
    pub(super) fn finish(self) -> io::Result<Digested> {
        self.file.sync_all()?;
        let mut sha256 = String::with_capacity(64);
        for byte in self.hash.finalize() {
            // Writing to a string does not fail.
            let written = write!(sha256, "{byte:02x}");
            debug_assert!(written.is_ok());
        }
        Ok(Digested {
            bytes: self.bytes,
            sha256,
        })
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.hash.update(&bytes[..written]);
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
