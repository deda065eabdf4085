//! Other lakes' events are taken over into this one.

use super::link_index::{self, LinkHashes};
use super::manifest::{Change, Part, SourceObject, StaleDay};
use super::rewrite::{PartWriter, folder_of};
use super::store::Store as _;
use super::{Lake, LakeError, publish, schema, verify};
use crate::model::Link;
use arrow::array::BooleanArray;
use arrow::compute::filter_record_batch;
use sha2::{Digest as _, Sha256};
use std::collections::{BTreeMap, HashSet};

/// What a merge took over.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MergeReport {
    /// Parts taken over as they are.
    pub copied: u64,
    /// Parts written again without events this lake had.
    pub rewritten: u64,
    pub rows: u64,
    /// Events this lake had already.
    pub known_rows: u64,
    pub objects: u64,
    /// Source objects this lake had already.
    pub known_objects: u64,
}

type Id = [u8; 16];

/// Ids are 32 hex digits; of another text its hash.
fn id_of(text: &str) -> Id {
    let mut id = [0; 16];
    match u128::from_str_radix(text, 16) {
        Ok(number) if text.len() == 32 => id = number.to_be_bytes(),
        _ => id.copy_from_slice(&Sha256::digest(text.as_bytes())[..16]),
    }
    id
}

impl Lake {
    /// Takes over events and source objects of other lakes in one commit; an event that is here already is not taken
    /// again. Findings and occurrences are not taken: their fingerprints hang on the other lake's key. The others
    /// are read only, and their parts are checked against their manifests: a lake may come from anybody.
    /// Nor are tables stitched together of others' lines: `stale` says which days of them the new parts change, and
    /// they are made anew. `progress` is told bytes of parts as they are done.
    pub fn merge(
        &mut self,
        others: &[Self],
        stale: &dyn Fn(&[Part]) -> Vec<StaleDay>,
        progress: &dyn Fn(u64),
    ) -> Result<MergeReport, LakeError> {
        let mut report = MergeReport::default();
        let mut change = Change { by: "merge".to_owned(), ..Change::default() };
        let mut days: BTreeMap<&str, Vec<(&Self, &Part)>> = BTreeMap::new();
        for other in others {
            let made = |table: &str| schema::DERIVED.contains(&table) || schema::STITCHED.contains(&table);
            for part in other.all_parts().filter(|part| !made(&part.table)) {
                check_name(part)?;
                days.entry(folder_of(part)).or_default().push((other, part));
            }
        }
        for (folder, parts) in days {
            let mut known = None;
            for (other, part) in parts {
                if self.manifest.parts.get(&part.path).is_some_and(|own| own.sha256 == part.sha256) {
                    report.known_rows += part.rows;
                } else {
                    let known = match &mut known {
                        Some(known) => known,
                        empty => empty.insert(self.ids_of(folder)?),
                    };
                    change.add_parts.extend(self.take_over(other, part, known, &mut report)?);
                }
                progress(part.bytes);
            }
        }
        self.take_objects(others, &mut change, &mut report)?;
        change.stale = stale(&change.add_parts);
        if !change.add_parts.is_empty()
            || !change.add_objects.is_empty()
            || !change.pruned.is_empty()
            || !change.partial.is_empty()
        {
            self.commit(change)?;
        }
        Ok(report)
    }

    fn take_objects(&self, others: &[Self], change: &mut Change, report: &mut MergeReport) -> Result<(), LakeError> {
        let mut new = BTreeMap::new();
        for other in others {
            for (sha256, object) in &other.manifest.objects {
                if self.manifest.objects.contains_key(sha256) || new.contains_key(sha256) {
                    report.known_objects += 1;
                } else {
                    let evidence = self.take_evidence(other, object)?;
                    new.insert(sha256.clone(), SourceObject { evidence, ..object.clone() });
                }
            }
            for (source, partial) in &other.manifest.partial {
                partial.clone().add_to(&mut change.partial, source.clone());
            }
            for pruned in &other.manifest.pruned {
                if !self.manifest.pruned.contains(pruned) && !change.pruned.contains(pruned) {
                    change.pruned.push(pruned.clone());
                }
            }
        }
        report.objects = new.len() as u64;
        change.add_objects = new.into_values().collect();
        Ok(())
    }

    fn ids_of(&self, folder: &str) -> Result<HashSet<Id>, LakeError> {
        let mut ids = HashSet::new();
        for part in self.all_parts().filter(|part| folder_of(part) == folder) {
            ids.extend(self.event_ids(part)?.iter().map(|id| id_of(id)));
        }
        Ok(ids)
    }

