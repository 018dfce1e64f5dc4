//! Files that hold secrets: read only if no others can, or if a service manager handed them over.
//!
//! Others are all but the owner and the file's group: the mode's last digit, and what an access control list gives to
//! users and groups by name. A group is how Kubernetes (`fsGroup`) and Docker let a container's user in.

use std::env;
use std::fs::File;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use orgwave_core::legible::ShowPath as _;
use orgwave_core::run::Exit;
use rustix::fs::StatVfsMountFlags;
use rustix::process::{getegid, geteuid, getgroups};

use crate::failure::Failure;
use crate::input::Input;

/// Where Docker, Podman and Kubernetes mount secrets.
const MOUNTS: [&str; 2] = ["/run/secrets", "/var/run/secrets"];

/// Reads a file of secrets that the user named. The second text says, for people, why a file was accepted that others
/// can read.
///
/// # Errors
/// 78: it isn't there, isn't a plain file, others can read it, or it is no text.
pub fn read_private(path: &Path) -> Result<(String, Option<&'static str>), Failure> {
    let input = open(path)?;
    let mut note = None;
    if input.is_plain()
        && let Some(how) = readable_by_others(&input)
    {
        if !is_mounted_secret(path, input.file()) {
            return Err(exposed(path, &input, how));
        }
        note = Some("a read-only mount of secrets");
    }
    text_of(path, input).map(|text| (text, note))
}

/// Reads a file that the service manager handed over in `$CREDENTIALS_DIRECTORY`, if there is one of this name: who may
/// read it is the manager's business, who gives access by list where it doesn't by mode.
///
/// # Errors
/// As [`read_private`], but for who can read it. A file that is there and can't be read is not passed over: the next
/// source might hold another key.
pub fn read_handed_over(name: &str) -> Result<Option<(String, PathBuf)>, Failure> {
    // A variable without a whole path hands nothing over; the working directory may be another user's.
    let folder =
        env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from).filter(|folder| folder.is_absolute());
    let Some(path) = folder.map(|folder| folder.join(name)) else { return Ok(None) };
    match path.symlink_metadata() {
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(None),
        _ => Ok(Some((text_of(&path, open(&path)?)?, path))),
    }
}

fn open(path: &Path) -> Result<Input, Failure> {
    Input::open(path).map_err(|error| bad(format!("{} can't be opened", path.shown())).because(error))
}

fn text_of(path: &Path, input: Input) -> Result<String, Failure> {
    let cannot = |error: anyhow::Error| bad(format!("{} can't be read", path.shown())).because(error);
    let bytes = input.into_bytes().map_err(|error| cannot(error.into()))?;
    // The error of a conversion would hold the bytes.
    String::from_utf8(bytes).map_err(|_| cannot(anyhow::anyhow!("it is not UTF-8")))
}

/// What gives others access.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Exposed {
    Mode,
    List,
}

fn readable_by_others(input: &Input) -> Option<Exposed> {
    if input.metadata().mode() & 0o004 != 0 {
        return Some(Exposed::Mode);
    }
    // As long as Linux lets any be.
    let mut list = vec![0; 1 << 16];
    // No list, or a system without any.
    let length = rustix::fs::fgetxattr(input.file(), "system.posix_acl_access", &mut list).ok()?;
    let known = [input.metadata().uid(), geteuid().as_raw(), 0];
    let mut groups = vec![input.metadata().gid(), getegid().as_raw(), 0];
    groups.extend(getgroups().unwrap_or_default().into_iter().map(rustix::fs::Gid::as_raw));
    lets_others_read(list.get(..length).unwrap_or(&list), known, &groups).then_some(Exposed::List)
}

