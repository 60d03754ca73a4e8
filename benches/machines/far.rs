//! The program on the far host: it answers a key with a sign, and a question with as much text as is asked for.

use std::io::{self, Read, Write};

use nix::sys::termios::{SetArg, cfmakeraw, tcgetattr, tcsetattr};

/// What the program is called there. This benchmark is the program, and knows by its own name that it is.
pub const NAME: &str = "far-program";

/// The key that asks for [`FLOOD`] bytes of text.
pub const FLOOD_KEY: u8 = b'!';

/// So much text.
pub const FLOOD: usize = 8 << 20;

/// Stands behind the text.
pub const FLOOD_END: &str = "\u{24ea}";

/// The keys, and as many signs. No program that draws anew writes such a sign of its own accord.
pub const KEYS: u8 = 20;

/// The key with this number.
pub fn key(number: usize) -> u8 {
    b'a' + (number % usize::from(KEYS)) as u8
}

/// What the program shows for a key: at the beginning of the line, so that it is drawn where another was.
pub fn sign(key: u8) -> Option<char> {
    let number = key.checked_sub(b'a').filter(|number| *number < KEYS)?;
    char::from_u32(0x2460 + u32::from(number))
}

/// Whether this process is to be that program.
pub fn is_wanted() -> bool {
    std::env::current_exe().is_ok_and(|program| program.ends_with(NAME))
}

/// Runs until its terminal is gone.
///
/// # Errors
/// When it has no terminal.
pub fn run() -> io::Result<()> {
    let mut attributes = tcgetattr(io::stdin())?;
    cfmakeraw(&mut attributes);
    tcsetattr(io::stdin(), SetArg::TCSANOW, &attributes)?;
    let mut buffer = [0; 4096];
    loop {
        let count = io::stdin().read(&mut buffer)?;
        if count == 0 {
            return Ok(());
        }
        for key in &buffer[..count] {
            let mut output = io::stdout().lock();
            if let Some(sign) = sign(*key) {
                output.write_all(format!("\r{sign}").as_bytes())?;
            } else if *key == FLOOD_KEY {
                output.write_all(&text())?;
            }
            output.flush()?;
        }
    }
}

/// Lines of different lengths, as a log has them.
fn text() -> Vec<u8> {
    let mut text = Vec::with_capacity(FLOOD + 128);
    for number in 0_usize.. {
        let width = 20 + number * 37 % 59;
        text.extend_from_slice(format!("{number:08} ").as_bytes());
        text.extend((9..width).map(|column| b'!' + ((column * 7 + number) % 94) as u8));
        text.extend_from_slice(b"\r\n");
        if text.len() >= FLOOD {
            break;
        }
    }
    text.extend_from_slice(FLOOD_END.as_bytes());
    text
}
