//! The process table.

use std::ffi::OsString;

use nix::unistd::Pid;

/// The longest command line that is read, in bytes. What is looked for stands at its beginning.
#[cfg(target_os = "linux")]
const MAX_COMMAND_LINE: u64 = 4096;

/// The processes of this user whose command line begins with these words. Each has the word behind them.
#[cfg(target_os = "linux")]
pub fn of_this_user_with(words: &[&str]) -> Vec<(Pid, OsString)> {
    use std::os::unix::fs::MetadataExt;
    let own = nix::unistd::geteuid().as_raw();
    let Ok(entries) = std::fs::read_dir("/proc") else { return Vec::new() };
    let pid = |entry: std::fs::DirEntry| entry.file_name().to_str()?.parse::<i32>().ok();
    let is_own = |pid: &i32| std::fs::metadata(format!("/proc/{pid}")).is_ok_and(|found| found.uid() == own);
    let processes = entries.flatten().filter_map(pid).filter(is_own);
    processes.filter_map(|pid| Some((Pid::from_raw(pid), word_behind(&command_line(pid)?, words)?))).collect()
}

#[cfg(target_os = "linux")]
fn command_line(pid: i32) -> Option<Vec<u8>> {
    use std::io::Read;
    let mut bytes = Vec::new();
    let file = std::fs::File::open(format!("/proc/{pid}/cmdline")).ok()?;
    file.take(MAX_COMMAND_LINE).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

/// The word behind these, in a command line whose words end with zero bytes.
#[cfg(any(target_os = "linux", test))]
fn word_behind(command_line: &[u8], words: &[&str]) -> Option<OsString> {
    use std::os::unix::ffi::OsStringExt;
    let mut found = command_line.split(|byte| *byte == 0);
    for word in words {
        found.next().filter(|found| *found == word.as_bytes())?;
    }
    found.next().filter(|word| !word.is_empty()).map(|word| OsString::from_vec(word.to_vec()))
}

/// The processes of this user whose command line begins with these words. Each has the word behind them. Here
/// none is found.
#[cfg(not(target_os = "linux"))]
pub fn of_this_user_with(_words: &[&str]) -> Vec<(Pid, OsString)> {
    Vec::new()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_behind_others_is_found() {
        let line = b"cckw\0host\0an-id\0/bin/claude\0";
        assert_eq!(word_behind(line, &["cckw", "host"]), Some("an-id".into()));
        assert_eq!(word_behind(line, &["cckw", "claude"]), None);
        assert_eq!(word_behind(b"cckw\0host\0", &["cckw", "host"]), None);
        assert_eq!(word_behind(b"", &["cckw"]), None);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn this_process_is_in_the_table() {
        let own = std::env::args().next().expect("a name");
        let words: Vec<&str> = vec![&own];
        // Without an argument there is no word behind its name.
        let expected = std::env::args().nth(1).map(OsString::from);
        let found = of_this_user_with(&words).into_iter().find(|(pid, _)| *pid == Pid::this());
        assert_eq!(found.map(|(_, word)| word), expected);
    }
}
