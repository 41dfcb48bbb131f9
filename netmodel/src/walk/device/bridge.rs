//! Where a bridge sends a frame: `br_handle_frame_finish`, `br_dev_xmit`, `br_flood` and `should_deliver` (net/bridge/).
//!
//! Left out: multicast snooping (a group address is flooded), ports that are locked or hide their neighbours, backup ports, MST.

use std::sync::Arc;

use super::{Frame, Mac};
use crate::parse::bridge::FdbEntry;
use crate::parse::ip_addr::{Link, LinkKind};
use crate::parse::iproute_text::bridge_vlan::{PortVlans, Vlan};
use crate::source::{Evidence, Missing};
use crate::state::Node;
use crate::state::links::Links;

/// Where a bridge sends a frame.
#[derive(Clone, Debug)]
pub enum Decision {
    /// To these.
    Forward(Forward),
    /// Nowhere.
    Drop {
        /// Why, in lower case.
        reason: String,
        /// The lines that say so.
        evidence: Vec<Evidence>,
    },
}

/// To whom a bridge sends a frame.
#[derive(Clone, Debug, Default)]
pub struct Forward {
    /// The bridge device itself, and with it the stack; the frame as it comes in there.
    pub local: Option<Frame>,
    /// The ports, each with the frame as it goes out there.
    pub ports: Vec<(Arc<str>, Frame)>,
    /// The receiver is not known, or everyone: it goes to all ports.
    pub flooded: bool,
    /// What decided: the forwarding database, the bridge's own address.
    pub evidence: Vec<Evidence>,
}

/// Where a bridge sends a frame that came in by a port, or with `None` is sent by the bridge device itself.
///
/// # Errors
/// [`Missing`] when links, ports, VLANs or the forwarding database are not known and it depends on them.
pub fn decide(node: &Node, bridge: &str, port: Option<&str>, frame: &Frame) -> Result<Decision, Missing> {
    let links = node.links()?;
    let Some(own) = links.by_name(bridge) else {
        links.complete()?;
        return Ok(drop_it(format!("there is no bridge {bridge}"), Vec::new()));
    };
    let filtering = match &own.kind {
        LinkKind::Bridge(settings) => settings.vlan_filtering,
        _ => None,
    };
    let filtering = filtering.ok_or_else(|| {
        Missing::new(&links.source().key, format!("the settings of {bridge}"), "they are not in the capture (`ip -d`)")
    })?;
    Bridge { node, links, own, vlans: if filtering { Some(Vlans::of(node)?) } else { None } }.decide(port, frame)
}

fn drop_it(reason: String, evidence: Vec<Evidence>) -> Decision {
    Decision::Drop { reason, evidence }
}

struct Bridge<'n> {
    node: &'n Node,
    links: &'n Links,
    own: &'n Link,
    /// The VLANs of its ports, where it filters.
    vlans: Option<Vlans<'n>>,
}

