//! Which columns the parts of a table have: versions of logsift add some.

use super::manifest::Part;
use super::{Lake, LakeError, schema};
use arrow::datatypes::{DataType, SchemaRef};
use std::collections::BTreeMap;

/// Type of a column, as other tools need to be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnKind {
    Text,
    Int,
    Float,
    Bool,
    /// UTC microseconds.
    Time,
    Bytes,
    /// List of texts.
    Texts,
}

fn kind_of(data_type: &DataType) -> ColumnKind {
    match data_type {
        DataType::Int64 => ColumnKind::Int,
        DataType::Float64 => ColumnKind::Float,
        DataType::Boolean => ColumnKind::Bool,
        DataType::Timestamp(..) => ColumnKind::Time,
        DataType::Binary => ColumnKind::Bytes,
        DataType::List(_) => ColumnKind::Texts,
        _ => ColumnKind::Text,
    }
}

impl Lake {
    /// The parts in groups of the same columns, most columns first. Opens parts that do not name their schema.
    pub fn by_schema<'a>(&self, parts: impl Iterator<Item = &'a Part>) -> Result<Vec<Vec<&'a Part>>, LakeError> {
        let mut groups: BTreeMap<String, Vec<&Part>> = BTreeMap::new();
        for part in parts {
            let id = match &part.schema {
                Some(id) => id.clone(),
                None => schema::id(self.schema_of(part)?.as_ref()),
            };
            groups.entry(id).or_default().push(part);
        }
        let mut groups: Vec<Vec<&Part>> = groups.into_values().collect();
        if groups.len() > 1 {
            let mut sized = Vec::new();
            for group in groups {
                let width = self.schema_of(group[0])?.fields().len();
                sized.push((std::cmp::Reverse(width), group));
            }
            sized.sort_by_key(|(width, _)| *width);
            groups = sized.into_iter().map(|(_, group)| group).collect();
        }
        Ok(groups)
    }

    /// Every column of a table, in order; a column of two types is a text.
    pub fn columns(&self, table: &str) -> Result<Vec<(String, ColumnKind)>, LakeError> {
        let groups = self.by_schema(self.all_parts().filter(|part| part.table == table))?;
        let mut columns: Vec<(String, ColumnKind)> = Vec::new();
        for group in groups {
            for field in self.schema_of(group[0])?.fields() {
                let kind = kind_of(field.data_type());
                match columns.iter_mut().find(|(name, _)| name == field.name()) {
                    Some((_, known)) if *known != kind => *known = ColumnKind::Text,
                    Some(_) => {}
                    None => columns.push((field.name().clone(), kind)),
                }
            }
        }
        Ok(columns)
    }

    pub(super) fn schema_of(&self, part: &Part) -> Result<SchemaRef, LakeError> {
        Ok(self.open_whole(&part.path, part.rows, part.raw_bytes)?.schema)
    }
}
