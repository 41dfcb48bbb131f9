//! Connection tracking: the table, its size, what it dropped.

pub(crate) mod table_nearly_full;
