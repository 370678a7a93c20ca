//! Which host this is, and which file systems it shares with others.

use std::fs;
use std::path::Path;

/// A host.
#[derive(Clone, Debug)]
pub struct Host {
    pub name: String,
    /// Of the system that runs on it since it was started: processes with the same have their locks in common.
    pub system: String,
}

impl Host {
    /// The one that this process is on.
    pub fn own() -> Self {
        let name = name();
        // Hosts may be called alike. Only Linux tells one start from another.
        let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        let system = if boot.is_empty() { name.clone() } else { boot.trim().to_owned() };
        Self { name, system }
    }
}

#[cfg(unix)]
fn name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

#[cfg(not(unix))]
fn name() -> String {
    std::env::var("COMPUTERNAME").unwrap_or_default()
}

/// What `statfs` calls the file systems whose locks all processes that see them have in common: ext2 to ext4, XFS, Btrfs,
/// tmpfs, ramfs, overlayfs, ZFS, F2FS, bcachefs, FAT and exFAT (`linux/magic.h`).
#[cfg(target_os = "linux")]
const OWN: [u32; 11] = [
    0xEF53,
    0x5846_5342,
    0x9123_683E,
    0x0102_1994,
    0x8584_58F6,
    0x794C_7630,
    0x2FC1_2FC1,
    0xF2F5_2010,
    0xCA45_1A4E,
    0x4D44,
    0x2011_BAB0,
];

/// Whether other hosts may see the folder, too. Only Linux tells.
#[cfg(target_os = "linux")]
pub fn is_shared(folder: &Path) -> bool {
    rustix::fs::statfs(folder).is_ok_and(|about| !OWN.contains(&(about.f_type as u32)))
}

#[cfg(not(target_os = "linux"))]
pub fn is_shared(_: &Path) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_the_same_each_time() {
        let (one, other) = (Host::own(), Host::own());
        assert!(!one.system.is_empty() && one.system == other.system && one.name == other.name);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn proc_is_no_disk_of_one_s_own() {
        assert!(is_shared(Path::new("/proc")) && !is_shared(Path::new("/dev/shm")));
    }
}
