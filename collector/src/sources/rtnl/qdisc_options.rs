//! Options and own statistics of the queueing disciplines that nodes use (tc/q_*.c); those without any, as mq, noqueue, clsact and
//! ingress, need nothing here.

use super::Context;
use super::kinds::{Data, Field, Show, print_fields};
use crate::netlink::Attr;
use crate::sources::json::Json;

/// TCA_FQ_CODEL_*.
const FQ_CODEL: &[Field] = &[
    Field(2, "limit", Show::U32),
    Field(5, "flows", Show::U32),
    Field(6, "quantum", Show::U32),
    Field(1, "target", Show::U32),
    Field(7, "ce_threshold", Show::U32),
    Field(10, "", Show::With(print_selector)),
    Field(3, "interval", Show::U32),
    Field(9, "memory_limit", Show::U32),
    Field(4, "", Show::With(|_, data, json| data.u32(4).filter(|&e| e != 0).map_or((), |_| json.bool("ecn", true)))),
    Field(8, "", Show::With(|_, data, json| data.u32(8).filter(|&b| b != 0).map_or((), |b| json.number("drop_batch", b)))),
];

/// TCA_FQ_*.
const FQ: &[Field] = &[
    Field(1, "limit", Show::U32),
    Field(2, "flow_limit", Show::U32),
    Field(8, "", Show::With(|_, data, json| data.u32(8).map_or((), |log| json.number("buckets", 1u64 << log.min(63))))),
    Field(10, "orphan_mask", Show::U32),
    Field(5, "", Show::With(|_, data, json| data.u32(5).filter(|&p| p == 0).map_or((), |_| json.bool("pacing", false)))),
    Field(3, "quantum", Show::U32),
    Field(4, "initial_quantum", Show::U32),
    Field(7, "", Show::With(|_, data, json| unless(data.u32(7), u32::MAX, "maxrate", json))),
    Field(6, "", Show::With(|_, data, json| unless(data.u32(6), 0, "defrate", json))),
    Field(11, "", Show::With(|_, data, json| unless(data.u32(11), 0, "low_rate_threshold", json))),
    Field(9, "refill_delay", Show::U32),
    Field(12, "", Show::With(|_, data, json| unless(data.u32(12), u32::MAX, "ce_threshold", json))),
    Field(13, "timer_slack", Show::U32),
    Field(14, "horizon", Show::U32),
    Field(15, "", Show::With(print_horizon)),
];

pub(super) fn print(context: &mut Context<'_>, kind: &str, options: Attr<'_>, json: &mut Json<'_>) {
    match kind {
        // `struct tc_fifo_qopt`.
        "pfifo" | "bfifo" | "pfifo_head_drop" => options.u32().map_or((), |limit| json.number("limit", limit)),
        "pfifo_fast" | "prio" => print_bands(options, json),
        "fq_codel" => print_fields(context, FQ_CODEL, &options.table(), json),
        "fq" => print_fields(context, FQ, &options.table(), json),
        "htb" => print_htb(&options.table(), json),
        "tbf" => print_tbf(context, &options.table(), json),
        _ => {}
    }
}

fn unless(value: Option<u32>, silent: u32, key: &str, json: &mut Json<'_>) {
    if let Some(value) = value.filter(|&v| v != silent) {
        json.number(key, value);
    }
}

fn print_selector(_: &mut Context<'_>, data: &Data<'_>, json: &mut Json<'_>) {
    let (selector, mask) = (data.u8(10).unwrap_or(0), data.u8(11).unwrap_or(0));
    if selector != 0 || mask != 0 {
        json.number("ce_threshold_selector", selector);
        json.number("ce_threshold_mask", mask);
    }
}

fn print_horizon(_: &mut Context<'_>, data: &Data<'_>, json: &mut Json<'_>) {
    match data.u8(15) {
        Some(0) => json.null("horizon_cap"),
        Some(_) => json.null("horizon_drop"),
        None => {}
    }
}

/// `struct tc_prio_qopt`: bands, and a band for each of 16 priorities; attributes may follow (TCA_PRIO_MQ).
fn print_bands(options: Attr<'_>, json: &mut Json<'_>) {
    const LEN: usize = 20;
    let (Some(bands), Some(map)) = (options.u32(), options.0.get(4..LEN)) else { return };
    json.number("bands", bands);
    json.open_array(Some("priomap"));
    for band in map {
        json.item_number(band);
    }
    json.close_array();
    let more = options.0.get(LEN..).unwrap_or_default();
    json.bool("multiqueue", Attr(more).table::<2>().u8(1).is_some_and(|m| m != 0));
}

