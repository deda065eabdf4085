//! `logsift exposure`.

use super::args::{OutputArgs, TableFormat};
use super::context::Context;
use super::context_file::ContextArgs;
use super::exit::Exit;
use super::time_flags::duration;
use super::timeline::{self, detections, findings_of, texts_of};
use super::{settings, terminal};
use crate::lake::Lake;
use crate::model::{Exposure, Masker, NetworkContext, TimeRange, Verdict};
use crate::report::table::Table;
use crate::report::text::{clip, counted, number};
use crate::report::{csv, jsonl};
use crate::timeline::{Exposed, PivotQuery, StorySources, TimelineQuery, exposure, pivot};
use clap::Args;
use std::borrow::Cow;
use std::collections::BTreeSet;
use std::io::Write;

/// Was a leaked credential used?
///
/// For every credential that the last scan found in logs: where and since when it stands there, who can and who did
/// read that, whether it lives still, and every use of it since, in CloudTrail and in access logs. Uses before the leak
/// are what later ones are compared with; keys that a leaked one made are followed. Gaps of the logs are part of the
/// answer: `no use seen` is worth what the logs cover.
///
/// Exit code: 1 where a credential was used from somewhere new, 0 otherwise.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct ExposureArgs {
    /// Only this credential: access key id, or fingerprint (eight digits are enough)
    #[arg(value_name = "KEY|FINGERPRINT")]
    only: Vec<String>,
    /// Only credentials that were used since: leave out those without a use
    #[arg(long)]
    used: bool,
    /// Leave out what is less severe
    #[arg(long, value_name = "SEVERITY", value_parser = ["info", "low", "medium", "high", "critical"])]
    severity: Option<String>,
    /// With everything that hangs together with credentials used from somewhere new, as `timeline --pivot` tells it:
    /// in JSON Lines as `events`
    #[arg(long)]
    events: bool,
    #[command(flatten)]
    known: ContextArgs,
    #[command(flatten)]
    pub(super) output: OutputArgs,
}

const EXAMPLES: &str = "\
Examples:
  logsift exposure
  logsift exposure ASIAEXAMPLEKEYID0000 --events --format jsonl
  logsift exposure --used --context context.toml --format csv -o exposure.csv";

pub(super) fn run(args: &ExposureArgs, context: &Context) -> anyhow::Result<Exit> {
    let lake = context.lake()?;
    let masker = context.masker(args.output.reveal)?;
    let networks = args.known.load(context)?;
    anyhow::ensure!(
        lake.findings()?.is_some(),
        "this lake was not scanned, so no leaked credential is known; run `logsift scan` first"
    );
    let findings = findings_of(&lake, context)?;
    let mut told = exposure(&lake, &findings, &networks)?;
    for id in &args.only {
        anyhow::ensure!(
            told.exposures.iter().any(|one| is_named(one, id)),
            "no leaked credential `{id}`: neither an access key id nor the beginning of a fingerprint (eight digits) of \
             the last scan's findings; `logsift exposure` names all"
        );
    }
    let least = args.severity.as_deref().map(settings::severity).transpose()?;
    told.exposures.retain(|one| wanted(one, args) && least.is_none_or(|least| one.severity >= least));
    if args.events {
        add_events(&lake, &findings, &networks, &mut told.exposures)?;
    }
    told.exposures.iter_mut().for_each(|one| mask(one, &*masker));
    print(args, context, &told, &networks)?;
    for gap in &told.coverage.gaps {
        context.terminal.say(&format!("gap: {}", masker.mask(gap)));
    }
    context.terminal.say(&summary(&told));
    let used = told.exposures.iter().any(|one| one.verdict == Verdict::UsedFromSomewhereNew);
    Ok(if used { Exit::Findings } else { Exit::Clean })
}

fn wanted(one: &Exposure, args: &ExposureArgs) -> bool {
    (args.only.is_empty() || args.only.iter().any(|id| is_named(one, id))) && (!args.used || one.after.events > 0)
}

fn is_named(one: &Exposure, id: &str) -> bool {
    id == one.credential || (id.len() >= 8 && one.fingerprints.iter().any(|f| f.starts_with(id)))
}

