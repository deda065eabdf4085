//! Spelling: any of AWS's field names as snake_case.

/// `sourceIPAddress` → `source_ip_address`, `cs(User-Agent)` → `cs_user_agent`, `account-id` → `account_id`,
/// `eventID` → `event_id`, `Billed Duration` → `billed_duration`, `@ptr` → `ptr`.
pub fn snake(name: &str) -> String {
    let mut out = String::with_capacity(name.len() + 4);
    let chars: Vec<char> = name.chars().collect();
    for (i, &c) in chars.iter().enumerate() {
        if !c.is_alphanumeric() {
            if !out.is_empty() && !out.ends_with('_') {
                out.push('_');
            }
            continue;
        }
        let before = i.checked_sub(1).map(|n| chars[n]);
        let after = chars.get(i + 1);
        // A word begins at a capital after a small letter or digit, and at the last of several capitals.
        let begins = c.is_uppercase()
            && before.is_some_and(|b| {
                b.is_lowercase() || b.is_ascii_digit() || (b.is_uppercase() && after.is_some_and(|a| a.is_lowercase()))
            });
        if begins && !out.ends_with('_') {
            out.push('_');
        }
        out.extend(c.to_lowercase());
    }
    while out.ends_with('_') {
        out.pop();
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_spellings_of_aws() {
        for (name, expected) in [
            ("account-id", "account_id"),
            ("sourceIPAddress", "source_ip_address"),
            ("eventID", "event_id"),
            ("requestID", "request_id"),
            ("userIdentity", "user_identity"),
            ("tlsDetails", "tls_details"),
            ("cs(User-Agent)", "cs_user_agent"),
            ("cs(Host)", "cs_host"),
            ("x-edge-location", "x_edge_location"),
            ("time-to-first-byte", "time_to_first_byte"),
            ("ja3Fingerprint", "ja3_fingerprint"),
            ("webaclId", "webacl_id"),
            ("requestBodySizeInspectedByWAF", "request_body_size_inspected_by_waf"),
            ("awsEndpointRequestId2", "aws_endpoint_request_id2"),
            ("HTTPStatus", "http_status"),
            ("Billed Duration", "billed_duration"),
            ("aclRequired", "acl_required"),
            ("@ptr", "ptr"),
            ("ARN", "arn"),
            ("already_snake", "already_snake"),
            ("", ""),
        ] {
            assert_eq!(snake(name), expected);
        }
    }
}
