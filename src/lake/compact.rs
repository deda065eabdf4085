//! Small parts of one table and day become few large ones. The rows, and the events they are, stay the same.

use super::link_index;
use super::manifest::{Change, Part};
use super::rewrite::{Cutter, PartWriter, folder_of};
use super::sorted::{self, Keys, Stream};
use super::store::{INTERNAL, Store as _};
use super::{Lake, LakeError, schema};
use arrow::compute::concat_batches;
use arrow::datatypes::SchemaRef;
use std::collections::{BTreeMap, HashMap};

/// Raw bytes that are sorted in memory at once; little in tests, so that they need several runs.
const RUN_RAW: u64 = if cfg!(test) { 1_000_000 } else { 32 * 1024 * 1024 };
/// Streams that are merged at once: open files, and a batch of each in memory.
const FAN_IN: usize = if cfg!(test) { 3 } else { 32 };
/// Raw bytes of replaced parts from which on a commit is made; whole days only.
const COMMIT_RAW: u64 = 1024 * 1024 * 1024;

/// What to compact.
pub struct CompactConfig<'a> {
    /// `None`: every table of log events.
    pub table: Option<&'a str>,
    /// Raw bytes of a part at most. Parts of at least half of it are left alone.
    pub target: u64,
}

/// What became of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CompactReport {
    pub parts_before: u64,
    pub parts_after: u64,
    pub rows: u64,
    pub bytes_before: u64,
    pub bytes_after: u64,
    /// Small parts left alone, because two of one day give a column different types.
    pub left: u64,
}

/// A day of a table, and what is to be merged there.
struct Day {
    folder: String,
    schema: SchemaRef,
    parts: Vec<Part>,
}

impl Lake {
    /// Merges small parts. `progress` is told raw bytes as they are done. Each commit replaces all small parts of
    /// whole days, at the most a GiB of raw and a day more; the files of replaced parts stay until the next command
    /// that writes ([`Lake::remove_orphans`]), so that whoever reads the old lake can go on.
    pub fn compact(&mut self, config: &CompactConfig<'_>, progress: &dyn Fn(u64)) -> Result<CompactReport, LakeError> {
        let mut report = CompactReport::default();
        let mut change = Change { by: "compact".to_owned(), ..Change::default() };
        let mut pending = 0;
        for parts in self.small_parts(config) {
            let Some(day) = self.day(parts, &mut report)? else {
                continue;
            };
            let made = self.merge_day(&day, config.target)?;
            report.parts_before += day.parts.len() as u64;
            report.parts_after += made.len() as u64;
            report.rows += day.parts.iter().map(|p| p.rows).sum::<u64>();
            report.bytes_before += day.parts.iter().map(|p| p.bytes).sum::<u64>();
            report.bytes_after += made.iter().map(|p| p.bytes).sum::<u64>();
            let raw: u64 = day.parts.iter().map(|p| p.raw_bytes).sum();
            change.remove_parts.extend(day.parts.into_iter().map(|p| p.path));
            change.add_parts.extend(made);
            pending += raw;
            if pending >= COMMIT_RAW {
                self.commit(std::mem::replace(&mut change, Change { by: "compact".to_owned(), ..Change::default() }))?;
                pending = 0;
            }
            progress(raw);
        }
        if !change.add_parts.is_empty() {
            self.commit(change)?;
        }
        Ok(report)
    }

    /// Raw bytes that [`Lake::compact`] would merge.
    pub fn compactable(&self, config: &CompactConfig<'_>) -> u64 {
        self.small_parts(config).iter().flatten().map(|part| part.raw_bytes).sum()
    }

