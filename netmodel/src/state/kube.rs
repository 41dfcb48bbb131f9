//! Configuration of the Kubernetes components on the node: CNI, flannel, kube-proxy, and flags of processes and static pods.

use bundle::Capture;

use super::{Doc, Node};
use crate::parse::cmdline::{self, Cmdline};
use crate::parse::cni::{self, CniConfig};
use crate::parse::flannel::{self, NetConf, SubnetEnv};
use crate::parse::kube_proxy::{self, KubeProxyConfig};
use crate::parse::kubelet_config::{self, KubeletConfig};
use crate::source::{Fact, Missing};

/// A family of parsed files.
pub type KubeDocs<T> = Vec<Doc<T>>;

/// A command line: its instance is `name[pid]` of a process, or the path of a manifest.
pub type CmdlineDoc = Doc<Cmdline>;

impl Node {
    /// CNI configuration files, in the order in which a runtime looks at them (by name). Empty when none was captured.
    pub fn cni_configs(&self) -> &[Doc<CniConfig>] {
        self.cells.cni_configs.get(|| Ok(self.docs(Capture::CniConfig, cni::parse))).map_or(&[], Vec::as_slice)
    }

    /// kube-proxy's configuration files. Empty when none was captured.
    pub fn kube_proxy_configs(&self) -> &[Doc<KubeProxyConfig>] {
        self.cells
            .kube_proxy_configs
            .get(|| Ok(self.docs(Capture::KubeProxyConfig, kube_proxy::parse)))
            .map_or(&[], Vec::as_slice)
    }

    /// kubelet's configuration files. Empty when none was captured.
    pub fn kubelet_configs(&self) -> &[Doc<KubeletConfig>] {
        self.cells.kubelet_configs.get(|| Ok(self.docs(Capture::KubeletConfig, kubelet_config::parse))).map_or(&[], Vec::as_slice)
    }

    /// Command lines of running components. Empty when none was captured.
    pub fn kube_cmdlines(&self) -> &[CmdlineDoc] {
        self.cells.cmdlines.get(|| Ok(self.docs(Capture::KubeCmdline, cmdline::parse))).map_or(&[], Vec::as_slice)
    }

    /// Flags of static pods. Empty when none was captured.
    pub fn static_pod_flags(&self) -> &[CmdlineDoc] {
        self.cells.static_pods.get(|| Ok(self.docs(Capture::StaticPodFlags, cmdline::parse))).map_or(&[], Vec::as_slice)
    }

    /// What flannel leased for this node.
    ///
    /// # Errors
    /// [`Missing`] when the capture is absent.
    pub fn flannel_subnet_env(&self) -> Result<&Doc<SubnetEnv>, Missing> {
        self.cells.subnet_env.get(|| self.doc(Capture::FlannelSubnetEnv, flannel::parse_subnet_env))
    }

    /// flannel's configuration.
    ///
    /// # Errors
    /// [`Missing`] when the capture is absent.
    pub fn flannel_net_conf(&self) -> Result<&Doc<NetConf>, Missing> {
        self.cells.net_conf.get(|| self.doc(Capture::FlannelNetConf, flannel::parse_net_conf))
    }
}

/// The values of a flag, of every command line whose program (or process, or manifest) has `program` in its name.
pub fn flag_values<'n>(docs: &'n [CmdlineDoc], program: &str, flag: &str) -> Vec<Fact<'n, &'n str>> {
    docs.iter()
        .filter(|doc| {
            doc.source.key.instance.as_deref().is_some_and(|i| i.contains(program))
                || doc.program.is_some_and(|p| doc.text(p).contains(program))
        })
        .filter_map(|doc| {
            let found = doc.flag(&doc.source.text, flag)?;
            Some(doc.fact(doc.text(found.value?), found.at))
        })
        .collect()
}