/// The story of each credential that somebody else used. Those that it made are in it.
fn add_events(
    lake: &Lake,
    findings: &[crate::model::Finding],
    networks: &NetworkContext,
    exposures: &mut [Exposure],
) -> anyhow::Result<()> {
    let detections = detections(lake, TimeRange::default(), findings)?;
    let sources = StorySources { findings, detections: &detections };
    let window = duration(timeline::WINDOW)?;
    let used = |one: &&mut Exposure| one.verdict == Verdict::UsedFromSomewhereNew && one.issued_by.is_none();
    for one in exposures.iter_mut().filter(used) {
        let starts: Vec<String> = match one.fingerprints.first() {
            Some(fingerprint) if !one.credential.starts_with('A') => vec![fingerprint.clone()],
            _ => vec![one.credential.clone()],
        };
        let asked =
            PivotQuery { starts: &starts, depth: timeline::DEPTH, window, most: timeline::FAN_OUT, context: networks };
        one.events = pivot(lake, &TimelineQuery::default(), &sources, &asked)?.entries;
    }
    Ok(())
}

pub(super) fn mask(one: &mut Exposure, masker: &dyn Masker) {
    let masked = |text: &String| masker.mask(text).into_owned();
    one.subject.iter_mut().for_each(|subject| *subject = masked(subject));
    one.places.iter_mut().for_each(|place| place.place = masked(&place.place));
    for reader in &mut one.readers {
        (reader.actor, reader.place) = (masked(&reader.actor), masked(&reader.place));
    }
    for uses in [&mut one.before, &mut one.after] {
        let kinds = [&mut uses.source_ips, &mut uses.user_agents, &mut uses.regions, &mut uses.services];
        for counts in kinds {
            *counts = counts.iter().map(|(value, n)| (masked(value), *n)).collect();
        }
    }
    let new = &mut one.new;
    for values in [&mut new.source_ips, &mut new.user_agents, &mut new.regions, &mut new.services] {
        *values = values.iter().map(masked).collect();
    }
    masker.mask_all(&mut one.events.iter_mut().flat_map(texts_of).collect::<Vec<_>>());
}

fn summary(told: &Exposed) -> String {
    let count = |verdict: Verdict| told.exposures.iter().filter(|one| one.verdict == verdict).count() as u64;
    let between = |(name, first, last): &(String, Option<crate::model::Micros>, Option<crate::model::Micros>)| {
        let time = |t: &Option<crate::model::Micros>| t.map(|t| t.to_string()).unwrap_or_default();
        format!("{name} from {} to {}", time(first), time(last))
    };
    let looked = told.coverage.tables.iter().map(between).collect::<Vec<_>>().join(", ");
    let all = counted(told.exposures.len() as u64, "credential");
    format!(
        "{all}: {} used from somewhere new, {} as before, {} without a use seen, {} not visible; looked at {}",
        count(Verdict::UsedFromSomewhereNew),
        count(Verdict::UsedAsBefore),
        count(Verdict::NoUseSeen),
        count(Verdict::NotVisible),
        if looked.is_empty() { "no log that shows uses".to_owned() } else { looked }
    )
}

const HEADERS: [&str; 14] = [
    "verdict",
    "severity",
    "credential",
    "rules",
    "subject",
    "written",
    "times",
    "where",
    "readers",
    "life",
    "uses",
    "denied",
    "first_new_use",
    "new",
];

/// The program of a user agent: what follows differs from call to call.
fn product(agent: &str) -> String {
    agent.trim_start_matches('[').split([' ', ']']).next().unwrap_or_default().to_owned()
}

