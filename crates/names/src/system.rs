//! What differs between operating systems, behind one module for each: file names as bytes, folders and files, signals, the
//! privacy of memory. Nothing else in the program asks which system it runs on.

mod place;
mod status;
#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

use std::{fs::File, io};

pub use place::Place;
pub use status::{Kind, Status};
#[cfg(unix)]
pub use unix::{
    Descriptor, OpenFolder, Stamp, bytes_of, ended, hold_many_files, is_replaced, keep_memory_private, make_link,
    name_of, path_of, private_folder, read_at, target_of,
};
#[cfg(windows)]
pub use windows::{
    Descriptor, OpenFolder, Stamp, bytes_of, ended, hold_many_files, is_replaced, keep_memory_private, make_link,
    name_of, path_of, private_folder, read_at, target_of,
};

/// Fills `buffer` from `offset` bytes into the file on; fewer bytes than it holds only where the file ends.
pub fn fill_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match read_at(file, &mut buffer[filled..], offset + filled as u64) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// Chooses another folder for temporary files where the environment's (TMPDIR) cannot be written to: the `env:` of a job names folders
/// of the runner's machine, which are not there in a container.
pub fn choose_temporary_folder() {
    // libgit2 takes paths as UTF-8.
    let is_usable = |folder: &std::path::Path| folder.to_str().is_some() && tempfile::tempfile_in(folder).is_ok();
    if is_usable(&tempfile::env::temp_dir()) {
        return;
    }
    if let Some(folder) =
        ["/tmp", "/var/tmp", "/dev/shm"].map(std::path::Path::new).into_iter().find(|folder| is_usable(folder))
    {
        // Refused only where another one was chosen before.
        let _ = tempfile::env::override_temp_dir(folder);
    }
}
