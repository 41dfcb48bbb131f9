//! Reads files: as they are, or through a filter that lets no secret out.

use std::fs::File;
use std::io::{self, Read, Write};

use crate::queue::Out;
use crate::redact::redact;
use crate::reduce;

/// What is done to a file's text on its way out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Filter {
    /// Nothing: files of the kernel.
    Raw,
    /// Secrets are taken out.
    Redact,
    /// It is inflated (gzip).
    Gunzip,
    /// A kubelet's configuration.
    Kubelet,
    /// A kube-proxy's configuration.
    KubeProxy,
    /// A static pod's manifest.
    StaticPod,
    /// The kernel's command line.
    KernelCmdline,
}

/// Bytes of a filtered file that are read. A filter needs the whole text; configuration is never so large.
const FILTERED_CAP: u64 = 2 << 20;

impl Filter {
    /// In words, for `--dry-run`.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Raw => "",
            Self::Redact => " (without secrets)",
            Self::Gunzip => " (inflated)",
            Self::Kubelet | Self::KubeProxy | Self::StaticPod | Self::KernelCmdline => " (network settings only)",
        }
    }
}

/// Copies a file through a filter; says whether the filter's cap cut it off.
pub(crate) fn copy(file: File, filter: Filter, out: &mut Out) -> io::Result<bool> {
    let apply: fn(&str) -> String = match filter {
        Filter::Raw => return io::copy(&mut { file }, out).map(|_| false),
        Filter::Gunzip => return io::copy(&mut flate2::read::GzDecoder::new(file), out).map(|_| false),
        Filter::Redact => redact,
        Filter::Kubelet => |t| reduce::top_level(t, reduce::KUBELET_KEYS),
        Filter::KubeProxy => |t| reduce::top_level(t, reduce::KUBE_PROXY_KEYS),
        Filter::StaticPod => reduce::static_pod,
        Filter::KernelCmdline => reduce::kernel_command_line,
    };
    let mut bytes = Vec::new();
    file.take(FILTERED_CAP + 1).read_to_end(&mut bytes)?;
    let cut = bytes.len() as u64 > FILTERED_CAP;
    if cut {
        // A line that was cut could hide the name of the secret in it.
        let end = bytes.iter().rposition(|&b| b == b'\n').map_or(0, |at| at + 1);
        bytes.truncate(end);
    }
    out.write_all(apply(&String::from_utf8_lossy(&bytes)).as_bytes())?;
    Ok(cut)
}