/// Whether an access control list, as Linux stores it, lets any user or group read but these.
fn lets_others_read(list: &[u8], users: [u32; 3], groups: &[u32]) -> bool {
    const USER: u16 = 0x02;
    const GROUP: u16 = 0x08;
    const MASK: u16 = 0x10;
    const READ: u16 = 4;
    // A version of four bytes, then entries of a kind, permissions and an id.
    let entries = || {
        list.get(4..).unwrap_or_default().chunks_exact(8).map(|entry| {
            let short = |at: usize| u16::from_le_bytes([entry[at], entry[at + 1]]);
            (short(0), short(2), u32::from_le_bytes([entry[4], entry[5], entry[6], entry[7]]))
        })
    };
    let mask = entries().find(|(kind, ..)| *kind == MASK).map_or(u16::MAX, |(_, permissions, _)| permissions);
    entries().any(|(kind, permissions, id)| {
        let is_other = match kind {
            USER => !users.contains(&id),
            GROUP => !groups.contains(&id),
            _ => false,
        };
        is_other && permissions & mask & READ != 0
    })
}

/// Whether a file lies on a read-only mount where container runtimes put secrets, links resolved.
fn is_mounted_secret(path: &Path, file: &File) -> bool {
    let is_below = |real: &Path| MOUNTS.iter().any(|mount| real.starts_with(mount));
    let is_read_only =
        || rustix::fs::fstatvfs(file).is_ok_and(|found| found.f_flag.contains(StatVfsMountFlags::RDONLY));
    path.canonicalize().is_ok_and(|real| is_below(&real)) && is_read_only()
}

/// The refusal, with a hint that this user can follow.
fn exposed(path: &Path, input: &Input, how: Exposed) -> Failure {
    let shown = path.shown();
    let mode = input.metadata().mode() & 0o777;
    let by = match how {
        Exposed::Mode => format!("mode {mode:03o}"),
        Exposed::List => "by its access control list".to_owned(),
    };
    let failure = bad(format!("{shown} can be read by others ({by})"));
    let is_read_only = rustix::fs::fstatvfs(input.file())
        .is_ok_and(|found| found.f_flag.contains(StatVfsMountFlags::RDONLY));
    let (owner, us) = (input.metadata().uid(), geteuid().as_raw());
    if is_read_only {
        failure.hint(
            "it is on a read-only mount: mount it below /run/secrets, or with mode 0440 for the group of this process (Kubernetes: defaultMode and fsGroup)",
        )
    } else if us != 0 && us != owner {
        let close = match how {
            Exposed::Mode => "chmod o-r",
            // All entries would be one too many: this user may be among them.
            Exposed::List => "setfacl -x ENTRY",
        };
        failure.hint(format!(
            "its owner, user {owner}, can restrict it: {close} {shown}; or use --token-command or --token-file - instead"
        ))
    } else if how == Exposed::List {
        failure.hint(format!("setfacl --remove-all {shown}"))
    } else {
        failure.hint(format!("chmod 600 {shown}"))
    }
}

fn bad(what: String) -> Failure {
    Failure::new(Exit::BadConfig, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(entries: &[(u16, u16, u32)]) -> Vec<u8> {
        let mut bytes = vec![2, 0, 0, 0];
        for (kind, permissions, id) in entries {
            bytes.extend(kind.to_le_bytes());
            bytes.extend(permissions.to_le_bytes());
            bytes.extend(id.to_le_bytes());
        }
        bytes
    }

    #[test]
    fn an_access_control_list_counts_by_name_and_below_its_mask() {
        let (owner, group, other) = ((1, 6, u32::MAX), (4, 4, u32::MAX), (0x20, 0, u32::MAX));
        for (entries, exposed) in [
            (vec![owner, group, other], false),
            (vec![owner, (2, 4, 1000), group, (0x10, 4, u32::MAX), other], false),
            (vec![owner, (2, 4, 1001), group, (0x10, 4, u32::MAX), other], true),
            (vec![owner, (2, 4, 1001), group, (0x10, 0, u32::MAX), other], false),
            (vec![owner, (2, 2, 1001), group, (0x10, 7, u32::MAX), other], false),
            (vec![owner, group, (8, 4, 100), (0x10, 4, u32::MAX), other], true),
            (vec![owner, group, (8, 4, 50), (0x10, 4, u32::MAX), other], false),
        ] {
            assert_eq!(lets_others_read(&list(&entries), [1000, 0, 0], &[50, 0, 0]), exposed, "{entries:?}");
        }
        assert!(!lets_others_read(&[], [0; 3], &[0; 3]));
    }
}
