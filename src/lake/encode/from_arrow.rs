//! Columns of a batch that was read, to be written again.

use super::column::{Column, Shape};
use crate::lake::schema;
use arrow::array::{Array, AsArray as _};
use arrow::datatypes::{DataType, Float64Type, Int64Type, Schema, TimestampMicrosecondType};
use parquet::errors::ParquetError;

/// A column for each field; an error where a part has one of a type no lake has.
pub(in crate::lake) fn empty(schema: &Schema) -> Result<Vec<Column>, ParquetError> {
    let column = |field: &arrow::datatypes::Field| match Shape::of(field.data_type()) {
        Some(_) if field.name() == schema::EVENT_ID => Ok(Column::ids()),
        Some(_) if [schema::RAW, schema::RAW_BYTES].contains(&field.name().as_str()) => Ok(Column::unique()),
        Some(shape) => Ok(Column::new(shape)),
        None => {
            let (name, kind) = (field.name(), field.data_type());
            Err(ParquetError::General(format!("column {name} of type {kind}, which no lake has")))
        }
    };
    schema.fields().iter().map(|field| column(field)).collect()
}

/// Appends the rows of an array; the first one is row `row` of the column.
pub(in crate::lake) fn append(column: &mut Column, row: usize, array: &dyn Array) {
    let present = (0..array.len()).filter(|i| array.is_valid(*i));
    match array.data_type() {
        DataType::Utf8 => {
            let array = array.as_string::<i32>();
            present.for_each(|i| column.push_text(row + i, array.value(i).as_bytes()));
        }
        DataType::Binary => {
            let array = array.as_binary::<i32>();
            present.for_each(|i| column.push_text(row + i, array.value(i)));
        }
        DataType::Int64 => {
            let array = array.as_primitive::<Int64Type>();
            present.for_each(|i| column.push_int(row + i, array.value(i)));
        }
        DataType::Timestamp(..) => {
            let Some(array) = array.as_primitive_opt::<TimestampMicrosecondType>() else { return };
            present.for_each(|i| column.push_int(row + i, array.value(i)));
        }
        DataType::Float64 => {
            let array = array.as_primitive::<Float64Type>();
            present.for_each(|i| column.push_float(row + i, array.value(i)));
        }
        DataType::Boolean => {
            let array = array.as_boolean();
            present.for_each(|i| column.push_int(row + i, i64::from(array.value(i))));
        }
        DataType::List(_) => {
            let lists = array.as_list::<i32>();
            let Some(items) = lists.values().as_string_opt::<i32>() else { return };
            for i in present {
                let range = lists.value_offsets()[i] as usize..lists.value_offsets()[i + 1] as usize;
                range.filter(|item| items.is_valid(*item)).for_each(|item| {
                    column.push_item(row + i, items.value(item).as_bytes());
                });
            }
        }
        _ => {}
    }
}
