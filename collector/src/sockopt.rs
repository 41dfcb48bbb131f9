//! Gets and sets the socket options that no library has a safe call for: those of netlink, and those of legacy x_tables.
//!
//! This is the one module of the collector with unsafe code: setsockopt(2) and getsockopt(2) take a pointer and a length, and
//! neither nix nor rustix pass on options that they do not know.

#![allow(unsafe_code, reason = "setsockopt(2) and getsockopt(2) with options of our own; each call says why it is sound")]

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

use nix::libc;

/// Sets an option that is an int.
///
/// # Errors
/// What the system says; `ENOPROTOOPT` where the kernel is too old for the option.
pub(crate) fn set_int(fd: BorrowedFd<'_>, level: i32, name: i32, value: i32) -> io::Result<()> {
    let len = libc::socklen_t::try_from(size_of::<i32>()).expect("an int has four bytes");
    // SAFETY: the kernel reads `len` bytes from the pointer, which are those of `value`, alive until the call returns.
    let result = unsafe { libc::setsockopt(fd.as_raw_fd(), level, name, (&raw const value).cast(), len) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Gets an option into a buffer, whose bytes may say what is asked for; returns how many bytes of it the kernel filled.
///
/// # Errors
/// What the system says.
pub(crate) fn get(fd: BorrowedFd<'_>, level: i32, name: i32, buffer: &mut [u8]) -> io::Result<usize> {
    let mut len = libc::socklen_t::try_from(buffer.len()).map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))?;
    // SAFETY: the kernel reads and writes at most `len` bytes at the pointer, which are those of `buffer`; any bytes are valid in it.
    let result = unsafe { libc::getsockopt(fd.as_raw_fd(), level, name, buffer.as_mut_ptr().cast(), &raw mut len) };
    if result == 0 { Ok((len as usize).min(buffer.len())) } else { Err(io::Error::last_os_error()) }
}

/// Reads and writes of this thread, and of what it starts, wait for those of all others (`ioprio_set(2)`; no library has it).
///
/// # Errors
/// What the system says.
pub(crate) fn io_idle() -> io::Result<()> {
    // include/uapi/linux/ioprio.h.
    const IOPRIO_WHO_PROCESS: libc::c_int = 1;
    const IOPRIO_CLASS_IDLE: libc::c_int = 3;
    const IOPRIO_CLASS_SHIFT: libc::c_int = 13;
    // SAFETY: the call takes three numbers.
    let result = unsafe { libc::syscall(libc::SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, IOPRIO_CLASS_IDLE << IOPRIO_CLASS_SHIFT) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::AsFd;

    #[test]
    fn an_option_that_is_set_can_be_got() {
        let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        set_int(socket.as_fd(), libc::SOL_SOCKET, libc::SO_PRIORITY, 3).unwrap();
        let mut value = [0xff; 8];
        assert_eq!(get(socket.as_fd(), libc::SOL_SOCKET, libc::SO_PRIORITY, &mut value).unwrap(), 4);
        assert_eq!(value, [3, 0, 0, 0, 0xff, 0xff, 0xff, 0xff]);
        assert_eq!(set_int(socket.as_fd(), libc::SOL_SOCKET, 9999, 1).unwrap_err().raw_os_error(), Some(libc::ENOPROTOOPT));
    }
}