    /// Small parts by table and day, where there are two or more; in order of time.
    fn small_parts(&self, config: &CompactConfig<'_>) -> Vec<Vec<Part>> {
        let mut days: BTreeMap<&str, Vec<Part>> = BTreeMap::new();
        for part in self.all_parts() {
            let wanted = config.table.map_or(!schema::DERIVED.contains(&part.table.as_str()), |t| t == part.table);
            if wanted && part.raw_bytes.saturating_mul(2) < config.target {
                days.entry(folder_of(part)).or_default().push(part.clone());
            }
        }
        let mut days: Vec<Vec<Part>> = days.into_values().filter(|parts| parts.len() > 1).collect();
        days.iter_mut().for_each(|parts| parts.sort_by(|a, b| (a.min_time, &a.path).cmp(&(b.min_time, &b.path))));
        days
    }

    /// The day's parts that can be one, and their columns; `None` when fewer than two can. Makes sure that they are
    /// what the manifest names: else damage would be given a new hash, and look sound.
    fn day(&self, parts: Vec<Part>, report: &mut CompactReport) -> Result<Option<Day>, LakeError> {
        let mut schemas: HashMap<String, SchemaRef> = HashMap::new();
        let mut all: Option<SchemaRef> = None;
        let mut fitting = Vec::new();
        for part in parts {
            self.check_bytes(&part)?;
            let known = part.schema.as_ref().and_then(|id| schemas.get(id)).cloned();
            let own = match known {
                Some(own) => own,
                None => self.open_whole(&part.path, part.rows, part.raw_bytes)?.schema,
            };
            schemas.insert(schema::id(&own), SchemaRef::clone(&own));
            let together = match &all {
                Some(all) => sorted::union([all, &own].into_iter()),
                None => Some(own),
            };
            match together {
                Some(schema) => {
                    all = Some(schema);
                    fitting.push(part);
                }
                None => report.left += 1,
            }
        }
        let folder = fitting.first().map_or("", folder_of).to_owned();
        Ok(all.filter(|_| fitting.len() > 1).map(|schema| Day { folder, schema, parts: fitting }))
    }

    /// The new parts of a day, stored and not committed.
    fn merge_day(&self, day: &Day, target: u64) -> Result<Vec<Part>, LakeError> {
        let mut spool = Spool { lake: self, day, files: Vec::new() };
        let result = self.merge_sources(day, target, &mut spool);
        // Whatever became of it: a failure must not leave them to take up space.
        let cleared = spool.clear();
        let mut made = result?;
        cleared?;
        let rows = |parts: &[Part]| parts.iter().map(|p| p.rows).sum::<u64>();
        if rows(&made) != rows(&day.parts) {
            let what = format!("{} rows instead of {}", rows(&made), rows(&day.parts));
            return Err(LakeError::Altered { path: day.folder.clone(), what });
        }
        for part in &mut made {
            let touches = |old: &&Part| old.min_time <= part.max_time && part.min_time <= old.max_time;
            let old = day.parts.iter().filter(|old| old.min_time.is_none() || touches(old));
            part.replaces = old.map(|old| old.path.clone()).collect();
        }
        Ok(made)
    }

    fn merge_sources(&self, day: &Day, target: u64, spool: &mut Spool<'_>) -> Result<Vec<Part>, LakeError> {
        let table = day.parts.first().map_or("", |p| p.table.as_str());
        let mut sources = spool.sources()?;
        let mut made: Vec<Part> = Vec::new();
        while !sources.is_empty() {
            let rest = sources.split_off(sources.len().min(FAN_IN));
            let streams: Result<Vec<Stream>, LakeError> = sources.iter().map(|s| self.stream(s)).collect();
            let mut cutter = Cutter::new(self, (table, &day.folder), &day.schema, target);
            sorted::merge(streams?, &day.schema, |batch| cutter.push(batch))?;
            made.extend(cutter.finish()?);
            sources = rest;
            // What is left over of this round is merged with the next, so that one run leaves one small part.
            if !sources.is_empty()
                && let Some(last) = made.pop_if(|last| last.raw_bytes.saturating_mul(2) < target)
            {
                sources.insert(0, Source { path: last.path.clone(), rows: last.rows, raw: last.raw_bytes });
                spool.files.push(link_index::path_of(&last.sha256));
                spool.files.push(last.path);
            }
        }
        // A left-over may have become the same file again.
        spool
            .files
            .retain(|path| made.iter().all(|part| part.path != *path && link_index::path_of(&part.sha256) != *path));
        Ok(made)
    }

