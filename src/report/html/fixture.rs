//! Summaries to test with: a week with a breach in it, a hostile one, an empty one.

use crate::model::summary::{Histogram, Summary, TableSummary};
use crate::model::{Confidence, Detection, Entry, EntryKind, Finding, Micros, PayloadField, PayloadLog, Severity};
use crate::report::event_json::fixture::event;

const HOUR: i64 = 3_600_000_000;
/// 2026-03-02T00:00:00Z, a Monday.
const START: i64 = 1_772_409_600_000_000;

/// Rule id, name, category, provider, severity, mask, what to do.
type Rule = (&'static str, &'static str, &'static str, &'static str, Severity, &'static str, &'static str);

const RULES: [Rule; 8] = [
    (
        "aws-secret-access-key",
        "AWS secret access key",
        "cloud",
        "AWS",
        Severity::Critical,
        "wJal…(40)…EY",
        "Deactivate the access key in IAM, look for its use in CloudTrail by access key id, then delete it. Stop logging environment variables.",
    ),
    (
        "stripe-live-key",
        "Stripe live secret key",
        "payment",
        "Stripe",
        Severity::Critical,
        "sk_l…(107)…x2",
        "Roll the key in the Stripe dashboard and restrict its successor. Remove the request headers from the log statement.",
    ),
    (
        "github-pat",
        "GitHub personal access token",
        "source control",
        "GitHub",
        Severity::High,
        "ghp_…(40)…Lz",
        "Revoke the token on GitHub and read the owner's security log since it was first seen.",
    ),
    (
        "database-uri",
        "Database URI with password",
        "database",
        "generic",
        Severity::High,
        "post…(74)…db",
        "Change the database password; let the function read it from Secrets Manager and do not print the connection string.",
    ),
    (
        "jwt",
        "JSON Web Token",
        "session",
        "generic",
        Severity::Medium,
        "eyJh…(412)…9w",
        "Shorten the lifetime of tokens and drop the Authorization header before logging.",
    ),
    (
        "credit-card",
        "Payment card number",
        "pii",
        "generic",
        Severity::High,
        "…(16)…",
        "Mask the number before logging; tell whoever answers for PCI DSS that the log group is in scope.",
    ),
    ("email-address", "E-mail address", "pii", "generic", Severity::Low, "…(23)…", "Log a user id instead."),
    (
        "slack-webhook",
        "Slack incoming webhook",
        "chat",
        "Slack",
        Severity::Medium,
        "http…(77)…aQ",
        "Delete the webhook in Slack and create another one.",
    ),
];

const PLACES: [&str; 7] = [
    "/aws/lambda/payments-prod-authorize",
    "/aws/lambda/checkout-prod-webhook",
    "API-Gateway-Execution-Logs_a1b2c3d4e5/prod",
    "/aws/lambda/user-export",
    "/ecs/batch-importer",
    "/aws/lambda/notify",
    "/aws/codebuild/deploy-infrastructure-production-eu-central-1",
];

/// The `i`-th finding of a made-up week.
pub fn finding(i: usize, severity: Severity, places: &[(&str, u64)]) -> Finding {
    let (rule, name, category, provider, _, mask, remediation) = RULES[i % RULES.len()];
    let first = START + (i as i64 * 37 % 160) * HOUR + i as i64 * 61_000_000;
    let fact = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    Finding {
        fingerprint: format!("{:064x}", (i as u128 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835)),
        key_id: "k-4f1d22".into(),
        rule: rule.into(),
        rule_name: name.into(),
        category: category.into(),
        provider: provider.into(),
        severity,
        confidence: Confidence::ALL[2 - i % 7 / 4],
        mask: mask.into(),
        count: places.iter().fold(0, |sum, (_, n)| sum.saturating_add(*n)),
        first_seen: Some(Micros(first)),
        last_seen: Some(Micros(first + (i as i64 % 5) * 9 * HOUR)),
        places: places.iter().map(|(place, n)| ((*place).to_owned(), *n)).collect(),
        public_ids: match rule {
            "aws-secret-access-key" => vec![fact("access_key_id", "AKIAIOSFODNN7EXAMPLE")],
            "jwt" => vec![fact("iss", "https://auth.example.com/"), fact("sub", "user-2231"), fact("kid", "2026-01")],
            _ => vec![],
        },
        facts: match rule {
            "credit-card" => vec![fact("brand", "visa"), fact("luhn", "passed")],
            "jwt" => vec![fact("alg", "RS256"), fact("exp", "2026-03-09T00:00:00Z")],
            _ => vec![],
        },
        remediation: remediation.into(),
    }
}