fn cells(one: &Exposure, context: &Context, networks: &NetworkContext) -> [String; 14] {
    let list = |items: &BTreeSet<String>| items.iter().cloned().collect::<Vec<_>>().join(", ");
    let place = |place: &crate::model::LeakPlace| match place.readable.is_empty() {
        true => place.place.clone(),
        false => format!("{} ({})", place.place, place.readable.join(", ")),
    };
    let who: BTreeSet<&str> = one.readers.iter().map(|reader| reader.actor.as_str()).collect();
    let at = one.new.first.unwrap_or(one.first_written);
    let named = |ip: &String| match networks.name_of(ip, at).filter(|n| !matches!(*n, "private" | "documentation")) {
        Some(name) => format!("{ip} ({name})"),
        None => ip.clone(),
    };
    let new = [
        ("", one.new.source_ips.iter().map(named).collect::<Vec<_>>().join(", ")),
        ("agents: ", list(&one.new.user_agents.iter().map(|agent| product(agent)).collect())),
        ("regions: ", list(&one.new.regions)),
        ("services: ", list(&one.new.services)),
    ];
    let new: Vec<String> =
        new.into_iter().filter(|(_, text)| !text.is_empty()).map(|(name, text)| format!("{name}{text}")).collect();
    let written = match &one.issued_by {
        Some(by) => format!("{} (made by {by})", context.show_time(one.first_written)),
        None => context.show_time(one.first_written),
    };
    [
        one.verdict.as_str().to_owned(),
        one.severity.to_string(),
        one.credential.clone(),
        list(&one.rules),
        one.subject.clone().unwrap_or_default(),
        written,
        number(one.written),
        one.places.iter().map(place).collect::<Vec<_>>().join(", "),
        who.into_iter().collect::<Vec<_>>().join(", "),
        one.life.clone(),
        number(one.after.events),
        number(one.after.denied),
        one.new.first.map(|time| context.show_time(time)).unwrap_or_default(),
        if one.after.events == 0 { String::new() } else { new.join("; ") },
    ]
}

fn print(args: &ExposureArgs, context: &Context, told: &Exposed, networks: &NetworkContext) -> anyhow::Result<()> {
    let mut out = terminal::output(args.output.output.as_deref())?;
    match args.output.format {
        TableFormat::Jsonl => {
            for one in &told.exposures {
                jsonl::write_line(&mut *out, one)?;
            }
        }
        TableFormat::Csv => {
            csv::write_row(&mut *out, &HEADERS.map(Cow::Borrowed))?;
            for one in &told.exposures {
                csv::write_row(&mut *out, &cells(one, context, networks).map(Cow::Owned))?;
            }
        }
        TableFormat::Table => blocks(&mut *out, told, context, networks)?,
    }
    out.flush()?;
    Ok(())
}

/// Those that were used in full, the others as a table.
fn blocks(out: &mut dyn Write, told: &Exposed, context: &Context, networks: &NetworkContext) -> anyhow::Result<()> {
    let (used, quiet): (Vec<_>, Vec<_>) = told.exposures.iter().partition(|one| one.after.events > 0);
    for one in used {
        let row = cells(one, context, networks);
        let safe = |text: &str| crate::report::text::terminal(&clip(text, 400)).into_owned();
        writeln!(out, "{}  {}  ({})", safe(&row[2]), row[0], row[1])?;
        for (header, value) in HEADERS.iter().zip(&row).skip(3).filter(|(_, value)| !value.is_empty()) {
            writeln!(out, "  {header:<14} {}", safe(value))?;
        }
        let before = &one.before;
        if before.events > 0 {
            let ips: Vec<_> = before.source_ips.keys().cloned().collect();
            writeln!(out, "  {:<14} {} from {}", "before", counted(before.events, "use"), safe(&ips.join(", ")))?;
        } else {
            writeln!(out, "  {:<14} no use in these logs to compare with", "before")?;
        }
        for event in &one.events {
            let of = |text: &Option<String>| text.clone().unwrap_or_default();
            let line = [&event.source_ip, &event.action, &event.target, &event.outcome].map(of).join("  ");
            writeln!(out, "    {}  {}  {}", context.show_time(event.time), event.source, safe(&line))?;
        }
        writeln!(out)?;
    }
    if quiet.is_empty() {
        return Ok(());
    }
    let shown = ["verdict", "severity", "credential", "rules", "written", "times", "where", "life"];
    let mut table = Table::new(&shown);
    for one in quiet {
        let row = cells(one, context, networks);
        let named = HEADERS.iter().zip(&row).filter(|(header, _)| shown.contains(*header));
        table.push(named.map(|(_, cell)| clip(cell, 48).into_owned()).collect());
    }
    write!(out, "{}", table.render(context.terminal.width()))?;
    Ok(())
}
