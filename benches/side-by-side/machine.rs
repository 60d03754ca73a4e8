//! What the figures were taken on, and with.

use std::process::{Command, Stdio};

use crate::tools::{Tool, on_path};

/// Processor and kernel.
pub fn describe() -> String {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let info = read("/proc/cpuinfo");
    let model = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    let model = model.map_or("unknown processor", |(_, name)| name);
    let kernel = read("/proc/sys/kernel/osrelease");
    // What a distributor appends says nothing about speed, and may say where it ran.
    let version: String = kernel.chars().take_while(|c| c.is_ascii_digit() || *c == '.').collect();
    format!("{cores} × {model}, Linux {version}")
}

/// The load of the last minute.
pub fn load() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().unwrap_or_default().to_owned()
}

/// What the peers call themselves.
pub fn versions(tools: &[Tool]) -> String {
    let versions = tools.iter().filter(|tool| !tool.is_own()).filter_map(|tool| {
        let flag = if *tool == Tool::Tmux { "-V" } else { "--version" };
        let flag = if *tool == Tool::Shpool { "version" } else { flag };
        let mut command = Command::new(on_path(tool.name())?);
        let output = command.arg(flag).stdin(Stdio::null()).output().ok()?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let words = text.lines().find(|line| !line.trim().is_empty())?;
        let number = words.split([' ', ',']).find(|word| word.starts_with(|c: char| c.is_ascii_digit()))?;
        Some(format!("{} {number}", tool.name()))
    });
    let versions: Vec<String> = versions.collect();
    if versions.is_empty() { "No peers".into() } else { format!("Peers: {}", versions.join(", ")) }
}