    fn stream(&self, source: &Source) -> Result<Stream, LakeError> {
        let whole = self.open_whole(&source.path, source.rows, source.raw)?;
        Ok(Stream { path: source.path.clone(), batches: Box::new(whole.reader) })
    }

    /// Whether the rows are in order of time, object, record and segment: imports only see to the time.
    fn is_sorted(&self, part: &Part) -> Result<bool, LakeError> {
        let mut before: Option<Keys> = None;
        for batch in self.open_part(part, &sorted::BY)? {
            let batch = batch.map_err(|source| LakeError::Arrow { path: part.path.clone(), source })?;
            match Keys::of(&batch) {
                Some(keys) if keys.is_sorted_after(before.as_ref()) => before = Some(keys),
                _ => return Ok(false),
            }
        }
        Ok(true)
    }
}

/// A sorted file of rows.
struct Source {
    path: String,
    rows: u64,
    raw: u64,
}

/// Sorted runs of what cannot be merged as it lies: tiny parts, of which too many would be open, and unsorted
/// ones. Their files are no part of the lake.
struct Spool<'a> {
    lake: &'a Lake,
    day: &'a Day,
    /// To be deleted at the end.
    files: Vec<String>,
}

impl Spool<'_> {
    fn sources(&mut self) -> Result<Vec<Source>, LakeError> {
        let mut sources = Vec::new();
        let mut run: Vec<&Part> = Vec::new();
        let day = self.day;
        for part in &day.parts {
            if part.raw_bytes >= RUN_RAW && self.lake.is_sorted(part)? {
                sources.push(Source { path: part.path.clone(), rows: part.rows, raw: part.raw_bytes });
                continue;
            }
            run.push(part);
            if run.iter().map(|p| p.raw_bytes).sum::<u64>() >= RUN_RAW {
                sources.push(self.sort(&std::mem::take(&mut run))?);
            }
        }
        if !run.is_empty() {
            sources.push(self.sort(&run)?);
        }
        Ok(sources)
    }

    fn sort(&mut self, parts: &[&Part]) -> Result<Source, LakeError> {
        let schema = &self.day.schema;
        let mut batches = Vec::new();
        for part in parts {
            let arrow = |source| LakeError::Arrow { path: part.path.clone(), source };
            for batch in self.lake.open_whole(&part.path, part.rows, part.raw_bytes)?.reader {
                batches.push(sorted::align(&batch.map_err(arrow)?, schema).map_err(arrow)?);
            }
        }
        let arrow = |source| LakeError::Arrow { path: self.day.folder.clone(), source };
        let all = concat_batches(schema, &batches).map_err(arrow)?;
        drop(batches);
        let mut writer = PartWriter::new(&self.day.folder, schema)?;
        let sorted = sorted::sort(all).map_err(arrow)?;
        writer.push(&sorted)?;
        let built = writer.finish()?;
        // Named so that the next writer clears it away after a crash.
        let path = format!("{INTERNAL}/.tmp-run-{}-{}.parquet", std::process::id(), self.files.len());
        self.files.push(path.clone());
        self.lake.store.put_if_absent(&path, &built.parquet)?;
        Ok(Source { path, rows: built.rows, raw: built.raw_bytes })
    }

    fn clear(&mut self) -> Result<(), LakeError> {
        let committed = |path: &str| self.lake.manifest.parts.contains_key(path);
        self.files.drain(..).filter(|path| !committed(path)).try_for_each(|path| self.lake.store.delete(&path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lake::part::RowMeta;
    use crate::lake::writer::LakeWriter;
    use crate::model::{Common, Field, Kind, Link, Micros, Row, TimeRange, Value};
    use arrow::array::{Array as _, AsArray as _};

    static OLD: [Field; 1] = [Field::new("t_x", "x", Kind::Int)];
    static NEW: [Field; 2] = [Field::new("t_y", "y", Kind::Str), Field::new("t_x", "x", Kind::Int)];
    static OTHER: [Field; 1] = [Field::new("t_x", "x", Kind::Str)];

    fn lake() -> (tempfile::TempDir, Lake) {
        let dir = tempfile::tempdir().unwrap();
        let lake = Lake::create(dir.path()).unwrap();
        (dir, lake)
    }

    /// One part of these seconds of a day, in this order; each row has an address of its own.
    fn import(lake: &mut Lake, fields: &[Field], object: &str, seconds: &[i64], raw: usize) {
        let mut writer = LakeWriter::new(&lake.store);
        for (i, second) in seconds.iter().enumerate() {
            let mut row = Row::new(fields.len());
            row.set(Common::EventTime, Value::Time(Micros(1_772_409_600_000_000 + second * 1_000_000)));
            row.add_link(Link::Ip, format!("{object}.{i}").into());
            for (cell, field) in row.native.iter_mut().zip(fields) {
                *cell = if field.kind == Kind::Int { Value::Int(*second) } else { Value::owned(object.to_owned()) };
            }
            let meta = RowMeta {
                event_id: &format!("{object}-{i}"),
                raw: &format!("{object}{i} ").repeat(raw / (object.len() + 3)),
                raw_bytes: None,
                object,
                record: i as u64 + 1,
                offset: 0,
                segment: None,
            };
            writer.push("t", fields, &row, &meta).unwrap();
        }
        let parts = writer.finish().unwrap();
        assert_eq!(parts.len(), 1);
        lake.commit_import(Change { by: "import".to_owned(), add_parts: parts, ..Change::default() }).unwrap();
    }

    fn config(target: u64) -> CompactConfig<'static> {
        CompactConfig { table: None, target }
    }

    fn problems(lake: &Lake) -> Vec<crate::lake::verify::Problem> {
        lake.verify(true, &|_| Ok(Vec::new()), &|_| {}).unwrap().problems
    }

    #[test]
    fn columns_that_a_part_lacks_are_null() {
        let (_dir, mut lake) = lake();
        import(&mut lake, &OLD, "a", &[1, 3, 5], 10);
        import(&mut lake, &NEW, "b", &[2, 3, 4], 10);
        lake.compact(&config(1_000_000), &|_| {}).unwrap();
        let parts: Vec<Part> = lake.all_parts().cloned().collect();
        assert_eq!((parts.len(), parts[0].rows, parts[0].replaces.len()), (1, 6, 2));
        let (mut x, mut y) = (Vec::new(), Vec::new());
        for batch in lake.open_checked(&parts[0]).unwrap().reader {
            let batch = batch.unwrap();
            let ints = batch.column_by_name("t_x").unwrap().as_primitive::<arrow::datatypes::Int64Type>();
            let texts = batch.column_by_name("t_y").unwrap().as_string::<i32>();
            x.extend(ints.values().iter().copied());
            y.extend((0..texts.len()).map(|i| texts.is_valid(i)));
        }
        assert_eq!((x, y), (vec![1, 2, 3, 3, 4, 5], vec![false, true, false, true, true, false]));
        assert_eq!(problems(&lake), []);
        assert_eq!(lake.columns("t").unwrap().iter().filter(|(name, _)| name.starts_with("t_")).count(), 2);
    }

    #[test]
    fn one_column_of_two_types_is_left_alone() {
        let (_dir, mut lake) = lake();
        import(&mut lake, &OLD, "a", &[1], 10);
        import(&mut lake, &OTHER, "b", &[2], 10);
        import(&mut lake, &OLD, "c", &[3], 10);
        let report = lake.compact(&config(1_000_000), &|_| {}).unwrap();
        assert_eq!((report.left, report.parts_before, report.parts_after), (1, 2, 1));
        assert_eq!(lake.all_parts().count(), 2);
        assert_eq!(problems(&lake), []);
    }

    /// More runs than are merged at once, with rows out of order inside parts and times that overlap.
    #[test]
    fn many_runs_become_few_parts_and_links_stay_true() {
        let (_dir, mut lake) = lake();
        for n in 0..20_i64 {
            let seconds: Vec<i64> = (0..8).map(|i| (i * 7_919 + n * 31) % 1_000).collect();
            import(&mut lake, &OLD, &format!("o{n:02}"), &seconds, 50_000);
        }
        let raw: u64 = lake.all_parts().map(|p| p.raw_bytes).sum();
        assert!(raw > 2 * FAN_IN as u64 * RUN_RAW, "{raw}");
        // A pivot opens the one part of twenty that holds the value, and rarely another.
        let before: usize = (0..20).map(|n| lake.parts_with_link("t", Link::Ip, &format!("o{n:02}.3")).count()).sum();
        assert!((20..=24).contains(&before), "{before} parts opened for 20 values");
        assert_eq!(lake.parts_with_link("t", Link::Key, "AKIAIOSFODNN7EXAMPLE").count(), 0);
        let report = lake.compact(&config(2_000_000), &|_| {}).unwrap();
        assert_eq!((report.parts_before, report.rows), (20, 160));
        let sizes: Vec<u64> = lake.all_parts().map(|p| p.raw_bytes).collect();
        assert!(sizes.iter().all(|bytes| *bytes <= 2_000_000), "{sizes:?}");
        assert!(sizes.iter().filter(|bytes| **bytes < 1_000_000).count() <= 1, "{sizes:?}");
        assert_eq!(sizes.iter().sum::<u64>(), raw);
        assert_eq!(problems(&lake), []);
        assert_eq!(lake.compact(&config(2_000_000), &|_| {}).unwrap().parts_before, 0);
        let mut opened = 0;
        for (object, i) in (0..20).flat_map(|n| (0..8).map(move |i| (n, i))) {
            let value = format!("o{object:02}.{i}");
            let id = format!("o{object:02}-{i}");
            let may: Vec<&Part> = lake.parts_with_link("t", Link::Ip, &value).collect();
            assert!(may.iter().any(|part| lake.event_ids(part).unwrap().contains(&id)), "{value}");
            opened += may.len();
        }
        assert!(opened <= 160 + 16, "{opened} parts opened for 160 values");
        let left = lake.store.list(INTERNAL).unwrap();
        assert!(left.iter().all(|path| !path.contains(".tmp-")), "{left:?}");
        // Only the parts of the lake have an index, once replaced ones are cleared away.
        lake.remove_orphans().unwrap();
        assert_eq!(lake.store.list("_logsift/index").unwrap().len(), sizes.len());
    }

    #[test]
    fn who_opened_the_lake_before_still_reads_it_until_the_next_writer() {
        let (dir, mut lake) = lake();
        import(&mut lake, &OLD, "a", &[1, 2], 10);
        import(&mut lake, &OLD, "b", &[3], 10);
        let reader = Lake::open(dir.path()).unwrap();
        lake.compact(&config(1_000_000), &|_| {}).unwrap();
        let read = |lake: &Lake| -> Result<usize, LakeError> {
            lake.parts("t", TimeRange::default()).map(|part| Ok(lake.event_ids(part)?.len())).sum()
        };
        assert_eq!((read(&reader).unwrap(), read(&lake).unwrap()), (3, 3));
        lake.remove_orphans().unwrap();
        assert_eq!(read(&lake).unwrap(), 3);
        assert!(read(&reader).is_err());
    }
}
