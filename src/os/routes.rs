//! What the kernel of macOS says of its routes (route(4)): messages in bytes, read without any unsafe code. Never
//! run on a Mac: see `docs/user/platforms.md`. The layout is that of xnu's `bsd/net/route.h`.

/// The version of the messages that is understood.
const RTM_VERSION: u8 = 5;
/// How long the head of a message about a route is.
const HEAD_BYTES: usize = 92;
const RTA_DST: i32 = 0x1;
const RTA_GATEWAY: i32 = 0x2;
const RTA_NETMASK: i32 = 0x4;
const RTF_UP: i32 = 0x1;
const RTF_REJECT: i32 = 0x8;
const RTF_BLACKHOLE: i32 = 0x1000;
/// The route is for programs that have chosen its interface. Every interface of a tunnel that the system keeps for
/// itself has a default route of this kind.
const RTF_IFSCOPE: i32 = 0x100_0000;

/// Types of messages after which the network may be another one.
const RTM_ADD: u8 = 0x1;
const RTM_DELETE: u8 = 0x2;
const RTM_CHANGE: u8 = 0x3;
const RTM_NEWADDR: u8 = 0xc;
const RTM_DELADDR: u8 = 0xd;
const RTM_IFINFO: u8 = 0xe;

#[cfg(target_os = "macos")]
const _: () = {
    assert!(size_of::<libc::rt_msghdr>() == HEAD_BYTES);
    assert!(std::mem::offset_of!(libc::rt_msghdr, rtm_type) == 3);
    assert!(std::mem::offset_of!(libc::rt_msghdr, rtm_flags) == 8);
    assert!(std::mem::offset_of!(libc::rt_msghdr, rtm_addrs) == 12);
    assert!(libc::RTM_VERSION as u8 == RTM_VERSION && libc::RTF_IFSCOPE == RTF_IFSCOPE);
};

/// A message that is whole.
struct Message<'a>(&'a [u8]);

/// The messages in these bytes, up to the first one that is not whole.
fn messages(mut bytes: &[u8]) -> impl Iterator<Item = Message<'_>> {
    std::iter::from_fn(move || {
        let length = usize::from(u16::from_ne_bytes([*bytes.first()?, *bytes.get(1)?]));
        // Less than this has no type, and none at all would be read for ever.
        if length < 4 || length > bytes.len() {
            return None;
        }
        let (message, rest) = bytes.split_at(length);
        bytes = rest;
        Some(Message(message))
    })
}

impl Message<'_> {
    fn kind(&self) -> Option<u8> {
        (self.0[2] == RTM_VERSION).then_some(self.0[3])
    }

    fn number_at(&self, at: usize) -> i32 {
        self.0.get(at..at + 4).map_or(0, |bytes| i32::from_ne_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
    }

    fn flags(&self) -> i32 {
        self.number_at(8)
    }

    /// The addresses: destination, gateway and mask, as far as there are any.
    fn addresses(&self) -> [Option<&[u8]>; 3] {
        let which = self.number_at(12);
        let mut rest = self.0.get(HEAD_BYTES..).unwrap_or_default();
        [RTA_DST, RTA_GATEWAY, RTA_NETMASK].map(|one| {
            let length = usize::from(*rest.first().filter(|_| which & one != 0)?);
            let address = rest.get(..length)?;
            // Each takes a multiple of four bytes, one without any length four.
            rest = rest.get(length.max(1).next_multiple_of(4)..).unwrap_or_default();
            Some(address)
        })
    }

    /// Whether this is about the route to everywhere else.
    fn is_of_default(&self) -> bool {
        let [to, _, mask] = self.addresses();
        // After the length and the family there are port or flow, and the address.
        let is_zero = |address: &[u8]| address.iter().skip(2).all(|byte| *byte == 0);
        to.is_some_and(is_zero) && mask.is_some_and(is_zero)
    }

    /// Whether it is the route by which programs reach everywhere else.
    fn is_default(&self) -> bool {
        let unusable = RTF_REJECT | RTF_BLACKHOLE | RTF_IFSCOPE;
        self.0.len() >= HEAD_BYTES
            && self.flags() & RTF_UP != 0
            && self.flags() & unusable == 0
            && self.is_of_default()
    }
}

/// Whether there is a default route in a table of routes, as sysctl(3) gives it (`NET_RT_DUMP`).
pub fn has_default(table: &[u8]) -> bool {
    messages(table).any(|message| message.kind().is_some() && message.is_default())
}

