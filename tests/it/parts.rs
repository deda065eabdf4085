//! Parts of a lake, read with the parquet crate and not with the program.

use crate::env::{TestEnv, jsonl};
use arrow::array::{Array as _, AsArray as _, RecordBatch};
use arrow::datatypes::{Int64Type, TimestampMicrosecondType};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::Value;
use std::fs::File;
use std::path::{Path, PathBuf};

/// The lake's parts, as `lake ls --format json` names them, without those stitched together of others' lines.
pub fn list(env: &TestEnv) -> Vec<(Value, PathBuf)> {
    let mut parts = all(env);
    parts.retain(|(part, _)| part["table"] != "invocations" && part["table"] != "requests");
    parts
}

/// Every part.
pub fn all(env: &TestEnv) -> Vec<(Value, PathBuf)> {
    let parts = jsonl(&env.ok(&["lake", "ls", "--format", "json"]));
    parts.into_iter().map(|p| (p.clone(), env.lake().join(p["path"].as_str().unwrap()))).collect()
}

pub fn batches(path: &Path) -> Vec<RecordBatch> {
    let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(path).unwrap()).unwrap().build().unwrap();
    reader.map(Result::unwrap).collect()
}

/// A text column, nulls as `None`.
pub fn texts(path: &Path, column: &str) -> Vec<Option<String>> {
    let mut all = Vec::new();
    for batch in batches(path) {
        let column = batch.column_by_name(column).unwrap().as_string::<i32>().clone();
        all.extend(column.iter().map(|v| v.map(str::to_owned)));
    }
    all
}

pub fn ints(path: &Path, column: &str) -> Vec<Option<i64>> {
    let mut all = Vec::new();
    for batch in batches(path) {
        all.extend(batch.column_by_name(column).unwrap().as_primitive::<Int64Type>().iter());
    }
    all
}

pub fn times(path: &Path) -> Vec<Option<i64>> {
    let mut all = Vec::new();
    for batch in batches(path) {
        all.extend(batch.column_by_name("event_time").unwrap().as_primitive::<TimestampMicrosecondType>().iter());
    }
    all
}

pub fn bytes(path: &Path, column: &str) -> Vec<Option<Vec<u8>>> {
    let mut all = Vec::new();
    for batch in batches(path) {
        let column = batch.column_by_name(column).unwrap().as_binary::<i32>().clone();
        all.extend((0..column.len()).map(|i| column.is_valid(i).then(|| column.value(i).to_vec())));
    }
    all
}

/// Every event id of the lake, sorted: a multiset.
pub fn event_ids(env: &TestEnv) -> Vec<String> {
    let mut ids: Vec<String> =
        list(env).iter().flat_map(|(_, path)| texts(path, "event_id")).map(Option::unwrap).collect();
    ids.sort_unstable();
    ids
}

/// Every file under a folder.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { all.extend(files(&path)) } else { all.push(path) }
    }
    all.sort_unstable();
    all
}
