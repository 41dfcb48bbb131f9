//! `coldpath`: the command line of the analyzer. Dispatches to a command, and prints whatever error ends it.

mod analyze;
mod catalogue;
mod cli;
#[cfg(all(target_os = "linux", feature = "doctor"))]
mod doctor;
mod exit;
mod grep;
mod input;
mod layout;
mod output;
mod pages;
mod quiet;
mod report;
mod sanitize;
mod show;
mod summary;
#[cfg(test)]
mod testing;
mod trace;

use std::io::Write as _;
use std::process::ExitCode;

use clap::{CommandFactory as _, Parser as _};

use crate::cli::{Cli, Command};
use crate::exit::{Status, Stop};

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        // Help and version are printed to stdout with status 0, misuse to stderr with 2.
        Err(error) => error.exit(),
    };
    match run(&cli.command) {
        Ok(status) => status.into(),
        Err(Stop::BrokenPipe) => Status::Clean.into(),
        Err(stop) => {
            complain(&stop);
            Status::Error.into()
        }
    }
}

fn run(command: &Command) -> Result<Status, Stop> {
    match command {
        Command::Analyze(args) => analyze::run(args),
        #[cfg(all(target_os = "linux", feature = "doctor"))]
        Command::Doctor(args) => doctor::run(args),
        Command::Trace(args) => trace::run(args),
        Command::Show(args) => show::run(args).map(|()| Status::Clean),
        Command::Grep(args) => grep::run(args),
        Command::Rules(args) => pages::list(args.format).map(|()| Status::Clean),
        Command::Explain(args) => pages::explain(&args.rule).map(|()| Status::Clean),
        Command::Completions(args) => {
            let mut script = Vec::new();
            clap_complete::generate(args.shell, &mut Cli::command(), "coldpath", &mut script);
            output::write_raw(&String::from_utf8_lossy(&script)).map(|()| Status::Clean)
        }
    }
}

/// Prints an error. A stderr that is closed is nothing that could be reported anywhere.
fn complain(stop: &Stop) {
    if let Stop::Error { message, help } = stop {
        let mut stderr = anstream::stderr().lock();
        let _ = writeln!(stderr, "coldpath: {message}");
        if let Some(help) = help {
            let _ = writeln!(stderr, "help: {help}");
        }
    }
}

/// Prints something that is worth knowing and is neither a finding nor an error.
#[cfg(all(target_os = "linux", feature = "doctor"))]
fn tell(message: &str) {
    let _ = writeln!(anstream::stderr().lock(), "coldpath: {message}");
}
