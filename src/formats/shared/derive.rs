//! Common columns that several formats derive in the same way.

use super::cell;
use crate::codec::tokens;
use crate::model::{Common, Envelope, Link, Reject, Row, Value};
use std::borrow::Cow;

/// The event's time is the one in that native cell, else the envelope's; without either, a reject.
pub fn set_time(
    row: &mut Row<'_>,
    cell: usize,
    envelope: Option<&Envelope>,
    detail: &'static str,
) -> Result<(), Reject> {
    if row.native[cell].is_null() {
        let time = envelope.and_then(|envelope| envelope.time).ok_or_else(|| Reject::malformed(detail))?;
        row.set(Common::EventTime, Value::Time(time));
    }
    Ok(())
}

/// Gives the address in a native cell its canonical spelling.
pub fn canonical_ip(row: &mut Row<'_>, cell: usize) {
    if let Value::Str(Cow::Borrowed(text)) = row.native[cell] {
        row.native[cell] = cell::address(text);
    }
}

/// `failure` from HTTP status 400 on and for 0 (the client left before a response), else `success`.
pub fn http_outcome(status: i64) -> Value<'static> {
    Value::text(if status >= 400 || status == 0 { "failure" } else { "success" })
}

/// Links each address of an `X-Forwarded-For` list, `a, b`; what is no address is left out.
pub fn link_forwarded(row: &mut Row<'_>, list: &str) {
    for item in list.split([',', ' ']) {
        if let Some(address) = tokens::ip(item) {
            row.add_link(Link::Ip, Cow::Owned(address.into_owned()));
        }
    }
}

/// Sets region and account from an ARN, unless they are known already.
pub fn place_of_arn(row: &mut Row<'_>, arn: &str) {
    let mut parts = arn.split(':');
    if parts.next() != Some("arn") {
        return;
    }
    let (region, account) = (parts.nth(2).unwrap_or_default(), parts.next().unwrap_or_default());
    if is_region(region) {
        row.set_default(Common::Region, Value::owned(region.to_owned()));
    }
    if is_account(account) {
        row.set_default(Common::AccountId, Value::owned(account.to_owned()));
    }
}

/// User name and session name of an IAM or STS ARN: the role's name for a session of it.
pub fn names_of_arn(arn: &str) -> (Option<&str>, Option<&str>) {
    let Some(resource) = arn.strip_prefix("arn:").and_then(|rest| rest.splitn(5, ':').nth(4)) else {
        return (None, None);
    };
    match resource.split_once('/') {
        Some(("assumed-role", rest)) => match rest.split_once('/') {
            Some((role, session)) => (Some(role), Some(session)),
            None => (Some(rest), None),
        },
        // Users and roles may have a path before the name.
        Some((_, name)) => (name.rsplit('/').next(), None),
        None => (Some(resource).filter(|r| !r.is_empty()), None),
    }
}

/// Twelve digits.
pub fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit())
}

/// `us-east-1`, `us-gov-west-1`: two letters, words, one digit.
pub fn is_region(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let [first, middle @ .., last] = parts.as_slice() else {
        return false;
    };
    let word = |w: &&str| !w.is_empty() && w.bytes().all(|b| b.is_ascii_lowercase());
    first.len() == 2
        && word(first)
        && (1..=2).contains(&middle.len())
        && middle.iter().all(word)
        && last.len() == 1
        && last.bytes().all(|b| b.is_ascii_digit())
}

/// The region of an availability zone: `us-east-1a`, also of local zones, `us-west-2-lax-1a`.
pub fn region_of_zone(zone: &str) -> Option<&str> {
    let digit = zone.find(|c: char| c.is_ascii_digit())?;
    let region = zone.get(..digit + 1)?;
    is_region(region).then_some(region)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions_and_zones() {
        for (text, expected) in [
            ("us-east-1", true),
            ("us-gov-west-1", true),
            ("ap-southeast-2", true),
            ("global", false),
            ("us-1", false),
            ("s3-us-west-2", false),
            ("US-east-1", false),
            ("us-east-1a", false),
            ("-", false),
            ("é-a-1", false),
        ] {
            assert_eq!(is_region(text), expected, "{text}");
        }
        assert_eq!(region_of_zone("us-east-1a"), Some("us-east-1"));
        assert_eq!(region_of_zone("us-west-2-lax-1a"), Some("us-west-2"));
        assert_eq!(region_of_zone("us-gov-east-1b"), Some("us-gov-east-1"));
        assert_eq!(region_of_zone("use1-az1"), None);
        assert_eq!(region_of_zone("x"), None);
    }

    #[test]
    fn names_in_arns() {
        for (arn, expected) in [
            ("arn:aws:iam::111122223333:user/dev/ops/mia", (Some("mia"), None)),
            ("arn:aws:sts::111122223333:assumed-role/reader/i-0abc", (Some("reader"), Some("i-0abc"))),
            ("arn:aws:sts::111122223333:assumed-role/reader", (Some("reader"), None)),
            ("arn:aws:iam::111122223333:root", (Some("root"), None)),
            ("arn:aws:iam", (None, None)),
            ("svc:delivery.logs.amazonaws.com", (None, None)),
        ] {
            assert_eq!(names_of_arn(arn), expected, "{arn}");
        }
    }

    #[test]
    fn forwarded_lists_hold_what_clients_sent() {
        let mut row = Row::new(0);
        link_forwarded(&mut row, "192.0.2.1, 2001:DB8::1,unknown,, 192.0.2.1");
        assert_eq!(row.links(Link::Ip), ["192.0.2.1", "2001:db8::1"]);
    }

    #[test]
    fn places_in_arns() {
        let mut row = Row::new(0);
        place_of_arn(&mut row, "arn:aws:wafv2:eu-central-1:111122223333:regional/webacl/a/b");
        assert_eq!(row.common(Common::Region), &Value::text("eu-central-1"));
        assert_eq!(row.common(Common::AccountId), &Value::text("111122223333"));
        let mut row = Row::new(0);
        place_of_arn(&mut row, "385cb038-3a6f-4f2f-ac64-09ab912af590");
        place_of_arn(&mut row, "arn:aws:s3:::bucket");
        assert!(row.common(Common::Region).is_null() && row.common(Common::AccountId).is_null());
    }
}
