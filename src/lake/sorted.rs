//! Sorted streams of rows become one: by time (none first), object, record and segment.

use super::{LakeError, schema};
use crate::model::Common;
use arrow::array::{
    Array, ArrayRef, AsArray as _, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray, UInt32Array,
};
use arrow::compute::{interleave_record_batch, take};
use arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef, TimestampMicrosecondType};
use arrow::error::ArrowError;
use std::cmp::Ordering;
use std::sync::Arc;

/// Rows that are put together at once, and their raw bytes.
const BLOCK_ROWS: usize = 4096;
const BLOCK_RAW: usize = 8 * 1024 * 1024;

/// The columns parts are sorted by.
pub(super) const BY: [&str; 4] =
    [Common::EventTime.name(), schema::SOURCE_OBJECT, schema::SOURCE_RECORD, schema::SEGMENT];

/// The sort columns of a batch.
pub(super) struct Keys {
    time: TimestampMicrosecondArray,
    object: StringArray,
    record: Int64Array,
    segment: Int64Array,
}

fn at<T>(array: &dyn Array, row: usize, get: impl Fn(usize) -> T) -> Option<T> {
    array.is_valid(row).then(|| get(row))
}

impl Keys {
    /// `None` when a column is missing or of another type.
    pub fn of(batch: &RecordBatch) -> Option<Self> {
        let [time, object, record, segment] = BY.map(|name| batch.column_by_name(name));
        Some(Self {
            time: time?.as_primitive_opt::<TimestampMicrosecondType>()?.clone(),
            object: object?.as_string_opt::<i32>()?.clone(),
            record: record?.as_primitive_opt::<Int64Type>()?.clone(),
            segment: segment?.as_primitive_opt::<Int64Type>()?.clone(),
        })
    }

    fn len(&self) -> usize {
        self.time.len()
    }

    pub fn compare(&self, row: usize, other: &Self, other_row: usize) -> Ordering {
        let time = |keys: &Self, row| at(&keys.time, row, |i| keys.time.value(i));
        let record = |keys: &Self, row| at(&keys.record, row, |i| keys.record.value(i));
        let segment = |keys: &Self, row| at(&keys.segment, row, |i| keys.segment.value(i));
        time(self, row)
            .cmp(&time(other, other_row))
            .then_with(|| self.object.value(row).cmp(other.object.value(other_row)))
            .then_with(|| record(self, row).cmp(&record(other, other_row)))
            .then_with(|| segment(self, row).cmp(&segment(other, other_row)))
    }

    /// Whether the rows, and the last row before them, are in order.
    pub fn is_sorted_after(&self, before: Option<&Self>) -> bool {
        let joint = match before {
            Some(keys) if keys.len() > 0 && self.len() > 0 => keys.compare(keys.len() - 1, self, 0).is_le(),
            _ => true,
        };
        joint && (1..self.len()).all(|row| self.compare(row - 1, self, row).is_le())
    }
}

/// By time, rows without one first; rows of equal time stay in the order they came.
pub(super) fn sort(batch: RecordBatch) -> Result<RecordBatch, arrow::error::ArrowError> {
    let times = batch.column_by_name(Common::EventTime.name());
    let times = times.and_then(|column| column.as_primitive_opt::<TimestampMicrosecondType>());
    let Some(times) = times else {
        return Ok(batch);
    };
    let mut order: Vec<(i64, u32)> =
        (0..times.len()).map(|i| (if times.is_null(i) { i64::MIN } else { times.value(i) }, i as u32)).collect();
    order.sort_by_key(|(time, _)| *time);
    let order = UInt32Array::from_iter_values(order.into_iter().map(|(_, i)| i));
    let (schema, columns, _) = batch.into_parts();
    // Each column goes as soon as it is sorted: two of all of them would be twice the memory.
    let sorted = columns
        .into_iter()
        .map(|column| if column.null_count() == column.len() { Ok(column) } else { take(&column, &order, None) });
    RecordBatch::try_new(schema, sorted.collect::<Result<_, _>>()?)
}

/// Every column of any of the schemas, the widest schema's first; `None` where two give one column different
/// types.
pub(super) fn union<'s>(schemas: impl Iterator<Item = &'s SchemaRef> + Clone) -> Option<SchemaRef> {
    let widest = schemas.clone().max_by_key(|schema| schema.fields().len())?;
    let mut fields: Vec<Field> = widest.fields().iter().map(|field| field.as_ref().clone()).collect();
    for schema in schemas {
        for field in schema.fields() {
            match fields.iter_mut().find(|known| known.name() == field.name()) {
                Some(known) if known.data_type() != field.data_type() => return None,
                Some(known) => known.set_nullable(known.is_nullable() || field.is_nullable()),
                None => fields.push(field.as_ref().clone().with_nullable(true)),
            }
        }
        for known in fields.iter_mut().filter(|known| schema.field_with_name(known.name()).is_err()) {
            known.set_nullable(true);
        }
    }
    Some(Arc::new(Schema::new(fields)))
}

