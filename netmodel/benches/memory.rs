//! How much memory a parser takes at its peak, in multiples of its text: `cargo bench -p coldpath-netmodel --bench memory`.
//!
//! Each measurement is a process of its own, which reads the text from a pipe, resets the kernel's high-water mark (5 into
//! /proc/self/clear_refs, see proc(5)), parses, and reads the mark again (`VmHWM`). So the figure holds whatever the allocator
//! keeps back. Linux only; says so elsewhere.

#![allow(clippy::print_stdout, reason = "the table is what this program is for")]

mod common;

use std::fs;
use std::io::{self, Read, Write};
use std::process::{Command, Stdio};

fn main() -> io::Result<()> {
    let args: Vec<String> = std::env::args().collect();
    if let [_, child, name] = &args[..]
        && child == "child"
    {
        return measure(name);
    }
    if !cfg!(target_os = "linux") {
        println!("memory is measured on Linux only");
        return Ok(());
    }
    println!("{:<26} {:>9} {:>12} {:>16} {:>16}", "format", "records", "text (MiB)", "parsing / text", "with the text");
    for format in common::FORMATS {
        for &size in format.sizes {
            let text = (format.make)(size);
            let mut child =
                Command::new(&args[0]).args(["child", format.name]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
            child.stdin.take().expect("a pipe").write_all(text.as_bytes())?;
            let output = child.wait_with_output()?;
            let peak: f64 = String::from_utf8_lossy(&output.stdout).trim().parse().expect("the child prints a number");
            let (mib, own) = (mib(text.len()), peak / text.len() as f64);
            println!("{:<26} {size:>9} {mib:>12.1} {own:>16.2} {:>16.2}", format.name, own + 1.0);
        }
    }
    Ok(())
}

/// Bytes beyond the text at the peak of parsing it.
fn measure(name: &str) -> io::Result<()> {
    let format = common::FORMATS.iter().find(|format| format.name == name).expect("the parent names a format");
    let mut text = String::new();
    io::stdin().lock().read_to_string(&mut text)?;
    // What growing the text left behind goes back first, so that it does not hide what parsing takes.
    let text: Box<str> = text.into();
    fs::write("/proc/self/clear_refs", "5")?;
    let before = status("VmRSS:")?;
    (format.parse)(&text);
    println!("{}", status("VmHWM:")?.saturating_sub(before));
    Ok(())
}

/// A value of /proc/self/status, in bytes.
fn status(key: &str) -> io::Result<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let value = status.lines().find_map(|line| line.strip_prefix(key)).unwrap_or_default();
    Ok(value.trim().trim_end_matches(" kB").parse::<u64>().map_err(io::Error::other)? * 1024)
}

fn mib(bytes: usize) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}