impl<'n> Bridge<'n> {
    fn decide(&self, port: Option<&str>, frame: &Frame) -> Result<Decision, Missing> {
        let ingress = port.map(|name| self.port(name)).transpose()?;
        if let Some(port) = &ingress
            && !matches!(port.state(), Some("forwarding"))
        {
            let state = port.state().ok_or_else(|| self.missing(port, "state"))?;
            // A port that learns passes nothing on (`br_handle_frame_finish`).
            return Ok(drop_it(format!("the bridge port {} is {state}", port.link.name), vec![self.evidence(port.link)]));
        }
        let at = ingress.as_ref().map_or(self.own, |p| p.link);
        let vlan = match self.ingress_vlan(&at.name, frame) {
            Ok(vlan) => vlan,
            Err(drop) => return Ok(drop),
        };
        let local = || Frame { vlan: self.egress_tag(&self.own.name, vlan, frame), ..*frame };
        let own = self.own.mac.as_deref().and_then(Mac::parse);
        let dst = frame.dst.ok_or_else(|| {
            Missing::new(&self.links.source().key, "where the bridge sends the frame", "the receiver's address is not known")
        })?;
        if !dst.is_group() {
            // The bridge's own address stands in its database as a local entry; so do those of its ports.
            if ingress.is_some() && own == Some(dst) {
                let evidence = vec![self.links.evidence(self.own, &["address"])];
                return Ok(Decision::Forward(Forward { local: Some(local()), evidence, ..Forward::default() }));
            }
            if let Some(entry) = self.entry(dst, vlan)? {
                let evidence = vec![self.node.fdb()?.source.evidence(entry.at)];
                return self.by_entry(entry, ingress.as_ref(), vlan, frame, evidence, local());
            }
        }
        // `br_flood`.
        let mut ports = Vec::new();
        for link in self.links.ports_of(&self.own.name) {
            let port = self.port(&link.name)?;
            let floods = dst.is_group() || port.flood().unwrap_or(true);
            if floods && self.delivers(&port, ingress.as_ref(), vlan)?.is_none() {
                ports.push((Arc::clone(&link.name), Frame { vlan: self.egress_tag(&link.name, vlan, frame), ..*frame }));
            }
        }
        let to_stack = ingress.is_some() && dst.is_group();
        Ok(Decision::Forward(Forward { local: to_stack.then(local), ports, flooded: true, evidence: Vec::new() }))
    }

    /// A known receiver.
    fn by_entry(
        &self,
        entry: &FdbEntry,
        ingress: Option<&Port<'n>>,
        vlan: u16,
        frame: &Frame,
        evidence: Vec<Evidence>,
        local: Frame,
    ) -> Result<Decision, Missing> {
        let is_local = &*entry.state == "permanent";
        if is_local && ingress.is_some() {
            return Ok(Decision::Forward(Forward { local: Some(local), evidence, ..Forward::default() }));
        }
        if entry.dev == self.own.name {
            return Ok(drop_it(format!("{} does not send a frame to its own address", self.own.name), evidence));
        }
        let port = self.port(&entry.dev)?;
        if let Some(reason) = self.delivers(&port, ingress, vlan)? {
            let evidence = evidence.into_iter().chain([self.evidence(port.link)]).collect();
            return Ok(drop_it(reason, evidence));
        }
        let out = Frame { vlan: self.egress_tag(&entry.dev, vlan, frame), ..*frame };
        Ok(Decision::Forward(Forward { ports: vec![(Arc::clone(&entry.dev), out)], evidence, ..Forward::default() }))
    }

    /// `should_deliver`; says why not.
    fn delivers(&self, port: &Port<'n>, ingress: Option<&Port<'n>>, vlan: u16) -> Result<Option<String>, Missing> {
        let name = &port.link.name;
        let state = port.state().ok_or_else(|| self.missing(port, "state"))?;
        if state != "forwarding" {
            return Ok(Some(format!("the bridge port {name} is {state}")));
        }
        if ingress.is_some_and(|i| i.link.name == *name) && !port.hairpin().ok_or_else(|| self.missing(port, "hairpin mode"))? {
            return Ok(Some(format!("{name} is the port that it came in by, and hairpin mode is off")));
        }
        let isolated = |p: &Port<'n>| p.isolated().unwrap_or(false);
        if ingress.is_some_and(|i| isolated(i) && isolated(port)) {
            return Ok(Some(format!("{name} and the port that it came in by are isolated from each other")));
        }
        let member = self.vlans.as_ref().is_none_or(|v| v.find(name, vlan).is_some());
        Ok((!member).then(|| format!("{name} does not let VLAN {vlan} through")))
    }

    /// `br_allowed_ingress`: the VLAN that a frame belongs to; 0 where the bridge does not filter.
    fn ingress_vlan(&self, at: &str, frame: &Frame) -> Result<u16, Decision> {
        let Some(vlans) = &self.vlans else { return Ok(0) };
        let untagged = frame.vlan.filter(|tag| *tag != 0).is_none();
        let id = if untagged { vlans.of_port(at).find(|v| v.pvid).map(|v| v.first) } else { frame.vlan };
        match id {
            None => Err(drop_it(format!("{at} takes no frames without a VLAN tag"), vlans.evidence(at))),
            Some(id) if vlans.find(at, id).is_none() => {
                Err(drop_it(format!("{at} does not let VLAN {id} through"), vlans.evidence(at)))
            }
            Some(id) => Ok(id),
        }
    }

