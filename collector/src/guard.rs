//! Says whether a tool may be run without changing the node (decision 2): most of netfilter's tools load the kernel module that
//! they ask, and what they then print is an empty table with status 0.
//!
//! A module counts as there when any of this is so, none of which loads anything:
//! - `/sys/module/NAME` exists. Loaded modules always stand there, built-in ones only if they have parameters or a version;
//! - `modules.builtin` of the running kernel names it;
//! - a file that it registers in /proc exists (`evidence` below);
//! - `/proc/modules` does not exist: the kernel has no support for modules, so nothing can be loaded. A tool may then fail, and
//!   says so itself.

use std::collections::BTreeSet;
use std::path::PathBuf;

use crate::root::Root;

/// What the guard knows of the kernel's modules.
#[derive(Debug)]
pub(crate) struct Guard {
    sys_module: PathBuf,
    net: PathBuf,
    sysctl: PathBuf,
    builtin: BTreeSet<String>,
    no_module_support: bool,
}

impl Guard {
    pub(crate) fn new(root: &Root, kernel: &str) -> Self {
        let builtin = root
            .resolve(&format!("/lib/modules/{kernel}/modules.builtin"))
            .and_then(std::fs::read_to_string)
            // Missing on many a kernel without modules: then the other ways have to do.
            .map_or_else(|_| BTreeSet::new(), |text| text.lines().filter_map(module_of).collect());
        Self {
            // The module list of the running kernel: containers share it, so a host root without /sys has ours.
            sys_module: root.resolve("/sys/module").unwrap_or_else(|_| PathBuf::from("/sys/module")),
            net: root.net(""),
            sysctl: root.proc().join("sys/net"),
            builtin,
            no_module_support: root.proc().is_dir() && !root.proc().join("modules").exists(),
        }
    }

    /// Whether a module is there already.
    fn has(&self, module: &str) -> bool {
        let evidence = match module {
            "nf_conntrack" => self.sysctl.join("netfilter/nf_conntrack_max").exists(),
            "ip_vs" => self.net.join("ip_vs").exists(),
            _ => false,
        };
        evidence || self.no_module_support || self.builtin.contains(module) || self.sys_module.join(module).exists()
    }

    /// Says why running this tool would change the node; `None` if it would not.
    pub(crate) fn objection(&self, tool: &str) -> Option<String> {
        let needs: &[&str] = match tool {
            "conntrack" => &["nf_conntrack", "nfnetlink", "nf_conntrack_netlink"],
            "ipset" => &["ip_set", "nfnetlink"],
            "iptables-nft-save" | "ip6tables-nft-save" | "nft" => &["nf_tables", "nfnetlink"],
            // On a kernel that has no modules and no ipvs it could only fail: so it is asked by the file alone.
            "ipvsadm" => {
                let there = self.net.join("ip_vs").exists();
                return (!there).then(|| "there is no /proc/net/ip_vs; ipvsadm would load ip_vs".to_owned());
            }
            "iptables-legacy-save" => return self.legacy("ip_tables_names"),
            "ip6tables-legacy-save" => return self.legacy("ip6_tables_names"),
            _ => &[],
        };
        let missing: Vec<_> = needs.iter().filter(|m| !self.has(m)).copied().collect();
        (!missing.is_empty()).then(|| format!("{tool} would load {}", missing.join(", ")))
    }

    /// Without tables, iptables-legacy-save prints nothing; and asking for one creates it.
    fn legacy(&self, names: &str) -> Option<String> {
        (!self.net.join(names).exists()).then(|| format!("there is no /proc/net/{names}: no legacy table is registered"))
    }
}

/// `kernel/net/netfilter/nf_tables.ko` is module nf_tables; dashes in file names are underscores in module names.
fn module_of(line: &str) -> Option<String> {
    let file = line.rsplit('/').next()?;
    Some(file.split_once(".ko").map_or(file, |(name, _)| name).replace('-', "_"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::path::Path;

    fn fake(dir: &Path, files: &[(&str, &str)]) -> Guard {
        for d in ["proc/sys/net", "proc/thread-self/net", "sys/module"] {
            fs::create_dir_all(dir.join(d)).unwrap();
        }
        for (path, text) in files {
            fs::create_dir_all(dir.join(path).parent().unwrap()).unwrap();
            fs::write(dir.join(path), text).unwrap();
        }
        Guard::new(&Root::new(dir), "6.1")
    }

    #[test]
    fn on_a_fresh_node_nothing_that_loads_is_run() {
        let dir = tempfile::tempdir().unwrap();
        let guard = fake(dir.path(), &[("proc/modules", "")]);
        for tool in ["conntrack", "ipset", "iptables-nft-save", "nft", "ipvsadm", "iptables-legacy-save", "ip6tables-legacy-save"]
        {
            assert!(guard.objection(tool).is_some(), "{tool}");
        }
        for tool in ["ip", "bridge", "tc", "ethtool"] {
            assert_eq!(guard.objection(tool), None);
        }
        assert_eq!(guard.objection("nft").unwrap(), "nft would load nf_tables, nfnetlink");
    }

    #[test]
    fn a_loaded_or_built_in_module_is_there() {
        let dir = tempfile::tempdir().unwrap();
        let builtin = "kernel/net/netfilter/nfnetlink.ko\nkernel/net/netfilter/ip-set.ko\n";
        let guard = fake(
            dir.path(),
            &[
                ("proc/modules", ""),
                ("sys/module/nf_tables/refcnt", "1"),
                ("lib/modules/6.1/modules.builtin", builtin),
                ("proc/thread-self/net/ip_tables_names", ""),
            ],
        );
        for tool in ["nft", "ipset", "iptables-legacy-save"] {
            assert_eq!(guard.objection(tool), None);
        }
        // The near misses: one of three modules, the other family, the file of another module.
        for tool in ["conntrack", "ip6tables-legacy-save", "ipvsadm"] {
            assert!(guard.objection(tool).is_some(), "{tool}");
        }
    }

    #[test]
    fn a_kernel_without_modules_can_load_none() {
        let dir = tempfile::tempdir().unwrap();
        let guard = fake(dir.path(), &[]);
        assert_eq!(guard.objection("conntrack"), None);
        assert!(guard.objection("ipvsadm").is_some());
    }
}