fn findings() -> Vec<Finding> {
    let mut all: Vec<Finding> = (0..30)
        .map(|i| {
            let counts = [(i * 7) % 900 + 1, (i * 13) % 40 + 1, 2].map(|n| n as u64);
            let places: Vec<(&str, u64)> =
                (0..1 + i % 3).map(|k| (PLACES[(i * i + 3 * k) % PLACES.len()], counts[k])).collect();
            finding(i, RULES[i % RULES.len()].4, &places)
        })
        .collect();
    all.sort_by_key(|f| std::cmp::Reverse((f.severity, f.count)));
    all
}

/// Detector, title, technique, severity, target, outcome.
type Kind = (&'static str, &'static str, &'static str, Severity, &'static str, &'static str);

const KINDS: [Kind; 5] = [
    (
        "trail-stopped",
        "CloudTrail logging was stopped",
        "T1562.008",
        Severity::Critical,
        "arn:aws:cloudtrail:eu-central-1:111122223333:trail/org-trail",
        "success",
    ),
    (
        "access-key-created",
        "Access key created for another user",
        "T1098.001",
        Severity::High,
        "user/backup-svc",
        "success",
    ),
    (
        "api-enumeration",
        "Many denied calls from one principal",
        "T1580",
        Severity::Medium,
        "iam, kms, secretsmanager",
        "AccessDenied",
    ),
    (
        "bucket-exfiltration",
        "Bulk reads from a bucket by a function role",
        "T1530",
        Severity::High,
        "s3://example-customer-exports",
        "success",
    ),
    (
        "new-country",
        "Console login from an address not seen before",
        "T1078.004",
        Severity::Low,
        "signin.amazonaws.com",
        "success",
    ),
];

fn detections() -> Vec<Detection> {
    (0..15)
        .map(|i| {
            let (detector, title, technique, severity, target, outcome) = KINDS[i % KINDS.len()];
            let first = START + (70 + i as i64 * 4) * HOUR + i as i64 * 133_000_000;
            Detection {
                detector: detector.into(),
                title: title.into(),
                severity,
                technique: technique.into(),
                first_seen: Micros(first),
                last_seen: Micros(first + (i as i64 % 3) * HOUR),
                events: (i as u64 * i as u64) * 3 + 1,
                source_table: "cloudtrail".into(),
                actor: Some("arn:aws:sts::111122223333:assumed-role/payments-prod-role/payments-prod-authorize".into()),
                source_ip: Some(format!("203.0.113.{}", 10 + i)),
                target: Some(target.into()),
                outcome: Some(outcome.into()),
                event_id: (i % 4 != 3).then(|| format!("0e3c51b2-77aa-4c1d-9d5e-{i:012}")),
                follow_ips: Vec::new(),
                follow_keys: Vec::new(),
            }
        })
        .collect()
}

/// Action, target, outcome, message of an event.
const EVENTS: [(&str, &str, &str, &str); 5] = [
    ("GET /latest/meta-data/", "payments-prod-authorize", "200", "handler fetched a URL taken from the request body"),
    ("GetCallerIdentity", "sts.amazonaws.com", "success", "Boto3/1.34.0 from outside of AWS with the function's role"),
    ("ListBuckets", "s3.amazonaws.com", "success", "first call of this action by this role"),
    (
        "GetSecretValue",
        "prod/payments/stripe",
        "AccessDenied",
        "User is not authorized to perform: secretsmanager:GetSecretValue",
    ),
    ("GetObject", "s3://example-customer-exports/2026/02/customers.parquet", "success", "48 MB"),
];

fn story(findings: &[Finding], detections: &[Detection]) -> Vec<Entry> {
    let mut all: Vec<Entry> = findings
        .iter()
        .map(|f| Entry {
            time: f.first_seen.unwrap_or(Micros(START)),
            kind: EntryKind::Finding,
            source: "findings".into(),
            severity: f.severity,
            actor: None,
            source_ip: None,
            action: Some("secret logged".into()),
            target: f.places.keys().next().cloned(),
            outcome: None,
            message: Some(format!("{} {}", f.rule_name, f.mask)),
            reference: f.fingerprint.clone(),
            ..event("findings", Vec::new())
        })
        .collect();
    all.extend(detections.iter().map(|d| Entry {
        time: d.first_seen,
        kind: EntryKind::Detection,
        source: "detections".into(),
        severity: d.severity,
        actor: d.actor.clone(),
        source_ip: d.source_ip.clone(),
        action: None,
        target: d.target.clone(),
        outcome: d.outcome.clone(),
        message: Some(d.title.clone()),
        reference: d.detector.to_string(),
        ..event("detections", Vec::new())
    }));
    all.extend((0..15).map(|i| {
        let (action, target, outcome, message) = EVENTS[i % EVENTS.len()];
        Entry {
            time: Micros(START + (69 + i as i64 * 3) * HOUR + i as i64 * 4_321_000),
            kind: EntryKind::Event,
            source: "cloudtrail".into(),
            severity: Severity::Info,
            actor: Some("payments-prod-role".into()),
            source_ip: Some("198.51.100.23".into()),
            action: Some(action.into()),
            target: Some(target.into()),
            outcome: Some(outcome.into()),
            message: Some(message.into()),
            reference: format!("0e3c51b2-77aa-4c1d-9d5e-{i:012}"),
            ..event("cloudtrail", Vec::new())
        }
    }));
    all.sort_by_key(|e| e.time);
    all
}

/// 168 hourly buckets of five tables of very different size, with days and nights.
fn histogram() -> Histogram {
    let mut noise = 12_345u64;
    let sizes = [("vpc_flow", 42_000), ("lambda", 6_000), ("apigw_access", 2_500), ("cloudtrail", 320), ("waf", 9)];
    let series = sizes.map(|(name, size)| {
        let counts = (0..168u64).map(|hour| {
            noise = noise.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let day = [2, 1, 1, 1, 1, 2, 4, 7, 9, 10, 10, 9, 9, 10, 10, 9, 8, 7, 6, 6, 5, 4, 3, 2][hour as usize % 24];
            let burst = if name == "cloudtrail" && (70..96).contains(&hour) { 8 } else { 1 };
            size * day * (60 + (noise >> 33) % 60) / 1_000 * burst
        });
        (name.to_owned(), counts.collect())
    });
    Histogram { start: START, bucket: HOUR, series: series.to_vec() }
}

/// A realistic week.
pub fn summary() -> Summary {
    let (findings, detections, histogram) = (findings(), detections(), histogram());
    let table = |(name, counts): &(String, Vec<u64>)| TableSummary {
        name: name.clone(),
        events: counts.iter().sum(),
        first: Some(Micros(START + 12_345)),
        last: Some(Micros(START + 168 * HOUR - 7_654_321)),
    };
    Summary {
        title: "Payments incident, week 10".into(),
        tool_version: "logsift 0.1.0".into(),
        generated: Micros(START + 200 * HOUR),
        lake: "/cases/2026-031/lake".into(),
        tables: histogram.series.iter().map(table).collect(),
        story: story(&findings, &detections),
        findings,
        detections,
        payloads: vec![payload()],
        histogram,
        incomplete: vec![
            "s3://example-trail/AWSLogs/111122223333/CloudTrail/eu-central-1/2026/03/05/x.json.gz: truncated gzip stream after 18,422 records".into(),
            "exports/lambda-2026-03-06.ndjson: 3 records longer than 16 MiB kept in segments".into(),
        ],
    }
}

fn payload() -> PayloadLog {
    let field = |path: &str, found: &[(&str, u64)], severity| PayloadField {
        path: path.into(),
        found: found.iter().map(|(rule, n)| ((*rule).into(), *n)).collect(),
        severity,
        bytes: 4_096,
    };
    PayloadLog {
        resource: "/aws/lambda/payments".into(),
        source_table: "cloudwatch".into(),
        kind: "apigateway-rest-event",
        title: "API Gateway REST requests, whole",
        events: 812,
        of_events: 40_112,
        bytes: 1_204_331,
        of_bytes: 6_021_655,
        with_body: 700,
        largest: 9_120,
        first_seen: Some(Micros(START + HOUR)),
        last_seen: Some(Micros(START + 160 * HOUR)),
        event_id: "0f1e".into(),
        shape: "{headers: {authorization: string(512)}, body: json {card: string(16)}}".into(),
        fields: vec![
            field("json($.body) → json($.card)", &[("payment-card", 12)], Some(Severity::High)),
            field("json($.path)", &[], None),
        ],
        cause: "The function prints the event it was called with.",
        remedy: "Log the request id only.",
    }
}

/// What a log may try on a browser.
pub const EVIL: [&str; 8] = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "' onmouseover='alert(1)",
    "javascript:alert(1)",
    "</style><style>*{display:none}</style></title></details>",
    "{{ 7*7 }}{% include \"/etc/passwd\" %}<!--",
    "pay\u{202e}fdp.exe\u{2066}\u{200b}\x1b[2J\0\r\n",
    "https://evil.example/?<svg/onload=alert(1)>",
];

