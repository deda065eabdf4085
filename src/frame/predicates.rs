//! Predicates that Polars has no word for, or no cheap one.

use super::{FrameError, common_columns};
use crate::model::{Common, IpNetwork, Link, Micros};
use polars::prelude::*;
use std::collections::HashSet;
use std::net::IpAddr;
use std::sync::Arc;

/// A list column holds the value.
pub fn has_link(link: Link, value: &str) -> Expr {
    col(link.column()).list().contains(lit(value.to_owned()), false)
}

/// A list column holds any of the values: one pass over its items, however many values there are.
pub fn has_any(link: Link, values: impl IntoIterator<Item = String>) -> Expr {
    let values: HashSet<String> = values.into_iter().collect();
    let count = values.len();
    items_match(link, &format!("has_any of {count}"), move |text| values.contains(text))
}

/// A string column passes a test; `name` says in plans what it is.
pub fn text_matches(column: &str, name: &str, test: impl Fn(&str) -> bool + Send + Sync + 'static) -> Expr {
    let check = move |column: Column| {
        let hits = column.str()?.iter().map(|text| text.is_some_and(&test));
        Ok(BooleanChunked::from_iter_values(column.name().clone(), hits).into_column())
    };
    let output = |_: &Schema, field: &Field| Ok(Field::new(field.name().clone(), DataType::Boolean));
    col(column).map_with_fmt_str(check, output, name)
}

/// A string column is one of the values.
pub fn is_in<T: AsRef<str>>(column: &str, values: impl IntoIterator<Item = T>) -> Expr {
    let values = StringChunked::from_iter_values(PlSmallStr::EMPTY, values.into_iter()).into_series();
    col(column).is_in(lit(values).implode(false), false)
}

/// A list of addresses holds one of these ranges.
pub fn in_networks(networks: &[IpNetwork]) -> Expr {
    // Most addresses are refused by their first bytes, without being parsed.
    let prefixes: Arc<[(String, IpNetwork)]> = networks.iter().map(|net| (net.text_prefix(), *net)).collect();
    let told = networks.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
    items_match(Link::Ip, &format!("in {told}"), move |text| {
        let mut parsed: Option<Option<IpAddr>> = None;
        prefixes.iter().filter(|(prefix, _)| text.starts_with(prefix.as_str()) || text.contains(':')).any(|(_, net)| {
            parsed.get_or_insert_with(|| text.parse().ok()).is_some_and(|address| net.contains(address))
        })
    })
}

/// Rows of which an item of the list passes.
fn items_match(link: Link, name: &str, test: impl Fn(&str) -> bool + Send + Sync + 'static) -> Expr {
    let check = move |column: Column| {
        let lists = column.as_materialized_series().list()?.rechunk();
        let mut hits = vec![false; lists.len()];
        if let Some(array) = lists.downcast_iter().next() {
            let items = Series::try_from((PlSmallStr::EMPTY, array.values().clone()))?;
            let items = items.str()?.rechunk();
            let offsets = array.offsets();
            for (hit, window) in hits.iter_mut().zip(offsets.windows(2)) {
                let (from, to) = (window[0] as usize, window[1] as usize);
                *hit = (from..to).any(|at| items.get(at).is_some_and(&test));
            }
        }
        Ok(BooleanChunked::from_slice(column.name().clone(), &hits).into_column())
    };
    let output = |_: &Schema, field: &Field| Ok(Field::new(field.name().clone(), DataType::Boolean));
    col(link.column()).map_with_fmt_str(check, output, name)
}

/// A condition in SQL over the common columns.
///
/// # Errors
/// Text that is no SQL expression, and columns that do not exist, with the nearest that do.
pub fn where_sql(text: &str) -> Result<Expr, FrameError> {
    let told = |message: String| FrameError { message };
    let expr = polars::sql::sql_expr(text)
        .map_err(|error| told(format!("--where `{text}` is no condition in SQL: {error}")))?
        .map_expr(with_times);
    let known = common_columns();
    for node in &expr {
        if let Expr::Column(column) = node
            && !known.contains(&column.as_str())
        {
            return Err(told(format!("--where: {}", super::no_column(column, &known))));
        }
    }
    Ok(expr)
}

/// A text that a time is compared with becomes one; without a zone it is UTC, as times of the lake are.
fn with_times(expr: Expr) -> Expr {
    let is_time = |expr: &Expr| matches!(expr, Expr::Column(name) if [Common::EventTime.name(), Common::EventEnd.name()].contains(&name.as_str()));
    let time = |expr: &Expr| {
        let Expr::Literal(value) = expr else {
            return None;
        };
        let text = value.extract_str()?.trim().replace(' ', "T");
        let whole = if text.len() == 10 { format!("{text}T00:00:00Z") } else { text };
        Micros::parse_rfc3339(&whole).or_else(|| Micros::parse_rfc3339(&format!("{whole}:00Z"))).map(super::instant)
    };
    match expr {
        Expr::BinaryExpr { left, op, right } if is_time(&left) && time(&right).is_some() => {
            let right = time(&right).map_or(right, Arc::new);
            Expr::BinaryExpr { left, op, right }
        }
        Expr::BinaryExpr { left, op, right } if is_time(&right) && time(&left).is_some() => {
            let left = time(&left).map_or(left, Arc::new);
            Expr::BinaryExpr { left, op, right }
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lists() -> DataFrame {
        let column = |items: &[&str]| Series::new("".into(), items);
        let ips = Series::new(
            "ips".into(),
            [column(&["192.0.2.9", "10.0.0.1"]), column(&[]), column(&["2001:db8::7"]), column(&["192.0.20.9"])],
        );
        DataFrame::new_infer_height(vec![ips.into_column()]).unwrap()
    }

    fn rows(predicate: Expr) -> Vec<Option<bool>> {
        let out = lists().lazy().select([predicate.alias("hit")]).collect().unwrap();
        out.column("hit").unwrap().bool().unwrap().iter().collect()
    }

    #[test]
    fn lists_are_asked_item_by_item() {
        let hits = |wanted: [bool; 4]| wanted.map(Some).to_vec();
        assert_eq!(rows(has_any(Link::Ip, ["10.0.0.1".into(), "x".into()])), hits([true, false, false, false]));
        let nets = ["192.0.2.0/24", "2001:db8::/32"].map(|n| IpNetwork::parse(n).unwrap());
        assert_eq!(rows(in_networks(&nets)), hits([true, false, true, false]));
        assert_eq!(rows(in_networks(&[])), hits([false; 4]));
    }

    #[test]
    fn conditions_name_columns_that_exist() {
        assert!(where_sql("http_status >= 500 AND source_ip LIKE '203.%'").is_ok());
        let wrong = where_sql("http_stauts >= 500").unwrap_err().message;
        assert!(wrong.contains("http_stauts") && wrong.contains("did you mean `http_status`"), "{wrong}");
        assert!(where_sql("http_status >=").unwrap_err().message.contains("no condition"));
    }
}
