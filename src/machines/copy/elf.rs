//! What kind of program an ELF file is: for which processor, and whether it needs a loader of its system.

/// The bytes of a file that tell it: its header and the table behind it, of any program that a linker makes.
pub const HEAD_BYTES: usize = 16 << 10;

/// The type of a segment that names the program's loader (`PT_INTERP`).
const INTERPRETER: u32 = 3;
/// More segments than this has no program.
const MAX_SEGMENTS: usize = 512;

/// What an ELF file says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Elf {
    /// The processor, by Rust's name for it.
    pub architecture: &'static str,
    /// Whether it runs without a loader and without libraries of its system.
    pub is_static: bool,
}

/// Reads the beginning of a file. Nothing where it is no program in ELF, or for a processor that is not known
/// here.
pub fn read(head: &[u8]) -> Option<Elf> {
    let reader = Reader::new(head)?;
    // A program has a fixed place in memory (2), or may be anywhere (3).
    matches!(reader.number(16, 2)?, 2 | 3).then_some(())?;
    let architecture = architecture(reader.number(18, 2)?, reader.is_wide, reader.is_little)?;
    let (table, size, count) = match reader.is_wide {
        true => (reader.number(32, 8)?, reader.number(54, 2)?, reader.number(56, 2)?),
        false => (reader.number(28, 4)?, reader.number(42, 2)?, reader.number(44, 2)?),
    };
    let (table, size, count) =
        (usize::try_from(table).ok()?, usize::try_from(size).ok()?, usize::try_from(count).ok()?);
    if count == 0 || count > MAX_SEGMENTS || size < 32 {
        return None;
    }
    let mut is_static = true;
    for segment in 0..count {
        let kind = reader.number(table.checked_add(segment * size)?, 4)?;
        is_static &= kind != u64::from(INTERPRETER);
    }
    Some(Elf { architecture, is_static })
}

/// The processor that a number of ELF stands for.
fn architecture(number: u64, is_wide: bool, is_little: bool) -> Option<&'static str> {
    match (number, is_wide, is_little) {
        (3, false, true) => Some("x86"),
        (22, true, false) => Some("s390x"),
        (21, true, true) => Some("powerpc64"),
        (40, false, true) => Some("arm"),
        (62, true, true) => Some("x86_64"),
        (183, true, true) => Some("aarch64"),
        (243, true, true) => Some("riscv64"),
        (258, true, true) => Some("loongarch64"),
        _ => None,
    }
}

/// Numbers of a file, in its own order of bytes.
struct Reader<'a> {
    head: &'a [u8],
    is_wide: bool,
    is_little: bool,
}

impl<'a> Reader<'a> {
    fn new(head: &'a [u8]) -> Option<Self> {
        let (is_wide, is_little) = match head {
            [0x7f, b'E', b'L', b'F', width @ (1 | 2), order @ (1 | 2), ..] => (*width == 2, *order == 1),
            _ => return None,
        };
        Some(Self { head, is_wide, is_little })
    }

    fn number(&self, at: usize, length: usize) -> Option<u64> {
        let bytes = self.head.get(at..at.checked_add(length)?)?;
        let add = |sum: u64, byte: &u8| sum << 8 | u64::from(*byte);
        Some(match self.is_little {
            true => bytes.iter().rev().fold(0, add),
            false => bytes.iter().fold(0, add),
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A wide program with these segments.
    fn program(machine: u16, segments: &[u32]) -> Vec<u8> {
        let mut head = vec![0; 64];
        head[..6].copy_from_slice(b"\x7fELF\x02\x01");
        head[16] = 3;
        head[18..20].copy_from_slice(&machine.to_le_bytes());
        head[32] = 64;
        head[54] = 56;
        head[56] = u8::try_from(segments.len()).expect("a few");
        for kind in segments {
            let mut segment = vec![0; 56];
            segment[..4].copy_from_slice(&kind.to_le_bytes());
            head.extend(segment);
        }
        head
    }

    #[test]
    fn a_program_with_a_loader_is_not_static() {
        let found = |machine, segments: &[u32]| read(&program(machine, segments));
        assert_eq!(found(62, &[6, 1, 2]), Some(Elf { architecture: "x86_64", is_static: true }));
        assert_eq!(found(183, &[6, 3, 1]), Some(Elf { architecture: "aarch64", is_static: false }));
        assert_eq!(found(0, &[1]), None);
        assert_eq!(found(62, &[]), None);
    }

    #[test]
    fn a_narrow_program_and_one_with_the_other_order_of_bytes_are_read() {
        let mut arm = vec![0; 52 + 32];
        arm[..6].copy_from_slice(b"\x7fELF\x01\x01");
        (arm[16], arm[18], arm[28], arm[42], arm[44], arm[52]) = (2, 40, 52, 32, 1, 3);
        assert_eq!(read(&arm), Some(Elf { architecture: "arm", is_static: false }));
        let mut s390 = vec![0; 64 + 56];
        s390[..6].copy_from_slice(b"\x7fELF\x02\x02");
        (s390[17], s390[19], s390[39], s390[55], s390[57], s390[67]) = (2, 22, 64, 56, 1, 1);
        assert_eq!(read(&s390), Some(Elf { architecture: "s390x", is_static: true }));
    }

    #[test]
    fn this_program_is_read_and_a_script_is_none() {
        if cfg!(target_os = "linux") {
            let own = std::fs::read(std::env::current_exe().expect("this program")).expect("reads");
            let elf = read(&own[..HEAD_BYTES]).expect("a program");
            assert_eq!(elf.architecture, std::env::consts::ARCH);
            assert_eq!(elf.is_static, cfg!(target_feature = "crt-static"));
        }
        assert_eq!(read(b"#!/bin/sh\nexit 0\n"), None);
        assert_eq!(read(b""), None);
    }

    proptest! {
        #[test]
        fn a_table_that_leads_anywhere_does_no_harm(mut head in proptest::collection::vec(any::<u8>(), 0..200)) {
            read(&head);
            for (place, byte) in head.iter_mut().zip(b"\x7fELF\x02\x01") {
                *place = *byte;
            }
            read(&head);
        }
    }
}
