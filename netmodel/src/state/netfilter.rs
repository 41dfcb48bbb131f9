//! The rulesets of netfilter: iptables of both back ends and families, and native nftables.
//!
//! What a ruleset does with a packet is `walk`'s business.

use std::sync::OnceLock;

use bundle::{AbsentWhy, Capture, Content, Format};

use super::{Cell, Doc, Node, forms};
use crate::family::Family;
use crate::parse::iptables::{Ruleset, TableKind};
use crate::parse::iptables_list;
use crate::parse::nft;
use crate::source::{Missing, Source};
use crate::walk::netfilter::plan::Plans;

/// Which of the kernel's two implementations of iptables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Backend {
    /// The old x_tables (`iptables-legacy`).
    Legacy,
    /// nftables behind iptables' interface (`iptables-nft`).
    Nft,
}

impl Backend {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Legacy, Self::Nft];

    /// As `iptables -V` prints it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Legacy => "legacy",
            Self::Nft => "nf_tables",
        }
    }
}

/// The rulesets, as far as they were asked for.
#[derive(Debug, Default)]
pub(crate) struct NetfilterCells {
    iptables: [Cell<Doc<Ruleset>>; 4],
    nft: Cell<Doc<nft::Ruleset>>,
    nft_index: OnceLock<nft::index::Index>,
    plans: Plans,
}

impl Node {
    /// The iptables rules of a back end and family.
    ///
    /// A back end whose modules are not loaded, or that has no table registered, is an empty ruleset and not a gap: the kernel
    /// has no rules of that kind then.
    ///
    /// # Errors
    /// [`Missing`] when the rules were not captured, although there may be some.
    pub fn iptables(&self, backend: Backend, family: Family) -> Result<&Doc<Ruleset>, Missing> {
        let capture = match (backend, family) {
            (Backend::Legacy, Family::V4) => Capture::IptablesLegacySave,
            (Backend::Legacy, Family::V6) => Capture::Ip6tablesLegacySave,
            (Backend::Nft, Family::V4) => Capture::IptablesNftSave,
            (Backend::Nft, Family::V6) => Capture::Ip6tablesNftSave,
        };
        let index = usize::from(backend == Backend::Nft) * 2 + usize::from(family == Family::V6);
        self.netfilter.iptables[index].get(|| {
            let source = self.ruleset_source(capture, || match backend {
                Backend::Nft => false,
                Backend::Legacy => self.no_legacy_tables(family),
            })?;
            // A pasted text may be a listing: the form tells which.
            let parsed = iptables_list::parse_any(&source.text, family, TableKind::Unknown);
            Ok(Doc { source, parsed })
        })
    }

    /// The whole nftables ruleset, the tables of iptables-nft included, from either of the forms that nft prints.
    ///
    /// # Errors
    /// [`Missing`] when it was not captured, although there may be one.
    pub fn nft(&self) -> Result<&Doc<nft::Ruleset>, Missing> {
        self.netfilter.nft.get(|| {
            let source = self.ruleset_source(Capture::NftRuleset, || false)?;
            forms::only(&source, &[Format::NftJson, Format::NftText])?;
            let parsed = nft::parse(&source.text);
            Ok(Doc { source, parsed })
        })
    }

    /// What is looked up in the nftables ruleset again and again, worked out once.
    ///
    /// # Errors
    /// As [`Node::nft`].
    pub fn nft_index(&self) -> Result<&nft::index::Index, Missing> {
        let doc = self.nft()?;
        Ok(self.netfilter.nft_index.get_or_init(|| nft::index::Index::new(&doc.parsed)))
    }

    /// What the walk has worked out of the rulesets.
    pub(crate) fn plans(&self) -> &Plans {
        &self.netfilter.plans
    }

    /// The text of a ruleset; an empty one where it is proven that there are no rules.
    fn ruleset_source(&self, capture: Capture, proven_empty: impl FnOnce() -> bool) -> Result<Source, Missing> {
        let key = self.key(capture);
        match self.bundle().get(&key) {
            Content::Text(text) => Ok(Source::of(&key, text)),
            Content::Absent(absence) if absence.why == AbsentWhy::NotLoaded || proven_empty() => {
                Ok(Source { key, text: "".into(), partial: None, format: capture.spec().format, origin: None })
            }
            Content::Absent(absence) => Err(Missing::absent(&key, &absence)),
        }
    }

    /// Whether the kernel says that no legacy table is registered: /proc/net/ip_tables_names is empty, or not there because the
    /// module ip_tables is not loaded.
    fn no_legacy_tables(&self, family: Family) -> bool {
        let capture = match family {
            Family::V4 => Capture::IpTablesNames,
            Family::V6 => Capture::Ip6TablesNames,
        };
        match self.bundle().get(&self.key(capture)) {
            Content::Text(text) => text.partial.is_none() && text.body.trim().is_empty(),
            Content::Absent(absence) => matches!(absence.why, AbsentWhy::NotFound | AbsentWhy::NotLoaded),
        }
    }
}