    /// The part, or a part of its new events; `None` when there is nothing new in it.
    fn take_over(
        &self,
        other: &Self,
        part: &Part,
        known: &mut HashSet<Id>,
        report: &mut MergeReport,
    ) -> Result<Option<Part>, LakeError> {
        other.check_bytes(part)?;
        if let Some(problem) = verify::footer(other, part)?.into_iter().next() {
            return Err(LakeError::Altered { path: part.path.clone(), what: problem.what });
        }
        let new: Vec<bool> = other.event_ids(part)?.iter().map(|id| known.insert(id_of(id))).collect();
        let rows = new.iter().filter(|new| **new).count() as u64;
        if new.len() as u64 != part.rows {
            let what = format!("{} event ids in {} rows", new.len(), part.rows);
            return Err(LakeError::Altered { path: part.path.clone(), what });
        }
        report.rows += rows;
        report.known_rows += part.rows - rows;
        if rows == part.rows {
            report.copied += 1;
            return self.copy(other, part).map(Some);
        }
        if rows == 0 {
            return Ok(None);
        }
        report.rewritten += 1;
        let whole = other.open_checked(part)?;
        let arrow = |source| LakeError::Arrow { path: part.path.clone(), source };
        let mut writer = PartWriter::new(&part.table, &whole.schema)?;
        let mut new = new.into_iter();
        for batch in whole.reader {
            let batch = batch.map_err(arrow)?;
            let wanted: BooleanArray = new.by_ref().take(batch.num_rows()).map(Some).collect();
            writer.push(&filter_record_batch(&batch, &wanted).map_err(arrow)?)?;
        }
        writer.finish()?.store(&self.store, folder_of(part)).map(Some)
    }

    /// Copies the file. The link index is made anew: one that denies what is there would hide events.
    fn copy(&self, other: &Self, part: &Part) -> Result<Part, LakeError> {
        let mut links = LinkHashes::new();
        for batch in other.open_part(part, &Link::ALL.map(Link::column))? {
            links.add(&batch.map_err(|source| LakeError::Arrow { path: part.path.clone(), source })?);
        }
        let bytes = other.get(&part.path)?.unwrap_or_default();
        let sha256 = publish::sha256(&bytes);
        if sha256 != part.sha256 {
            return Err(LakeError::Altered { path: part.path.clone(), what: "another SHA-256".to_owned() });
        }
        let path = publish::path_in(folder_of(part), &sha256);
        self.store.put_if_absent(&path, &bytes)?;
        self.store.put_if_absent(&link_index::path_of(&sha256), &links.finish())?;
        let schema = Some(schema::id(other.schema_of(part)?.as_ref()));
        Ok(Part { path, sha256, schema, links: true, replaces: Vec::new(), ..part.clone() })
    }
}

/// A manifest from elsewhere must not name files outside its lake, nor lead to writing outside this one.
fn check_name(part: &Part) -> Result<(), LakeError> {
    let plain = |name: &str| {
        !name.is_empty()
            && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'_' | b'-'))
    };
    let date = |day: &str| {
        day == super::writer::NO_DATE || (day.len() >= 10 && day.bytes().all(|b| b.is_ascii_digit() || b == b'-'))
    };
    let hex = |name: &str| name.len() == 16 && name.bytes().all(|b| b.is_ascii_hexdigit());
    let pieces: Vec<&str> = part.path.split('/').collect();
    let sound = match pieces.as_slice() {
        [table, day, file] => {
            *table == part.table
                && plain(table)
                && !table.starts_with('_')
                && day.strip_prefix("event_date=").is_some_and(date)
                && file.strip_prefix("part-").and_then(|f| f.strip_suffix(".parquet")).is_some_and(hex)
        }
        _ => false,
    };
    if sound { Ok(()) } else { Err(LakeError::Foreign { path: part.path.clone() }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_lead_elsewhere_are_refused() {
        let part = |table: &str, path: &str| Part { table: table.to_owned(), path: path.to_owned(), ..Part::default() };
        let file = "part-0123456789abcdef.parquet";
        for day in ["2026-03-06", super::super::writer::NO_DATE] {
            assert!(check_name(&part("alb", &format!("alb/event_date={day}/{file}"))).is_ok());
        }
        for (table, path) in [
            ("..", format!("../event_date=2026-03-06/{file}")),
            ("alb", format!("alb/../{file}")),
            ("alb", format!("/alb/event_date=2026-03-06/{file}")),
            ("alb", format!("other/event_date=2026-03-06/{file}")),
            ("_logsift", format!("_logsift/event_date=2026-03-06/{file}")),
            ("alb", "alb/event_date=2026-03-06/part-..".to_owned()),
            ("alb", "alb/event_date=2026-03-06/../../../etc/passwd".to_owned()),
        ] {
            assert!(matches!(check_name(&part(table, &path)), Err(LakeError::Foreign { .. })), "{path}");
        }
    }

    #[test]
    fn ids_are_told_apart_whatever_they_look_like() {
        let hex = "0123456789abcdef0123456789abcdef";
        assert_eq!(id_of(hex)[..2], [0x01, 0x23]);
        let all = [hex, "+123456789abcdef0123456789abcdef0", "short", ""];
        assert_eq!(all.map(id_of).iter().collect::<HashSet<_>>().len(), all.len());
    }
}
