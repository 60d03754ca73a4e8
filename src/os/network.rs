//! Noticing that the network went away and came back, without asking again and again.
//!
//! On Linux by rtnetlink(7), on macOS by route(4): never run there, see `docs/user/platforms.md`. Elsewhere the
//! network is taken to be there.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

#[cfg(target_os = "macos")]
use super::routes::concern_the_network;

/// Has something to read when routes or links of the machine have changed.
pub struct Network {
    socket: OwnedFd,
}

impl Network {
    /// Begins to listen.
    ///
    /// # Errors
    /// Where the system has no such messages, or the process is out of descriptors.
    #[cfg(target_os = "linux")]
    pub fn listen() -> io::Result<Self> {
        use nix::sys::socket::{AddressFamily, NetlinkAddr, SockFlag, SockProtocol, SockType, bind, socket};
        let groups = libc::RTMGRP_LINK | libc::RTMGRP_IPV4_ROUTE | libc::RTMGRP_IPV6_ROUTE;
        let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
        let socket = socket(AddressFamily::Netlink, SockType::Raw, flags, SockProtocol::NetlinkRoute)?;
        bind(std::os::fd::AsRawFd::as_raw_fd(&socket), &NetlinkAddr::new(0, groups as u32))?;
        Ok(Self { socket })
    }

    /// The same by a socket of the routes.
    ///
    /// # Errors
    /// When the process is out of descriptors.
    #[cfg(target_os = "macos")]
    pub fn listen() -> io::Result<Self> {
        use std::os::fd::FromRawFd;
        // SAFETY: no memory is touched.
        let number = nix::errno::Errno::result(unsafe { libc::socket(libc::PF_ROUTE, libc::SOCK_RAW, 0) })?;
        // SAFETY: the kernel has just made this descriptor for this process.
        let socket = unsafe { OwnedFd::from_raw_fd(number) };
        super::descriptors::keep_private_here(&socket);
        super::io::set_nonblocking(&socket)?;
        Ok(Self { socket })
    }

    /// The same where it is not known how.
    ///
    /// # Errors
    /// Always.
    #[cfg(not(any(target_os = "linux", target_os = "macos")))]
    pub fn listen() -> io::Result<Self> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Takes note of all that was there to read. Whether the network may be another one: [`is_up`] looks.
    pub fn hear(&self) -> bool {
        // Too many at once are lost, and that is one error in the place of them.
        let (mut messages, mut is_changed) = ([0; 8192], false);
        for _ in 0..64 {
            match nix::unistd::read(&self.socket, &mut messages) {
                Ok(length @ 1..) => is_changed |= concern_the_network(&messages[..length]),
                Err(nix::Error::ENOBUFS) => is_changed = true,
                Err(nix::Error::EINTR) => {}
                _ => break,
            }
        }
        is_changed
    }
}

impl AsFd for Network {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// The kernel of Linux tells of nothing else than was asked for.
#[cfg(not(target_os = "macos"))]
fn concern_the_network(_messages: &[u8]) -> bool {
    true
}

/// Whether the machine has a default route. True where nobody can tell.
#[cfg(target_os = "macos")]
pub fn is_up() -> bool {
    route_table().is_none_or(|table| super::routes::has_default(&table))
}

/// All routes, as the kernel says them; nothing where it does not.
#[cfg(target_os = "macos")]
fn route_table() -> Option<Vec<u8>> {
    // It may have grown between the two calls.
    const SPARE_BYTES: usize = 4096;
    const MAX_TRIES: usize = 4;
    let mut name = [libc::CTL_NET, libc::PF_ROUTE, 0, 0, libc::NET_RT_DUMP, 0];
    let mut ask = |table: *mut u8, length: &mut usize| {
        let count = name.len() as libc::c_uint;
        // SAFETY: the kernel writes no more than the length says, or the length alone where there is no table.
        unsafe { libc::sysctl(name.as_mut_ptr(), count, table.cast(), length, std::ptr::null_mut(), 0) == 0 }
    };
    for _ in 0..MAX_TRIES {
        let mut length = 0;
        if !ask(std::ptr::null_mut(), &mut length) {
            return None;
        }
        let mut table = vec![0; length + SPARE_BYTES];
        length = table.len();
        if ask(table.as_mut_ptr(), &mut length) {
            table.truncate(length);
            return Some(table);
        }
    }
    None
}

/// Whether the machine has a default route. True where nobody can tell.
#[cfg(not(target_os = "macos"))]
pub fn is_up() -> bool {
    if !cfg!(target_os = "linux") {
        return true;
    }
    let read = |path| std::fs::read_to_string(path).ok();
    match (read("/proc/net/route"), read("/proc/net/ipv6_route")) {
        (None, None) => true,
        (v4, v6) => {
            v4.is_some_and(|table| has_default_v4(&table)) || v6.is_some_and(|table| has_default_v6(&table))
        }
    }
}

/// In `/proc/net/route`: destination and mask are zero, and the route is up (`RTF_UP`, 1, in hexadecimal
/// flags).
#[cfg(any(not(target_os = "macos"), test))]
fn has_default_v4(table: &str) -> bool {
    table.lines().skip(1).any(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let is_up = fields
            .get(3)
            .is_some_and(|flags| u32::from_str_radix(flags, 16).is_ok_and(|flags| flags & 1 != 0));
        fields.get(1) == Some(&"00000000") && fields.get(7) == Some(&"00000000") && is_up
    })
}

/// In `/proc/net/ipv6_route`: destination `::/0` by a device that is not the loopback one, which every
/// machine has and which rejects.
#[cfg(any(not(target_os = "macos"), test))]
fn has_default_v6(table: &str) -> bool {
    table.lines().any(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let everywhere = fields.first().is_some_and(|to| to.bytes().all(|byte| byte == b'0'));
        everywhere && fields.get(1) == Some(&"00") && fields.last().is_some_and(|device| *device != "lo")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const V4: &str = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n\
                      eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n\
                      eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n";
    const V6: &str = "00000000000000000000000000000000 00 00000000000000000000000000000000 00 fd000000000000000000000000000001 00000400 00000003 00000000 00000003     eth0\n";
    const V6_NONE: &str = "00000000000000000000000000000000 00 00000000000000000000000000000000 00 00000000000000000000000000000000 ffffffff 00000001 00000000 00200200       lo\n\
                           00000000000000000000000000000001 80 00000000000000000000000000000000 00 00000000000000000000000000000000 00000000 00000002 00000000 80200001       lo\n";

    #[test]
    fn a_default_route_is_found_and_nothing_else_is_taken_for_one() {
        assert!(has_default_v4(V4) && has_default_v6(V6));
        let without: String =
            V4.lines().filter(|line| !line.contains("010200C0")).collect::<Vec<_>>().join("\n");
        assert!(!has_default_v4(&without) && !has_default_v6(V6_NONE));
        assert!(!has_default_v4(&V4.replace("0003", "0002")), "a route that is down");
        for odd in ["", "\n\n", "x", "eth0\t00000000"] {
            assert!(!has_default_v4(odd) && !has_default_v6(odd), "{odd}");
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn listening_does_not_wait() {
        let network = Network::listen().expect("a socket");
        network.hear();
        assert!(!network.hear(), "nothing was left");
        is_up();
    }
}