    /// The tag with which a frame leaves (`br_handle_vlan`).
    fn egress_tag(&self, at: &str, vlan: u16, frame: &Frame) -> Option<u16> {
        match &self.vlans {
            None => frame.vlan,
            Some(vlans) => (!vlans.find(at, vlan).is_some_and(|v| v.untagged)).then_some(vlan),
        }
    }

    /// `br_fdb_find_rcu`: the entry of an address in a VLAN.
    fn entry(&self, mac: Mac, vlan: u16) -> Result<Option<&'n FdbEntry>, Missing> {
        let fdb = self.node.fdb()?;
        let of_bridge = |e: &&FdbEntry| e.master.as_deref() == Some(&*self.own.name) && !e.flags.iter().any(|f| &**f == "self");
        let found = fdb.iter().filter(of_bridge).find(|e| e.vlan.unwrap_or(0) == vlan && Mac::parse(&e.mac) == Some(mac));
        if found.is_none() {
            fdb.complete()?;
        }
        Ok(found)
    }

    fn port(&self, name: &str) -> Result<Port<'n>, Missing> {
        let link = self.links.by_name(name).ok_or_else(|| {
            Missing::new(&self.links.source().key, format!("the bridge port {name}"), "the capture does not have it")
        })?;
        let shown = self
            .node
            .bridge_ports()
            .ok()
            .and_then(|ports| ports.iter().find(|p| *p.name == *name && p.master.as_deref() == Some(&*self.own.name)));
        Ok(Port { link, shown })
    }

    fn missing(&self, port: &Port<'_>, what: &str) -> Missing {
        Missing::new(&self.links.source().key, format!("the {what} of the bridge port {}", port.link.name), "no capture shows it")
    }

    fn evidence(&self, port: &Link) -> Evidence {
        self.links.evidence(port, &["master", "state", "hairpin", "isolated"])
    }
}

/// A port, as `ip -d link` and `bridge -d link` show it.
struct Port<'n> {
    link: &'n Link,
    shown: Option<&'n crate::parse::bridge::BridgePort>,
}

impl<'n> Port<'n> {
    fn state(&self) -> Option<&'n str> {
        self.shown.and_then(|p| p.state.as_deref()).or_else(|| self.link.port.as_ref()?.state.as_deref())
    }

    fn hairpin(&self) -> Option<bool> {
        self.shown.and_then(|p| p.hairpin).or_else(|| self.link.port.as_ref()?.hairpin)
    }

    fn isolated(&self) -> Option<bool> {
        self.shown.and_then(|p| p.isolated).or_else(|| self.link.port.as_ref()?.isolated)
    }

    fn flood(&self) -> Option<bool> {
        self.shown.and_then(|p| p.flood)
    }
}

/// The VLANs of a filtering bridge's ports.
struct Vlans<'n> {
    doc: &'n crate::state::Doc<Vec<PortVlans>>,
}

impl<'n> Vlans<'n> {
    fn of(node: &'n Node) -> Result<Self, Missing> {
        let doc = node.bridge_vlans()?;
        doc.complete()?;
        Ok(Self { doc })
    }

    fn of_port<'p>(&self, port: &'p str) -> impl Iterator<Item = &'n Vlan> + use<'n, 'p> {
        self.doc.iter().filter(move |p| &*p.port == port).flat_map(|p| &p.vlans)
    }

    fn find(&self, port: &str, id: u16) -> Option<&'n Vlan> {
        self.of_port(port).find(|v| (v.first..=v.last).contains(&id))
    }

    fn evidence(&self, port: &str) -> Vec<Evidence> {
        self.doc.iter().filter(|p| &*p.port == port).map(|p| self.doc.source.evidence(p.at)).collect()
    }
}
