//! One cell of a batch as JSON text.

use crate::codec::base64;
use crate::model::Micros;
use arrow::array::{Array, ArrayRef, AsArray as _, RecordBatch};
use arrow::datatypes::{
    ArrowPrimitiveType, DataType, Date32Type, Decimal32Type, Decimal64Type, Decimal128Type, Decimal256Type, Fields,
    Float16Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, Time32MillisecondType,
    Time64MicrosecondType, Time64NanosecondType, TimeUnit, TimestampMicrosecondType, TimestampMillisecondType,
    TimestampNanosecondType, TimestampSecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow::error::ArrowError;
use arrow::util::display::array_value_to_string;
use std::fmt::{Debug, Display, Write as _};

const DAY: i64 = 86_400_000_000;

/// Appends the row as an object.
pub(super) fn write_row(out: &mut String, batch: &RecordBatch, row: usize) -> Result<(), ArrowError> {
    write_members(out, batch.schema_ref().fields(), batch.columns(), row)
}

fn write_members(out: &mut String, fields: &Fields, columns: &[ArrayRef], row: usize) -> Result<(), ArrowError> {
    out.push('{');
    let mut first = true;
    for (field, column) in fields.iter().zip(columns) {
        if column.is_null(row) || *column.data_type() == DataType::Null {
            continue;
        }
        if !first {
            out.push(',');
        }
        first = false;
        write_text(out, field.name());
        out.push(':');
        write_value(out, column, row)?;
    }
    out.push('}');
    Ok(())
}

fn write_value(out: &mut String, array: &dyn Array, row: usize) -> Result<(), ArrowError> {
    if array.is_null(row) {
        out.push_str("null");
        return Ok(());
    }
    match array.data_type() {
        DataType::Null => out.push_str("null"),
        DataType::Boolean => out.push_str(if array.as_boolean().value(row) { "true" } else { "false" }),
        DataType::Int8 => number::<Int8Type>(out, array, row),
        DataType::Int16 => number::<Int16Type>(out, array, row),
        DataType::Int32 => number::<Int32Type>(out, array, row),
        DataType::Int64 => number::<Int64Type>(out, array, row),
        DataType::UInt8 => number::<UInt8Type>(out, array, row),
        DataType::UInt16 => number::<UInt16Type>(out, array, row),
        DataType::UInt32 => number::<UInt32Type>(out, array, row),
        DataType::UInt64 => number::<UInt64Type>(out, array, row),
        DataType::Float16 => {
            let value = array.as_primitive::<Float16Type>().value(row).to_f32();
            float(out, value, value.is_finite());
        }
        DataType::Float32 => {
            let value = array.as_primitive::<Float32Type>().value(row);
            float(out, value, value.is_finite());
        }
        DataType::Float64 => {
            let value = array.as_primitive::<Float64Type>().value(row);
            float(out, value, value.is_finite());
        }
        DataType::Decimal32(_, _) => out.push_str(&array.as_primitive::<Decimal32Type>().value_as_string(row)),
        DataType::Decimal64(_, _) => out.push_str(&array.as_primitive::<Decimal64Type>().value_as_string(row)),
        DataType::Decimal128(_, _) => out.push_str(&array.as_primitive::<Decimal128Type>().value_as_string(row)),
        DataType::Decimal256(_, _) => out.push_str(&array.as_primitive::<Decimal256Type>().value_as_string(row)),
        DataType::Utf8 => write_text(out, array.as_string::<i32>().value(row)),
        DataType::LargeUtf8 => write_text(out, array.as_string::<i64>().value(row)),
        DataType::Binary => write_bytes(out, array.as_binary::<i32>().value(row)),
        DataType::LargeBinary => write_bytes(out, array.as_binary::<i64>().value(row)),
        DataType::FixedSizeBinary(_) => write_bytes(out, array.as_fixed_size_binary().value(row)),
        DataType::Date32 | DataType::Time32(_) | DataType::Time64(_) | DataType::Timestamp(_, _) => {
            write_time(out, array, row)?;
        }
        DataType::Struct(fields) => write_members(out, fields, array.as_struct().columns(), row)?,
        DataType::List(_) => write_list(out, &array.as_list::<i32>().value(row))?,
        DataType::LargeList(_) => write_list(out, &array.as_list::<i64>().value(row))?,
        DataType::FixedSizeList(_, _) => write_list(out, &array.as_fixed_size_list().value(row))?,
        DataType::Map(_, _) => write_map(out, array, row)?,
        // Intervals; the others need an Arrow schema, which is not read.
        _ => write_text(out, &array_value_to_string(array, row)?),
    }
    Ok(())
}

fn number<T: ArrowPrimitiveType<Native: Display>>(out: &mut String, array: &dyn Array, row: usize) {
    put(out, format_args!("{}", array.as_primitive::<T>().value(row)));
}

/// Debug prints an exponent where Display would print three hundred digits. JSON knows no infinity.
fn float(out: &mut String, value: impl Debug, finite: bool) {
    if finite {
        put(out, format_args!("{value:?}"));
    } else {
        put(out, format_args!("\"{value:?}\""));
    }
}

fn put(out: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    let _ = out.write_fmt(text);
}

/// RFC 3339 in UTC with microseconds: times without a zone are UTC in AWS's logs. Dates and times of day are the
/// parts of one.
fn write_time(out: &mut String, array: &dyn Array, row: usize) -> Result<(), ArrowError> {
    let date = |days: i64| Micros(days.saturating_mul(DAY)).to_string().split('T').next().map(str::to_owned);
    let clock =
        |micros: i64| Micros(micros).to_string().split_once('T').map(|(_, t)| t.trim_end_matches('Z').to_owned());
    let whole = |micros: i64| Some(Micros(micros).to_string());
    let text = match array.data_type() {
        DataType::Date32 => date(i64::from(array.as_primitive::<Date32Type>().value(row))),
        DataType::Time32(TimeUnit::Millisecond) => {
            clock(i64::from(array.as_primitive::<Time32MillisecondType>().value(row)).saturating_mul(1_000))
        }
        DataType::Time64(TimeUnit::Microsecond) => clock(array.as_primitive::<Time64MicrosecondType>().value(row)),
        DataType::Time64(TimeUnit::Nanosecond) => {
            clock(array.as_primitive::<Time64NanosecondType>().value(row).div_euclid(1_000))
        }
        DataType::Timestamp(unit, _) => whole(match unit {
            TimeUnit::Second => array.as_primitive::<TimestampSecondType>().value(row).saturating_mul(1_000_000),
            TimeUnit::Millisecond => array.as_primitive::<TimestampMillisecondType>().value(row).saturating_mul(1_000),
            TimeUnit::Microsecond => array.as_primitive::<TimestampMicrosecondType>().value(row),
            TimeUnit::Nanosecond => array.as_primitive::<TimestampNanosecondType>().value(row).div_euclid(1_000),
        }),
        _ => None,
    };
    match text {
        Some(text) => write_text(out, &text),
        None => write_text(out, &array_value_to_string(array, row)?),
    }
    Ok(())
}

/// Elements keep their places: what has no value is null here.
fn write_list(out: &mut String, elements: &ArrayRef) -> Result<(), ArrowError> {
    out.push('[');
    for at in 0..elements.len() {
        if at > 0 {
            out.push(',');
        }
        write_value(out, elements, at)?;
    }
    out.push(']');
    Ok(())
}

/// An object; keys that are no strings are their JSON text.
fn write_map(out: &mut String, array: &dyn Array, row: usize) -> Result<(), ArrowError> {
    let entries = array.as_map().value(row);
    let [keys, values] = entries.columns() else {
        return Err(ArrowError::SchemaError("a map of other than keys and values".to_owned()));
    };
    out.push('{');
    let mut first = true;
    for at in (0..entries.len()).filter(|&at| !values.is_null(at)) {
        if !first {
            out.push(',');
        }
        first = false;
        let mut key = String::new();
        write_value(&mut key, keys, at)?;
        if key.starts_with('"') {
            out.push_str(&key);
        } else {
            write_text(out, &key);
        }
        out.push(':');
        write_value(out, values, at)?;
    }
    out.push('}');
    Ok(())
}

fn write_bytes(out: &mut String, bytes: &[u8]) {
    match std::str::from_utf8(bytes) {
        Ok(text) => write_text(out, text),
        Err(_) => write_text(out, &base64::encode(bytes)),
    }
}

fn write_text(out: &mut String, text: &str) {
    out.push('"');
    let mut from = 0;
    for (at, byte) in text.bytes().enumerate() {
        if byte >= 0x20 && !matches!(byte, b'"' | b'\\') {
            continue;
        }
        // These bytes are ASCII, so both sides are borders of characters.
        out.push_str(&text[from..at]);
        from = at + 1;
        match byte {
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            b'"' => out.push_str("\\\""),
            b'\\' => out.push_str("\\\\"),
            other => put(out, format_args!("\\u{other:04x}")),
        }
    }
    out.push_str(&text[from..]);
    out.push('"');
}
