//! What the path of a delivered object says: account, region, stream.

use crate::model::Origin;
use std::path::Path;
use std::sync::Arc;

/// Reads `AWSLogs/<account>/<service>/<region>/` (an organisation id may stand before the account),
/// and `<task id>/<stream>/000000[.gz]` of CloudWatch export tasks.
pub fn origin_of(path: &Path) -> Origin {
    let parts: Vec<&str> = path.iter().filter_map(|part| part.to_str()).collect();
    let mut origin = Origin::default();
    if let Some(at) = parts.iter().position(|part| *part == "AWSLogs") {
        let mut rest = parts[at + 1..].iter().copied();
        let mut account = rest.next();
        if account.is_some_and(|part| part.starts_with("o-")) {
            account = rest.next();
        }
        if let Some(account) = account.filter(|a| a.len() == 12 && a.bytes().all(|b| b.is_ascii_digit())) {
            origin.account_id = Some(Arc::from(account));
            let region = rest.nth(1).filter(|r| is_region(r));
            origin.region = region.map(Arc::from);
        }
    }
    if let [.., task, stream, file] = parts.as_slice()
        && is_uuid(task)
        && file.trim_end_matches(".gz").bytes().all(|b| b.is_ascii_digit())
    {
        origin.log_stream = Some(Arc::from(*stream));
    }
    origin
}

/// `eu-central-1`, `us-gov-west-1`: letters, then a digit at the end.
fn is_region(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    (3..=4).contains(&parts.len())
        && parts[..parts.len() - 1].iter().all(|p| !p.is_empty() && p.bytes().all(|b| b.is_ascii_lowercase()))
        && parts[parts.len() - 1].bytes().all(|b| b.is_ascii_digit())
}

fn is_uuid(text: &str) -> bool {
    text.len() == 36 && text.bytes().all(|b| b == b'-' || b.is_ascii_hexdigit())
}

/// The folder of an object that an export task wrote: one stream's. Fact: AWS, "Export log data to Amazon S3":
/// `prefix/task/stream/000000.gz`.
pub fn export_folder(name: &str) -> Option<&str> {
    let (folder, file) = name.rsplit_once('/')?;
    let digits = file.strip_suffix(".gz")?;
    (digits.len() == 6 && digits.bytes().all(|byte| byte.is_ascii_digit())).then_some(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_each_kind() {
        let of = |path: &str| origin_of(Path::new(path));
        let alb = of("b/AWSLogs/111122223333/elasticloadbalancing/eu-central-1/2026/03/02/x.log.gz");
        assert_eq!(alb.account_id.as_deref(), Some("111122223333"));
        assert_eq!(alb.region.as_deref(), Some("eu-central-1"));
        let org = of("AWSLogs/o-abc123/111122223333/CloudTrail/us-gov-west-1/2026/x.json.gz");
        assert_eq!(org.region.as_deref(), Some("us-gov-west-1"));
        let export = of("x/0f1e2d3c-0000-1111-2222-333344445555/2026-03-02-[$LATEST]abc/000000.gz");
        assert_eq!(export.log_stream.as_deref(), Some("2026-03-02-[$LATEST]abc"));
        assert_eq!(of("some/where/file.log"), Origin::default());
    }
}