/// The batch with the columns of `schema`: null where it lacks one.
pub(super) fn align(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch, ArrowError> {
    let column = |field: &Arc<Field>| -> ArrayRef {
        let null = |kind: &DataType| arrow::array::new_null_array(kind, batch.num_rows());
        batch.column_by_name(field.name()).map_or_else(|| null(field.data_type()), Arc::clone)
    };
    RecordBatch::try_new(SchemaRef::clone(schema), schema.fields().iter().map(column).collect())
}

/// One sorted stream.
pub(super) struct Stream {
    pub path: String,
    pub batches: Box<dyn Iterator<Item = Result<RecordBatch, ArrowError>>>,
}

struct Cursor {
    stream: Stream,
    batch: RecordBatch,
    keys: Keys,
    row: usize,
}

impl Cursor {
    /// `None` at the end of the stream.
    fn next(mut stream: Stream, schema: &SchemaRef) -> Result<Option<Self>, LakeError> {
        loop {
            let Some(batch) = stream.batches.next() else {
                return Ok(None);
            };
            let arrow = |source| LakeError::Arrow { path: stream.path.clone(), source };
            let batch = align(&batch.map_err(arrow)?, schema).map_err(arrow)?;
            if batch.num_rows() == 0 {
                continue;
            }
            let missing = || arrow(ArrowError::SchemaError("no column to sort by".to_owned()));
            let keys = Keys::of(&batch).ok_or_else(missing)?;
            return Ok(Some(Self { stream, batch, keys, row: 0 }));
        }
    }

    fn compare(&self, other: &Self) -> Ordering {
        self.keys.compare(self.row, &other.keys, other.row)
    }

    fn raw_len(&self) -> usize {
        let raw = self.batch.column_by_name(schema::RAW).and_then(|c| c.as_string_opt::<i32>());
        raw.map_or(0, |raw| raw.value_length(self.row) as usize)
    }
}

/// Merges the streams into batches of `schema`; equal rows keep the order of their streams. In memory is one
/// batch of each stream, and the block at work.
pub(super) fn merge(
    streams: Vec<Stream>,
    schema: &SchemaRef,
    mut take: impl FnMut(&RecordBatch) -> Result<(), LakeError>,
) -> Result<(), LakeError> {
    let mut cursors = Vec::new();
    for stream in streams {
        cursors.push(Cursor::next(stream, schema)?);
    }
    // Numbers of the open cursors, the smallest row last.
    let mut order: Vec<usize> = (0..cursors.len()).filter(|i| cursors[*i].is_some()).collect();
    order.sort_by(|a, b| compare(&cursors, *b, *a));
    let mut block: Vec<(usize, usize)> = Vec::new();
    let mut raw = 0;
    while let Some(first) = order.pop() {
        let Some(mut cursor) = cursors[first].take() else {
            continue;
        };
        block.push((first, cursor.row));
        raw += cursor.raw_len();
        cursor.row += 1;
        let exhausted = cursor.row == cursor.keys.len();
        cursors[first] = Some(cursor);
        if exhausted || block.len() >= BLOCK_ROWS || raw >= BLOCK_RAW {
            take(&gather(&cursors, &mut block)?)?;
            raw = 0;
        }
        if exhausted && let Some(cursor) = cursors[first].take() {
            cursors[first] = Cursor::next(cursor.stream, schema)?;
        }
        if cursors[first].is_some() {
            let place = order.partition_point(|other| compare(&cursors, *other, first).is_gt());
            order.insert(place, first);
        }
    }
    Ok(())
}

fn compare(cursors: &[Option<Cursor>], a: usize, b: usize) -> Ordering {
    match (&cursors[a], &cursors[b]) {
        (Some(one), Some(two)) => one.compare(two).then(a.cmp(&b)),
        _ => a.cmp(&b),
    }
}

/// The rows of the block as one batch; the block is empty afterwards.
fn gather(cursors: &[Option<Cursor>], block: &mut Vec<(usize, usize)>) -> Result<RecordBatch, LakeError> {
    let open: Vec<(usize, &Cursor)> =
        cursors.iter().enumerate().filter_map(|(i, cursor)| Some((i, cursor.as_ref()?))).collect();
    let mut place = vec![0; cursors.len()];
    open.iter().enumerate().for_each(|(at, (i, _))| place[*i] = at);
    let rows: Vec<(usize, usize)> = block.drain(..).map(|(cursor, row)| (place[cursor], row)).collect();
    let batches: Vec<&RecordBatch> = open.iter().map(|(_, cursor)| &cursor.batch).collect();
    let path = open.first().map_or_else(String::new, |(_, cursor)| cursor.stream.path.clone());
    interleave_record_batch(&batches, &rows).map_err(|source| LakeError::Arrow { path, source })
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{Int64Builder, StringBuilder, TimestampMicrosecondBuilder};

    type Row = (Option<i64>, &'static str, i64, Option<i64>);

    fn batch(rows: &[Row], extra: Option<&str>) -> RecordBatch {
        let mut time = TimestampMicrosecondBuilder::new().with_timezone("UTC");
        let (mut object, mut record, mut segment) = (StringBuilder::new(), Int64Builder::new(), Int64Builder::new());
        for row in rows {
            time.append_option(row.0);
            object.append_value(row.1);
            record.append_value(row.2);
            segment.append_option(row.3);
        }
        let raw: StringArray = rows.iter().map(|row| Some(format!("{}{}", row.1, row.2))).collect();
        let mut columns: Vec<(&str, ArrayRef, bool)> = vec![
            (BY[0], Arc::new(time.finish()), true),
            (BY[1], Arc::new(object.finish()), false),
            (BY[2], Arc::new(record.finish()), false),
            (BY[3], Arc::new(segment.finish()), true),
            (schema::RAW, Arc::new(raw), false),
        ];
        if let Some(text) = extra {
            columns.push(("new", Arc::new(StringArray::from(vec![text; rows.len()])), true));
        }
        RecordBatch::try_from_iter_with_nullable(columns).unwrap()
    }

    fn stream(batches: Vec<RecordBatch>) -> Stream {
        Stream { path: "test".to_owned(), batches: Box::new(batches.into_iter().map(Ok)) }
    }

    #[test]
    fn rows_of_all_streams_come_in_order_with_null_for_missing_columns() {
        let a = [
            batch(&[(None, "a", 1, None), (Some(5), "a", 2, None)], None),
            batch(&[(Some(5), "b", 1, Some(0)), (Some(5), "b", 1, Some(1)), (Some(9), "a", 3, None)], None),
        ];
        let b = [batch(&[], Some("x")), batch(&[(None, "0", 7, None), (Some(5), "a", 10, None)], Some("x"))];
        let c = [batch(&[(Some(1), "c", 1, None)], None)];
        let schema = union([a[0].schema(), b[0].schema()].iter()).unwrap();
        let mut rows = Vec::new();
        merge(vec![stream(a.to_vec()), stream(b.to_vec()), stream(c.to_vec())], &schema, |batch| {
            let keys = Keys::of(batch).unwrap();
            assert!(keys.is_sorted_after(None));
            let new = batch.column_by_name("new").unwrap().as_string::<i32>();
            for i in 0..batch.num_rows() {
                let name = new.is_valid(i).then(|| new.value(i).to_owned());
                rows.push((keys.object.value(i).to_owned(), keys.record.value(i), name));
            }
            Ok(())
        })
        .unwrap();
        let x = || Some("x".to_owned());
        let expected = [
            ("0", 7, x()),
            ("a", 1, None),
            ("c", 1, None),
            ("a", 2, None),
            ("a", 10, x()),
            ("b", 1, None),
            ("b", 1, None),
            ("a", 3, None),
        ];
        let expected: Vec<_> = expected.map(|(o, n, new)| (o.to_owned(), n, new)).to_vec();
        assert_eq!(rows, expected);
    }

    #[test]
    fn one_column_of_two_types_has_no_union() {
        let one = Arc::new(Schema::new(vec![Field::new("a", DataType::Utf8, true)]));
        let two = Arc::new(Schema::new(vec![Field::new("a", DataType::Int64, true)]));
        assert!(union([Arc::clone(&one), two].iter()).is_none());
        assert_eq!(union([Arc::clone(&one), Arc::clone(&one)].iter()).unwrap(), one);
    }

    #[test]
    fn order_is_judged_over_the_border_of_batches() {
        let keys = |rows: &[Row]| Keys::of(&batch(rows, None)).unwrap();
        let first = keys(&[(Some(1), "b", 1, None)]);
        assert!(keys(&[(Some(1), "b", 2, None)]).is_sorted_after(Some(&first)));
        assert!(!keys(&[(Some(1), "a", 2, None)]).is_sorted_after(Some(&first)));
        assert!(!keys(&[(Some(2), "a", 2, None), (None, "a", 1, None)]).is_sorted_after(None));
    }
}
