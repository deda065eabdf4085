//! Lines that RDS and Aurora publish: audit, error and slow query logs of MySQL, PostgreSQL's log.

use super::services::Facts;
use crate::codec::tokens;
use crate::model::{Common, Micros};
use std::borrow::Cow;

/// A line of any of them; `None` for another shape.
pub(super) fn line(text: &str) -> Option<Facts<'_>> {
    postgres(text).or_else(|| audit(text)).or_else(|| mysql_error(text)).or_else(|| slow_query(text))
}

/// RDS' `log_line_prefix`, `%t:%r:%u@%d:[%p]:`, then the level:
/// `2026-03-02 03:00:00 UTC:192.0.2.1(12345):app@shop:[8839]:ERROR:  relation …`.
fn postgres(text: &str) -> Option<Facts<'_>> {
    let stamp = text.get(..19)?;
    let rest = text[19..].strip_prefix(" UTC:")?;
    let mut facts = Facts { time: Some(Micros::parse_rfc3339(stamp)?), ..Facts::default() };
    // User and database may be `[unknown]`; only the process is a number.
    let (at, _) = rest.match_indices(":[").find(|(at, _)| rest[at + 2..].starts_with(|c: char| c.is_ascii_digit()))?;
    let (session, rest) = (&rest[..at], &rest[at + 2..]);
    let (client, who) = session.rsplit_once(':')?;
    let (_, rest) = rest.split_once("]:")?;
    let (level, message) = rest.split_once(':')?;
    if !level.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit()) {
        return None;
    }
    let (address, port) = client.split_once('(').unwrap_or((client, ""));
    facts.client(address, port.trim_end_matches(')').parse().ok());
    if let Some((user, database)) = who.split_once('@') {
        for (column, value) in [(Common::UserName, user), (Common::Target, database)] {
            facts.text(column, if value == "[unknown]" { "" } else { value });
        }
    }
    facts.level = Some(Cow::Borrowed(level));
    let message = message.trim_start();
    // pgaudit: `AUDIT: SESSION,1,1,READ,SELECT,TABLE,public.x,"…",<not logged>`
    let audited = message.strip_prefix("AUDIT: ").and_then(|audit| audit.split(',').nth(4));
    facts.text(Common::EventAction, audited.unwrap_or(level));
    if matches!(level, "ERROR" | "FATAL" | "PANIC") {
        facts.outcome(true);
    }
    Some(facts)
}

/// The audit plugin's row: time, server, user, host, connection, query, operation, database, object, return
/// code. RDS writes the time as `20260302 03:00:00`, Aurora in microseconds.
fn audit(text: &str) -> Option<Facts<'_>> {
    let mut parts = text.splitn(9, ',');
    let time = parts.next()?;
    let time = match time.split_once(' ') {
        Some((date, clock)) if date.len() == 8 && date.is_ascii() => {
            Micros::parse_rfc3339(&format!("{}-{}-{} {clock}", &date[..4], &date[4..6], &date[6..]))
        }
        _ => time.parse().ok().and_then(Micros::from_epoch),
    }?;
    let mut facts = Facts { time: Some(time), ..Facts::default() };
    let (_server, user, host) = (parts.next()?, parts.next()?, parts.next()?);
    let (_connection, _query, operation) = (parts.next()?, parts.next()?, parts.next()?);
    let (database, rest) = (parts.next()?, parts.next()?);
    if operation.is_empty() || !operation.bytes().all(|b| b.is_ascii_uppercase() || b == b'_') {
        return None;
    }
    facts.text(Common::UserName, user.trim_matches('\''));
    facts.client(host.trim_matches('\''), None);
    facts.text(Common::EventAction, operation);
    facts.text(Common::Target, database.trim_matches('\''));
    // The object may hold commas: the code is what follows the last one. Aurora has more parts after it.
    let code = rest.rsplit(',').find_map(|part| part.trim().parse::<u32>().ok().map(|code| (part.trim(), code)));
    if let Some((text, code)) = code {
        facts.outcome(code != 0);
        facts.text(Common::ErrorCode, if code == 0 { "" } else { text });
    }
    Some(facts)
}

/// `2026-03-02T03:00:00.123456Z 12 [Note] [MY-010914] [Server] Aborted connection …`, and the older form
/// without code.
fn mysql_error(text: &str) -> Option<Facts<'_>> {
    let (time, used) = Micros::parse_rfc3339_prefix(text.as_bytes())?;
    let mut parts = text.get(used..)?.trim_start().splitn(3, ' ');
    let (thread, level, message) = (parts.next()?, parts.next()?, parts.next()?);
    if !thread.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let level = level.strip_prefix('[')?.strip_suffix(']')?;
    let mut facts = Facts { time: Some(time), level: Some(Cow::Borrowed(level)), ..Facts::default() };
    if let Some((code, _)) = message.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        facts.text(Common::ErrorCode, code);
    }
    let quoted = |after: &str| message.split_once(after).and_then(|(_, rest)| rest.split_once('\'')).map(|(v, _)| v);
    let account = quoted("for user '").zip(quoted("'@'"));
    if let Some((user, host)) = account.or_else(|| quoted("user: '").zip(quoted("host: '"))) {
        facts.text(Common::UserName, user);
        facts.client(host, None);
    }
    if message.contains("Access denied for user") {
        facts.text(Common::EventAction, "Access denied");
        facts.outcome(true);
    } else if level.eq_ignore_ascii_case("ERROR") {
        facts.outcome(true);
    }
    Some(facts)
}

