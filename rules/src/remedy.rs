//! Remedies that several rules give: a sysctl, a module.

use crate::finding::{Finding, Remedy};

/// Sets a sysctl now and at each boot. The file sorts behind `99-sysctl.conf`, which systemd-sysctl reads /etc/sysctl.conf through.
pub(crate) fn sysctl(finding: Finding, key: &str, value: &str) -> Finding {
    // sysctl(8) reads a slash in a name as a dot inside an interface's name, so a key as `sysctl -a` prints it can be pasted.
    finding.remedy(Remedy::now(format!("sysctl -w {key}={value}"))).remedy(sysctl_at_boot(key, value))
}

/// Sets a sysctl at each boot.
pub(crate) fn sysctl_at_boot(key: &str, value: &str) -> Remedy {
    let leaf: String = key.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    Remedy::file(format!("/etc/sysctl.d/99-zz-{leaf}.conf"), format!("{key} = {value}\n"))
}

/// Loads a module now and at each boot.
pub(crate) fn module(finding: Finding, module: &str) -> Finding {
    finding.remedy(Remedy::now(format!("modprobe {module}"))).remedy(module_at_boot(module))
}

/// Loads a module at each boot.
pub(crate) fn module_at_boot(module: &str) -> Remedy {
    Remedy::file(format!("/etc/modules-load.d/{module}.conf"), format!("{module}\n"))
}