/// TCA_HTB_INIT: `struct tc_htb_glob` (version, r2q, default class, debug, direct packets).
fn print_htb(data: &Data<'_>, json: &mut Json<'_>) {
    if let Some(init) = data.get(2) {
        let word = |i: usize| init.0.get(4 * i..).and_then(|b| Attr(b).u32()).unwrap_or(0);
        json.number("r2q", word(1).cast_signed());
        json.hex("default", word(2).into());
        json.number("direct_packets_stat", word(4));
    }
    if let Some(len) = data.u32(5) {
        json.number("direct_qlen", len);
    }
    if data.has(9) {
        json.null("offload");
    }
}

/// TCA_TBF_PARMS: `struct tc_tbf_qopt` of two `struct tc_ratespec` (12 bytes, the rate last), limit, buffer, mtu.
#[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "as the tool reckons")]
fn print_tbf(context: &Context<'_>, data: &Data<'_>, json: &mut Json<'_>) {
    /// Microseconds.
    const SECOND: f64 = 1e6;
    let Some(parms) = data.get(1).filter(|p| p.0.len() >= 36) else { return };
    let word = |at: usize| parms.0.get(at..).and_then(|b| Attr(b).u32()).unwrap_or(0);
    let rate = data.u64(4).unwrap_or(word(8).into());
    let peak = data.u64(5).unwrap_or(word(20).into());
    let (limit, buffer, mtu) = (f64::from(word(24)), word(28), word(32));
    // Whole microseconds (tc_core_tick2time).
    let time = |ticks: u32| (f64::from(ticks) / context.ticks).trunc();
    let size = |rate: u64, ticks: u32| (rate as f64 * time(ticks) / SECOND) as u32;
    json.number("rate", rate);
    json.number("burst", size(rate, buffer));
    if peak != 0 && (mtu != 0 || word(16) >> 16 != 0) {
        json.number("minburst", size(peak, mtu));
    }
    let mut latency = SECOND * (limit / rate as f64) - time(buffer);
    if peak != 0 {
        latency = latency.max(SECOND * (limit / peak as f64) - time(mtu));
    }
    if latency >= 0.0 {
        json.number("lat", latency as u64);
    } else {
        json.number("limit", word(24));
    }
}

/// What a kind counts for itself.
pub(super) fn print_stats(kind: &str, stats: Attr<'_>, json: &mut Json<'_>) {
    let word = |at: usize| stats.0.get(at..).and_then(|b| Attr(b).u32()).unwrap_or(0);
    let long = |at: usize| stats.0.get(at..).and_then(|b| Attr(b).u64()).unwrap_or(0);
    match kind {
        // `struct tc_fq_codel_xstats`, of a qdisc.
        "fq_codel" if word(0) == 0 => {
            let fields: &[(&str, usize)] = &[("maxpacket", 4), ("drop_overlimit", 8), ("new_flow_count", 16), ("ecn_mark", 12)];
            fields.iter().for_each(|(key, at)| json.number(key, word(*at)));
            let rare: &[(&str, usize)] = &[("ce_mark", 28), ("memory_used", 32), ("drop_overmemory", 36)];
            rare.iter().filter(|(_, at)| word(*at) != 0).for_each(|(key, at)| json.number(key, word(*at)));
            json.number("new_flows_len", word(20));
            json.number("old_flows_len", word(24));
        }
        // `struct tc_fq_qd_stats`.
        "fq" => {
            json.number("flows", word(64));
            json.number("inactive", word(68));
            json.number("throttled", word(72));
            if long(56).cast_signed() > 0 {
                json.number("next_packet_delay", long(56));
            }
            json.number("gc", long(0));
            json.number("highprio", long(8));
            let mut rare = |key: &str, value: u64| {
                if value != 0 {
                    json.number(key, value);
                }
            };
            rare("retrans", long(16));
            json.number("throttled", long(24));
            let rare: &[(&str, u64)] = &[
                ("latency", word(76).into()),
                ("ce_mark", long(80)),
                ("flows_plimit", long(32)),
                ("pkts_too_long", long(40)),
                ("alloc_errors", long(48)),
                ("horizon_drops", long(88)),
                ("horizon_caps", long(96)),
            ];
            rare.iter().filter(|(_, value)| *value != 0).for_each(|(key, value)| json.number(key, value));
        }
        _ => {}
    }
}