/// `# Time: …`, `# User@Host: app[app] @  [192.0.2.1]  Id: 5`, `# Query_time: …`, the statement.
fn slow_query(text: &str) -> Option<Facts<'_>> {
    let head = text.lines().take(4);
    let who = head.clone().find_map(|line| line.strip_prefix("# User@Host: "))?;
    let time =
        head.clone().find_map(|line| line.strip_prefix("# Time: ")).and_then(|t| Micros::parse_rfc3339(t.trim()));
    let mut facts = Facts { time, ..Facts::default() };
    facts.text(Common::EventAction, "slow query");
    facts.text(Common::UserName, who.split('[').next().unwrap_or_default().trim());
    let host = who.split_once(" @ ").and_then(|(_, host)| host.split_once('[')).and_then(|(_, ip)| ip.split_once(']'));
    if let Some((address, _)) = host.filter(|(address, _)| tokens::ip(address).is_some()) {
        facts.client(address, None);
    }
    Some(facts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Value;

    fn get<'a>(facts: &'a Facts<'_>, column: Common) -> &'a Value<'a> {
        facts.common.iter().find(|(c, _)| *c == column).map_or(&Value::Null, |(_, value)| value)
    }

    #[test]
    fn postgres_lines() {
        let facts =
            line("2026-03-02 03:00:00 UTC:192.0.2.1(12345):app@shop:[8839]:ERROR:  relation \"x\" does not exist")
                .unwrap();
        assert_eq!(facts.time, Micros::parse_rfc3339("2026-03-02T03:00:00Z"));
        assert_eq!(get(&facts, Common::SourceIp), &Value::text("192.0.2.1"));
        assert_eq!(get(&facts, Common::SourcePort), &Value::Int(12345));
        assert_eq!(
            (get(&facts, Common::UserName), get(&facts, Common::Target)),
            (&Value::text("app"), &Value::text("shop"))
        );
        assert_eq!(get(&facts, Common::EventOutcome), &Value::text("failure"));
        let facts = line("2026-03-02 03:00:00 UTC:[local]:[unknown]@[unknown]:[1]:LOG:  connection received").unwrap();
        assert_eq!((get(&facts, Common::UserName), get(&facts, Common::SourceIp)), (&Value::Null, &Value::Null));
        let facts = line("2026-03-02 03:00:00 UTC:2001:db8::1(5):app@shop:[9]:LOG:  AUDIT: SESSION,1,1,READ,SELECT,TABLE,public.x,\"select 1\",<not logged>").unwrap();
        assert_eq!(get(&facts, Common::EventAction), &Value::text("SELECT"));
        assert_eq!(get(&facts, Common::SourceIp), &Value::text("2001:db8::1"));
    }

    #[test]
    fn audit_rows_of_both_engines() {
        let facts = line("20260302 03:00:00,ip-10-0-0-1,app,198.51.100.7,8,27,QUERY,shop,'select 1, 2',0").unwrap();
        assert_eq!(facts.time, Micros::parse_rfc3339("2026-03-02T03:00:00Z"));
        assert_eq!(get(&facts, Common::EventAction), &Value::text("QUERY"));
        assert_eq!(get(&facts, Common::SourceIp), &Value::text("198.51.100.7"));
        assert_eq!(get(&facts, Common::EventOutcome), &Value::text("success"));
        let facts = line("1772420400000000,db-1,root,198.51.100.7,9,0,FAILED_CONNECT,,,1045").unwrap();
        assert_eq!(facts.time, Micros::parse_rfc3339("2026-03-02T03:00:00Z"));
        assert_eq!(get(&facts, Common::ErrorCode), &Value::text("1045"));
        assert_eq!(get(&facts, Common::EventOutcome), &Value::text("failure"));
    }

    #[test]
    fn mysql_error_and_slow_query() {
        let facts = line("2026-03-02T03:00:00.123456Z 12 [Warning] [MY-010055] [Server] Access denied for user 'root'@'198.51.100.7' (using password: YES)").unwrap();
        assert_eq!(facts.level.as_deref(), Some("Warning"));
        assert_eq!(get(&facts, Common::ErrorCode), &Value::text("MY-010055"));
        assert_eq!(
            (get(&facts, Common::UserName), get(&facts, Common::SourceIp)),
            (&Value::text("root"), &Value::text("198.51.100.7"))
        );
        assert_eq!(get(&facts, Common::EventOutcome), &Value::text("failure"));
        let facts = line("# Time: 2026-03-02T03:00:00.000000Z\n# User@Host: app[app] @  [192.0.2.9]  Id: 5\n# Query_time: 12.0\nSELECT 1;").unwrap();
        assert_eq!(
            (get(&facts, Common::UserName), get(&facts, Common::SourceIp)),
            (&Value::text("app"), &Value::text("192.0.2.9"))
        );
        assert_eq!(line("free text, with, commas"), None);
        assert_eq!(line("é"), None);
    }
}
