//! The command line: what can be asked, and the help that explains it.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use netmodel::walk::endpoint::{End, Protocol};
use rules::Severity;

const STATUSES: &str = "\
Exit status:
  0  nothing at or above --fail-on
  1  findings at or above --fail-on
  2  wrong usage, an error of the tool, or an input that could not be read
     (the others are reported all the same; 2 wins over 1)
  3  only with --require-complete: nothing found, but rules could not be checked";

const ANALYZE_EXAMPLES: &str = "\
Examples:
  coldpath analyze coldpath-node-7-20261121T101500Z.zip
  coldpath analyze site/*.zip --format json -o report.json
  coldpath analyze node.zip --select forwarding,mtu --fail-on error
  coldpath analyze ticket-4711/                # outputs that were pasted, one node or several
  coldpath analyze node.zip --require-complete   # for scripts: 'not checked' is no success";

#[cfg(all(target_os = "linux", feature = "doctor"))]
const DOCTOR_EXAMPLES: &str = "\
Examples (as root; without it, what may not be read is said):
  coldpath doctor
  coldpath doctor --bundle /var/tmp --format json -o report.json";

const TRACE_HELP: &str = "\
WHERE is
  10.244.1.2, fd00::a          an address: of a pod, a node, a Service, or of something outside
  pod:default/web-7d4b9        a pod: its name, with or without its namespace, or the beginning of it
  node:node-a                  a node
  service:kube-system/kube-dns a Service by its name (not in ipvs mode, which has no names)
  external                     some host outside of the cluster
  node-a%eth0                  --from: what comes in by that device; --to: its address
and with a port behind a colon where it is the destination: 10.96.0.10:53, [fd00::a]:53, pod:web-7d4b9:8080.
An address that none of the nodes has is outside: its packet comes in by the device on which the node would answer it.

Examples:
  coldpath trace node-a.zip node-b.zip --from pod:default/a1 --to 10.96.0.10:53 --proto udp
  coldpath trace node-a.zip --from pod:a1 --to external:443
  coldpath trace node-a.zip --from external --to node:node-a:30080       # a NodePort
  coldpath trace site/*.zip --from pod:a1 --to pod:b1:8080 --size 1450   # does a full packet fit?
  coldpath trace site/*.zip --matrix                                     # all flows, in one table

Exit status:
  0  delivered, and the answer, too (with --matrix: every flow)
  1  not, or not always, or the bundles do not say enough
  2  wrong usage, an error of the tool, or an input that could not be read";

const SHOW_EXAMPLES: &str = "\
Examples:
  coldpath show node.zip                            what is in it, and what is not and why
  coldpath show node.zip ip-addr                    one capture's text
  coldpath show node.zip node/ip-addr.json          the same, by the path that a finding names
  coldpath show node.zip ethtool-features:eth0      one of a family
  coldpath show node.zip conntrack | grep UNREPLIED
  coldpath show node.zip nft-ruleset --format json  what was understood of it, with lines and every problem
  coldpath show node.zip iptables-nft-save --normalized
  coldpath show ticket-4711/                        what was recognised in pasted outputs, and what not and why

Exit status: 0, or 2 when the bundle or the capture cannot be read or the capture is absent";

const GREP_EXAMPLES: &str = "\
Examples:
  coldpath grep '10\\.96\\.0\\.10' node.zip                     every line that names an address
  coldpath grep -i 'table full' site/*.zip --capture kernel-log
  coldpath grep -l 'dport 8472.*DROP' site/*.zip           which bundles, and where

Exit status: 0 when something matches, 1 when nothing does, 2 when the pattern or an input cannot be read";

/// Says what is wrong with the network of Kubernetes nodes, from bundles that coldpath-collect wrote.
#[derive(Debug, Parser)]
#[command(name = "coldpath", version, max_term_width = 100, subcommand_required = true, arg_required_else_help = true)]
pub(crate) struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Say what is wrong with the nodes that bundles show, with proof and remedy
    #[command(after_help = format!("{ANALYZE_EXAMPLES}\n\n{STATUSES}"))]
    Analyze(Analyze),
    /// On this node: take a snapshot, keep the bundle, and say what is wrong
    #[cfg(all(target_os = "linux", feature = "doctor"))]
    #[command(after_help = format!("{DOCTOR_EXAMPLES}\n\n{STATUSES}"))]
    Doctor(Doctor),
    /// Follow a packet through the nodes that bundles show, and say where it ends and why
    #[command(after_help = TRACE_HELP)]
    Trace(Trace),
    /// Show what is in a bundle and what is absent and why, or one capture's text
    #[command(after_help = SHOW_EXAMPLES)]
    Show(Show),
    /// Find lines in the captures of bundles, by a regular expression
    #[command(after_help = GREP_EXAMPLES)]
    Grep(Grep),
    /// List the rules
    Rules(Rules),
    /// Explain a rule: what it checks, why it matters, when it can be wrong
    #[command(
        after_help = "Example:\n  coldpath explain forwarding/ip-forward-off\n\nExit status: 0, or 2 when there is no such rule"
    )]
    Explain(Explain),
    /// Print shell completions
    #[command(after_help = "Example:\n  coldpath completions bash > /etc/bash_completion.d/coldpath")]
    Completions(Completions),
}

/// `coldpath analyze`
#[derive(Debug, Args)]
pub(crate) struct Analyze {
    /// Bundles: zips, or folders that hold a manifest.json; or folders and files of pasted outputs
    #[arg(required = true, value_name = "INPUT")]
    pub(crate) inputs: Vec<PathBuf>,
    /// What to check and how to report it.
    #[command(flatten)]
    pub(crate) options: ReportOptions,
}

/// What every command that reports findings takes.
#[derive(Debug, Args)]
pub(crate) struct ReportOptions {
    /// How to write the report
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
    /// Write the report to this file instead of stdout
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// From which severity on findings make the exit status 1
    #[arg(long, value_enum, value_name = "SEVERITY", default_value_t = FailOn::Warning)]
    pub(crate) fail_on: FailOn,
    /// Exit with 3 when nothing was found but some rules could not be checked
    #[arg(long)]
    pub(crate) require_complete: bool,
    /// Check only these rules or families
    #[arg(long, value_name = "RULE", value_delimiter = ',')]
    pub(crate) select: Vec<String>,
    /// Leave these rules or families out
    #[arg(long, value_name = "RULE", value_delimiter = ',')]
    pub(crate) ignore: Vec<String>,
    /// Show evidence lines whole, however long they are
    #[arg(short, long)]
    pub(crate) verbose: bool,
}

/// `coldpath trace`
#[derive(Debug, Args)]
pub(crate) struct Trace {
    /// Bundles of one node or several: zips, or folders that hold a manifest.json; or folders and files of pasted outputs
    #[arg(required = true, value_name = "INPUT")]
    pub(crate) inputs: Vec<PathBuf>,
    /// Who sends
    #[arg(long, value_name = "WHERE", required_unless_present = "matrix", conflicts_with = "matrix")]
    pub(crate) from: Option<End>,
    /// Where it is sent
    #[arg(long, value_name = "WHERE[:PORT]", required_unless_present = "matrix", conflicts_with = "matrix")]
    pub(crate) to: Option<End>,
    /// The protocol; tcp, unless another one is all that is known at the destination
    #[arg(long, value_enum, conflicts_with = "matrix")]
    pub(crate) proto: Option<Proto>,
    /// Length of the IP packet; that of a usual first packet, unless it is said
    #[arg(long, value_name = "BYTES", conflicts_with = "matrix")]
    pub(crate) size: Option<u16>,
    /// The packet's mark, decimal or with 0x
    #[arg(long, value_name = "MARK", default_value = "0", value_parser = mark, conflicts_with = "matrix")]
    pub(crate) mark: u32,
    /// The source port
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..), conflicts_with = "matrix")]
    pub(crate) sport: Option<u16>,
    /// It comes in by this device of the node, instead of being sent by a socket
    #[arg(long, value_name = "INTERFACE", conflicts_with = "matrix")]
    pub(crate) iif: Option<String>,
    /// It may not be fragmented: the default, as Linux sends
    #[arg(long, conflicts_with_all = ["no_df", "matrix"])]
    pub(crate) df: bool,
    /// It may be fragmented
    #[arg(long, conflicts_with = "matrix")]
    pub(crate) no_df: bool,
    /// Do not walk the answer
    #[arg(long)]
    pub(crate) no_reply: bool,
    /// Walk all flows between the nodes' pods, Services and nodes, and show what becomes of them in one table
    #[arg(long)]
    pub(crate) matrix: bool,
    /// With --matrix: how many flows of one kind are walked at most
    #[arg(long, value_name = "N", default_value_t = 2_000, requires = "matrix")]
    pub(crate) max_flows: usize,
    /// How to write it
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
    /// Write it to this file instead of stdout
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Show every step of every way, and lines whole
    #[arg(short, long)]
    pub(crate) verbose: bool,
}

/// A protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Proto {
    /// The first packet of a connection
    Tcp,
    /// A datagram
    Udp,
    /// An echo request (ping)
    Icmp,
    /// The first packet of an association
    Sctp,
}

impl From<Proto> for Protocol {
    fn from(proto: Proto) -> Self {
        match proto {
            Proto::Tcp => Self::Tcp,
            Proto::Udp => Self::Udp,
            Proto::Icmp => Self::Icmp,
            Proto::Sctp => Self::Sctp,
        }
    }
}

/// A mark, as iptables and ip print it.
fn mark(text: &str) -> Result<u32, String> {
    let (digits, radix) = text.strip_prefix("0x").map_or((text, 10), |hex| (hex, 16));
    u32::from_str_radix(digits, radix).map_err(|_| "a mark is a number of 32 bits, decimal or with 0x".to_owned())
}

/// `coldpath grep`
#[derive(Debug, Args)]
pub(crate) struct Grep {
    /// A regular expression, as the regex crate reads it: https://docs.rs/regex/#syntax
    #[arg(value_name = "REGEX")]
    pub(crate) pattern: String,
    /// Bundles, or outputs as people paste them
    #[arg(required = true, value_name = "INPUT")]
    pub(crate) inputs: Vec<PathBuf>,
    /// Search these captures only
    #[arg(long, value_name = "CAPTURE", value_delimiter = ',', value_parser = capture_name)]
    pub(crate) capture: Vec<String>,
    /// Take upper and lower case for the same
    #[arg(short, long)]
    pub(crate) ignore_case: bool,
    /// Say only which captures hold a match
    #[arg(short = 'l', long)]
    pub(crate) files_with_matches: bool,
    /// Leave the network namespaces of pods out
    #[arg(long)]
    pub(crate) no_pods: bool,
}

/// The name of a capture of the catalogue.
fn capture_name(name: &str) -> Result<String, String> {
    match bundle::Capture::from_name(name) {
        Some(capture) => Ok(capture.name().to_owned()),
        None => Err("no capture has this name; `coldpath show INPUT` lists those of a bundle".to_owned()),
    }
}

/// `coldpath doctor`
#[cfg(all(target_os = "linux", feature = "doctor"))]
#[derive(Debug, Args)]
pub(crate) struct Doctor {
    /// Where to keep the bundle: a file, or a folder in which it gets a name of its own
    #[arg(long, value_name = "FILE|DIR", default_value = ".")]
    pub(crate) bundle: PathBuf,
    /// What to check and how to report it.
    #[command(flatten)]
    pub(crate) options: ReportOptions,
}

/// `coldpath show`
#[derive(Debug, Args)]
pub(crate) struct Show {
    /// A bundle: a zip, or a folder that holds a manifest.json; or a folder or a file of pasted outputs
    #[arg(value_name = "INPUT")]
    pub(crate) input: PathBuf,
    /// Print this capture's text: its name, NAME:INSTANCE, or its path in the bundle
    #[arg(value_name = "CAPTURE")]
    pub(crate) capture: Option<String>,
    /// How to write the list; with CAPTURE, json prints what was understood of it (docs/records.schema.json)
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
    /// Print the capture back in its tool's own form (iptables, ipset, ipvs, routes)
    #[arg(long, requires = "capture")]
    pub(crate) normalized: bool,
}

/// `coldpath rules`
#[derive(Debug, Args)]
pub(crate) struct Rules {
    /// How to write the list
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
}

/// `coldpath explain`
#[derive(Debug, Args)]
pub(crate) struct Explain {
    /// The rule's id, as reports and `coldpath rules` show it
    #[arg(value_name = "RULE")]
    pub(crate) rule: String,
}

/// `coldpath completions`
#[derive(Debug, Args)]
pub(crate) struct Completions {
    /// The shell
    #[arg(value_enum)]
    pub(crate) shell: clap_complete::Shell,
}

/// The form of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people
    Text,
    /// For programs; its JSON Schema is docs/report.schema.json
    Json,
}

/// From which severity on findings are a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum FailOn {
    /// Traffic is broken now
    Error,
    /// It breaks under load, at the next reboot or reload, or for some peers
    Warning,
    /// Anything worth knowing
    Note,
    /// Never
    Never,
}

impl FailOn {
    /// Whether a finding of this severity is a failure.
    pub(crate) fn fails(self, severity: Severity) -> bool {
        match self {
            Self::Error => severity >= Severity::Error,
            Self::Warning => severity >= Severity::Warning,
            Self::Note => true,
            Self::Never => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn fail_on_is_a_threshold() {
        let fails = |on: FailOn| [Severity::Note, Severity::Warning, Severity::Error].map(|s| on.fails(s));
        assert_eq!(fails(FailOn::Error), [false, false, true]);
        assert_eq!(fails(FailOn::Warning), [false, true, true]);
        assert_eq!(fails(FailOn::Note), [true; 3]);
        assert_eq!(fails(FailOn::Never), [false; 3]);
    }
}
