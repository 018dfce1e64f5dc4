//! What a file system that lacks something is forgiven for.

use std::io::{self, ErrorKind};

/// The result of a folder's sync, less the refusal of file systems that have none: some on networks and in user space say
/// EINVAL or ENOTSUP, and make names as durable as they can by themselves.
///
/// # Errors
/// Every other failure.
pub fn folder_synced(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::Unsupported) => Ok(()),
        result => result,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unsyncable_folder_is_no_failure_but_a_failing_disk_is() {
        const EIO: i32 = 5;
        const EINVAL: i32 = 22;
        const ENOTSUP: i32 = 95;
        let synced = |code| folder_synced(Err(io::Error::from_raw_os_error(code)));
        assert!(synced(EINVAL).is_ok());
        if cfg!(target_os = "linux") {
            assert!(synced(ENOTSUP).is_ok());
        }
        assert!(synced(EIO).is_err());
    }
}
