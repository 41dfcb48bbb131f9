//! Where base chains hang: types, hooks, priorities and policies.

use serde::Serialize;

use super::NftFamily;
use crate::parse::nft::expr::Name;

/// Where a base chain hangs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BaseChain {
    /// Its type.
    pub kind: ChainKind,
    /// The hook.
    pub hook: Hook,
    /// The devices, for ingress and egress.
    pub devices: Vec<Name>,
    /// Its priority: lower ones run first. `None` if the name is not known.
    pub priority: Option<i32>,
    /// What becomes of a packet that reaches its end; nft leaves `accept` out of old listings.
    pub policy: Policy,
    /// Whether it is offloaded to the device.
    pub offload: bool,
}

/// Type of a base chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChainKind {
    /// Filters.
    Filter,
    /// Sees the first packet of a connection only, and may translate it.
    Nat,
    /// Routes anew what it changed (output).
    Route,
    /// Something else.
    Other(Name),
}

/// A hook of netfilter.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)]
pub enum Hook {
    Ingress,
    Egress,
    Prerouting,
    Input,
    Forward,
    Output,
    Postrouting,
    Other(Name),
}

/// What becomes of a packet at the end of a base chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Policy {
    /// It goes on.
    Accept,
    /// It is dropped.
    Drop,
    /// Not known.
    Other(Name),
}

/// The priority of a name (nft(8), "Standard priority names"); bridges have others.
#[must_use]
pub fn standard_priority(family: NftFamily, name: &str) -> Option<i32> {
    if family == NftFamily::Bridge {
        return Some(match name {
            "dstnat" => -300,
            "filter" => -200,
            "out" => 100,
            "srcnat" => 300,
            _ => return None,
        });
    }
    Some(match name {
        "raw" => -300,
        "mangle" => -150,
        "dstnat" => -100,
        "filter" => 0,
        "security" => 50,
        "srcnat" => 100,
        _ => return None,
    })
}
