//! Sysctls of the node's namespace: what the kernel uses now. What is set at the next boot is in [`super::persist`].

use bundle::{Capture, Outcome};

use super::{Doc, Node};
use crate::parse::sysctl::{self, Sysctls};
use crate::source::{Fact, Missing};

impl Node {
    /// All sysctls.
    ///
    /// # Errors
    /// [`Missing`] when the capture is absent.
    pub fn sysctls(&self) -> Result<&Doc<Sysctls>, Missing> {
        self.cells.sysctls.get(|| self.doc(Capture::Sysctl, sysctl::parse))
    }

    /// The value of a sysctl. The key may be written with `.` or with `/`; a dot within an interface's name is a `/` in the form with
    /// dots, as procps writes it: `net.ipv4.conf.flannel/1.rp_filter`.
    ///
    /// # Errors
    /// [`Missing`] when the capture is absent or does not have the key.
    pub fn sysctl(&self, key: &str) -> Result<Fact<'_, &str>, Missing> {
        let doc = self.sysctls()?;
        let entry = doc.get(&doc.source.text, key).ok_or_else(|| {
            let why = doc.source.whole().err().map_or_else(|| "the capture does not have this key".to_owned(), |m| m.why);
            Missing::new(&doc.source.key, key, why)
        })?;
        Ok(doc.fact(doc.text(entry.value), entry.at))
    }

    /// The value of a sysctl of an interface: `sysctl_if("net.ipv4.conf", "flannel.1", "rp_filter")`.
    ///
    /// # Errors
    /// As [`Node::sysctl`].
    pub fn sysctl_if(&self, prefix: &str, ifname: &str, leaf: &str) -> Result<Fact<'_, &str>, Missing> {
        self.sysctl(&if_key(prefix, ifname, leaf))
    }

    /// The value of a sysctl as a number.
    ///
    /// # Errors
    /// [`Missing`] when there is none, or when it is not one number.
    pub fn sysctl_int(&self, key: &str) -> Result<Fact<'_, i64>, Missing> {
        let fact = self.sysctl(key)?;
        let value =
            fact.value.parse().map_err(|_| Missing::new(&fact.source.key, key, format!("`{}` is not a number", fact.value)))?;
        Ok(fact.map(|_| value))
    }

    /// The value of a sysctl of an interface as a number.
    ///
    /// # Errors
    /// As [`Node::sysctl_int`].
    pub fn sysctl_if_int(&self, prefix: &str, ifname: &str, leaf: &str) -> Result<Fact<'_, i64>, Missing> {
        self.sysctl_int(&if_key(prefix, ifname, leaf))
    }

    /// The value of a sysctl, or `None` where it is proven that the kernel has no such key: the capture is whole and does not say that
    /// the key (or a folder above it) could not be read.
    ///
    /// # Errors
    /// [`Missing`] when the capture is absent, not whole, or could not read the key.
    pub fn sysctl_absent(&self, key: &str) -> Result<Option<Fact<'_, &str>>, Missing> {
        let doc = self.sysctls()?;
        if doc.get(&doc.source.text, key).is_some() {
            return self.sysctl(key).map(Some);
        }
        doc.complete()?;
        let stderr = match self.bundle().record(&self.key(Capture::Sysctl)).map(|r| &r.outcome) {
            Some(Outcome::Taken { stderr, .. }) => stderr.as_str(),
            _ => "",
        };
        match sysctl::unreadable(stderr, key) {
            Some(line) => Err(Missing::new(&doc.source.key, key, format!("it could not be read: {line}"))),
            None => Ok(None),
        }
    }
}

/// The key of an interface's sysctl, in the form with slashes, in which the interface's name stands as it is.
#[must_use]
pub fn if_key(prefix: &str, ifname: &str, leaf: &str) -> String {
    format!("{}/{ifname}/{leaf}", prefix.replace('.', "/"))
}
