//! Messages made by hand after the kernel's headers, for what the lab's kernels do not have: programs of XDP, virtual functions of
//! SR-IOV hardware, kinds of links that are new, and messages that are cut off.

use std::path::Path;
use std::time::Instant;

use super::*;

fn attr(kind: u16, value: &[u8]) -> Vec<u8> {
    let len = u16::try_from(4 + value.len()).unwrap();
    let mut bytes = [&len.to_ne_bytes()[..], &kind.to_ne_bytes(), value].concat();
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

fn word(kind: u16, value: u32) -> Vec<u8> {
    attr(kind, &value.to_ne_bytes())
}

/// `struct ifinfomsg` of an Ethernet device, number 7, that is up.
fn ifinfo() -> Vec<u8> {
    let mut header = vec![0, 0, 1, 0];
    header[2..4].copy_from_slice(&1u16.to_ne_bytes());
    for value in [7u32, 0x1_1043, 0] {
        header.extend_from_slice(&value.to_ne_bytes());
    }
    header
}

fn printed(what: What, kind: u16, payload: &[u8]) -> String {
    let root = Root::new(Path::new("/nowhere"));
    let mut context = context(&root, Instant::now());
    let mut out = Vec::new();
    let mut json = Json::new(&mut out);
    let (_, print) = what.request();
    print(&mut context, Message { kind, flags: 0, payload }, &mut json);
    json.finish().unwrap();
    String::from_utf8(out).unwrap()
}

fn link(attrs: &[Vec<u8>]) -> String {
    printed(What::Link, libc::RTM_NEWLINK, &[ifinfo(), attr(libc::IFLA_IFNAME, b"eth0\0"), attrs.concat()].concat())
}

#[test]
fn programs_of_xdp_are_named_by_number_and_place() {
    // IFLA_XDP_ATTACHED 4 (several), IFLA_XDP_DRV_PROG_ID 11, IFLA_XDP_SKB_PROG_ID 12.
    let xdp = [attr(2, &[4]), word(5, 11), word(6, 12)].concat();
    let text = link(&[attr(libc::IFLA_XDP, &xdp)]);
    let attached = r#""xdp":{"mode":4,"attached":[{"mode":2,"prog":{"id":12}},{"mode":1,"prog":{"id":11}}]}"#;
    assert!(text.contains(attached), "{text}");
    // A kernel before 4.17: the number alone.
    let text = link(&[attr(libc::IFLA_XDP, &[attr(2, &[1]), word(4, 9)].concat())]);
    assert!(text.contains(r#""xdp":{"mode":1,"prog":{"id":9},"attached":[{"mode":1,"prog":{"id":9}}]}"#), "{text}");
    assert!(!link(&[attr(libc::IFLA_XDP, &attr(2, &[0]))]).contains("xdp"));
}

#[test]
fn virtual_functions_have_their_settings() {
    let two = |a: u32, b: u32| [a.to_ne_bytes(), b.to_ne_bytes()].concat();
    let mut mac = 3u32.to_ne_bytes().to_vec();
    mac.extend_from_slice(&[2, 0, 0, 0, 0, 9]);
    mac.resize(36, 0);
    let info = [
        attr(1, &mac),
        attr(2, &[two(3, 100), 0u32.to_ne_bytes().to_vec()].concat()),
        attr(4, &two(3, 1)),
        attr(5, &two(3, 2)),
        attr(6, &[two(3, 10), 20u32.to_ne_bytes().to_vec()].concat()),
        attr(9, &two(3, u32::MAX)),
    ];
    let list = attr(libc::IFLA_VFINFO_LIST, &attr(1, &info.concat()));
    let text = link(&[word(libc::IFLA_NUM_VF, 1), list]);
    let expected = concat!(
        r#""vfinfo_list":[{"vf":3,"link_type":"ether","address":"02:00:00:00:00:09","vlan":100,"rate":{"max_tx":20,"min_tx":10},"#,
        r#""spoofchk":true,"link_state":"disable"}]"#
    );
    assert!(text.contains(expected), "{text}");
}

#[test]
fn a_kind_that_is_new_is_read_and_one_that_is_unknown_keeps_its_name() {
    let data = [attr(2, &[1]), word(3, 0), word(4, 2), word(5, 1)].concat();
    let info = [attr(libc::IFLA_INFO_KIND, b"netkit\0"), attr(libc::IFLA_INFO_DATA, &data)].concat();
    let text = link(&[attr(libc::IFLA_LINKINFO, &info)]);
    let expected = r#""linkinfo":{"info_kind":"netkit","info_data":{"mode":"l3","type":"primary","policy":"forward","peer_policy":"blackhole"}}"#;
    assert!(text.contains(expected), "{text}");
    for kind in ["wireguard", "somethingnew"] {
        let info = [attr(libc::IFLA_INFO_KIND, kind.as_bytes()), attr(libc::IFLA_INFO_DATA, &data)].concat();
        let text = link(&[attr(libc::IFLA_LINKINFO, &info)]);
        assert!(text.contains(&format!(r#""linkinfo":{{"info_kind":"{kind}"}}"#)), "{text}");
    }
}

#[test]
fn a_rule_shows_selectors_that_are_newer_than_the_tool() {
    let header = [2, 0, 0, 0, 254, 0, 0, 1, 0, 0, 0, 0];
    let attrs = [word(6, 100), attr(25, &[10]), word(26, 0x123u32.to_be()), word(27, 0xf_ffffu32.to_be()), attr(30, &[0x3f])];
    let text = printed(What::Rule4, libc::RTM_NEWRULE, &[header.to_vec(), attrs.concat()].concat());
    let expected = "{\"priority\":100,\"src\":\"all\",\"dscp\":\"10\",\"flowlabel\":\"0x123\",\"table\":\"main\"}\n";
    assert_eq!(text, expected);
}

#[test]
fn options_of_ip_tunnels_are_read() {
    // Never made in a lab: Linux 6.18 stops with its routing lock held where a route is added with them.
    let header = [2, 16, 0, 0, 254, 4, 0, 1, 0, 0, 0, 0];
    let option = [attr(1, &1u16.to_be_bytes()), attr(2, &[2]), attr(3, &[0xaa, 0xbb, 0xcc, 0xdd])].concat();
    let encap = [attr(1, &5u64.to_be_bytes()), attr(2, &[10, 9, 9, 9]), attr(8, &attr(1, &option))].concat();
    let attrs = [attr(1, &[10, 4, 0, 0]), attr(21, &2u16.to_ne_bytes()), attr(22, &encap)];
    let text = printed(What::Route4, libc::RTM_NEWROUTE, &[header.to_vec(), attrs.concat()].concat());
    let expected = r#""encap":"ip","id":5,"dst":"10.9.9.9","geneve_opts":[{"class":1,"type":2,"data":"aabbccdd"}]"#;
    assert!(text.contains(expected), "{text}");
}

#[test]
fn a_message_that_is_cut_off_anywhere_costs_no_more_than_itself() {
    let info =
        [attr(libc::IFLA_INFO_KIND, b"vxlan\0"), attr(libc::IFLA_INFO_DATA, &[word(1, 7), attr(15, &[0x21, 0x18])].concat())];
    let whole = [ifinfo(), attr(libc::IFLA_IFNAME, b"vx0\0"), attr(libc::IFLA_LINKINFO, &info.concat())].concat();
    for what in [
        What::Addr,
        What::Link,
        What::Route4,
        What::Route6,
        What::Rule4,
        What::Rule6,
        What::Neigh,
        What::Nexthop,
        What::BridgeFdb,
        What::BridgeLink,
        What::BridgeVlan,
        What::Qdisc,
    ] {
        for kind in [16, 20, 24, 28, 32, 36, 104] {
            for len in 0..=whole.len() {
                let text = printed(what, kind, &whole[..len]);
                let text = text.trim_end();
                assert!(
                    text.is_empty() || serde_json::from_str::<serde_json::Value>(text).is_ok(),
                    "{what:?} {kind} {len}: {text}"
                );
            }
        }
    }
}
