//! Noticing that the network went away and came back, without asking again and again.
//!
//! Linux alone, by rtnetlink(7). Elsewhere the network is taken to be there.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

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

    /// The same where it is not known how.
    ///
    /// # Errors
    /// Always.
    #[cfg(not(target_os = "linux"))]
    pub fn listen() -> io::Result<Self> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Takes note of all that was there to read. What it said does not matter: [`is_up`] looks.
    pub fn hear(&self) {
        // Too many at once are lost, and that is one error in the place of them.
        let mut messages = [0; 8192];
        for _ in 0..64 {
            match nix::unistd::read(&self.socket, &mut messages) {
                Ok(1..) | Err(nix::Error::ENOBUFS | nix::Error::EINTR) => {}
                _ => return,
            }
        }
    }
}

impl AsFd for Network {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// Whether the machine has a default route. True where nobody can tell.
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
        is_up();
    }
}
