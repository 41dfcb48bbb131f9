//! Connection tracking: the table, its size, what it dropped.

pub(crate) mod stale_service_nat;
pub(crate) mod table_nearly_full;
