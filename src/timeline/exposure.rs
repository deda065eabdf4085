//! From the leak to its use: what became of every credential that was written to a log.

mod coverage;
mod leaks;
mod readers;
mod uses;

use crate::frame::FrameError;
use crate::lake::Lake;
use crate::model::{
    Exposure, ExposureCoverage, Finding, Micros, NetworkContext, NewUse, Severity, Standing, Uses, Verdict,
};
use leaks::Leak;
use std::collections::BTreeMap;

/// All leaked credentials, the worst first, and what the answer rests on.
pub struct Exposed {
    pub exposures: Vec<Exposure>,
    pub coverage: ExposureCoverage,
}

/// Credentials that issued others are followed so far.
const CHAIN: usize = 5;

/// What became of every credential among the findings.
///
/// # Errors
/// Parts that cannot be read.
pub fn exposure(lake: &Lake, findings: &[Finding], networks: &NetworkContext) -> Result<Exposed, FrameError> {
    let mut leaks = leaks::of(lake, findings)?;
    let reads = readers::Reads::load(lake, leaks.iter().map(|leak| leak.first_written).min())?;
    let posture = readers::Posture::load(lake)?;
    let coverage = coverage::of(lake)?;
    let subjects = uses::Subjects::load(lake, &leaks)?;
    leaks.iter_mut().for_each(|leak| leak.visible |= subjects.are_logged && leak.subject.is_some());
    let mut exposures: Vec<Exposure> = Vec::new();
    let mut known: Vec<String> = leaks.iter().filter_map(|leak| leak.key.clone()).collect();
    for _ in 0..=CHAIN {
        let mut issued = Vec::new();
        for leak in std::mem::take(&mut leaks) {
            let seen = uses::of(lake, &leak, &subjects)?;
            let exposure = judge(leak, seen, &posture, &reads, networks);
            if exposure.verdict == Verdict::UsedFromSomewhereNew {
                let from: Vec<String> = exposure.new.source_ips.iter().cloned().collect();
                issued.extend(uses::issued(lake, &exposure, &from)?);
            }
            exposures.push(exposure);
        }
        issued.retain(|leak| !leak.key.as_ref().is_some_and(|key| known.contains(key)));
        known.extend(issued.iter().filter_map(|leak| leak.key.clone()));
        leaks = issued;
        if leaks.is_empty() {
            break;
        }
    }
    exposures.sort_by(|a, b| {
        (b.verdict, b.severity, a.first_written, &a.credential).cmp(&(
            a.verdict,
            a.severity,
            b.first_written,
            &b.credential,
        ))
    });
    Ok(Exposed { exposures, coverage })
}

fn judge(
    leak: Leak,
    (before, after): (Uses, Uses),
    posture: &readers::Posture,
    reads: &readers::Reads,
    networks: &NetworkContext,
) -> Exposure {
    let new = new_use(&before, &after);
    let ours = |ip: &String| {
        let standing = ip.parse().ok().and_then(|ip| networks.of(ip, leak.first_written)).map(|known| known.standing);
        matches!(standing, Some(Standing::Ours | Standing::Private))
    };
    // What a client without a name does of its own, such as Lambda's, has no address.
    let elsewhere = new.source_ips.iter().any(|ip| !ours(ip));
    let verdict = match (leak.visible, after.events) {
        (false, _) => Verdict::NotVisible,
        (true, 0) => Verdict::NoUseSeen,
        (true, _) if elsewhere => Verdict::UsedFromSomewhereNew,
        (true, _) => Verdict::UsedAsBefore,
    };
    // People move: a name at a new address says less than the value itself there.
    let certain = verdict == Verdict::UsedFromSomewhereNew && (leak.key.is_some() || leak.requested);
    let severity = if certain { Severity::Critical } else { leak.severity };
    Exposure {
        verdict,
        severity,
        life: leak.life(posture),
        readers: reads.of(&leak),
        places: leak.places.iter().map(|(place, count)| posture.place(place, *count)).collect(),
        credential: leak.name,
        rules: leak.rules,
        fingerprints: leak.fingerprints,
        subject: leak.subject,
        issued_by: leak.issued_by,
        first_written: leak.first_written,
        last_written: leak.last_written,
        written: leak.written,
        before,
        after,
        new,
        events: Vec::new(),
    }
}

fn new_use(before: &Uses, after: &Uses) -> NewUse {
    let only = |now: &BTreeMap<String, u64>, then: &BTreeMap<String, u64>| {
        now.keys().filter(|value| !then.contains_key(*value)).cloned().collect()
    };
    let source_ips: std::collections::BTreeSet<String> = only(&after.source_ips, &before.source_ips);
    NewUse {
        first: source_ips.iter().filter_map(|ip| after.first_by_ip.get(ip)).min().copied(),
        source_ips,
        user_agents: only(&after.user_agents, &before.user_agents),
        regions: only(&after.regions, &before.regions),
        services: only(&after.services, &before.services),
    }
}

/// The later of two times, either of which may be missing.
fn later(a: Option<Micros>, b: Option<Micros>) -> Option<Micros> {
    a.max(b)
}

/// The earlier of two times, either of which may be missing.
fn earlier(a: Option<Micros>, b: Option<Micros>) -> Option<Micros> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}
