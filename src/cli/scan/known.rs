//! `--known`: findings that somebody has looked at.

use anyhow::{Context as _, bail};
use serde_json::Value;
use std::path::Path;

/// The fingerprints that the file names, one a line: alone, before a remark, or in a finding as JSON. Those of another
/// key than `key_id` would never be met, which is an error.
pub(super) fn read(path: &Path, key_id: &str) -> anyhow::Result<Vec<String>> {
    let text = std::fs::read_to_string(path).with_context(|| format!("{}: cannot be read", path.display()))?;
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty() && !line.starts_with('#'));
    lines
        .map(|(n, line)| fingerprint(line, key_id).with_context(|| format!("{}: line {}", path.display(), n + 1)))
        .collect()
}

fn fingerprint(line: &str, key_id: &str) -> anyhow::Result<String> {
    let mut name = line.split_whitespace().next().unwrap_or_default().to_owned();
    if line.trim_start().starts_with('{') {
        let finding: Value = serde_json::from_str(line).context("no JSON")?;
        let text = |field: &str| finding[field].as_str().map(str::to_owned);
        if let Some(other) = text("key_id").filter(|other| other != key_id) {
            bail!(
                "its fingerprint was made with key {other}, this scan's with {key_id}: name that key with --key-file"
            );
        }
        name = text("fingerprint").context("no finding: it has no fingerprint")?;
    }
    if name.len() != 32 || !name.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        bail!("{name} is no fingerprint: 32 hex digits are one");
    }
    Ok(name.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fingerprints_stand_alone_or_in_findings() {
        let one = "0123456789abcdef0123456789ABCDEF";
        let want = one.to_ascii_lowercase();
        assert_eq!(fingerprint(one, "k").unwrap(), want);
        assert_eq!(fingerprint(&format!("{one}  rotated, see OPS-7"), "k").unwrap(), want);
        let finding = format!("{{\"fingerprint\":\"{one}\",\"key_id\":\"k\"}}");
        assert_eq!(fingerprint(&finding, "k").unwrap(), want);
        let foreign = fingerprint(&finding, "other").unwrap_err().to_string();
        assert!(foreign.contains("made with key k"), "{foreign}");
        for wrong in ["x", "{}", "{", "0123"] {
            assert!(fingerprint(wrong, "k").is_err(), "{wrong}");
        }
    }
}