/// The week with every text replaced by hostile ones, some of them 10 KB long.
pub fn hostile() -> Summary {
    let mut n = 0;
    let mut evil = || {
        n += 1;
        let text = EVIL[n % EVIL.len()];
        if n % 5 == 0 { text.repeat(10_000 / text.len()) } else { text.to_owned() }
    };
    let mut s = summary();
    for text in [&mut s.title, &mut s.tool_version, &mut s.lake].into_iter().chain(&mut s.incomplete) {
        *text = evil();
    }
    for name in s.tables.iter_mut().map(|t| &mut t.name).chain(s.histogram.series.iter_mut().map(|(name, _)| name)) {
        *name = evil();
    }
    for f in &mut s.findings {
        for text in [
            &mut f.fingerprint,
            &mut f.key_id,
            &mut f.rule,
            &mut f.rule_name,
            &mut f.category,
            &mut f.provider,
            &mut f.mask,
            &mut f.remediation,
        ] {
            *text = evil();
        }
        f.places = (0..3).map(|i| (evil(), i)).collect();
        f.public_ids = vec![(evil(), evil())];
        f.facts = vec![(evil(), evil())];
    }
    for d in &mut s.detections {
        (d.title, d.source_table) = (evil(), evil());
        for text in [&mut d.actor, &mut d.source_ip, &mut d.target, &mut d.outcome, &mut d.event_id] {
            *text = Some(evil());
        }
    }
    for p in &mut s.payloads {
        (p.resource, p.shape) = (evil(), evil());
        p.fields.iter_mut().for_each(|field| (field.path, field.found) = (evil(), vec![(evil(), 3)]));
    }
    for e in &mut s.story {
        (e.source, e.reference) = (evil(), evil());
        for text in [&mut e.actor, &mut e.source_ip, &mut e.action, &mut e.target, &mut e.outcome, &mut e.message] {
            *text = Some(evil());
        }
    }
    s
}

/// A lake with nothing in it.
pub fn empty() -> Summary {
    Summary {
        title: "Nothing yet".into(),
        tool_version: "logsift 0.1.0".into(),
        generated: Micros(START),
        lake: "lake".into(),
        tables: vec![],
        findings: vec![],
        detections: vec![],
        payloads: vec![],
        story: vec![],
        histogram: Histogram::default(),
        incomplete: vec![],
    }
}