/// Whether the network may be another one after these messages. Most of what a machine says is about single
/// neighbours.
pub fn concern_the_network(bytes: &[u8]) -> bool {
    messages(bytes).any(|message| match message.kind() {
        Some(RTM_ADD | RTM_DELETE | RTM_CHANGE) => message.is_of_default(),
        Some(RTM_NEWADDR | RTM_DELADDR | RTM_IFINFO) => true,
        Some(_) => false,
        // It cannot be read: whoever is told looks for themselves.
        None => true,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An address of IPv4, with its length and family.
    fn v4(address: [u8; 4]) -> Vec<u8> {
        [&[16, 2, 0, 0], &address[..], &[0; 8]].concat()
    }

    fn v6(first: u8) -> Vec<u8> {
        [&[28, 30, 0, 0, 0, 0, 0, 0, first][..], &[0; 19]].concat()
    }

    fn message(kind: u8, flags: i32, addresses: [Option<Vec<u8>>; 3]) -> Vec<u8> {
        let mut which = 0;
        let mut rest = Vec::new();
        for (one, address) in [RTA_DST, RTA_GATEWAY, RTA_NETMASK].into_iter().zip(addresses) {
            let Some(address) = address else { continue };
            which |= one;
            rest.extend_from_slice(&address);
            rest.resize(rest.len().next_multiple_of(4), 0);
        }
        let length = u16::try_from(HEAD_BYTES + rest.len()).expect("short");
        let mut bytes = length.to_ne_bytes().to_vec();
        bytes.extend([RTM_VERSION, kind, 0, 0, 0, 0]);
        bytes.extend(flags.to_ne_bytes());
        bytes.extend(which.to_ne_bytes());
        bytes.resize(HEAD_BYTES, 0);
        bytes.extend(rest);
        bytes
    }

    /// The mask of a default route has no length; its place is there.
    fn no_mask() -> Option<Vec<u8>> {
        Some(vec![0; 4])
    }

    fn default_v4(kind: u8, flags: i32) -> Vec<u8> {
        message(kind, flags, [Some(v4([0; 4])), Some(v4([192, 0, 2, 1])), no_mask()])
    }

    fn neighbour(kind: u8) -> Vec<u8> {
        message(kind, RTF_UP, [Some(v4([192, 0, 2, 9])), Some(v4([0; 4])), None])
    }

    #[test]
    fn a_default_route_is_found_among_others() {
        let net = message(
            4,
            RTF_UP,
            [Some(v4([192, 0, 2, 0])), Some(v4([0; 4])), Some(vec![7, 0, 0, 0, 255, 255, 255])],
        );
        let default_v6 = message(4, RTF_UP, [Some(v6(0)), Some(v6(0xfe)), no_mask()]);
        assert!(has_default(&[net.clone(), neighbour(4), default_v4(4, RTF_UP)].concat()));
        assert!(has_default(&[net.clone(), default_v6].concat()));
        assert!(!has_default(&[net, neighbour(4)].concat()));
        assert!(!has_default(&message(4, RTF_UP, [Some(v6(0xfe)), None, no_mask()])));
        // A route to a single machine has no mask.
        assert!(!has_default(&message(4, RTF_UP, [Some(v4([0; 4])), None, None])));
    }

    #[test]
    fn one_that_is_down_or_of_one_interface_alone_is_none() {
        for flags in [0, RTF_UP | RTF_IFSCOPE, RTF_UP | RTF_REJECT, RTF_UP | RTF_BLACKHOLE] {
            assert!(!has_default(&default_v4(4, flags)), "{flags:x}");
        }
        assert!(has_default(&default_v4(4, RTF_UP | 0x802)));
    }

    #[test]
    fn of_what_the_kernel_says_little_concerns_the_network() {
        let bare = |kind| [4_u16.to_ne_bytes().as_slice(), &[RTM_VERSION, kind]].concat();
        assert!(!concern_the_network(&neighbour(RTM_ADD)));
        assert!(!concern_the_network(
            &[neighbour(RTM_DELETE), neighbour(0x7), bare(0x7), bare(0x12)].concat()
        ));
        for kind in [RTM_ADD, RTM_DELETE, RTM_CHANGE] {
            assert!(concern_the_network(&[neighbour(RTM_ADD), default_v4(kind, 0)].concat()));
        }
        for kind in [RTM_NEWADDR, RTM_DELADDR, RTM_IFINFO] {
            assert!(concern_the_network(&bare(kind)));
        }
        let mut foreign = neighbour(RTM_ADD);
        foreign[2] = 6;
        assert!(concern_the_network(&foreign) && !has_default(&foreign));
    }

    #[test]
    fn any_bytes_are_read_to_an_end() {
        let whole = [neighbour(4), default_v4(4, RTF_UP)].concat();
        for end in 0..whole.len() {
            assert!(!has_default(&whole[..end]), "{end}");
            concern_the_network(&whole[..end]);
        }
        // Each byte as any other: an end, and no panic.
        for at in 0..whole.len() {
            for byte in [0, 1, 3, 4, 91, 127, 255] {
                let mut odd = whole.clone();
                odd[at] = byte;
                has_default(&odd);
                concern_the_network(&odd);
            }
        }
        assert!(!has_default(&[]) && !concern_the_network(&[0; 64]));
    }
}
